package tf

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/wall"
	"github.com/drbot/drbot/text/texttest"
)

// TestARoomOfItsOwn plans, plans again and applies, and leaves something in HOME, TMPDIR and
// the command line's configuration each time: nobody finds what another left, and nothing
// of it stays.
func TestARoomOfItsOwn(t *testing.T) {
	w := newWorld(t)
	seen := filepath.Join(w.dir, "rooms")
	w.opts.TerraformPath = w.wrapper("plan", `echo "$HOME|$TMPDIR|$TF_CLI_CONFIG_FILE|$(ls -A "$HOME" "$TMPDIR" | tr -d '\n')" >> `+seen+`
touch "$HOME/.terraformrc" "$TMPDIR/left"`)
	commit := w.commit(files(`resource "terraform_data" "a" {}`))
	req := w.request("key", commit)
	w.plan(commit)
	if r := w.apply(req); r.Kind != dr.ApplyDone {
		t.Fatalf("%+v", r)
	}
	data, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d plans: %s", len(lines), data)
	}
	var all []string
	for _, line := range lines {
		f := strings.Split(line, "|")
		if strings.Contains(f[3], "left") || strings.Contains(f[3], ".terraformrc") {
			t.Errorf("something of another's is there: %s", line)
		}
		if len(f[1]) > longestTemp {
			t.Errorf("TMPDIR has %d characters: %s", len(f[1]), f[1])
		}
		for _, path := range f[:3] {
			if slices.Contains(all, path) {
				t.Errorf("%s is another's, too", path)
			}
			all = append(all, path)
			// An apply's result is there before its folder is cleared.
			eventually(t, path+" is gone", func() bool {
				_, err := os.Stat(path)
				return os.IsNotExist(err)
			})
		}
	}
}

// TestAWallThatCannotBeRaised asks for more than the kernel has: nothing is planned, and what
// is told says why.
func TestAWallThatCannotBeRaised(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(""))
	w.plan(commit) // so that git has it
	w.opts.Isolation = Isolation{Launcher: os.Args[0], Landlock: 1000}
	_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Stack: w.stack(), Commit: commit})
	if what, _ := texttest.Told(t, err); dr.CodeOf(err) != dr.Invalid || !strings.Contains(what, "version 1000 of Landlock") {
		t.Errorf("%q, %v", what, err)
	}
}

// TestWhatIsGranted holds the two phases apart: what is fetched is written before and
// executed after, never both, and a shell is granted to who asks for one.
func TestWhatIsGranted(t *testing.T) {
	m := &module{room: room{root: "/room/src", home: "/room/home", temp: "/t", saved: "/room/plan.bin", providers: "/room/providers", config: "/room/terraform.rc"}, state: []string{"/state"}}
	m.job.Place = place{Terraform: "/bin/terraform", PluginDir: "/mirror", Wall: Isolation{Landlock: 7, Paths: Paths{Read: []string{"/read"}}}}
	env := map[string]string{"TF_PLUGIN_CACHE_DIR": "/cache", "AWS_CONFIG_FILE": "/etc/aws", "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token/it", "AWS_PROFILE": "/etc/none"}
	has := func(list []string, paths ...string) bool {
		return !slices.ContainsFunc(paths, func(p string) bool { return !slices.Contains(list, p) })
	}
	fetch, work := m.wall(fetching, env), m.wall(working, env)
	if !has(fetch.Write, "/room/providers", "/cache", "/room/src", "/state") || has(fetch.Run, "/room/providers") || !has(fetch.Run, "/usr", "/mirror") {
		t.Errorf("fetching: %+v", fetch)
	}
	if has(work.Write, "/room/providers") || has(work.Write, "/cache") || !has(work.Run, "/room/providers", "/cache", "/mirror") || has(work.Run, "/usr") || !has(work.Write, "/room/src", "/state", "/t") {
		t.Errorf("working: %+v", work)
	}
	if !has(work.Read, "/read", "/etc/aws", "/var/run/token", "/etc/resolv.conf", "/room/terraform.rc") || has(work.Read, "/etc/none") {
		t.Errorf("read: %v", work.Read)
	}
	m.allowed = []dr.AllowedCode{{What: dr.CodeProvisioner}}
	if shell := m.wall(working, env); !has(shell.Run, "/usr", "/bin") || has(shell.Write, "/usr") {
		t.Errorf("with a shell: %+v", shell)
	}
	m.allowed = []dr.AllowedCode{{What: dr.CodeHTTP}}
	if none := m.wall(working, env); has(none.Run, "/usr") {
		t.Errorf("a shell for what starts nothing: %+v", none)
	}
	for _, one := range []wall.Wall{fetch, work} {
		if _, err := one.Setting(); err != nil {
			t.Error(err)
		}
		for _, path := range slices.Concat(one.Read, one.Run, one.Write) {
			if err := wall.Grantable(path); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestAMirrorOfLinks has a mirror whose packages are links to a store somewhere else: what they
// lead to is granted, and what leads nowhere is not.
func TestAMirrorOfLinks(t *testing.T) {
	dir := t.TempDir()
	mirror, store := filepath.Join(dir, "mirror", "acme"), filepath.Join(dir, "store")
	for _, d := range []string{mirror, store} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"package": store, "nothing": filepath.Join(dir, "gone")} {
		if err := os.Symlink(to, filepath.Join(mirror, name)); err != nil {
			t.Fatal(err)
		}
	}
	m := &module{}
	m.job.Place = place{Terraform: "/bin/terraform", PluginDir: filepath.Dir(mirror)}
	got := m.wall(working, nil).Run
	if !slices.Contains(got, store) || slices.Contains(got, filepath.Join(dir, "gone")) || !slices.Contains(got, filepath.Dir(mirror)) {
		t.Errorf("granted: %q", got)
	}
}
