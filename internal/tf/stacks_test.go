package tf

import (
	"errors"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

func TestDriftKeepsAwayFromAStackInUse(t *testing.T) {
	s := newStacks()
	leave, gone := s.work("state", "app", "failover/1")
	if gone != nil {
		t.Error("there was no drift to wait for")
	}
	_, _, err := s.look(t.Context(), "state", "app")
	wantBusy(t, err, "Stack app is in use by run failover/1; its drift was not looked at.")
	if _, done, err := s.look(t.Context(), "another", "db"); err != nil {
		t.Errorf("another stack: %v", err)
	} else {
		done()
	}
	leave()
	ctx, done, err := s.look(t.Context(), "state", "app")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.look(t.Context(), "state", "app")
	wantBusy(t, err, "is being looked at already")

	leave, gone = s.work("state", "app", "failover/2")
	<-ctx.Done()
	wantBusy(t, gaveWay(ctx, ctx.Err()), "Stack app is in use by run failover/2")
	select {
	case <-gone:
		t.Error("the drift is said to be gone, and is not")
	default:
	}
	done()
	<-gone
	leave()
	if len(s.of) != 0 {
		t.Errorf("what is left: %v", s.of)
	}
}

func wantBusy(t *testing.T, err error, says string) {
	t.Helper()
	var known *dr.Error
	if !errors.As(err, &known) || known.Code != dr.Conflict || !strings.Contains(texttest.Say(t, known.What), says) {
		t.Errorf("got %v, want a conflict that says %q", err, says)
	}
}

func TestDriftGivesWayToARun(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(localExec("a", "true", "")))
	g := w.gate("refresh")
	w.opts.TerraformPath = w.wrapper("plan", "if [ ! -e "+g.mark+" ]; then "+g.command()+"; fi")
	tf := w.terraform()
	req := dr.PlanRequest{Service: trusting(), Run: "drift/1", Stack: w.stack(), Commit: commit, Drift: true}
	done := make(chan error)
	go func() {
		_, err := tf.Plan(t.Context(), req)
		done <- err
	}()
	g.reached()
	go g.open() // what holds the state's lock may end
	req.Run, req.Drift = "failover/1", false
	if p, err := tf.Plan(t.Context(), req); err != nil || len(p.Changes) != 1 {
		t.Errorf("the run's plan: %+v, %v", p, err)
	}
	wantBusy(t, <-done, "Stack app is in use by run failover/1")
}

// An apply that no process follows any more is found by its lock.
func TestDriftSeesAnApplyOfAnEarlierProcess(t *testing.T) {
	w := newWorld(t)
	g := w.gate("exec")
	commit := w.commit(files(localExec("a", g.command(), "")))
	wait := w.applying(w.terraform(), w.request("followed-elsewhere", commit))
	g.reached()
	fresh := w.terraform()
	_, err := fresh.Plan(t.Context(), dr.PlanRequest{Service: trusting(), Run: "drift/1", Stack: w.stack(), Commit: commit, Drift: true})
	wantBusy(t, err, "Stack app is in use by run run")
	g.open()
	if r := wait(); r.Kind != dr.ApplyDone {
		t.Errorf("result %+v", r)
	}
	// The supervisor that has written its result may live on while it tidies up.
	alive, err := lockFile(t.Context(), fresh.disk.applyFolder("followed-elsewhere").file(aliveLock))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = alive.Close() }()
	if _, err := fresh.Plan(t.Context(), dr.PlanRequest{Service: trusting(), Run: "drift/1", Stack: w.stack(), Commit: commit, Drift: true}); err != nil {
		t.Errorf("drift after the apply: %v", err)
	}
}
