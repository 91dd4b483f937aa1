package bot

import (
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

// command is a /dr command as it was typed: a verb and its parameters, by their names.
type command struct {
	verb  string
	args  map[string]string
	since time.Time
}

// maxText bounds the text of a command; Slack itself sends no more than 4,000
// characters or so.
const maxText = 4000

// typed undoes what keyboards and Slack make of dashes and blanks.
var typed = strings.NewReplacer("—", "--", "–", "--", "\u00a0", " ", "\u200b", "")

// parse reads the text after /dr by the verbs of a catalogue. It is forgiving about
// case, quotes and dashes that keyboards and Slack put in, and strict about everything
// else. A service that was not named, and what depends on it, is left for the engine to
// ask for: it knows which there are.
func parse(s string, c *text.Catalogue) (command, error) {
	help := dr.T("command.try", "command", dr.Cmd("help"))
	if len(s) > maxText {
		return command{}, invalid(dr.T("command.too-long"), help)
	}
	words := strings.Fields(typed.Replace(s))
	if len(words) == 0 {
		words = []string{"help"}
	}
	verb, known := dr.VerbNamed(c.Verbs(), strings.ToLower(words[0]))
	if !known {
		next := help
		if near, ok := c.Nearest(words[0]); ok {
			next = dr.T("command.nearest", "command", dr.Cmd(near))
		}
		return command{}, invalid(dr.T("command.unknown", "typed", short(words[0], 30)), next)
	}
	cmd := command{verb: verb.Name, args: map[string]string{}}
	rest, err := cmd.read(verb, words[1:])
	if err != nil {
		return cmd, err
	}
	if len(rest) > 0 {
		return cmd, invalid(dr.T("command.extra", "typed", short(strings.Join(rest, " "), 60)), help)
	}
	return cmd, cmd.complete(verb)
}

// read takes the words one parameter after the other and gives what is left.
func (c *command) read(verb dr.Verb, words []string) ([]string, error) {
	optioned := false
	for _, p := range verb.Params {
		switch {
		case p.Option && optioned:
		case p.Option:
			optioned = true
			var err error
			if words, err = c.options(verb, words); err != nil {
				return nil, err
			}
		case p.Rest:
			if i := slices.IndexFunc(words, func(w string) bool { return isOption(verb, w) }); i >= 0 {
				return nil, invalid(dr.T("command.option-late", "typed", short(words[i], 40)), dr.T("command.options", "options", options(verb)))
			}
			c.set(p, strings.Join(words, " "))
			words = nil
		case len(words) > 0:
			c.set(p, strings.ToLower(strings.Trim(words[0], "`\"'“”‘’")))
			words = words[1:]
		}
	}
	return words, nil
}

// isOption tells whether a word is one of a verb's options: behind a reason it would be
// taken as a part of it, and what was asked for would not be done.
func isOption(verb dr.Verb, word string) bool {
	name, _, _ := strings.Cut(word, "=")
	return slices.ContainsFunc(verb.Params, func(p dr.Param) bool { return p.Option && p.Flag == name })
}

func (c *command) set(p dr.Param, value string) {
	if value != "" {
		c.args[p.Name] = value
	}
}

// options reads the options that stand before the rest.
func (c *command) options(verb dr.Verb, words []string) ([]string, error) {
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		name, value, has := strings.Cut(words[0], "=")
		words = words[1:]
		i := slices.IndexFunc(verb.Params, func(p dr.Param) bool { return p.Option && p.Flag == name })
		if i < 0 {
			return nil, invalid(dr.T("command.no-option", "typed", short(name, 40)), dr.T("command.options", "options", options(verb)))
		}
		p := verb.Params[i]
		switch {
		case p.Switch:
			value = "yes"
		case !has && len(words) > 0:
			value, words = words[0], words[1:]
		}
		if p.Time {
			t, err := time.Parse(time.RFC3339, value)
			if err != nil {
				return nil, invalid(dr.T("command.no-time", "typed", short(value, 40)), dr.T("command.time-form", "option", p.Flag))
			}
			c.since = t
		}
		c.set(p, value)
	}
	return words, nil
}

// complete asks for the first parameter that is missing.
func (c *command) complete(verb dr.Verb) error {
	if len(verb.Params) == 0 || verb.Params[0].Name == "service" {
		return nil
	}
	for _, p := range verb.Params {
		if p.Optional || c.args[p.Name] != "" {
			continue
		}
		cmd := dr.Command{Verb: verb.Name, Args: c.args}
		next := dr.T("command.try", "command", cmd)
		if p.Name == "run" {
			next = dr.T("command.list-runs", "status", dr.Cmd("status"), "command", cmd)
		}
		return invalid(dr.T(dr.TextID("which."+p.Name)), next)
	}
	return nil
}

// options are a verb's options as they are typed.
func options(verb dr.Verb) []string {
	var out []string
	for _, p := range verb.Params {
		if p.Option {
			out = append(out, option(p))
		}
	}
	return out
}

func option(p dr.Param) string {
	if p.Switch {
		return p.Flag
	}
	return p.Flag + " " + p.Placeholder()
}

func invalid(what, next dr.Text) error { return &dr.Error{Code: dr.Invalid, What: what, Next: next} }

// short cuts by runes, so that no character is torn.
func short(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
