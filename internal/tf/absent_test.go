package tf

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// submodule makes another repository and puts it into the tree at a path.
func (w *world) submodule(at string, content map[string]string) {
	w.t.Helper()
	other := *w
	other.bare, other.tree = filepath.Join(w.dir, "other.git"), filepath.Join(w.dir, "other")
	w.git(w.dir, "init", "-q", "--bare", "-b", "main", other.bare)
	w.git(w.dir, "init", "-q", "-b", "main", other.tree)
	w.git(other.tree, "remote", "add", "origin", other.bare)
	other.commit(content)
	w.git(w.tree, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.bare, at)
}

const twoResources = `
resource "terraform_data" "one" {}
resource "terraform_data" "two" {}
`

func TestCase2ASubmoduleThatIsRead(t *testing.T) {
	const call = `
module "m" {
  source = "SOURCE"
}
`
	for name, c := range map[string]struct {
		at, main string
		says     string // nothing where the stack does not read it
	}{
		"a module":             {"modules/m", strings.Replace(call, "SOURCE", "../modules/m", 1), "Stack app reads modules/m, which is a Git submodule: a checkout has nothing there."},
		"a module in it":       {"modules/m", strings.Replace(call, "SOURCE", "../modules/m/sub", 1), "Terraform could not initialise the stack"},
		"a file in the folder": {"app/files", `resource "terraform_data" "a" { input = fileset("${path.module}/files/", "*") }`, "Stack app reads app/files, which is a Git submodule: a checkout has nothing there."},
		"beside the stack":     {"docs", twoResources, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.submodule(c.at, map[string]string{"main.tf": twoResources, "sub/main.tf": twoResources})
			commit := w.commit(files(c.main))
			p, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
			if c.says == "" {
				if err != nil || len(p.Changes) != 2 {
					t.Errorf("plan %+v, %v", p, err)
				}
				return
			}
			what, next := texttest.Told(t, err)
			if !strings.Contains(what, c.says) || !strings.Contains(next, "ubmodule") {
				t.Errorf("refused with %q, %q (%v)", what, next, err)
			}
		})
	}
}

func TestCase18APointerOfLFSThatIsRead(t *testing.T) {
	pointer := lfsPointer + "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	read := func(path string) string {
		return `resource "terraform_data" "a" { input = filesha256("${path.module}/` + path + `") }`
	}
	for name, c := range map[string]struct {
		file, content, main string
		says                string // nothing where it is no pointer, or is not read
	}{
		"in the stack":        {"app/f.zip", pointer, read("f.zip"), "Stack app reads app/f.zip, of which the repository has a pointer of Git LFS alone."},
		"in another folder":   {"files/f.zip", pointer, read("../files/f.zip"), "Stack app reads files/f.zip, of which the repository has a pointer of Git LFS alone."},
		"in a module":         {"modules/m/f.zip", pointer, `module "m" { source = "../modules/m" }`, "Stack app reads modules/m/f.zip, of which the repository has a pointer of Git LFS alone."},
		"not read":            {"docs/f.png", pointer, twoResources, ""},
		"a file that is none": {"app/f.zip", "see " + pointer, read("f.zip"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			all := files(c.main)
			all[c.file], all["modules/m/main.tf"] = c.content, twoResources
			commit := w.commit(all)
			p, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
			if c.says == "" {
				if err != nil || len(p.Changes) == 0 {
					t.Errorf("plan %+v, %v", p, err)
				}
				return
			}
			if what, next := texttest.Told(t, err); what != c.says || dr.CodeOf(err) != dr.Conflict || !strings.Contains(next, "git lfs migrate export") {
				t.Errorf("refused with %q, %q", what, next)
			}
		})
	}
}
