//go:build attack

package tf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/wall"
	"github.com/drbot/drbot/internal/wall/walltest"
	"github.com/drbot/drbot/text/texttest"
)

// TestAttackFromPlanToApply has the plan of a stranger's commit leave a process behind that
// goes on after it and writes code into the checkout of an apply, whose path it knows: as
// another user than the apply's it cannot, nor behind Landlock; without a wall it does.
func TestAttackFromPlanToApply(t *testing.T) {
	has := wall.Look().Landlock
	for name, by := range map[string]struct {
		users    bool
		landlock int
	}{
		"users switched alone": {users: true}, "users switched, Landlock": {users: true, landlock: has}, "Landlock": {landlock: has}, "none": {},
	} {
		t.Run(name, func(t *testing.T) {
			if !by.users {
				if by.landlock == 0 && name != "none" {
					t.Skip("not proved here: this kernel has no Landlock")
				}
				w := newWorld(t)
				w.opts.Isolation.Landlock = by.landlock
				if name == "none" {
					w.opts.Isolation = Isolation{}
				}
				w.fromPlanToApply(name != "none")
				return
			}
			if programs := walltest.Ordinary(t); programs != "" {
				ordinaryWorld(t, programs, by.landlock).fromPlanToApply(true)
			}
		})
	}
}

func (w *world) fromPlanToApply(walled bool) {
	t := w.t
	t.Helper()
	in := func(name string) string { return filepath.Join(w.dir, name) }
	for _, name := range []string{"tried", "through"} {
		if err := os.WriteFile(in(name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(in(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	stop := func() {
		if err := os.WriteFile(in("stop"), nil, 0o644); err != nil {
			t.Error(err)
		}
	}
	defer stop()
	work := w.terraform().disk.applyFolder("key").file(workFolder)
	left := filepath.Join(filepath.Dir(w.dir), "left")
	script := fmt.Sprintf(`n=0
while [ ! -e %[1]s/stop ] && [ $n -lt 2000 ]; do
  if [ -e %[2]s/src ]; then
    if echo '# planted' > %[2]s/src/app/planted.tf; then echo through >> %[1]s/through; fi
    echo tried >> %[1]s/tried
  fi
  n=$((n+1)); sleep 0.05
done
`, w.dir, work)
	if err := os.WriteFile(left, []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	real := w.opts.TerraformPath
	w.opts.TerraformPath = w.wrapper("plan", "(setsid /bin/sh "+left+" >/dev/null 2>&1 </dev/null &)")
	if err := os.Chmod(w.opts.TerraformPath, 0o755); err != nil {
		t.Fatal(err)
	}
	if w.opts.Isolation.Launcher != "" {
		w.opts.Isolation.Paths.Run = append(w.opts.Isolation.Paths.Run, left)
	}
	commit := w.commit(files(fmt.Sprintf(`
resource "terraform_data" "a" {
  provisioner "local-exec" {
    command = "n=0; while [ ! -s %s ] && [ $n -lt 300 ]; do n=$((n+1)); sleep 0.1; done"
  }
}
`, in("tried"))))
	req := w.request("key", commit)
	w.opts.TerraformPath = real
	if r := w.apply(req); r.Kind != dr.ApplyDone {
		t.Fatalf("%+v", r)
	}
	stop()
	tried, err := os.ReadFile(in("tried"))
	if err != nil || len(tried) == 0 {
		t.Fatalf("nothing was tried: %v", err)
	}
	through, err := os.ReadFile(in("through"))
	switch {
	case err != nil:
		t.Error(err)
	case walled && len(through) > 0:
		t.Error("what a plan left WROTE into an apply")
	case walled:
		t.Log("stopped: what a plan left cannot write into an apply")
	case len(through) == 0:
		t.Error("it does not write into an apply without a wall either, so nothing is proved")
	}
}

// TestAttackByTreeBomb has commits of less than 200 KB that hold more files than a disk or a
// life has room for: each is refused by a look at its list, and nothing is written.
func TestAttackByTreeBomb(t *testing.T) {
	w := newWorld(t)
	names := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("f%04d", i))
		}
		return out
	}
	blob := object(t, w.bare, "blob", "x")
	for name, shape := range map[string]struct{ wide, levels int }{"ten to the twelfth files": {100, 6}, "of three wide folders": {2000, 3}} {
		tree := folderOf(t, w.bare, "100644", blob, names(shape.wide)...)
		for range shape.levels - 1 {
			tree = folderOf(t, w.bare, "40000", tree, names(shape.wide)...)
		}
		if size := shape.wide * shape.levels * len("40000 f0000 12345678901234567890"); size > 200_000 {
			t.Fatalf("%s is %d bytes", name, size)
		}
		commit := w.git(w.bare, "commit-tree", "-m", "x", tree)
		w.git(w.bare, "update-ref", "refs/heads/main", commit)
		_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
		what, _ := texttest.Told(t, err)
		if err == nil || !strings.Contains(what, "more than 100000 files and folders") {
			t.Errorf("%s: %q, %v", name, what, err)
		}
		w.nothingLeft()
		t.Logf("%s: refused", name)
	}
}
