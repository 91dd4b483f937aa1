package tf

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// object writes an object into a repository.
func object(t *testing.T, repo, kind, content string) string {
	t.Helper()
	cmd := exec.Command("git", "-C", repo, "hash-object", "-w", "-t", kind, "--stdin", "--literally")
	cmd.Stdin = strings.NewReader(content)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git hash-object: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// folderOf writes a folder whose entries are all the same object.
func folderOf(t *testing.T, repo, mode, id string, names ...string) string {
	t.Helper()
	var raw strings.Builder
	for _, n := range names {
		raw.WriteString(mode + " " + n + "\x00")
		for i := 0; i < len(id); i += 2 {
			var b byte
			if _, err := fmt.Sscanf(id[i:i+2], "%02x", &b); err != nil {
				t.Fatal(err)
			}
			raw.WriteByte(b)
		}
	}
	return object(t, repo, "tree", raw.String())
}

// TestBudgetsOfACheckout refuses trees that hold too much before anything is written: a bomb of
// a few objects, folders without end, files larger than there is room for.
func TestBudgetsOfACheckout(t *testing.T) {
	w := newWorld(t)
	names := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("f%03d", i))
		}
		return out
	}
	blob := object(t, w.bare, "blob", "x")
	big := object(t, w.bare, "blob", strings.Repeat("x", 32<<20))
	commitOf := func(tree string) string {
		return w.git(w.bare, "commit-tree", "-m", "x", tree)
	}
	bomb := folderOf(t, w.bare, "100644", blob, names(100)...)
	for range 4 { // 10 thousand million files, in five objects
		bomb = folderOf(t, w.bare, "40000", bomb, names(100)...)
	}
	deep := folderOf(t, w.bare, "100644", blob, "x")
	for range mostDepth {
		deep = folderOf(t, w.bare, "40000", deep, "d")
	}
	for name, c := range map[string]struct{ tree, want string }{
		"a bomb":          {bomb, "it has more than 100000 files and folders"},
		"many files":      {folderOf(t, w.bare, "40000", folderOf(t, w.bare, "100644", blob, names(1000)...), names(101)...), "it has more than 100000 files and folders"},
		"deep folders":    {deep, "its folders are more than 64 deep"},
		"large files":     {folderOf(t, w.bare, "40000", folderOf(t, w.bare, "100644", big, names(65)...), "app"), "its files are larger than 2048 MiB together"},
		"a link as large": {folderOf(t, w.bare, "120000", big, "l"), "a link leads out of the repository"},
	} {
		t.Run(name, func(t *testing.T) {
			commit := commitOf(c.tree)
			_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
			what, next := dr.Told(err)
			if says := texttest.Say(t, what); dr.CodeOf(err) != dr.Uncertain || !strings.Contains(says, c.want) || !strings.Contains(texttest.Say(t, next), "pull request") {
				t.Errorf("%v: %s", dr.CodeOf(err), says)
			}
		})
	}
}

// TestWhatACheckoutMayNotHold refuses files that Terraform would take for its own, in any
// letter case, and links that lead out.
func TestWhatACheckoutMayNotHold(t *testing.T) {
	w := newWorld(t)
	for name, content := range map[string]string{
		"app/.terraform/providers/x": "x",
		"app/.Terraform":             "x",
		"app/.TERRAFORM":             "x",
		"app/dev.tfrc":               "x",
		"app/sub/.terraformrc":       "x",
		"app/errored.tfstate":        "{}",
		"app/passwd":                 "-> /etc/passwd",
		"app/secrets":                "-> ../../plan.bin",
		"app/loop":                   "-> loop",
		"app/way/by/link.tf":         "-> ../../../../x",
	} {
		t.Run(name, func(t *testing.T) {
			w := w.branch(t)
			all := files("")
			all[name] = content
			_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: w.commit(all)})
			what, _ := dr.Told(err)
			if says := texttest.Say(t, what); dr.CodeOf(err) != dr.Uncertain || !strings.Contains(says, strings.Split(name, "/providers")[0]) {
				t.Errorf("%v: %s", dr.CodeOf(err), says)
			}
		})
	}
	ordinary := files("")
	ordinary["elsewhere/.terraform/x"], ordinary["elsewhere/link"] = "x", "-> /etc/passwd" // which are not checked out
	ordinary["app/.terraform.lock.hcl"] = ""
	ordinary["app/terraform/x.tf"] = ""
	ordinary["app/beside"] = "-> ../active_region.auto.tfvars"
	ordinary["app/nothing"] = "-> not/there"
	if _, err := w.branch(t).terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: w.branch(t).commit(ordinary)}); err != nil {
		t.Errorf("an ordinary repository: %v", err)
	}
}

