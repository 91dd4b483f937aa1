package tf

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/wall"
)

// The test binary is the bot and the supervisor as well, so that processes can
// be killed for real.
func TestMain(m *testing.M) {
	wall.Enter()
	if len(os.Args) == 3 {
		switch os.Args[1] {
		case "supervise":
			os.Exit(Supervise(context.Background(), os.Args[2], bankAt))
		case "bot":
			os.Exit(bot(os.Args[2]))
		}
	}
	os.Exit(withLauncher(m))
}

// launcher is the small launcher, as an installation has it: a test's own program takes
// ten times as long to start, and with the race detector more.
var launcher = os.Getenv(launcherVariable)

// launcherVariable tells the programs that tests start as bots where the launcher is.
const launcherVariable = "DRBOT_TEST_LAUNCHER"

func withLauncher(m *testing.M) int {
	if installed := os.Getenv("DRBOT_TEST_INSTALLED"); installed != "" { // who started this test anew has it
		launcher = filepath.Join(installed, "drbot-launch")
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "launcher")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		launcher = filepath.Join(dir, "drbot-launch")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", launcher, "../../cmd/drbot-launch").CombinedOutput(); err != nil {
			err = fmt.Errorf("build the launcher: %w\n%s", err, out)
		}
	}
	if err == nil {
		err = os.Setenv(launcherVariable, launcher)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// botOrder is what the bot of a test is to do.
type botOrder struct {
	URL     string
	WorkDir string
	Request dr.ApplyRequest

	Environment map[string]string
	Bank        string // where sessions are made; empty: none are lent
}

func bot(file string) int {
	data, err := os.ReadFile(file)
	var order botOrder
	if err == nil {
		err = json.Unmarshal(data, &order)
	}
	if err == nil {
		var tf *Terraform
		o := options(order.WorkDir, order.URL)
		if o.Environment = order.Environment; order.Bank != "" {
			o.Lending = lendingOf(order.Bank)
		}
		if tf, err = New(o); err == nil {
			_, err = tf.Apply(context.Background(), order.Request, nil)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func options(work, url string) Options {
	return Options{
		Isolation:         behindAWall(work),
		WorkDir:           work,
		SupervisorCommand: []string{os.Args[0], "supervise"},
		HashKey:           []byte("a key of tests, 16 bytes or more"),
		GitURL:            func(dr.Repository) string { return url },
		ApplyPoll:         10 * time.Millisecond,
		LockTimeout:       time.Second,
	}
}

// behindAWall is the wall that tests run behind where the kernel has one. What they have
// provisioners do shows in the folder around the repositories.
func behindAWall(work string) Isolation {
	can := wall.Look()
	if !can.Any() {
		return Isolation{}
	}
	return Isolation{Launcher: launcher, Landlock: can.Landlock, Filter: can.Filter, Shell: true, Paths: Paths{Write: []string{filepath.Join(filepath.Dir(work), "here")}}}
}

// world is a repository and a place to run, all of it in a temporary folder.
type world struct {
	t    *testing.T
	dir  string
	bare string
	tree string
	opts Options

	backend map[string]string // the settings of a backend other than local
}

func newWorld(t *testing.T) *world {
	t.Helper()
	for _, tool := range []string{"terraform", "git"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("not proved here: there is no %s on PATH", tool)
		}
	}
	around := t.TempDir()
	dir := filepath.Join(around, "here")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: dir, bare: filepath.Join(dir, "infra.git"), tree: filepath.Join(dir, "tree")}
	w.git(dir, "init", "-q", "--bare", "-b", "main", w.bare)
	w.git(dir, "init", "-q", "-b", "main", w.tree)
	w.git(w.tree, "remote", "add", "origin", w.bare)
	w.git(w.bare, "config", "receive.autogc", "false")
	w.opts = options(filepath.Join(around, "work"), w.bare)
	return w
}

func (w *world) git(dir string, args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=maintenance.auto", "GIT_CONFIG_VALUE_0=false")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// branch is the world with an empty tree, for a test of its own.
func (w *world) branch(t *testing.T) *world {
	t.Helper()
	b := *w
	b.t = t
	entries, err := os.ReadDir(w.tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == ".git" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(w.tree, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return &b
}

// commit adds files and pushes; a content that begins with "-> " is a link.
func (w *world) commit(files map[string]string) string {
	w.t.Helper()
	for name, content := range files {
		full := filepath.Join(w.tree, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			w.t.Fatal(err)
		}
		var err error
		if target, link := strings.CutPrefix(content, "-> "); link {
			err = os.Symlink(target, full)
		} else {
			err = os.WriteFile(full, []byte(content), 0o644)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.git(w.tree, "add", "-A")
	w.git(w.tree, "commit", "-q", "-m", "change")
	w.git(w.tree, "push", "-q", "-f", "origin", "HEAD")
	return w.git(w.tree, "rev-parse", "HEAD")
}

const header = `
terraform {
  backend "local" {}
}
variable "active_region" {
  type = string
}
`

// files is a repository of one stack in app/, which links the shared value.
func files(main string) map[string]string {
	return map[string]string{
		"active_region.auto.tfvars":     "active_region = \"ap-northeast-2\"\n",
		"app/active_region.auto.tfvars": "-> ../active_region.auto.tfvars",
		"app/main.tf":                   header + main,
	}
}

func (w *world) stack() dr.Stack {
	if w.backend != nil {
		return dr.Stack{Name: "app", Dir: "app", Role: dr.RegionStack, BackendConfig: w.backend}
	}
	return dr.Stack{Name: "app", Dir: "app", Role: dr.RegionStack, BackendConfig: map[string]string{"path": w.state()}}
}

func (w *world) state() string { return filepath.Join(w.dir, "state", "app.tfstate") }

// addresses lists what the state holds.
func (w *world) addresses() []string {
	w.t.Helper()
	data, err := os.ReadFile(w.state())
	if os.IsNotExist(err) {
		return nil
	}
	var s struct {
		Resources []struct{ Type, Name string }
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range s.Resources {
		out = append(out, r.Type+"."+r.Name)
	}
	return out
}

func (w *world) terraform() *Terraform {
	w.t.Helper()
	tf, err := New(w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return tf
}

func (w *world) plan(commit string) dr.Plan {
	w.t.Helper()
	p, err := w.terraform().Plan(w.t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// request is an apply of a commit as it was approved.
func (w *world) request(key, commit string) dr.ApplyRequest {
	w.t.Helper()
	return dr.ApplyRequest{Service: trusting(), Key: key, Run: "run", Stack: w.stack(), Commit: commit, Approved: w.plan(commit)}
}

func (w *world) apply(req dr.ApplyRequest) dr.ApplyResult {
	w.t.Helper()
	r, err := w.terraform().Apply(w.t.Context(), req, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// applying starts an apply and gives its end when it is asked for.
func (w *world) applying(tf *Terraform, req dr.ApplyRequest) (wait func() dr.ApplyResult) {
	type end struct {
		r   dr.ApplyResult
		err error
	}
	done := make(chan end, 1)
	ctx := w.t.Context()
	go func() {
		r, err := tf.Apply(ctx, req, nil)
		done <- end{r, err}
	}()
	return func() dr.ApplyResult {
		w.t.Helper()
		select {
		case e := <-done:
			if e.err != nil {
				w.t.Fatal(e.err)
			}
			return e.r
		case <-time.After(time.Minute):
			w.t.Fatal("waited too long for the apply")
			return dr.ApplyResult{}
		}
	}
}

// gate is a place where Terraform waits for the test: a pipe that the test keeps
// open for writing, so that its reader neither ends nor fails.
type gate struct {
	t          *testing.T
	fifo, mark string
	hold       *os.File
}

func (w *world) gate(name string) *gate {
	w.t.Helper()
	g := &gate{t: w.t, fifo: filepath.Join(w.dir, name+".fifo"), mark: filepath.Join(w.dir, name+".mark")}
	if err := syscall.Mkfifo(g.fifo, 0o600); err != nil {
		w.t.Fatal(err)
	}
	var err error
	if g.hold, err = os.OpenFile(g.fifo, os.O_RDWR, 0); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(g.open) // also for a shell that outlived its Terraform
	return g
}

// command is the shell that waits, and notes each time that it ran.
func (g *gate) command() string { return fmt.Sprintf("echo ran >> %s; cat %s", g.mark, g.fifo) }

// reached waits until somebody stands at the gate.
func (g *gate) reached() {
	g.t.Helper()
	eventually(g.t, "the gate is reached", func() bool { return g.runs() > 0 })
}

func (g *gate) runs() int {
	data, err := os.ReadFile(g.mark)
	if err != nil && !os.IsNotExist(err) {
		g.t.Fatal(err)
	}
	return strings.Count(string(data), "\n")
}

// open lets everybody through: who reads the pipe sees its end, who comes later
// finds an empty file.
func (g *gate) open() {
	if err := os.WriteFile(g.fifo+".open", nil, 0o600); err != nil {
		g.t.Error(err)
	}
	if err := os.Rename(g.fifo+".open", g.fifo); err != nil {
		g.t.Error(err)
	}
	_ = g.hold.Close() // the second time it is closed already
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited too long until %s", what)
		}
	}
}

// holding lists the files below a folder that hold a text.
func holding(t *testing.T, dir, text string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		if strings.Contains(string(data), text) {
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// wrapper is a Terraform that does something else first when it is asked for a
// command.
func (w *world) wrapper(command, first string) string {
	w.t.Helper()
	real, err := exec.LookPath("terraform")
	if err != nil {
		w.t.Fatal(err)
	}
	name := filepath.Join(filepath.Dir(w.dir), "terraform-wrapper") // where nothing is written
	script := fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = %s ]; then\n%s\nfi\nexec %s \"$@\"\n", command, first, real)
	if err := os.WriteFile(name, []byte(script), 0o700); err != nil {
		w.t.Fatal(err)
	}
	return name
}

// trusting is a service whose configuration allows its code everything: of most tests what
// the code does is the means.
func trusting() dr.Service {
	s := dr.Service{Code: dr.CodeRules{LockFileOptional: true}}
	for _, kind := range dr.CodeKinds() {
		s.Code.Allow = append(s.Code.Allow, dr.Allow{What: kind, Reason: "a test"})
	}
	return s
}
