package github

import "unicode/utf8"

// What GitHub takes, in characters.
const (
	maxTitle       = 256
	maxText        = 65_536
	maxComment     = 65_000 // under maxText, so that a marker and a note always fit
	maxDescription = 140
)

const cutNote = "\n\n_The rest was cut: GitHub takes no longer text._"

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
