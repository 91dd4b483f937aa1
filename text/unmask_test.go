package text_test

import (
	"testing"

	"github.com/drbot/drbot/text"
)

// TestUnmask sees that two names that are not the same do not read the same.
func TestUnmask(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain":                 {`aws_lb.this["a b"]`, `aws_lb.this["a b"]`},
		"a team's own":          {`x.y["서울-東京-カナ-Übung"]`, `x.y["서울-東京-カナ-Übung"]`},
		"Cyrillic as Latin":     {"x.p\u0430yment", `x.p\u{430}yment`},
		"Greek as Latin":        {"x.\u03bfut", `x.\u{3bf}ut`},
		"full width":            {"x.\uff41", `x.\u{ff41}`},
		"a dotless i":           {"x.l\u0131ve", `x.l\u{131}ve`},
		"of the other way":      {"x.\u202eevil\u202c", `x.\u{202e}evil\u{202c}`},
		"isolates":              {"x.\u2066a\u2069", `x.\u{2066}a\u{2069}`},
		"a line separator":      {"x.a\u2028delete y", `x.a\u{2028}delete y`},
		"a paragraph separator": {"x.a\u2029b", `x.a\u{2029}b`},
		"nothing to see":        {"x.a\u200bb\ufeff\u00ad", `x.a\u{200b}b\u{feff}\u{ad}`},
		"blanks":                {"x.a\u00a0b\u3000", `x.a\u{a0}b\u{3000}`},
		"a combining mark":      {"x.a\u0301", `x.a\u{301}`},
		"a bell":                {"x.a\a", `x.a\u{7}`},
		"another dash":          {"x.a\u2010b\u2013c", `x.a\u{2010}b\u{2013}c`},
		"a slash in katakana":   {"x.a\u30ceb", "x.a\u30ceb"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := text.Unmask(c.in); got != c.want {
				t.Errorf("%q reads %q, want %q", c.in, got, c.want)
			}
		})
	}
	if got := text.OneLine("a\u2028b\u2029c\nd"); got != "a b c d" {
		t.Errorf("on one line it is %q", got)
	}
}
