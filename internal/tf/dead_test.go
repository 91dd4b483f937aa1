package tf

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

func TestRetryAfterEverythingDied(t *testing.T) {
	endpoint := startMoto(t)
	for name, kind := range map[string]struct{ file, table bool }{
		"file": {file: true}, "table": {table: true}, "both": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, endpoint, kind.file, kind.table)
			g := c.gate("exec")
			req := c.request("died", c.commitS3(localExec("b", g.talking(""), "")))

			// The bot dies as well: nobody hears of the end of the apply.
			tf := c.terraform()
			ctx, bot := context.WithCancel(t.Context())
			_, err := tf.Apply(ctx, req, func(dr.Progress) {
				g.reached()
				awaitOwnLock(t, tf.disk.applyFolder("died"))
				bot()
			})
			if err == nil {
				t.Fatal("the bot did not die")
			}
			killSession(t)(supervisorOf(t, tf.disk.applyFolder("died")))
			if kind.file && c.lockObject() == "" {
				t.Fatal("no lock was left, so nothing is proved")
			}

			g.open()
			req.Key = "retry"
			r := c.apply(req)
			if r.Kind != dr.ApplyDone || r.Counts.Add != 1 || !strings.Contains(texttest.Say(t, r.Summary), "of the apply that died was released") {
				t.Errorf("result %+v", r)
			}
			if left := c.lockObject(); left != "" {
				t.Errorf("a lock is left: %s", left)
			}
			req.Key = "later"
			if r := c.apply(req); r.Kind != dr.ApplyDone || r.Counts.Add != 0 || strings.Contains(texttest.Say(t, r.Summary), "died") {
				t.Errorf("a later apply gave %+v", r)
			}
		})
	}
}

func TestOnlyAProvedLockIsReleased(t *testing.T) {
	c := newCloud(t, startMoto(t), true, false)
	g := c.gate("exec")
	commit := c.commitS3(localExec("b", "trap '' PIPE; "+g.talking(""), ""))
	req := c.request("died", commit)

	// Terraform's child outlives it: the lock is proved, the death is not.
	f, r := c.killed(req, g, true, func(pid int) {
		if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	})
	ours := c.lockObject()
	if r.Kind != dr.ApplyLost || ours == "" || !strings.Contains(texttest.Say(t, r.Summary), "something that apply had started still runs") || !strings.Contains(texttest.Say(t, r.Summary), "working on terraform_data.b") {
		t.Errorf("result %+v, lock %q", r, ours)
	}
	killSession(t)(supervisorOf(t, f))
	g.open()

	var own ownLock
	if known, err := f.read(ownLockFile, &own); !known || err != nil {
		t.Fatal(err)
	}
	refused := func(key, lock, why string) {
		t.Helper()
		req := req
		req.Key = key
		r := c.apply(req)
		if r.Kind != dr.ApplyLocked || !strings.Contains(texttest.Say(t, r.Summary), "locked by "+own.Lock.Who+" since 2") || !strings.Contains(texttest.Say(t, r.Summary), why) {
			t.Errorf("%s: result %+v", key, r)
		}
		if now := c.lockObject(); now != lock {
			t.Errorf("%s: the lock is %q", key, now)
		}
	}
	unproved := ownLock{Lock: own.Lock, Read: own.Read}
	if err := f.write(ownLockFile, unproved); err != nil {
		t.Fatal(err)
	}
	refused("unproved", ours, "not proved to be its")
	var elsewhere, here process
	if _, err := f.read(processFile, &here); err != nil {
		t.Fatal(err)
	}
	elsewhere = here
	elsewhere.BootID, elsewhere.Host = "another", "ip-10-0-0-1"
	if err := f.write(ownLockFile, own); err != nil {
		t.Fatal(err)
	}
	if err := f.write(processFile, elsewhere); err != nil {
		t.Fatal(err)
	}
	refused("elsewhere", ours, "on another machine, ip-10-0-0-1")
	if err := f.write(processFile, here); err != nil {
		t.Fatal(err)
	}

	// Of the same user on the same host, and younger: as like as can be.
	foreign := c.putLock(map[string]string{
		"ID": "7ad4f1b2-0000-4c5d-9e8f-000000000000", "Operation": applyOperation, "Info": "", "Who": own.Lock.Who,
		"Version": "1.11.4", "Created": own.Lock.Created.Add(time.Second).Format(time.RFC3339Nano), "Path": c.object[1:],
	})
	refused("foreign", foreign, "not the lock of the apply that died")
}

