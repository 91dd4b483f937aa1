package tf

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	tfjson "github.com/hashicorp/terraform-json"
)

const (
	// longestText is what people are given of anything Terraform printed.
	longestText = 300
	// shortestSecret keeps "1" and "yes" in a secret variable from blanking
	// every sentence.
	shortestSecret = 4

	blank = "***"
)

var secretName = regexp.MustCompile(`(?i)TOKEN|SECRET|PASSWORD|KEY`)

// scrubber replaces the secrets the bot knows in text it did not write.
type scrubber struct{ known []string }

// scrubber knows the values of every variable whose name looks secret, and the
// Git token as it is and as it is sent.
func (j job) scrubber() scrubber {
	var s scrubber
	for name, v := range j.Secrets.Environment {
		if secretName.MatchString(name) {
			s = s.and(v)
		}
	}
	for name, v := range j.Secrets.Source.Environment {
		if secretName.MatchString(name) {
			s = s.and(v)
		}
	}
	if t := j.Secrets.GitToken; t != "" {
		s = s.and(t, basic(t))
	}
	return s
}

// and is the scrubber with more secrets. Of a secret of several lines each line
// is one too, because only single lines are ever shown.
func (s scrubber) and(values ...string) scrubber {
	known := slices.Clone(s.known)
	for _, v := range values {
		for _, l := range append(strings.Split(v, "\n"), v) {
			if l = strings.TrimSpace(l); len(l) >= shortestSecret && !slices.Contains(known, l) {
				known = append(known, l)
			}
		}
	}
	// The longest first: a secret may be part of another.
	slices.SortFunc(known, func(a, b string) int { return len(b) - len(a) })
	return scrubber{known}
}

// line makes a text fit for people: its first line, without known secrets and
// control characters, cut to size.
func (s scrubber) line(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	for _, k := range s.known {
		text = strings.ReplaceAll(text, k, blank)
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, text)
	return cut(text, longestText)
}

func cut(text string, runes int) string {
	if utf8.RuneCountInString(text) <= runes {
		return text
	}
	return string([]rune(text)[:runes-1]) + "…"
}

// secretsOf lists the values a plan marks as sensitive: a provider may repeat
// them in what it says of a failed apply.
func secretsOf(plan *tfjson.Plan) []string {
	var out []string
	for _, rc := range slices.Concat(plan.ResourceChanges, plan.ResourceDrift) {
		if rc != nil && rc.Change != nil {
			out = marked(out, rc.Change.Before, rc.Change.BeforeSensitive)
			out = marked(out, rc.Change.After, rc.Change.AfterSensitive)
		}
	}
	for _, c := range plan.OutputChanges {
		if c == nil {
			continue // the plan is refused for it elsewhere
		}
		out = marked(out, c.Before, c.BeforeSensitive)
		out = marked(out, c.After, c.AfterSensitive)
	}
	return out
}

// marked adds the leaves of a value that stand where its marks say sensitive.
func marked(out []string, v, mark any) []string {
	if isTrue(mark) {
		return leaves(out, v)
	}
	switch v := v.(type) {
	case map[string]any:
		marks, _ := mark.(map[string]any)
		for k, child := range v {
			out = marked(out, child, marks[k])
		}
	case []any:
		marks, _ := mark.([]any)
		for i, child := range v {
			out = marked(out, child, at(marks, i))
		}
	}
	return out
}

func leaves(out []string, v any) []string {
	switch v := v.(type) {
	case string:
		out = append(out, v)
	case json.Number:
		out = append(out, v.String())
	case map[string]any:
		for k, child := range v {
			out = leaves(append(out, k), child)
		}
	case []any:
		for _, child := range v {
			out = leaves(out, child)
		}
	}
	return out
}

func isTrue(v any) bool {
	b, ok := v.(bool)
	return ok && b
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}
