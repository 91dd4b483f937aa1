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
)

// ordinaryWorld is a world whose bot is an ordinary user and may switch to two others.
func ordinaryWorld(t *testing.T, programs string, landlock int) *world {
	t.Helper()
	w := newWorld(t)
	w.opts.Isolation.Launcher, w.opts.Isolation.Switch = filepath.Join(programs, "drbot-launch"), filepath.Join(programs, "drbot-switch")
	w.opts.Isolation.Landlock, w.opts.Isolation.Filter, w.opts.Isolation.Shell = landlock, wall.Look().Filter, true
	w.opts.Isolation.User, w.opts.Isolation.ApplyUser = walltest.Plan, walltest.Apply
	for dir := w.dir; dir != filepath.Clean(os.TempDir()); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// landlocks are the versions that a test of users is played with.
func landlocks() map[string]int {
	out := map[string]int{"alone": 0}
	if has := wall.Look().Landlock; has > 0 {
		out["with Landlock"] = has
	}
	return out
}

// nothingLeft waits until the rooms of plans and applies are gone.
func (w *world) nothingLeft() {
	w.t.Helper()
	for _, dir := range []string{"plans", tempsDir, "applies/*/" + workFolder} {
		eventually(w.t, "nothing is left in "+dir, func() bool {
			pattern := filepath.Join(w.opts.WorkDir, dir)
			if !strings.Contains(dir, "*") {
				pattern = filepath.Join(pattern, "*")
			}
			left, err := filepath.Glob(pattern)
			return err == nil && len(left) == 0
		})
	}
}

// TestTerraformByTheSwitch has a bot that is an ordinary user plan as one user and apply as
// another: what is the bot's stays out of reach, each has its own, the state is theirs both,
// and all that they leave is cleared away, folders that they closed too.
func TestTerraformByTheSwitch(t *testing.T) {
	programs := walltest.Ordinary(t)
	if programs == "" {
		return
	}
	for name, landlock := range landlocks() {
		t.Run(name, func(t *testing.T) {
			w := ordinaryWorld(t, programs, landlock)
			secret, told := filepath.Join(w.dir, "secret"), filepath.Join(w.dir, "told")
			for path, mode := range map[string]os.FileMode{secret: 0o600, told: 0o666} {
				if err := os.WriteFile(path, []byte(""), mode); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(secret, []byte(canary), 0o600); err != nil {
				t.Fatal(err)
			}
			closed := `mkdir -p "$TMPDIR/a/b" && touch "$TMPDIR/a/b/c" && chmod 000 "$TMPDIR/a"; mkdir -p here/closed && chmod 500 here/closed; id -u >> ` + told
			all := files(fmt.Sprintf(`
resource "terraform_data" "loot" {
  for_each = toset([try(file(%q), "kept-out-1"), try(file("/proc/%d/environ"), "kept-out-2")])
}
resource "terraform_data" "who" {
  provisioner "local-exec" {
    command = %q
  }
}
`, secret, os.Getpid(), fmt.Sprintf("%s; cat %s >> %s; kill -0 %d && echo signalled >> %s; true", closed, secret, told, os.Getpid(), told)))
			commit := w.commit(all)
			req := w.request("key", commit)
			var addresses []string
			for _, c := range req.Approved.Changes {
				addresses = append(addresses, c.Address)
			}
			got := strings.Join(addresses, " ")
			if strings.Contains(got, canary) || !strings.Contains(got, "kept-out-1") || !strings.Contains(got, "kept-out-2") {
				t.Errorf("the plan has %s", got)
			}
			if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts.Add != 3 {
				t.Fatalf("%+v", r)
			}
			said, err := os.ReadFile(told)
			if err != nil || string(said) != fmt.Sprintf("%d\n", walltest.Apply) {
				t.Errorf("the provisioner told %q, %v", said, err)
			}
			if p := w.plan(commit); len(p.Changes) != 0 {
				t.Errorf("applied, and it plans %+v", p.Changes)
			}
			// And once more on the same state, by each of the two.
			commit = w.commit(map[string]string{"app/more.tf": `resource "terraform_data" "more" {}`})
			if r := w.apply(w.request("key 2", commit)); r.Kind != dr.ApplyDone || r.Counts.Add != 1 {
				t.Fatalf("%+v", r)
			}
			w.nothingLeft()
		})
	}
}
