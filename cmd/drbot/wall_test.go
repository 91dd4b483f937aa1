package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/wall"
	"github.com/drbot/drbot/text/texttest"
)

// The test binary raises walls as the program does: serve tries them.
func TestMain(m *testing.M) {
	wall.Enter()
	if socket := os.Getenv(callsVariable); socket != "" {
		os.Exit(calls(socket))
	}
	os.Exit(m.Run())
}

func walled(t *testing.T) *config.Config {
	dir := t.TempDir()
	return &config.Config{
		WorkDir: filepath.Join(dir, "drbot", "work"), Socket: filepath.Join(dir, "run", "drbot.sock"), Database: "sqlite:" + filepath.Join(dir, "drbot", "drbot.db"),
		Terraform: config.Terraform{Walled: true, Paths: config.Paths{Run: []string{"/bin"}}},
		Services:  map[string]dr.Service{"portal": {Stacks: []dr.Stack{{BackendConfig: map[string]string{"path": filepath.Join(dir, "state", "portal.tfstate")}}}}},
	}
}

// here is a host with Landlock of a version, and a wall that stands.
func here(landlock int) ground {
	return ground{can: wall.Standing{Landlock: landlock, Filter: true}, me: 10001, stands: func(string, wall.Wall) error { return nil }}
}

// TestNoWall sees that the bot does not start without a wall but by a written word, and what
// it says then.
func TestNoWall(t *testing.T) {
	cfg := walled(t)
	iso, err := isolation(cfg, here(3))
	if err != nil || iso.Landlock != 3 || !iso.Filter || iso.Launcher == "" || iso.Paths.Run[0] != "/bin" || iso.User != 0 {
		t.Errorf("%+v, %v", iso, err)
	}
	_, err = isolation(cfg, here(0))
	what, next := texttest.Told(t, err)
	if dr.CodeOf(err) != dr.Invalid || !strings.Contains(what, "no wall") || !strings.Contains(next, "terraform.isolation: none") {
		t.Errorf("%q, %q", what, next)
	}
	fallen := here(7)
	fallen.stands = func(string, wall.Wall) error { return &wall.Fault{Why: wall.Unkept, Path: "/srv/wall-1"} }
	if _, err = isolation(cfg, fallen); dr.CodeOf(err) != dr.Invalid {
		t.Error(err)
	} else if what, _ := texttest.Told(t, err); !strings.Contains(what, "does not keep /srv/wall-1") {
		t.Error(what)
	}
	cfg.Terraform.User = 10002
	root := here(0)
	root.me = 0
	if iso, err := isolation(cfg, root); err != nil || iso.User != 10002 || iso.Switch != "" {
		t.Errorf("%+v, %v", iso, err)
	}
	cfg.Terraform.User = 0
	cfg.Terraform.Walled = false
	if iso, err := isolation(cfg, here(7)); err != nil || iso.Launcher != "" {
		t.Errorf("%+v, %v", iso, err)
	}
}

