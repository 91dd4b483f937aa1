package tf

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/drbot/drbot/dr"
)

const (
	// longestText is what people are given of anything Terraform printed.
	longestText = 300
	// shortestSecret keeps "1" and "yes" in a secret variable from blanking
	// every sentence.
	shortestSecret = 4
	// shortestNamed keeps short ones from changing the names by which things are told apart,
	// such as addresses: a password is as a rule longer than "drbot".
	shortestNamed = 8

	blank = "***"
)

var secretName = regexp.MustCompile(`(?i)TOKEN|SECRET|PASSWORD|KEY`)

// scrubber replaces the secrets the bot knows in text it did not write.
type scrubber struct {
	known []string
	key   []byte // of what stands for a secret in a name
}

// scrubber knows every secret the bot holds, the values of every variable whose name looks
// secret, and the Git token as it is and as it is sent.
func (j job) scrubber() scrubber {
	s := scrubber{key: j.Secrets.HashKey}.and(j.Secrets.Known...)
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
	for _, m := range j.Secrets.Modules {
		s = s.and(m.Token, basic(m.Token))
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
	return scrubber{known, s.key}
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

// clean takes the secrets out of every text that a value holds, in its place. Two secrets
// leave two different names behind, so that nothing is taken for something else.
func (s scrubber) clean(value any) {
	var pairs []string
	for _, k := range s.known {
		if len(k) >= shortestNamed {
			m := hmac.New(sha256.New, s.key)
			_, _ = m.Write([]byte("secret\n" + k)) // a hash takes everything
			pairs = append(pairs, k, blank+hex.EncodeToString(m.Sum(nil)[:4]))
		}
	}
	cleanIn(reflect.ValueOf(value), strings.NewReplacer(pairs...))
}

func cleanIn(v reflect.Value, r *strings.Replacer) {
	switch v.Kind() {
	case reflect.String:
		if clean := r.Replace(v.String()); v.CanSet() && clean != v.String() {
			v.SetString(clean)
		}
	case reflect.Pointer:
		cleanIn(v.Elem(), r)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				cleanIn(v.Field(i), r)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			cleanIn(v.Index(i), r)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			held := reflect.New(v.Type().Elem()).Elem()
			held.Set(v.MapIndex(k))
			cleanIn(held, r)
			key := reflect.New(v.Type().Key()).Elem()
			key.Set(k)
			cleanIn(key, r)
			v.SetMapIndex(k, reflect.Value{})
			v.SetMapIndex(key, held)
		}
	}
}

// cleaned is an error whose words for people hold no secret.
func (s scrubber) cleaned(err error) error {
	var known *dr.Error
	if errors.As(err, &known) {
		s.clean(&known.What)
		s.clean(&known.Next)
	}
	return err
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
