package text

import (
	"fmt"
	"strings"
	"unicode"
)

// Unmask writes by its number every character of a name that cannot be seen or that looks
// like another one, so that two names that are not the same do not read the same. What
// Latin, Korean, Chinese and Japanese are written in stays as it is.
func Unmask(s string) string {
	if !strings.ContainsFunc(s, masks) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if masks(r) {
			fmt.Fprintf(&b, `\u{%x}`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// lookalikes are letters among those of Latin that read like others of them.
const lookalikes = "\u0131\u0138\u017f"

// typographic are signs that nobody takes for another.
const typographic = "\u2018\u2019\u201c\u201d\u2026\u00b7\u2192\u2190"

// masks tells the characters that hide something.
func masks(r rune) bool {
	switch {
	case r >= ' ' && r < 0x7f, r == '\n', r == '\r', r == '\t': // line breaks are for whoever shows it
		return false
	case strings.ContainsRune(lookalikes, r):
		return true
	case strings.ContainsRune(typographic, r), r >= 0xc0 && r <= 0x17f && unicode.IsLetter(r):
		return false
	case r >= 0xac00 && r <= 0xd7a3, r >= 0x4e00 && r <= 0x9fff, r >= 0x3041 && r <= 0x3096, r >= 0x30a1 && r <= 0x30fa:
		return false // Hangul, Han, kana
	}
	return true
}
