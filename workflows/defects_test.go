package workflows_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// What once ended otherwise, each with the end that is right.

var errDisk = &dr.Error{Code: dr.Temporary, What: dr.T("error.unknown"), Err: errors.New("the disk is full")}

func soon(s *dr.Service) { s.Expiry = 3 * time.Minute }

// A start that fails has started nothing.
func TestStartedAllTheSame(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Lose("StartRun", 1)
		_, _, err := w.Engine.Start(context.Background(), world.By("alice"), world.Planned)
		time.Sleep(2 * time.Minute)
		if err != nil && w.Calls("OpenChange") > 0 {
			t.Errorf("the start failed (%v) and the run is under way", err)
		}
	})
}

// A change that was opened is closed when the run expires, whatever was not written.
func TestChangeStaysOpen(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: soon}, func(t *testing.T, w *world.World) {
		w.After("OpenChange", func() { w.Fail("UpdateRun", 1, errDisk) })
		run := w.Start(world.Planned)
		w.End(run)
		checkEnd(t, w, run, ending(untouched, dr.RunExpired))
	})
}

// What approvers accept stands on the pull request, whatever was not written.
func TestAcceptsLost(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.After("Readiness", func() { w.Fail("UpdateRun", 1, errDisk) })
		run := w.Start(world.Disaster)
		w.Await(run, dr.RunWaiting)
		if body := w.Pull(1).Body; !strings.Contains(body, "expected data loss") {
			t.Errorf("the pull request does not tell the data loss:\n%s", body)
		}
	})
}

// A panic in a plan is the step's outcome.
func TestPanicInPlan(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Panic("Plan tokyo", 1)
		run := w.Start(world.Planned)
		w.Drive(run)
		checkEnd(t, w, run, plannedDone)
	})
}

// A look that panics denies, and the wait expires all the same.
func TestPanicInLook(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: soon}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Panic("ChangeState", -1)
		time.Sleep(10 * time.Minute)
		if got, want := w.Left(run), ending(untouched, dr.RunExpired); got != want {
			t.Errorf("the run leaves %+v, not %+v", got, want)
		}
	})
}

// A look that the forge refuses counts towards the expiry like every other.
func TestBlindLooksExpire(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: soon}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Fail("ChangeState", -1, &dr.Error{Code: dr.Denied, What: dr.T("github.bad-token.next")})
		w.End(run)
		checkEnd(t, w, run, ending(untouched, dr.RunExpired))
	})
}

// Nobody has seen the RTA of a run whose verify was skipped: the record says so too.
func TestSkippedVerifyHasFigure(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Fail("Resolve portal.example.test", -1, nil)
		approve(w, run)
		w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Step == "verify" })
		w.Answer(run, "bob", "skip")
		w.Answer(run, "carol", "skip")
		r := w.Await(run, dr.RunSucceeded)
		if r.Result.RTA >= 0 || !strings.Contains(world.Words(r.RTALine()), "RTA unknown") {
			t.Errorf("the record says an RTA of %s: %s", r.Result.RTA, world.Words(r.RTALine()))
		}
		i := r.StepIndex("close-out")
		if said := world.Words(r.Steps[i].Detail); !strings.Contains(said, "unknown") {
			t.Errorf("close-out says %q", said)
		}
	})
}

// A run that succeeded while the watcher looked is no failure.
func TestSuccessToldAsFailure(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Await(run, dr.RunWaiting)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		// The first list is for nudges; the second is the one that is compared.
		w.After("OpenRuns", func() {
			for !w.Record(run).State.Final() {
				time.Sleep(time.Second)
			}
			time.Sleep(time.Second) // and the engine knows
		}).Skip(1)
		w.Approve("bob", "carol")
		go w.Books.Watchman().Watch(ctx)
		w.Await(run, dr.RunSucceeded)
		time.Sleep(10 * time.Second)
		for _, n := range w.Said() {
			if strings.HasSuffix(n.Key, "/engine-ended") {
				t.Errorf("said of a run that succeeded: %s: %s", n.Title, n.Lines)
			}
		}
	})
}

// An error that nobody classified is a defect and told at once.
func TestUnclassifiedIsTried(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Fail("Redeploy", -1, errors.New("assignment to entry in nil map"))
		approve(w, run)
		w.Await(run, dr.RunPaused)
		if n := w.Calls("Redeploy"); n != 1 {
			t.Errorf("it was tried %d times", n)
		}
	})
}

// The pull request names the quorum of the service.
func TestQuorumInWords(t *testing.T) {
	t.Parallel()
	three := func(s *dr.Service) { s.Quorum = 3 }
	world.Run(t, world.Options{Service: three}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		if body := w.Pull(1).Body; strings.Contains(body, "Two people") {
			t.Errorf("the pull request asks for two people:\n%s", body)
		}
	})
}
