// Package texttest helps tests see where words come from.
package texttest

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"
	"text/template"
	"text/template/parse"

	"go.yaml.in/yaml/v3"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

// Word is all that a catalogue of nonsense says beside what a message is about.
const Word = "blorp"

// Nonsense gives the English catalogue with every word of it replaced: what is still said
// in English does not come from the catalogue.
func Nonsense(t testing.TB) *text.Catalogue {
	t.Helper()
	doc, err := fs.ReadFile(text.Files(), "en.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var messages map[string]any
	if err := yaml.Unmarshal(doc, &messages); err != nil {
		t.Fatal(err)
	}
	for id, m := range messages {
		if forms, ok := m.(map[string]any); ok {
			for form, s := range forms {
				forms[form] = nonsense(t, fmt.Sprint(s))
			}
			continue
		}
		if id != string(dr.Words) {
			messages[id] = nonsense(t, fmt.Sprint(m))
		}
	}
	out, err := yaml.Marshal(messages)
	if err != nil {
		t.Fatal(err)
	}
	c, err := text.NewFrom(fstest.MapFS{"en.yaml": {Data: out}}, dr.Verbs())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// nonsense keeps what a message is about and its marks.
func nonsense(t testing.TB, message string) string {
	t.Helper()
	tmpl, err := template.New("").Funcs(template.FuncMap{"bold": fmt.Sprint, "code": fmt.Sprint, "check": fmt.Sprint, "measure": fmt.Sprint, "date": fmt.Sprint}).Parse(message)
	if err != nil {
		t.Fatalf("%q: %v", message, err)
	}
	out := Word
	for _, n := range tmpl.Root.Nodes {
		action, ok := n.(*parse.ActionNode)
		if !ok {
			continue
		}
		for _, c := range action.Pipe.Cmds {
			for i, a := range c.Args {
				if s, ok := a.(*parse.StringNode); ok {
					c.Args[i] = &parse.StringNode{NodeType: parse.NodeString, Quoted: `"` + Word + `"`, Text: s.Text}
				}
			}
		}
		out += " " + action.String() + " " + Word
	}
	return out
}
