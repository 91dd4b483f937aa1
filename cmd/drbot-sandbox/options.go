package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/drbot/drbot/internal/sandbox"
	"github.com/drbot/drbot/internal/sandbox/reference"
	"github.com/drbot/drbot/internal/tf"
	"github.com/drbot/drbot/internal/wall"
)

// product gives the path of the product's program.
func (o *outside) product() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the own executable: %w", err)
	}
	return findDrbot(o.drbot, self)
}

// findDrbot gives the path of the product's program: the one that was typed, or the
// one beside this program.
func findDrbot(typed, self string) (string, error) {
	path := typed
	if path == "" {
		path = filepath.Join(filepath.Dir(self), "drbot")
	}
	// A path of the command line is meant from here, also where the name has no slash.
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := exec.LookPath(path); err != nil {
		return "", &problem{msg: "there is no program drbot at " + path + ".", hint: "make build, which puts both programs into bin/, or drbot-sandbox --drbot PATH", err: err}
	}
	return path, nil
}

// options finds what a world needs of this machine. What it gives to call ends the
// folder of the world, if it is a temporary one.
func (o *outside) options(ctx context.Context, f flags) (sandbox.Options, func(), error) {
	none := func() {}
	bot, err := o.product()
	if err != nil {
		return sandbox.Options{}, none, err
	}
	self, err := os.Executable()
	if err != nil {
		return sandbox.Options{}, none, fmt.Errorf("find the own executable: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	terraform, err := tf.Find(ctx, filepath.Join(cache, "drbot"))
	if err != nil {
		return sandbox.Options{}, none, err
	}
	dir, cleanup, err := folder(f.dir)
	if err != nil {
		return sandbox.Options{}, none, err
	}
	out := sandbox.Options{
		Dir: dir, Bot: bot, Tool: self, Terraform: terraform, Out: o.stdout,
		HealthEvery: 5 * time.Second, DriftEvery: 7 * time.Second,
		Log: slog.New(slog.NewTextHandler(o.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if !wall.Look().Any() {
		out.Isolation = "none"
		out.Log.WarnContext(ctx, "this machine has no Landlock: the bot of the sandbox runs Terraform without a wall")
	}
	if f.infra != string(sandbox.Reference) {
		return out, cleanup, nil
	}
	out.Infra, out.PluginDir = sandbox.Reference, o.getenv("TF_PLUGIN_DIR")
	if out.Reference, err = reference.Find(f.from); err != nil {
		cleanup()
		return out, none, &problem{msg: "the reference infrastructure is not in " + f.from + ".", hint: "run it in a checkout of drbot, or give its folder with --terraform", err: err}
	}
	// A drift report plans every stack with the real provider: here it would only make
	// the runs wait.
	out.HealthEvery, out.DriftEvery = 10*time.Second, 0
	return out, cleanup, nil
}

// folder makes the folder of a world: the one that was typed, which stays, or a
// temporary one.
func folder(typed string) (string, func(), error) {
	if typed == "" {
		dir, err := os.MkdirTemp("", "drbot-sandbox-")
		return dir, func() { _ = os.RemoveAll(dir) }, err
	}
	dir, err := filepath.Abs(typed)
	if err != nil {
		return "", nil, err
	}
	return dir, func() {}, os.MkdirAll(dir, 0o700)
}
