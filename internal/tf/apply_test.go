package tf

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// localExec is a resource that runs a shell command when it is made.
func localExec(name, command, after string) string {
	if after != "" {
		after = "depends_on = [" + after + "]"
	}
	return `
resource "terraform_data" "` + name + `" {
  ` + after + `
  provisioner "local-exec" {
    command = "` + command + `"
  }
}
`
}

func TestApplyOnceForAKey(t *testing.T) {
	w := newWorld(t)
	runs := filepath.Join(w.dir, "runs")
	commit := w.commit(files(localExec("a", "echo ran >> "+runs, "") + localExec("b", "true", "terraform_data.a")))
	req := w.request("run-1/apply/app", commit)

	var seen []dr.Progress
	tf := w.terraform()
	r, err := tf.Apply(t.Context(), req, func(p dr.Progress) { seen = append(seen, p) })
	if err != nil || r.Kind != dr.ApplyDone || r.Counts != (dr.Counts{Add: 2}) || !slices.Equal(r.Made, []string{"terraform_data.a", "terraform_data.b"}) {
		t.Fatalf("result %+v, %v", r, err)
	}
	if last := seen[len(seen)-1]; last != (dr.Progress{Stack: "app", Done: 2, Total: 2}) {
		t.Errorf("the last progress is %+v", last)
	}
	if got := w.addresses(); len(got) != 2 {
		t.Errorf("the state holds %v", got)
	}

	again, err := w.terraform().Apply(t.Context(), req, nil)
	if err != nil || !again.Summary.Same(r.Summary) || again.Kind != r.Kind {
		t.Errorf("the second call gave %+v, %v", again, err)
	}
	if data, err := os.ReadFile(runs); err != nil || string(data) != "ran\n" {
		t.Errorf("runs: %q, %v", data, err)
	}

	other := req
	other.Commit = strings.Repeat("a", 40)
	if _, err := tf.Apply(t.Context(), other, nil); dr.CodeOf(err) != dr.Conflict {
		t.Errorf("another request under the key gave %v", err)
	}
	req.Key = "run-2/apply/app"
	req.Approved = w.plan(commit)
	if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts != (dr.Counts{}) {
		t.Errorf("with nothing to change: %+v", r)
	}
	f := tf.disk.applyFolder("run-1/apply/app")
	eventually(t, "the checkout is gone", func() bool {
		_, err := os.Stat(f.file(workFolder))
		return os.IsNotExist(err)
	})
}