func TestNothingIsMadeTwice(t *testing.T) {
	c := newCloud(t, startMoto(t), true, false)
	g := c.gate("exec")
	runs := filepath.Join(c.dir, "runs")
	commit := c.commitS3(localExec("a", "echo ran >> "+runs, "") + localExec("b", g.talking(""), "terraform_data.a"))
	req := c.request("died", commit)
	f, r := c.killed(req, g, true, killSession(t))
	if r.Kind != dr.ApplyLost || !slices.Equal(r.Made, []string{"terraform_data.a"}) ||
		!strings.Contains(texttest.Say(t, r.Summary), "not in the state: terraform_data.a;") || !strings.Contains(texttest.Say(t, r.Summary), "was released") {
		t.Errorf("result %+v", r)
	}
	if again := c.apply(req); !again.Summary.Same(r.Summary) {
		t.Errorf("the second call gave %+v", again)
	}
	if left := c.lockObject(); left != "" {
		t.Errorf("a lock is left: %s", left)
	}
	g.open()
	req.Key = "refused"
	r = c.apply(req)
	if r.Kind != dr.ApplyFailed || !strings.Contains(texttest.Say(t, r.Summary), "it had made terraform_data.a, which the state does not have") || !strings.Contains(texttest.Say(t, r.Summary), f.file(settledFile)) {
		t.Errorf("result %+v", r)
	}
	if n := g.runs(); n != 1 {
		t.Errorf("the resource was made %d times", n)
	}

	c.importA()
	req.Key = "imported"
	if r := c.apply(req); r.Kind != dr.ApplyDone || r.Counts.Add != 1 {
		t.Errorf("result %+v", r)
	}
	if data, err := os.ReadFile(runs); err != nil || string(data) != "ran\n" {
		t.Errorf("runs: %q, %v", data, err)
	}
	if !f.has(settledFile) {
		t.Error("the apply that died is not settled")
	}
}

// importA does what a person does about a resource that the state does not have.
func (c *cloud) importA() {
	c.t.Helper()
	dir := filepath.Join(c.tree, "app")
	environment := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir}
	for name, v := range c.opts.Environment {
		environment = append(environment, name+"="+v)
	}
	args := []string{"init", "-input=false"}
	for _, name := range slices.Sorted(maps.Keys(c.backend)) {
		args = append(args, "-backend-config="+name+"="+c.backend[name])
	}
	for _, args := range [][]string{args, {"import", "terraform_data.a", "an-id"}} {
		cmd := exec.CommandContext(c.t.Context(), "terraform", args...)
		cmd.Dir, cmd.Env = dir, environment
		if out, err := cmd.CombinedOutput(); err != nil {
			c.t.Fatalf("terraform %v: %v\n%s", args, err, out)
		}
	}
}

func TestADeletedResourceIsSettledByAPerson(t *testing.T) {
	w := newWorld(t)
	g := w.gate("exec")
	runs := filepath.Join(w.dir, "runs")
	commit := w.commit(files(localExec("a", "echo ran >> "+runs, "") + localExec("b", g.talking(""), "terraform_data.a")))
	req := w.request("died", commit)
	f, r := w.killed(req, g, false, killSession(t))
	if r.Kind != dr.ApplyLost {
		t.Errorf("result %+v", r)
	}
	g.open()
	// A local state may have been written in the middle; a lost one is as S3 has it.
	if err := os.RemoveAll(w.state()); err != nil {
		t.Fatal(err)
	}
	req.Key = "refused"
	if r := w.apply(req); r.Kind != dr.ApplyFailed || !strings.Contains(texttest.Say(t, r.Summary), "terraform_data.a") {
		t.Errorf("result %+v", r)
	}
	if err := os.WriteFile(f.file(settledFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	req.Key = "settled"
	if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts.Add != 2 {
		t.Errorf("result %+v", r)
	}
}
