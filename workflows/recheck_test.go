package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// old is an age at which nothing that was read counts any more: two minutes are what a run
// allows. The plans of a change that is merged count longer, but not so long as plansOld.
const (
	old      = 3 * time.Minute
	plansOld = 16 * time.Minute
)

// inTen has a request live for ten minutes.
func inTen(s *dr.Service) { s.Expiry = 10 * time.Minute }

// startAndWait starts a run and lets people take their time over it.
func startAndWait(w *world.World, cmd workflows.StartCommand) string {
	run := w.Start(cmd)
	w.Await(run, dr.RunWaiting)
	time.Sleep(old)
	return run
}

// comment is what the bot's comment with a marker says.
func comment(pr world.Pull, marker string) string {
	for _, c := range pr.Comments {
		if strings.Contains(c.Body, "<!-- "+marker) {
			return c.Body
		}
	}
	return ""
}

// line is what a run says of one of its steps.
func line(r dr.Run, step string) string {
	return world.Words(r.Steps[r.StepIndex(step)].Detail)
}

// askedAgain approves, expects that this does not suffice, and approves again.
func askedAgain(t *testing.T, w *world.World, run string) {
	t.Helper()
	w.Approve("bob", "carol")
	w.Until(run, func(r dr.Run) bool { return w.Calls("Comment worse") == 1 && r.State == dr.RunWaiting })
	time.Sleep(time.Minute)
	if r := w.Record(run); r.State != dr.RunWaiting || len(r.Approval.By) != 0 || w.Merges() != 0 {
		t.Fatalf("the run is %s with the approvals of %v", r.State, r.Approval.By)
	}
	w.Approve("bob", "carol")
}

// What grew worse while people read is put before them on the same pull request, and what
// they said before does not count for it.
func TestWorseIsAskedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cmd  workflows.StartCommand
		move func(*world.World)
		want world.Left
		says string
	}{
		{"aws.md 1: lag 0.4 s when asked, 40 min when approved, the source alive", world.Disaster, func(w *world.World) { w.SetLag(2400) }, disasterDone, "2400"},
		{"the lag grows before a switchover", world.Planned, func(w *world.World) { w.SetLag(40) }, plannedDone, "40"},
		{"a check is at a worse level", world.Planned, func(w *world.World) { w.SetCheck("target.workload", dr.Warn) }, plannedDone, "target.workload"},
		{"plans.md 17: the state moves while people read", world.Planned, func(w *world.World) { w.Import("tokyo", "aws_ssm_parameter.x") }, plannedDone, "ssm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetLag(0.4)
				run := startAndWait(w, c.cmd)
				c.move(w)
				askedAgain(t, w, run)
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, c.want)
				if n := w.Pull(1).Number; n != w.Record(run).Change.Number {
					t.Errorf("the change is #%d", n)
				}
				if said := comment(w.Pull(1), "drbot:worse"); !strings.Contains(said, c.says) {
					t.Errorf("the pull request says %q", said)
				}
			})
		})
	}
}

// What is not worse costs nobody anything.
func TestNotWorseGoesOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cmd  workflows.StartCommand
		move func(*world.World)
		want world.Left
	}{
		{"aws.md 1b: lag 0.4 s, then 4 s", world.Planned, func(w *world.World) { w.SetLag(4) }, plannedDone},
		{"aws.md 2: the source gone, its lag silent", world.Disaster, func(w *world.World) { w.Down(world.Seoul, true); w.SetLag(-1) }, disasterDone},
		{"the source gone, its lag counted on", world.Disaster, func(w *world.World) { w.Down(world.Seoul, true); w.SetLag(150) }, disasterDone},
		{"nothing moves", world.Planned, func(*world.World) {}, plannedDone},
		{"the base moves elsewhere", world.Planned, func(w *world.World) { w.PushToBase() }, plannedDone},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetLag(0.4)
				run := startAndWait(w, c.cmd)
				c.move(w)
				approved(w, run)
				checkEnd(t, w, run, c.want)
				if n := w.Calls("Comment worse"); n != 0 {
					t.Errorf("people were asked again %d times", n)
				}
			})
		})
	}
}

// The first approval has it looked at, so that the last one waits for nothing.
func TestRecheckIsMadeAhead(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := startAndWait(w, world.Planned)
		w.Approve("bob")
		w.Until(run, func(r dr.Run) bool { return strings.Contains(line(r, "recheck"), "as good as approved") })
		plans := w.Calls("Plan")
		w.Approve("carol")
		r := w.Await(run, dr.RunSucceeded)
		if n := w.Calls("Plan") - plans; n != 0 {
			t.Errorf("%d plans were made between the last approval and the end", n)
		}
		if said := line(r, "recheck"); !strings.Contains(said, "nothing was old enough") {
			t.Errorf("recheck says %q", said)
		}
	})
}

// What becomes worse before the first approval is asked about when that comes, so that
// the second person reads what is so.
func TestWorseIsAskedAtTheFirstApproval(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(0.4)
		run := startAndWait(w, world.Planned)
		w.SetLag(40)
		w.Approve("bob")
		w.Until(run, func(r dr.Run) bool { return w.Calls("Comment worse") == 1 && r.State == dr.RunWaiting })
		w.Approve("carol")
		time.Sleep(time.Minute)
		if w.Merges() != 0 {
			t.Fatal("merged with what bob said of the plan before")
		}
		w.Approve("bob")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// What the policy denies waits with its approvals, and goes on when it is mended.
func TestDenialWaits(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := startAndWait(w, world.Planned)
		w.SetCheck("aurora.target-sync", dr.Fail)
		w.Approve("bob", "carol")
		w.Until(run, func(r dr.Run) bool { return strings.Contains(world.Words(r.Outcome), "aurora.target-sync") })
		time.Sleep(5 * time.Minute)
		if w.Merges() != 0 {
			t.Fatal("merged against the policy")
		}
		w.SetCheck("aurora.target-sync", dr.OK)
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// A denial that stays ends with the request, and says why.
func TestDenialExpires(t *testing.T) {
	t.Parallel()
	inFive := func(s *dr.Service) { s.Expiry = 5 * time.Minute }
	world.Run(t, world.Options{Service: inFive}, func(t *testing.T, w *world.World) {
		run := startAndWait(w, world.Planned)
		w.SetCheck("aurora.target-sync", dr.Fail)
		w.Approve("bob", "carol")
		r := w.End(run)
		checkEnd(t, w, run, ending(untouched, dr.RunExpired))
		if said := world.Words(r.Outcome); !strings.Contains(said, "aurora.target-sync") || strings.Contains(said, "nobody approved") {
			t.Errorf("the run ends with %q", said)
		}
	})
}

// A run that is held can be cancelled.
func TestDenialCancelled(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := startAndWait(w, world.Planned)
		w.SetCheck("aurora.target-sync", dr.Fail)
		w.Approve("bob", "carol")
		w.Until(run, func(r dr.Run) bool { return !r.Outcome.Empty() && r.State == dr.RunWaiting })
		w.Cancel(run, "alice")
		w.Await(run, dr.RunCancelled)
		checkEnd(t, w, run, ending(untouched, dr.RunCancelled))
	})
}

// A check that could not be read for a moment wakes nobody.
func TestHiccupIsNotWorse(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := startAndWait(w, world.Planned)
		w.SetCheck("target.workload", dr.Unknown)
		w.After("Checks", func() { w.SetCheck("target.workload", dr.OK) })
		approved(w, run)
		if n := w.Calls("Comment worse"); n != 0 {
			t.Errorf("people were asked again %d times", n)
		}
	})
}
