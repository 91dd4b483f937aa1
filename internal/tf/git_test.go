package tf

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestDamagedMirror empties objects of the mirror, as a host that was lost can leave
// them: the mirror is made anew. One that is whole stays when the forge is gone.
func TestDamagedMirror(t *testing.T) {
	forge := t.TempDir()
	tell := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", forge, "-c", "user.name=x", "-c", "user.email=x@example.com"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	commit := func(text string) string {
		if err := os.WriteFile(filepath.Join(forge, "file"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		tell("add", "file")
		tell("commit", "-qm", text)
		return tell("rev-parse", "HEAD")
	}
	tell("init", "-q")
	tell("config", "uploadpack.allowAnySHA1InWant", "true")
	g := git{url: "file://" + forge, mirror: filepath.Join(t.TempDir(), "mirror.git")}
	first := commit("one")
	if err := g.have(t.Context(), first); err != nil {
		t.Fatal(err)
	}

	empty := func() {
		t.Helper()
		err := filepath.WalkDir(filepath.Join(g.mirror, "objects"), func(name string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			return errors.Join(os.Chmod(name, 0o600), os.Truncate(name, 0))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	empty()
	second := commit("two")
	if err := g.have(t.Context(), second); err != nil {
		t.Fatalf("with a damaged mirror: %v", err)
	}
	out := filepath.Join(t.TempDir(), "out")
	if _, err := g.checkout(t.Context(), out, second, "", dr.Stack{Dir: "."}); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(out, "file")); err != nil || string(data) != "two" {
		t.Errorf("checked out %q, %v", data, err)
	}

	if err := os.Rename(forge, forge+".gone"); err != nil {
		t.Fatal(err)
	}
	if err := g.have(t.Context(), strings.Repeat("0", 39)+"1"); err == nil {
		t.Error("a commit was had that nobody has")
	}
	if err := g.have(t.Context(), second); err != nil {
		t.Errorf("the mirror was thrown away while the forge was gone: %v", err)
	}
}
