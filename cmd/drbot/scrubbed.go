package main

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// shortestScrubbed keeps a password such as "drbot" from blanking half of the log.
const shortestScrubbed = 8

// scrubbed is a log without the secrets that drbot holds, whatever an error says. Each write
// is one line of it.
type scrubbed struct {
	to io.Writer
	of *strings.Replacer
}

func scrub(to io.Writer, secrets []string) scrubbed {
	secrets = slices.Clone(secrets)
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // one may be part of another
	var pairs []string
	for _, s := range secrets {
		if len(s) < shortestScrubbed {
			continue
		}
		pairs = append(pairs, s, "***")
		if doc, err := json.Marshal(s); err == nil && string(doc) != `"`+s+`"` { // as it stands in a line of JSON
			pairs = append(pairs, string(doc[1:len(doc)-1]), "***")
		}
	}
	return scrubbed{to, strings.NewReplacer(pairs...)}
}

// Write writes a line.
func (s scrubbed) Write(p []byte) (int, error) {
	if _, err := s.of.WriteString(s.to, string(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
