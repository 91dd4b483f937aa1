package text

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/drbot/drbot/dr"
)

// Command is a command as it is typed at the place of these words: what it needs and
// was not given is shown by its name, in capitals; what may be left out is.
func (w Words) Command(c dr.Command) string { return w.prefix() + w.typed(c, false) }

// Usage is a verb with everything it takes but its options.
func (w Words) Usage(v dr.Verb) string { return w.prefix() + w.typed(dr.Command{Verb: v.Name}, true) }

func (w Words) prefix() string {
	if w.place == Slack {
		return "/dr "
	}
	return "drbot "
}

func (w Words) typed(c dr.Command, usage bool) string {
	words := []string{c.Verb}
	verb, known := dr.VerbNamed(w.catalogue.verbs, c.Verb)
	if !known {
		// A verb of the program alone, such as "config check": it takes what it is given.
		for _, k := range sorted(c.Args) {
			words = append(words, c.Args[k])
		}
		return strings.Join(words, " ")
	}
	for _, p := range verb.Params {
		value, given := c.Args[p.Name]
		switch {
		case given || !p.Optional:
			words = append(words, w.param(p, value)...)
		case usage && !p.Option:
			words = append(words, "["+p.Placeholder()+"]")
		}
	}
	return strings.Join(words, " ")
}

func (w Words) param(p dr.Param, value string) []string {
	hole := value == ""
	if hole {
		value = p.Placeholder()
	}
	asFlag := p.Flag != "" && (w.place == Shell || p.Option)
	switch {
	case p.Switch:
		return []string{p.Flag}
	case !hole && w.place == Shell:
		value = quote(p, value)
	case hole && p.Rest && asFlag:
		value = "TEXT"
	}
	if asFlag {
		return []string{p.Flag, value}
	}
	return []string{value}
}

// quote makes one word for a shell of what people typed. A choice of the parameter's
// own, such as retry|stop, is a hole and stays as it is, and so is one of two Regions.
func quote(p dr.Param, s string) string {
	choice := func(part string) bool { return slices.Contains(p.Choices, part) }
	if parts := strings.Split(s, "|"); len(p.Choices) > 0 && !slices.ContainsFunc(parts, func(part string) bool { return !choice(part) }) {
		return s
	}
	if p.Either && !strings.ContainsFunc(strings.ReplaceAll(s, "|", ""), func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		return s
	}
	bare := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@,+=", r)
	}
	if !p.Rest && !strings.ContainsFunc(s, func(r rune) bool { return !bare(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Nearest finds the verb that somebody who mistyped one may have meant.
func (c *Catalogue) Nearest(typed string) (string, bool) {
	names := make([]string, len(c.verbs))
	for i, v := range c.verbs {
		names[i] = v.Name
	}
	return Nearest(typed, names)
}

// Nearest finds the name that somebody who mistyped one may have meant.
func Nearest(typed string, names []string) (string, bool) {
	best, name := 3, "" // two letters off, at most
	for _, n := range names {
		if d := levenshtein.ComputeDistance(strings.ToLower(typed), strings.ToLower(n)); d < best && d < len(n) {
			best, name = d, n
		}
	}
	return name, name != ""
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
