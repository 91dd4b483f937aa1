package dr

import "testing"

// TestActionsAreForeign looks at what two plans differ by: Terraform's actions are no words
// of ours, so that a translation leaves them as people read them in its own output.
func TestActionsAreForeign(t *testing.T) {
	was := Plan{Stack: "tokyo", Changes: []ResourceChange{
		{Address: "aws_x.gone", Actions: []string{"create"}},
		{Address: "aws_x.other", Actions: []string{"update"}},
	}}
	now := Plan{Stack: "tokyo", Changes: []ResourceChange{
		{Address: "aws_x.new", Actions: []string{"create"}},
		{Address: "aws_x.other", Actions: []string{"delete", "create"}},
	}}
	looked := 0
	said := Wider(now, was)
	for _, d := range Differs(now, was) {
		said = append(said, *d.Args["what"].Text)
	}
	for _, said := range said {
		for name, arg := range said.Args {
			switch name {
			case "actions", "approved", "one", "other":
			default:
				continue
			}
			looked += len(arg.List)
			for _, a := range arg.List {
				if a.Foreign == "" {
					t.Errorf("%s: %s is %+v", said.ID, name, a)
				}
			}
		}
	}
	if looked < 6 {
		t.Errorf("only %d actions were looked at", looked)
	}
}
