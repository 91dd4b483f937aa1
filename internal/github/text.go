package github

import "unicode/utf8"

// What GitHub takes, in characters.
const (
	maxTitle       = 256
	maxText        = 65_536
	maxComment     = 65_000 // under maxText, so that a marker and a note always fit
	maxDescription = 140
)

func titleOf(s string) string       { return cut(s, maxTitle, "…") }
func descriptionOf(s string) string { return cut(s, maxDescription, "…") }

// scissors is what ends a text of which GitHub takes no more.
type scissors string

func (n scissors) body(s string) string { return cut(s, maxText, string(n)) }

// comment is a comment as it is written: its marker first, which a page does not show.
func (n scissors) comment(marker, body string) string {
	return cut("<!-- "+marker+" -->\n"+body, maxComment, string(n))
}

// cut shortens a text to at most limit characters, the note at its end included.
// It never parts a character.
func cut(s string, limit int, note string) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	keep := limit - utf8.RuneCountInString(note)
	for i := range s {
		if keep == 0 {
			return s[:i] + note
		}
		keep--
	}
	return s
}
