package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// otherSteps makes a stored row of a run another than this version stores.
const otherSteps = `UPDATE operation_outputs SET function_name = 'another' WHERE function_name = 'plan'`

// namedNext is the command that goes on from where a run stands, as its record names it.
func namedNext(r dr.Run, verb dr.Kind) bool {
	for _, c := range r.Next.Commands() {
		if c.Verb == string(verb) && c.Args["region"] == string(r.Target) {
			return true
		}
	}
	return false
}

// strayed is a run past its merge, its source at zero, that has other steps after an upgrade.
func strayed(w *world.World) string {
	w.Fail("Promote", 1, errMended)
	run := w.Start(world.Planned)
	approve(w, run)
	asks(w, run, "promote/portal-global")
	w.RestartOver(otherSteps)
	time.Sleep(5 * time.Minute) // of the world's clock
	return run
}

// A run past its merge, its source at zero, is found to have other steps after an upgrade.
// Two people end it: the source runs again, and what its words name leads on.
func TestOtherStepsBehindTheMerge(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]bool{"in one life": false, "and the bot is restarted between the two": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := strayed(w)
				r := w.Record(run)
				if r.State != dr.RunPaused || r.Outcome.ID != "run.other-steps" || !namedNext(r, dr.Resume) {
					t.Fatalf("it does not stand still: %s", whereabouts(r))
				}
				w.Cancel(run, "alice")
				time.Sleep(5 * time.Minute)
				if restart {
					w.Restart()
				}
				if r := w.Record(run); r.State.Final() {
					t.Fatalf("one alone has ended it: %s", whereabouts(r))
				}
				w.Cancel(run, "bob")
				r = w.End(run)
				if r.State != dr.RunStopped || w.Tasks(world.Seoul) == 0 || !namedNext(r, dr.Resume) {
					t.Errorf("the source runs %d tasks: %s", w.Tasks(world.Seoul), whereabouts(r))
				}
				next := w.Start(resume(world.Planned))
				if next == run {
					t.Fatalf("the run holds its service still: %s", whereabouts(w.Record(run)))
				}
				w.Await(next, dr.RunPaused)
				accept(t, w, next)
				w.Await(next, dr.RunSucceeded)
				if w.Promotions() != 1 || w.Writer() != world.Tokyo {
					t.Errorf("%d promotions, the writer is in %s", w.Promotions(), w.Writer())
				}
			})
		})
	}
}

// Before its merge one person ends it, and its pull request is closed; the service is free.
func TestOtherStepsBeforeTheMerge(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.RestartOver(otherSteps)
		time.Sleep(5 * time.Minute)
		r := w.Record(run)
		if r.State != dr.RunPaused || r.Outcome.ID != "run.other-steps" || !namedNext(r, dr.Failover) {
			t.Fatalf("it does not stand still: %s", whereabouts(r))
		}
		w.Cancel(run, "bob")
		if r = w.End(run); r.State != dr.RunCancelled || w.OpenPulls() != 0 || !namedNext(r, dr.Failover) {
			t.Errorf("%d pull requests are open: %s", w.OpenPulls(), whereabouts(r))
		}
		cmd := world.Planned
		cmd.Once = "again"
		approved(w, w.Start(cmd))
	})
}

// It ends while it cannot be written down what became of it, or while the bot dies within
// that: what is owed to the source is given once.
func TestOtherStepsEndedAnew(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := strayed(w)
		w.Cancel(run, "alice")
		w.KillAfter("Scale " + string(world.Seoul))
		go func() { // the end of the bot is that of its caller, not of the test
			_, _, _ = w.Engine.Cancel(context.Background(), world.By("bob"), run)
		}()
		reborn(w, time.Minute, nil)
		r := w.End(run)
		if r.State != dr.RunStopped || w.Tasks(world.Seoul) == 0 || !namedNext(r, dr.Resume) {
			t.Errorf("the source runs %d tasks: %s", w.Tasks(world.Seoul), whereabouts(r))
		}
	})
}

// It is taken up by the version it was begun with: it goes on as if nothing had been.
func TestOtherStepsAreThoseOfAnotherVersion(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := strayed(w)
		w.RestartOver(`UPDATE operation_outputs SET function_name = 'plan' WHERE function_name = 'another'`)
		time.Sleep(5 * time.Minute)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
	})
}