// TestOtherUsers has an ordinary bot with a program that may switch users: its users are taken
// unasked where all of it is as it must be, the bot goes on with Landlock where not, and does
// not start where the configuration asks for them, or where there is nothing else.
func TestOtherUsers(t *testing.T) {
	whole := func() ground {
		h := here(7)
		h.groups = []int{10001, 10002, 10003}
		h.installed = wall.Installation{Program: "/usr/local/bin/drbot-switch", Caller: 10001, Users: []wall.User{{ID: 10002}, {ID: 10003, Groups: []int{10002}}}}
		return h
	}
	var tried []int
	h := whole()
	h.stands = func(by string, w wall.Wall) error {
		if by != h.installed.Program || len(w.Try) != 2 || len(w.Reach) == 0 {
			t.Errorf("%s tries %+v", by, w)
		}
		tried = append(tried, w.User)
		return nil
	}
	iso, err := isolation(walled(t), h)
	if err != nil || iso.User != 10002 || iso.ApplyUser != 10003 || iso.Switch == "" || !iso.short.Empty() || !slices.Equal(tried, []int{10002, 10003}) {
		t.Errorf("%+v, %v, %v", iso, err, tried)
	}
	for says, spoil := range map[string]func(*ground){
		"is installed for user 10009":     func(h *ground) { h.installed.Caller = 10009 },
		"drbot is not in the group 10003": func(h *ground) { h.groups = h.groups[:2] },
		"user 10003 is not in the group":  func(h *ground) { h.installed.Users[1].Groups = nil },
		"is not root's alone to change":   func(h *ground) { h.faulty = &wall.Fault{Why: wall.NotRoots, Path: "/opt/drbot-switch.conf"} },
		"operation not permitted":         func(h *ground) { h.stands = onlyItself },
	} {
		h := whole()
		spoil(&h)
		iso, err := isolation(walled(t), h)
		if err != nil || iso.User != 0 || iso.Switch != "" || !strings.Contains(texttest.Say(t, iso.short), says) {
			t.Errorf("%s: %+v, %v", says, iso, err)
		}
		cfg := walled(t)
		cfg.Terraform.User, cfg.Terraform.ApplyUser = 10002, 10003
		if _, err := isolation(cfg, h); dr.CodeOf(err) != dr.Invalid {
			t.Errorf("%s, and it is asked for: %v", says, err)
		} else if what, _ := texttest.Told(t, err); !strings.Contains(what, says) {
			t.Errorf("%s: %s", says, what)
		}
		h.can = wall.Standing{}
		if _, err := isolation(walled(t), h); dr.CodeOf(err) != dr.Invalid {
			t.Errorf("%s, and there is no Landlock: %v", says, err)
		} else if what, _ := texttest.Told(t, err); !strings.Contains(what, says) || !strings.Contains(what, "no Landlock") {
			t.Errorf("%s: %s", says, what)
		}
	}
	cfg := walled(t)
	cfg.Terraform.User = 10004
	for says, h := range map[string]ground{"starts nothing as user 10004": whole(), "is not installed": here(7)} {
		if _, err := isolation(cfg, h); dr.CodeOf(err) != dr.Invalid {
			t.Errorf("%s: %v", says, err)
		} else if what, _ := texttest.Told(t, err); !strings.Contains(what, says) {
			t.Errorf("%s: %s", says, what)
		}
	}
}

// onlyItself is a host on which no program may become another user, as under no_new_privs.
func onlyItself(_ string, w wall.Wall) error {
	if w.User != 0 {
		return &wall.Fault{Why: wall.NotBecome, User: w.User, Cause: "operation not permitted"}
	}
	return nil
}

// TestTheBotsOwnIsNotGranted has the configuration name folders that hold what is the bot's.
func TestTheBotsOwnIsNotGranted(t *testing.T) {
	for name, spoil := range map[string]func(*config.Config){
		"the folder of the database": func(c *config.Config) { c.Terraform.Paths.Read = []string{filepath.Dir(c.WorkDir)} },
		"the database":               func(c *config.Config) { c.Terraform.Paths.Write = []string{strings.TrimPrefix(c.Database, "sqlite:")} },
		"the folder of the socket":   func(c *config.Config) { c.Terraform.Paths.Run = []string{filepath.Dir(c.Socket)} },
		"all of it":                  func(c *config.Config) { c.Terraform.Paths.Read = []string{filepath.Dir(filepath.Dir(c.WorkDir))} },
		"a state beside it": func(c *config.Config) {
			c.Services["portal"].Stacks[0].BackendConfig["path"] = filepath.Join(filepath.Dir(c.WorkDir), "portal.tfstate")
		},
	} {
		cfg := walled(t)
		spoil(cfg)
		if _, err := isolation(cfg, here(7)); dr.CodeOf(err) != dr.Invalid {
			t.Errorf("%s: %v", name, err)
		} else if what, _ := texttest.Told(t, err); !strings.Contains(what, "drbot's own") {
			t.Errorf("%s: %s", name, what)
		}
	}
}
