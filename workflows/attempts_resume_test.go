package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// The end of a planned run stopped between two databases names resume planned and a
// failback planned: one of them works without data loss.
func TestAttemptResumeBetweenTwoDatabases(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: several}, func(t *testing.T, w *world.World) {
		w.Fail("Promote orders", -1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "promote/orders")
		w.Stop(run)
		t.Log(whereabouts(w.End(run)))
		w.Heal()
		forth := whatNext(w, w.Start(resume(world.Planned)), 0)
		if forth.State == dr.RunPaused {
			return
		}
		back := world.Back(world.Planned)
		back.Once = "back"
		run = w.Start(back)
		r := w.Until(run, func(r dr.Run) bool { return r.State != dr.RunRunning })
		if r.State.Final() {
			t.Errorf("both commands named are refused:\nresume: %s\nfailback: %s", whereabouts(forth), whereabouts(r))
		}
	})
}

// The same of a resumption.
func TestAttemptResumeShowsAll(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetBase(world.Tokyo)
		for i := range 14 {
			w.Import("tokyo", fmt.Sprintf("aws_ssm_parameter.n%d", i))
		}
		run := w.Start(resume(world.Disaster))
		r := w.Await(run, dr.RunPaused)
		shown := world.Words(r.Question.What)
		for _, n := range w.Said() {
			for _, l := range n.Lines {
				shown += world.Words(l)
			}
		}
		accept(t, w, run)
		w.Await(run, dr.RunSucceeded)
		for _, made := range w.Made() {
			if !strings.Contains(shown, made) {
				t.Errorf("%s was deleted and is not among what was accepted", made)
			}
		}
	})
}

// With both Regions active the source serves too when the service is whole again.
func TestAttemptActiveActiveResume(t *testing.T) {
	t.Parallel()
	both := func(s *dr.Service) { s.Strategy = dr.ActiveActive }
	world.Run(t, world.Options{Service: both}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "apply/tokyo")
		w.Stop(run)
		t.Log(whereabouts(w.End(run)))
		run = w.Start(resume(world.Planned))
		w.Await(run, dr.RunPaused)
		accept(t, w, run)
		r := whatNext(w, run, 1)
		if r.State != dr.RunSucceeded || w.Tasks(world.Seoul) != 3 {
			t.Errorf("Seoul has %d tasks: %s", w.Tasks(world.Seoul), whereabouts(r))
		}
	})
}

// A resumption of which people were told that the writer is in the target already does not
// move a writer that somebody has moved back since.
func TestAttemptResumePromotesWhatNobodyWasShown(t *testing.T) {
	t.Parallel()
	for _, cmd := range []workflows.StartCommand{world.Planned, world.Disaster} {
		t.Run(cmd.Mode, func(t *testing.T) {
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetBase(world.Tokyo)
				w.PromoteByHand(world.Tokyo)
				time.Sleep(2 * time.Minute)
				run := w.Start(resume(cmd))
				r := w.Await(run, dr.RunPaused)
				t.Log(line(r, "lock"), whereabouts(r))
				w.PromoteByHand(world.Seoul) // back by hand
				time.Sleep(plansOld)
				accept(t, w, run)
				r = whatNext(w, run, r.Question.Number)
				if w.Promotions() > 0 {
					t.Errorf("promoted, and people had accepted a run that promotes nothing: %s", whereabouts(r))
				}
			})
		})
	}
}

// What the policy lets pass only by its name is named where a resumption is accepted.
func TestAttemptResumeNamesWhatThePolicyWouldHaveAccepted(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetBase(world.Tokyo)
		w.Import("tokyo", "aws_cloudwatch_log_group.app")
		run := w.Start(resume(world.Disaster))
		r := w.Await(run, dr.RunPaused)
		if what := world.Words(r.Question.What); !strings.Contains(what, "would be gone") {
			t.Errorf("a pull request says what would be gone; this asks %q", what)
		}
	})
}
