//go:build attack

package tf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestAttackByAttributes has a repository whose attributes make other code of a file when it is
// checked out than its reviewers read: one element in two, by a quotation mark that is turned
// into one of HCL's. The plan is of what was read; a plain checkout has the other.
func TestAttackByAttributes(t *testing.T) {
	w := newWorld(t)
	all := files(`
resource "terraform_data" "a" {
  for_each = toset(["kept\u201c, \u201cplanted"])
}
`)
	all["app/main.tf"] = strings.NewReplacer(`\u201c`, "\u201c").Replace(all["app/main.tf"])
	all[".gitattributes"] = "*.tf text working-tree-encoding=ASCII//TRANSLIT\n"
	// The stranger's own git takes the file in as it is.
	info := filepath.Join(w.tree, ".git", "info")
	if err := os.MkdirAll(info, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(info, "attributes"), []byte("*.tf !text !working-tree-encoding\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	commit := w.commit(all)

	plain := filepath.Join(w.dir, "plain")
	w.git(w.dir, "clone", "-q", w.bare, plain)
	w.git(plain, "checkout", "-q", commit)
	if data, err := os.ReadFile(filepath.Join(plain, "app", "main.tf")); err != nil || !strings.Contains(string(data), `["kept", "planted"]`) {
		t.Fatalf("a plain checkout has the code as it was read, so nothing is proved: %q, %v", data, err)
	}
	p, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	if err != nil || len(p.Changes) != 1 || strings.Contains(p.Changes[0].Address, `"planted"`) {
		t.Errorf("the planted element WENT THROUGH: %+v, %v", p.Changes, err)
	}
	t.Log("stopped: blobs are written as they are, by no attribute")
}
