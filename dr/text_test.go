package dr_test

import (
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestCommands finds a command wherever it stands in a text.
func TestCommands(t *testing.T) {
	one := dr.T("in", "command", dr.Cmd("status"))
	for name, said := range map[string]dr.Text{
		"itself": one, "a text": dr.T("of", "what", one), "a list": dr.T("of", "all", []dr.Text{one}), "commands": dr.T("of", "all", []dr.Command{dr.Cmd("status")}),
		"lines": dr.T("of", "all", dr.Lines{dr.T("none"), one}),
	} {
		if got := said.Commands(); len(got) != 1 || got[0].Verb != "status" {
			t.Errorf("%s: %v", name, got)
		}
	}
}
