package workflows_test

import (
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// A cancel right after a restart, before the run has done a step, is obeyed soon.
func TestCancelRightAfterARestart(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]time.Duration{"at once": 0, "in the first wait": 100 * time.Millisecond, "later": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Disaster)
				w.Await(run, dr.RunWaiting)
				time.Sleep(7 * time.Second)
				w.Restart()
				time.Sleep(before)
				asked := time.Now()
				w.Cancel(run, "alice")
				r := w.End(run)
				if took := r.Ended.Sub(asked); r.State != dr.RunCancelled || took > 5*time.Second {
					t.Errorf("it is %s %s after the cancel", r.State, took)
				}
			})
		})
	}
}

// An answer right after a restart is heard; a second restart right after it changes nothing.
func TestAnswerRightAfterARestart(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(world.Disaster)
		w.Await(run, dr.RunWaiting)
		w.Approve("bob", "carol")
		w.Await(run, dr.RunPaused)
		w.Restart()
		w.Answer(run, "bob", "retry")
		w.Restart()
		r := w.End(run)
		if r.State != dr.RunSucceeded {
			t.Errorf("it is %s: %s", r.State, world.Words(r.Outcome))
		}
	})
}

// The word of somebody who is no approver any more does not end a run past its merge.
func TestStopOfWhoLeft(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(world.Disaster)
		w.Await(run, dr.RunWaiting)
		w.Approve("bob", "carol")
		w.Await(run, dr.RunPaused)
		w.Answer(run, "dave", "stop")
		w.Leave("dave")
		w.Revive(0)
		w.Until(run, func(r dr.Run) bool { return r.State == dr.RunPaused })
		w.Answer(run, "carol", "stop")
		time.Sleep(time.Minute)
		if r := w.Record(run); r.State.Final() {
			t.Errorf("a vote of somebody who has left counted: %s, %v", r.State, r.Abandon)
		}
	})
}