// TestACheckoutIsByteForByte sees that no attribute of a repository makes other bytes of what it
// holds, in a mirror of an earlier edition as well.
func TestACheckoutIsByteForByte(t *testing.T) {
	w := newWorld(t)
	all := files("")
	all[".gitattributes"] = "*.txt text eol=crlf\n*.utf working-tree-encoding=UTF-16LE\n*.id ident\n"
	all["app/.gitattributes"] = "* text eol=crlf\n"
	all["app/a.txt"], all["b.utf"], all["c.id"] = "one\ntwo\n", "t\x00e\x00", "$Id$\n"
	commit := w.commit(all)
	j := job{Place: place{WorkDir: w.opts.WorkDir, GitURL: "file://" + w.bare}}
	g := newGit(j)
	if err := g.have(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	for _, mirror := range []string{"a new mirror", "one that somebody emptied"} {
		dir := filepath.Join(t.TempDir(), "src")
		h, err := g.checkout(t.Context(), dir, commit, "", dr.Stack{Dir: "."})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"app/a.txt": "one\ntwo\n", "b.utf": "te", "c.id": "$Id$\n"} {
			if is, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(is) != want {
				t.Errorf("%s: %s holds %q, %v", mirror, name, is, err)
			}
		}
		if !slices.Contains(h.paths, "app/active_region.auto.tfvars") {
			t.Errorf("it holds %q", h.paths)
		}
		if err := os.Remove(filepath.Join(g.mirror, "info", "attributes")); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOnlyWhatIsReadIsCheckedOut sees that a checkout holds the stack, its modules, the files
// that these read, and links with what they lead to; and everything where a program is started,
// of which nobody can tell what it reads.
func TestOnlyWhatIsReadIsCheckedOut(t *testing.T) {
	w := newWorld(t)
	all := files("module \"m\" {\n  source = \"../modules/m\"\n}\nlocals {\n  f = file(\"../shared/f.txt\")\n}\n")
	all["modules/m/main.tf"], all["modules/m/t/x.tpl"], all["modules/other/main.tf"] = "locals {\n  t = \"${path.module}/t\"\n}\n", "x", ""
	all["shared/f.txt"], all["shared/g.txt"], all["other/main.tf"], all["README.md"] = "f", "g", "", "x"
	some := w.commit(all)
	started := w.commit(map[string]string{"app/p.tf": "resource \"terraform_data\" \"p\" {\n  provisioner \"local-exec\" {\n    command = \"true\"\n  }\n}\n"})
	g := newGit(job{file: "values/region.auto.tfvars", Place: place{WorkDir: w.opts.WorkDir, GitURL: "file://" + w.bare}})
	for commit, want := range map[string][]string{
		some: {"active_region.auto.tfvars", "app/active_region.auto.tfvars", "app/main.tf", "modules/m/main.tf", "modules/m/t/x.tpl", "shared/f.txt"},
		started: {
			"README.md", "active_region.auto.tfvars", "app/active_region.auto.tfvars", "app/main.tf", "app/p.tf", "modules/m/main.tf", "modules/m/t/x.tpl",
			"modules/other/main.tf", "other/main.tf", "shared/f.txt", "shared/g.txt",
		},
	} {
		dir := filepath.Join(t.TempDir(), "src")
		if _, err := g.checkout(t.Context(), dir, commit, "", w.stack()); err != nil {
			t.Fatal(err)
		}
		var is []string
		err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				rel, _ := filepath.Rel(dir, name)
				is = append(is, filepath.ToSlash(rel))
			}
			return err
		})
		if err != nil || !slices.Equal(is, want) {
			t.Errorf("it holds %q, %v, and not %q", is, err, want)
		}
	}
}
