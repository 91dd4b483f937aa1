package tf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

func TestCase19TheStateIsInAnotherWorkspace(t *testing.T) {
	w := newWorld(t)
	w.backend = map[string]string{"path": w.state(), "workspace_dir": filepath.Join(w.dir, "workspaces")}
	first := w.commit(files(twoResources))
	w.done("default", first) // no other workspace: as before

	// Somebody begins anew in prod, and empties default.
	inProd := w.stack()
	inProd.Workspace = "prod"
	_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: inProd, Commit: first})
	if what, _ := texttest.Told(t, err); dr.CodeOf(err) != dr.NotFound || what != "The state of stack app has no workspace prod." {
		t.Fatalf("got %q, %v", what, err)
	}
	prod := filepath.Join(w.dir, "workspaces", "prod")
	if err := os.MkdirAll(prod, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(w.state(), filepath.Join(prod, "terraform.tfstate")); err != nil {
		t.Fatal(err)
	}
	_, err = w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: first})
	what, next := texttest.Told(t, err)
	if dr.CodeOf(err) != dr.Conflict || what != "The state of stack app is empty in the workspace default, and there are others: prod." || !strings.Contains(next, "name the workspace of stack app") {
		t.Errorf("got %q, %q, %v", what, next, err)
	}

	plan := func(st dr.Stack, commit string) dr.Plan {
		t.Helper()
		p, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: st, Commit: commit})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := plan(inProd, first); len(p.Changes) != 0 {
		t.Errorf("in prod it would change %v", acts(p))
	}
	more := w.again(twoResources + `resource "terraform_data" "three" {}`)
	req := dr.ApplyRequest{Service: trusting(), Key: "prod", Run: "run", Stack: inProd, Commit: more, Approved: plan(inProd, more)}
	if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts != (dr.Counts{Add: 1}) {
		t.Errorf("result %+v", r)
	}
	byName := w.stack()
	byName.Workspace = defaultWorkspace
	if p := plan(byName, more); len(p.Changes) != 3 {
		t.Errorf("in default, which is meant, it would change %v", acts(p))
	}
}
