package workflows_test

import (
	"context"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// What a cancel leads to is told as it is for this run at this moment.
func TestCancelSaysWhatItLeadsTo(t *testing.T) {
	t.Parallel()
	cancel := func(t *testing.T, w *world.World, run, who string, want dr.TextID, alike string) {
		t.Helper()
		_, said, err := w.Engine.Cancel(context.Background(), world.By(who), run)
		if err != nil {
			t.Fatal(err)
		}
		if said.ID != want || !strings.Contains(world.Words(said), alike) {
			t.Errorf("%s is told %q", who, world.Words(said))
		}
	}
	t.Run("merged by hand", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.Await(run, dr.RunWaiting)
			w.MergeByHand("dave")
			w.Await(run, dr.RunPaused)
			cancel(t, w, run, "bob", "said.cancelling.merged", "stays merged")
			w.Await(run, dr.RunCancelled)
		})
	})
	t.Run("twice, before the promotion and behind it", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.Fail("Promote", 1, errMended)
			w.NextApply("tokyo", dr.ApplyLocked)
			run := w.Start(world.Planned)
			approve(w, run)
			asks(w, run, "promote/portal-global")
			cancel(t, w, run, "bob", "said.abandon-takes-two", "come back")
			cancel(t, w, run, "bob", "said.abandon-again", "already")
			w.Answer(run, "carol", "retry")
			asks(w, run, "apply/tokyo")
			cancel(t, w, run, "bob", "said.abandon-takes-two", "rolled back")
			cancel(t, w, run, "carol", "said.abandoned", "rolled back")
			w.Await(run, dr.RunStopped)
		})
	})
}

// Who resumes is named once among those whose word does not count.
func TestWithoutNamesEachOnce(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyLocked)
		run := w.Start(world.Disaster)
		approve(w, run)
		asks(w, run, "apply/tokyo")
		w.Stop(run)
		w.Await(run, dr.RunStopped)
		w.NextApply("tokyo", dr.ApplyLocked)
		again := w.Start(resume(world.Disaster))
		w.Await(again, dr.RunPaused)
		accept(t, w, again)
		q := asks(w, again, "apply/tokyo").Question
		seen := map[string]bool{}
		for _, who := range q.Without {
			if seen[who] {
				t.Errorf("%s is named twice: %v", who, q.Without)
			}
			seen[who] = true
		}
		w.Stop(again)
		r := w.Await(again, dr.RunStopped)
		if next := world.Words(r.Next); !strings.Contains(next, "failback portal ap-northeast-2 planned --override-cooldown") {
			t.Errorf("the way back, in its cooldown: %s", next)
		}
	})
}
