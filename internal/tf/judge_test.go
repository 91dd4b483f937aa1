package tf

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// TestCodeThatIsNotAllowed has the base get a provisioner: whatever asks for a plan, and an
// apply as well, is refused before anything of it runs, and told where it stands and what
// allows it.
func TestCodeThatIsNotAllowed(t *testing.T) {
	w := newWorld(t)
	plain := w.commit(files("resource \"terraform_data\" \"a\" {\n  input = 1\n}\n"))
	ran := filepath.Join(w.dir, "ran")
	provisioned := w.commit(map[string]string{"app/b.tf": "resource \"terraform_data\" \"b\" {\n  provisioner \"local-exec\" {\n    command = \"touch " + ran + "\"\n  }\n}\n"})
	svc := dr.Service{Name: "portal"}
	refused := func(how string, err error) {
		t.Helper()
		what, next := dr.Told(err)
		says, todo := texttest.Say(t, what), texttest.Say(t, next)
		if dr.CodeOf(err) != dr.Uncertain || !strings.Contains(says, `app/b.tf:2: provisioner "local-exec": it starts a program`) ||
			!strings.Contains(todo, `allow: [{what: provisioner, path: app, reason: "..."}]`) || !strings.Contains(todo, "service portal") || !strings.Contains(todo, "drbot config check") {
			t.Errorf("%s: %v: %s / %s", how, dr.CodeOf(err), says, todo)
		}
	}
	for how, req := range map[string]dr.PlanRequest{
		"a plan":                {Commit: provisioned},
		"the drift":             {Commit: provisioned, Drift: true},
		"what a merge would be": {Commit: plain, MergeInto: provisioned},
	} {
		req.Service, req.Stack = svc, w.stack()
		_, err := w.terraform().Plan(t.Context(), req)
		refused(how, err)
	}
	r := w.apply(dr.ApplyRequest{Key: "key", Run: "run", Service: svc, Stack: w.stack(), Commit: provisioned})
	if says := texttest.Say(t, r.Summary); r.Kind != dr.ApplyFailed || !strings.Contains(says, "app/b.tf:2") || !strings.Contains(says, "allow: [{what: provisioner") || !strings.Contains(says, "Nothing was applied") {
		t.Errorf("the apply: %+v: %s", r.Kind, says)
	}
	if _, err := os.Stat(ran); !os.IsNotExist(err) {
		t.Error("the program was started")
	}

	svc.Code.Allow = []dr.Allow{{What: dr.CodeProvisioner, Path: "app", Reason: "the means of the test"}}
	p, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: svc, Stack: w.stack(), Commit: provisioned})
	if err != nil {
		t.Fatal(err)
	}
	if want := (dr.AllowedCode{What: dr.CodeProvisioner, At: "app/b.tf:2", Says: written(`provisioner "local-exec"`).text(), Reason: "the means of the test"}); len(p.Allowed) != 1 || !reflect.DeepEqual(p.Allowed[0], want) {
		t.Errorf("allowed: %+v", p.Allowed)
	}
	r = w.apply(dr.ApplyRequest{Key: "allowed", Run: "run", Service: svc, Stack: w.stack(), Commit: provisioned, Approved: p})
	if _, err := os.Stat(ran); r.Kind != dr.ApplyDone || err != nil {
		t.Errorf("the apply of what is allowed: %s, %v", texttest.Say(t, r.Summary), err)
	}
}

// TestCodeOfFetchedModules sees that a module from elsewhere is looked into once it is there,
// that its host must be listed, and that what is allowed in the stack is not allowed in it.
func TestCodeOfFetchedModules(t *testing.T) {
	w := newWorld(t)
	remote := filepath.Join(w.dir, "remote")
	w.git(w.dir, "init", "-q", "-b", "main", remote)
	module := func(name, content string) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(remote, name)); err != nil {
			t.Fatal(err)
		}
		if target, link := strings.CutPrefix(content, "-> "); link {
			if err := os.Symlink(target, filepath.Join(remote, name)); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(filepath.Join(remote, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		w.git(remote, "add", "-A")
		w.git(remote, "commit", "-q", "-m", "change")
	}
	module("m.tf", "resource \"terraform_data\" \"m\" {\n  input = filesha256(\"${path.module}/x\")\n}\n")
	module("x", "ordinary\n")
	commit := w.commit(files("module \"m\" {\n  source = \"git::file://" + remote + "\"\n}\n"))
	svc := dr.Service{Name: "portal"}
	plan := func() string {
		t.Helper()
		_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: svc, Stack: w.stack(), Commit: commit})
		if err == nil {
			return ""
		}
		what, next := dr.Told(err)
		return texttest.Say(t, what) + " / " + texttest.Say(t, next)
	}
	if says := plan(); !strings.Contains(says, "app/main.tf:9: source at file: the configuration does not list") {
		t.Errorf("a host that nobody listed: %s", says)
	}
	svc.Code.ModuleHosts = []string{"file"}
	if says := plan(); says != "" {
		t.Errorf("an ordinary module: %s", says)
	}
	module("x", "-> /etc/passwd")
	if says := plan(); !strings.Contains(says, "link that leads out of the checkout: .terraform/modules/m/x") {
		t.Errorf("a link out: %s", says)
	}
	module("x", "ordinary\n")
	module("p.tf", "resource \"terraform_data\" \"p\" {\n  provisioner \"local-exec\" {\n    command = \"true\"\n  }\n}\n")
	svc.Code.Allow = []dr.Allow{{What: dr.CodeProvisioner, Path: "app", Reason: "the stack's own"}}
	if says := plan(); !strings.Contains(says, "app/.terraform/modules/m/p.tf:2: provisioner") || !strings.Contains(says, "path: app/.terraform/modules/m,") {
		t.Errorf("a provisioner of the module: %s", says)
	}
	svc.Code.Allow[0].Path = "app/.terraform/modules/m"
	if says := plan(); says != "" {
		t.Errorf("a provisioner of the module that is allowed: %s", says)
	}
}
