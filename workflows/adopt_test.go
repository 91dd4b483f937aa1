package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// github.md 8: somebody merges the approved pull request by hand while the run waits. The
// count holds at that moment, so the run goes on with it and says who.
func TestApprovedAndMergedByHand(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Fail("ChangeState", 1, nil) // a look that sees nothing, so that the merge is first
		w.Approve("bob", "carol")
		w.MergeByHand("dave")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
		if !said(w, "was merged by dave-gh, not by drbot") {
			t.Error("it is not said who merged")
		}
	})
}

// Merged without its approvals, the run asks; two people take it up, and it goes on.
func TestMergedByHandIsTakenUp(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.MergeByHand("dave")
		w.Await(run, dr.RunPaused)
		if w.Promotions() != 0 {
			t.Fatal("promoted on what nobody approved")
		}
		accept(t, w, run)
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// Of those who said that it is right one did so after the merge, before the bot looked again:
// it counts as of the merge, and that is asked about.
func TestMergedByHandBeforeItWasApproved(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Approve("bob")
		time.Sleep(time.Minute)
		back := w.Gone("ChangeState")
		w.MergeByHand("dave")
		time.Sleep(5 * time.Minute)
		w.TryReview("carol", dr.Approved)
		time.Sleep(time.Minute)
		back()
		r := w.Await(run, dr.RunPaused)
		if r.Question.Step != "merge" || w.Promotions() > 0 {
			t.Fatalf("%d promotions: %s", w.Promotions(), whereabouts(r))
		}
		accept(t, w, run)
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// The same upon a base that nobody planned: what is wider is asked about before any act.
func TestMergedByHandOnAnotherBase(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Await(run, dr.RunWaiting)
		w.PushToBase("tokyo:aws_ssm_parameter.x")
		w.MergeByHand("dave")
		w.Await(run, dr.RunPaused)
		accept(t, w, run)
		r := asks(w, run, "promote/portal-global")
		if what := world.Words(r.Question.What); w.Promotions() != 0 || !strings.Contains(what, "aws_ssm_parameter.x") {
			t.Fatalf("%d promotions; it asks %q", w.Promotions(), what)
		}
		acceptBy(t, w, run, "dave", "erin")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, disasterDone)
	})
}

// said tells whether a note of the channel has these words.
func said(w *world.World, words string) bool {
	for _, n := range w.Said() {
		if strings.Contains(world.Words(n.Title), words) {
			return true
		}
	}
	return false
}

// Two people abandon a run past its merge while a step is under way: the next one is not
// begun, and the end leads on.
func TestAbandonedBetweenSteps(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.After("Promote", func() {
			w.Cancel(run, "alice")
			w.Cancel(run, "bob")
		})
		approve(w, run)
		r := w.Await(run, dr.RunStopped)
		checkEnd(t, w, run, promotedOnly)
		if next := world.Words(r.Next); len(w.Applied()) != 0 || !strings.Contains(next, "/dr resume portal") {
			t.Errorf("applied %v; it leads to %q", w.Applied(), next)
		}
	})
}

// The same between the merge and the look that confirms it.
func TestAbandonedAtTheMerge(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.After("Merge", func() {
			w.Before("File", func() {
				w.Cancel(run, "alice")
				w.Cancel(run, "bob")
			})
		})
		approve(w, run)
		w.Await(run, dr.RunStopped)
		if w.Promotions() != 0 {
			t.Error("promoted although two people had abandoned the run")
		}
	})
}

// People went on without a promotion that had not moved the writer, and then stop: the
// source has a writer to write to, and gets its tasks back.
func TestSourceComesBackAfterASkippedPromotion(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", -1, &dr.Error{Code: dr.Conflict, What: dr.T("wider.lock-file")})
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Answer(run, "bob", "skip")
		w.Answer(run, "carol", "skip")
		asks(w, run, "apply/tokyo")
		w.Stop(run)
		w.Await(run, dr.RunStopped)
		checkEnd(t, w, run, ending(mergedNotMore, dr.RunStopped))
	})
}

// With both Regions active the source's tasks come back also where its approved plan
// changes something else.
func TestGivenBackBesideAnotherChange(t *testing.T) {
	t.Parallel()
	both := func(s *dr.Service) { s.Strategy = dr.ActiveActive }
	world.Run(t, world.Options{Service: both}, func(t *testing.T, w *world.World) {
		w.PushToBase("seoul:aws_ssm_parameter.x")
		approved(w, w.Start(world.Planned))
		if n := w.Tasks(world.Seoul); n != 3 {
			t.Errorf("the source runs %d tasks; Git says 3", n)
		}
	})
}
