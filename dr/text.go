package dr

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"
)

// TextID names a message of the catalogue.
type TextID string

// Text is something to say to people: a message by its id, with what it is about. It is
// turned into words at the very edge, in the reader's language, so nothing that is
// stored or crosses a package holds prose.
type Text struct {
	ID   TextID         `json:"id,omitempty"`
	Args map[string]Arg `json:"args,omitempty"`
}

// Arg is what a message is about. Exactly one of its fields is set.
type Arg struct {
	Word     string         `json:"w,omitempty"` // a name that the team or the program gave: a service, a person, a step
	Foreign  string         `json:"f,omitempty"` // words of somebody else's: AWS's, Terraform's, GitHub's, a cause
	Number   *float64       `json:"n,omitempty"`
	Time     time.Time      `json:"t,omitzero"`
	Duration *time.Duration `json:"d,omitempty"`
	Text     *Text          `json:"m,omitempty"`
	Command  *Command       `json:"c,omitempty"`
	List     []Arg          `json:"l,omitempty"`
	Lines    []Text         `json:"s,omitempty"` // each on a line of its own
}

// UnmarshalJSON reads a text, and takes the sentence that an earlier edition stored in
// its place as words of somebody else's.
func (t *Text) UnmarshalJSON(doc []byte) error {
	if len(doc) == 0 || doc[0] != '"' {
		type plain Text
		return json.Unmarshal(doc, (*plain)(t))
	}
	var sentence string
	if err := json.Unmarshal(doc, &sentence); err != nil {
		return err
	}
	*t = Text{}
	if sentence != "" {
		*t = T(Words, "words", Foreign(sentence))
	}
	return nil
}

// Words is the message of words that stand in no catalogue: those of an earlier edition.
const Words TextID = "words"

// Foreign marks words of somebody else's for T: they are shown as they are, and no
// catalogue has them.
type Foreign string

// Foreigns marks each of some.
func Foreigns(all []string) []Foreign {
	out := make([]Foreign, len(all))
	for i, s := range all {
		out[i] = Foreign(s)
	}
	return out
}

// Lines are texts for T that are shown below one another, set in a little.
type Lines []Text

// Command is something to type, by its verb and what the verb takes. Slack and the
// command line write it each in their way.
type Command struct {
	Verb string            `json:"verb"`
	Args map[string]string `json:"args,omitempty"` // by the verb's parameters; one that is missing is shown by its name
}

// Cmd makes a command from alternating names and values of its parameters; an empty
// value is as if it were not there.
func Cmd(verb string, pairs ...string) Command {
	c := Command{Verb: verb}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if c.Args == nil {
			c.Args = map[string]string{}
		}
		c.Args[pairs[i]] = pairs[i+1]
	}
	return c
}

// T makes a text from alternating names and values of its arguments. A value is a
// string or a named string (a name), Foreign, a number, a time, a duration, a Text, a
// Command, a list of these, or Lines; anything else is shown as Go prints it.
func T(id TextID, pairs ...any) Text {
	t := Text{ID: id}
	for i := 0; i+1 < len(pairs); i += 2 {
		if t.Args == nil {
			t.Args = make(map[string]Arg, len(pairs)/2)
		}
		t.Args[fmt.Sprint(pairs[i])] = ArgOf(pairs[i+1])
	}
	return t
}

// ArgOf makes an argument of a value, as T does.
func ArgOf(v any) Arg {
	switch v := v.(type) {
	case Arg:
		return v
	case Foreign:
		return Arg{Foreign: string(v)}
	case string:
		return Arg{Word: v}
	case int:
		return numberArg(float64(v))
	case int64:
		return numberArg(float64(v))
	case float64:
		return numberArg(v)
	case time.Time:
		return Arg{Time: v}
	case time.Duration:
		return Arg{Duration: &v}
	case Text:
		return Arg{Text: &v}
	case Command:
		return Arg{Command: &v}
	case Lines:
		return Arg{Lines: v}
	case []string:
		return listArg(v)
	case Voices:
		if len(v) > 1 {
			return listArg(v)
		}
		return Arg{Word: v.First()}
	case []Text:
		return listArg(v)
	case []Foreign:
		return listArg(v)
	case []Region:
		return listArg(v)
	case []Kind:
		return listArg(v)
	case []Command:
		return listArg(v)
	default:
		return Arg{Word: fmt.Sprint(v)} // a named string such as a Region or a Mode
	}
}

func numberArg(v float64) Arg { return Arg{Number: &v} }

func listArg[T any](vs []T) Arg {
	a := Arg{List: []Arg{}}
	for _, v := range vs {
		a.List = append(a.List, ArgOf(v))
	}
	return a
}

// Empty tells whether there is nothing to say.
func (t Text) Empty() bool { return t.ID == "" }

// String is the text for a log: its id and its arguments, in no language.
func (t Text) String() string {
	if len(t.Args) == 0 {
		return string(t.ID)
	}
	names := make([]string, 0, len(t.Args))
	for n := range t.Args {
		names = append(names, n)
	}
	sort.Strings(names)
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = n + "=" + t.Args[n].String()
	}
	return string(t.ID) + "(" + strings.Join(parts, ", ") + ")"
}

// String is the argument for a log.
func (a Arg) String() string {
	switch {
	case a.Foreign != "":
		return a.Foreign
	case a.Number != nil:
		return fmt.Sprintf("%g", *a.Number)
	case !a.Time.IsZero():
		return a.Time.UTC().Format(time.RFC3339)
	case a.Duration != nil:
		return a.Duration.String()
	case a.Text != nil:
		return a.Text.String()
	case a.Command != nil:
		doc, err := json.Marshal(a.Command)
		if err != nil {
			return a.Command.Verb
		}
		return string(doc)
	case a.List != nil:
		return fmt.Sprint(a.List)
	case a.Lines != nil:
		return fmt.Sprint(a.Lines)
	default:
		return a.Word
	}
}

// Commands are those that the text names, whatever it is made of.
func (t Text) Commands() []Command {
	var out []Command
	var in func(Arg)
	in = func(a Arg) {
		if a.Command != nil {
			out = append(out, *a.Command)
		}
		if a.Text != nil {
			out = append(out, a.Text.Commands()...)
		}
		for _, l := range a.List {
			in(l)
		}
		for _, l := range a.Lines {
			out = append(out, l.Commands()...)
		}
	}
	for _, a := range t.Args {
		in(a)
	}
	return out
}

// Same tells whether two texts say the same about the same.
func (t Text) Same(o Text) bool { return t.String() == o.String() }
