package tf

import "strings"

const (
	// largestConfig bounds the work on one file of somebody else's. What is larger is not
	// read, and counts as what may read everything.
	largestConfig = 256 << 10
	// deepest bounds how far a text may be nested: the parser goes as deep as it, and a stack
	// that is full ends the process.
	deepest = 500
)

// mayParse tells whether a text may be given to the parser.
func mayParse(text string) bool {
	if len(text) > largestConfig || strings.Count(text, "?") > deepest || strings.Count(text, "%{") > deepest {
		return false
	}
	depth, signs := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth = max(0, depth-1)
		case '!', '-':
			signs++
			if signs > deepest {
				return false
			}
			continue
		case ' ', '\t', '\r', '\n':
			continue
		}
		signs = 0
		if depth > deepest {
			return false
		}
	}
	return true
}