func TestSecretsStayInside(t *testing.T) {
	w := newWorld(t)
	const inState, inEnv, inToken = canary + "-state", canary + "-env", canary + "-token"
	secret := filepath.Join(w.dir, "secret")
	if err := os.WriteFile(secret, []byte(inState), 0o600); err != nil {
		t.Fatal(err)
	}
	w.opts.Environment = map[string]string{"DB_PASSWORD": inEnv}
	w.opts.GitToken = func(context.Context, dr.Repository, string) (string, error) { return inToken, nil }
	g := w.gate("exec")
	commit := w.commit(files(`
resource "terraform_data" "a" {
  input = sensitive(file("` + secret + `"))
  provisioner "local-exec" {
    command = "` + g.command() + `; echo ${self.input} $DB_PASSWORD; exit 1"
  }
}
`))
	req := w.request("secrets", commit)
	tf := w.terraform()
	wait := w.applying(tf, req)
	g.reached()
	work := tf.disk.applyFolder("secrets").file(workFolder)
	for name, want := range map[string]os.FileMode{work: 0o700 | os.ModeDir, filepath.Join(work, planFile): 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	for _, text := range []string{inEnv, inToken, string(w.opts.HashKey), base64.StdEncoding.EncodeToString(w.opts.HashKey)} {
		if found := holding(t, w.opts.WorkDir, text); len(found) > 0 {
			t.Errorf("while applying, %q is in %v", text, found)
		}
	}
	g.open()
	r := wait()
	if r.Kind != dr.ApplyFailed || !strings.Contains(texttest.Say(t, r.Summary), "local-exec provisioner error (terraform_data.a, app/main.tf:") {
		t.Errorf("result %+v", r)
	}
	eventually(t, "the checkout is gone", func() bool {
		_, err := os.Stat(work)
		return os.IsNotExist(err)
	})
	if found := holding(t, w.opts.WorkDir, canary); len(found) > 0 {
		t.Errorf("a secret is in %v", found)
	}
	if data, err := json.Marshal(r); err != nil || strings.Contains(string(data), canary) {
		t.Errorf("a secret is in %s", data)
	}
}

// otherBot is a bot in a process of its own, which can be killed with all that dies with it.
func (w *world) otherBot(o botOrder) (kill func()) {
	w.t.Helper()
	order, err := json.Marshal(o)
	if err != nil {
		w.t.Fatal(err)
	}
	file := filepath.Join(w.dir, "order.json")
	if err := os.WriteFile(file, order, 0o600); err != nil {
		w.t.Fatal(err)
	}
	bot := exec.Command(os.Args[0], "bot", file)
	bot.Stderr = os.Stderr
	bot.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := bot.Start(); err != nil {
		w.t.Fatal(err)
	}
	return func() {
		w.t.Helper()
		if err := syscall.Kill(-bot.Process.Pid, syscall.SIGKILL); err != nil {
			w.t.Fatal(err)
		}
		_ = bot.Wait() // killed: it has nothing to say
	}
}

func TestApplyOutlivesTheBot(t *testing.T) {
	w := newWorld(t)
	g := w.gate("exec")
	commit := w.commit(files(localExec("a", "true", "") + localExec("b", g.command(), "terraform_data.a")))
	req := w.request("outlives", commit)
	kill := w.otherBot(botOrder{URL: w.bare, WorkDir: w.opts.WorkDir, Request: req})
	g.reached()
	kill()

	// Two followers in a new process, one of which gives up.
	tf := w.terraform()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := tf.Apply(ctx, req, func(p dr.Progress) {
		if p == (dr.Progress{Stack: "app", Done: 1, Total: 2, Current: "terraform_data.b"}) {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the follower that gave up got %v", err)
	}
	wait := w.applying(tf, req)
	g.open()
	if r := wait(); r.Kind != dr.ApplyDone || r.Counts.Add != 2 {
		t.Errorf("result %+v", r)
	}
	if n := g.runs(); n != 1 {
		t.Errorf("the resource was made %d times", n)
	}
}

// supervisorOf waits for the process that supervises an apply.
func supervisorOf(t *testing.T, f folder) int {
	t.Helper()
	var p process
	eventually(t, "a supervisor runs", func() bool {
		known, err := f.read(processFile, &p)
		return known && err == nil
	})
	return p.PID
}

func TestEverythingKilledInAnApplyIsLost(t *testing.T) {
	w := newWorld(t)
	g := w.gate("exec")
	commit := w.commit(files(localExec("a", "true", "") + localExec("b", g.command(), "terraform_data.a")))
	req := w.request("lost", commit)
	tf := w.terraform()
	wait := w.applying(tf, req)
	g.reached()
	f := tf.disk.applyFolder("lost")
	if err := syscall.Kill(-supervisorOf(t, f), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r := wait()
		if r.Kind != dr.ApplyLost || !slices.Equal(r.Made, []string{"terraform_data.a"}) {
			t.Errorf("result %+v", r)
		}
		wait = w.applying(w.terraform(), req)
	}
	wait()
	if n := g.runs(); n != 1 {
		t.Errorf("the resource was made %d times", n)
	}
	if found := holding(t, string(f), "tfplan"); len(found) > 0 {
		t.Errorf("a plan was left in %v", found)
	}
}

func TestSupervisorKilledBeforeTheApplyIsReplaced(t *testing.T) {
	w := newWorld(t)
	runs := filepath.Join(w.dir, "runs")
	commit := w.commit(files(localExec("a", "echo ran >> "+runs, "")))
	req := w.request("early", commit)
	g := w.gate("plan")
	w.opts.TerraformPath = w.wrapper("plan", "if [ ! -e "+g.mark+" ]; then "+g.command()+"; fi")
	tf := w.terraform()
	wait := w.applying(tf, req)
	g.reached()
	if err := syscall.Kill(supervisorOf(t, tf.disk.applyFolder("early")), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if r := wait(); r.Kind != dr.ApplyDone || r.Counts.Add != 1 {
		t.Errorf("result %+v", r)
	}
	if data, err := os.ReadFile(runs); err != nil || string(data) != "ran\n" {
		t.Errorf("runs: %q, %v", data, err)
	}
}

func TestSupervisorThatNeverWorksIsGivenUp(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(""))
	req := w.request("broken", commit)
	w.opts.SupervisorCommand = []string{"false"}
	if _, err := w.terraform().Apply(t.Context(), req, nil); dr.CodeOf(err) != dr.Temporary {
		t.Errorf("got %v", err)
	}
	w.opts.SupervisorCommand = []string{os.Args[0], "supervise"}
	if r := w.apply(req); r.Kind != dr.ApplyDone {
		t.Errorf("a later call gave %+v", r)
	}
}

func TestStopEndsTheApplyGently(t *testing.T) {
	w := newWorld(t)
	g := w.gate("exec")
	commit := w.commit(files(localExec("a", "true", "") + localExec("b", "trap '' INT; "+g.command(), "terraform_data.a") + localExec("c", "true", "terraform_data.b")))
	req := w.request("stop", commit)
	tf := w.terraform()
	wait := w.applying(tf, req)
	g.reached()
	if err := syscall.Kill(supervisorOf(t, tf.disk.applyFolder("stop")), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r := wait()
	if r.Kind != dr.ApplyFailed || !slices.Contains(r.Made, "terraform_data.a") || slices.Contains(r.Made, "terraform_data.c") {
		t.Errorf("result %+v", r)
	}
	if !strings.Contains(texttest.Say(t, r.Summary), "asked to stop") {
		t.Errorf("summary %q", r.Summary)
	}
	if got := w.addresses(); !slices.Contains(got, "terraform_data.a") {
		t.Errorf("the state holds %v", got)
	}
}

func TestStateLockedBySomebodyElse(t *testing.T) {
	w := newWorld(t)
	g := w.gate("exec")
	commit := w.commit(files(localExec("a", g.command(), "")))
	req := w.request("holder", commit)
	other := req
	other.Key = "waiter"
	tf := w.terraform()
	wait := w.applying(tf, req)
	g.reached()

	r := w.apply(other)
	if r.Kind != dr.ApplyLocked || !strings.Contains(texttest.Say(t, r.Summary), "Stack app is in use by holder since 2") {
		t.Errorf("result %+v", r)
	}
	_, err := tf.Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	if dr.CodeOf(err) != dr.Conflict {
		t.Errorf("a plan gave %v", err)
	}
	g.open()
	if r := wait(); r.Kind != dr.ApplyDone {
		t.Errorf("the holder got %+v", r)
	}
}

func TestSuperviseRefusesByHand(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "supervise", dir)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), "only drbot") {
		t.Errorf("got %v, %s", err, out)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it made %v, %v", left, err)
	}
}

func TestUnstoredStateIsKept(t *testing.T) {
	f := folder(t.TempDir())
	stack := filepath.Join(f.file(workFolder), "src", "app")
	if err := os.MkdirAll(stack, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stack, rescuedState), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := f.clear(Isolation{}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(f.file(rescuedState))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
	if _, err := os.Stat(f.file(workFolder)); !os.IsNotExist(err) {
		t.Errorf("the checkout is there: %v", err)
	}
}
