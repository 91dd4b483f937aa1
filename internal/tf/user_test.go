package tf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/wall"
)

// anotherUser is who Terraform runs as in a test.
const anotherUser = 54321

// userWorld is a world that another user can get through to, as the folders of a host are.
func userWorld(t *testing.T, landlock int) *world {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not proved here: only root can start a program as another user")
	}
	w := newWorld(t)
	w.opts.Isolation.Launcher, w.opts.Isolation.Landlock, w.opts.Isolation.User, w.opts.Isolation.Shell = os.Args[0], landlock, anotherUser, true
	for dir := w.dir; dir != filepath.Clean(os.TempDir()); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// TestTerraformAsAnotherUser plans and applies as another user, with Landlock and where the
// kernel has none: the bot reads what it must of it and removes all of it, and what is the
// bot's stays out of reach.
func TestTerraformAsAnotherUser(t *testing.T) {
	versions := map[string]int{"alone": 0}
	if has := wall.Look().Landlock; has > 0 {
		versions["with Landlock"] = has
	}
	for name, landlock := range versions {
		t.Run(name, func(t *testing.T) {
			w := userWorld(t, landlock)
			secret := filepath.Join(w.dir, "secret")
			if err := os.WriteFile(secret, []byte(canary), 0o600); err != nil {
				t.Fatal(err)
			}
			told := filepath.Join(w.dir, "told")
			if err := os.WriteFile(told, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(told, anotherUser, anotherUser); err != nil {
				t.Fatal(err)
			}
			commit := w.commit(files(fmt.Sprintf(`
resource "terraform_data" "loot" {
  for_each = toset([try(file(%q), "kept-out-1"), try(file("/proc/%d/environ"), "kept-out-2")])
}
resource "terraform_data" "who" {
  provisioner "local-exec" {
    command = "id -u >> %s; cat %s >> %s; kill -0 %d && echo signalled >> %s; true"
  }
}
`, secret, os.Getpid(), told, secret, told, os.Getpid(), told)))
			req := w.request("key", commit)
			var addresses []string
			for _, c := range req.Approved.Changes {
				addresses = append(addresses, c.Address)
			}
			all := strings.Join(addresses, " ")
			if strings.Contains(all, canary) || !strings.Contains(all, "kept-out-1") || !strings.Contains(all, "kept-out-2") {
				t.Errorf("the plan has %s", all)
			}
			if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts.Add != 3 {
				t.Fatalf("%+v", r)
			}
			got, err := os.ReadFile(told)
			if err != nil || string(got) != fmt.Sprintf("%d\n", anotherUser) {
				t.Errorf("the provisioner told %q, %v", got, err)
			}
			if p := w.plan(commit); len(p.Changes) != 0 {
				t.Errorf("applied, and it plans %+v", p.Changes)
			}
			for _, dir := range []string{"plans", tempsDir} {
				eventually(t, "nothing is left in "+dir, func() bool {
					left, err := os.ReadDir(filepath.Join(w.opts.WorkDir, dir))
					return err == nil && len(left) == 0
				})
			}
		})
	}
}
