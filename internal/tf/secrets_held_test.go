package tf

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestSecretsHeldAreInNoName has a repository that somehow got at two secrets of the bot put
// them where names are shown: into addresses, attributes, outputs, checks, file names and
// diagnostics. Nothing of them leaves, two are told apart, and what they name is applied.
func TestSecretsHeldAreInNoName(t *testing.T) {
	first, second := "xoxb-canary-1111111", "ghp_canary2222222222"
	w := newWorld(t)
	w.opts.Known = []string{first, second, "main"} // a short one changes no name
	commit := w.commit(files(`
resource "terraform_data" "loot" {
  for_each = toset(["` + first + `", "` + second + `"])
  input    = { (each.key) = "x" }
}
output "` + strings.ReplaceAll(second, "-", "_") + `" {
  value = 1
}
check "c" {
  assert {
    condition     = length(terraform_data.loot) == 0
    error_message = "` + first + `"
  }
}
`))
	tf := w.terraform()
	req := dr.PlanRequest{Service: dr.Service{}, Stack: w.stack(), Commit: commit}
	plan, err := tf.Plan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	clean := func(what string, v any) {
		doc, err := json.Marshal(v)
		if err != nil || strings.Contains(string(doc), first) || strings.Contains(string(doc), second) {
			t.Errorf("%s: %v %s", what, err, doc)
		}
	}
	clean("the plan", plan)
	if len(plan.Changes) != 2 || plan.Changes[0].Address == plan.Changes[1].Address || !strings.Contains(plan.Changes[0].Address, blank) {
		t.Errorf("the plan has %+v", plan.Changes)
	}
	var seen []dr.Progress
	r, err := tf.Apply(t.Context(), dr.ApplyRequest{Key: "k", Run: "r", Service: req.Service, Stack: req.Stack, Commit: commit, Approved: plan},
		func(p dr.Progress) { seen = append(seen, p) })
	if err != nil || r.Kind != dr.ApplyDone {
		t.Fatalf("%v %+v", err, r)
	}
	clean("the result", r)
	clean("its progress", seen)

	broken := w.commit(map[string]string{"app/" + first + ".tf": `resource "terraform_data" "b" { input = nothing.` + strings.ReplaceAll(second, "-", "_") + ` }`})
	req.Commit = broken
	_, err = tf.Plan(t.Context(), req)
	what, next := dr.Told(err)
	clean("the words of an error", []dr.Text{what, next})
	if err == nil || !strings.Contains(what.String(), blank) {
		t.Errorf("told %s", what)
	}
}
