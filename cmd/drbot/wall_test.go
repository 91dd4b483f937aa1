package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/wall"
	"github.com/drbot/drbot/text/texttest"
)

func walled(t *testing.T) *config.Config {
	dir := t.TempDir()
	return &config.Config{
		WorkDir: filepath.Join(dir, "drbot", "work"), Socket: filepath.Join(dir, "run", "drbot.sock"), Database: "sqlite:" + filepath.Join(dir, "drbot", "drbot.db"),
		Terraform: config.Terraform{Walled: true, Paths: config.Paths{Run: []string{"/bin"}}},
		Services:  map[string]dr.Service{"portal": {Stacks: []dr.Stack{{BackendConfig: map[string]string{"path": filepath.Join(dir, "state", "portal.tfstate")}}}}},
	}
}

// TestNoWall sees that the bot does not start without a wall but by a written word, and what
// it says then.
func TestNoWall(t *testing.T) {
	cfg := walled(t)
	iso, err := isolation(cfg, wall.Standing{Landlock: 3})
	if err != nil || iso.Landlock != 3 || iso.Launcher == "" || iso.Paths.Run[0] != "/bin" {
		t.Errorf("%+v, %v", iso, err)
	}
	_, err = isolation(cfg, wall.Standing{})
	what, next := texttest.Told(t, err)
	if dr.CodeOf(err) != dr.Invalid || !strings.Contains(what, "no wall") || !strings.Contains(next, "terraform.isolation: none") {
		t.Errorf("%q, %q", what, next)
	}
	cfg.Terraform.User = 10002
	switch iso, err := isolation(cfg, wall.Standing{}); {
	case os.Geteuid() == 0 && (err != nil || iso.User != 10002 || iso.Launcher == ""):
		t.Errorf("%+v, %v", iso, err)
	case os.Geteuid() != 0 && dr.CodeOf(err) != dr.Invalid:
		t.Errorf("who is not root becomes another user: %v", err)
	}
	cfg.Terraform.User = 0
	cfg.Terraform.Walled = false
	if iso, err := isolation(cfg, wall.Standing{Landlock: 7}); err != nil || iso.Launcher != "" {
		t.Errorf("%+v, %v", iso, err)
	}
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
		if _, err := isolation(cfg, wall.Standing{Landlock: 7}); dr.CodeOf(err) != dr.Invalid {
			t.Errorf("%s: %v", name, err)
		} else if what, _ := texttest.Told(t, err); !strings.Contains(what, "drbot's own") {
			t.Errorf("%s: %s", name, what)
		}
	}
}
