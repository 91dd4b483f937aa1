package workflows_test

import (
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// Something else that has the bot's account merges, and the run has not meant to: that is
// anybody's merge, and counted.
func TestMergedByTheBotsAccount(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(w *world.World)
		goesOn bool
	}{
		"nobody has approved": {func(*world.World) {}, false},
		"one has":             {func(w *world.World) { w.Approve("bob") }, false},
		"the run's own merge was refused, and one has thought better of it": {func(w *world.World) {
			w.Protect("a check is missing")
			w.Approve("bob", "carol")
			time.Sleep(time.Minute)
			w.Protect("")
			w.Review("carol", dr.ChangesRequested)
		}, false},
		"all have": {func(w *world.World) { w.Approve("bob", "carol") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				c.before(w)
				w.MergeAs(world.Bot)
				r := settled(w, run)
				if r.State == dr.RunPaused && r.Question.Step == "merge" && w.Promotions() == 0 && c.goesOn {
					w.Answer(run, "bob", "retry")
					r = settled(w, run)
				}
				if got := w.Promotions() > 0; got != c.goesOn {
					t.Errorf("promoted %v with %d approvals: %s", got, w.Approvals(), whereabouts(r))
				}
			})
		})
	}
}

// The run's own merge stays its own when the bot dies with it, also where somebody has
// thought better of it since.
func TestOwnMergeIsFoundAgain(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.KillAfter("Merge")
		approve(w, run)
		reborn(w, time.Minute, func() { w.Review("carol", dr.ChangesRequested) })
		r := settled(w, run)
		if r.State != dr.RunSucceeded {
			t.Errorf("%s", whereabouts(r))
		}
	})
}

// The run's merge is not taken; before it tries again one has thought better of it, and
// somebody merges by the bot's account. What the run had meant is not what was merged then.
func TestMergedByTheBotsAccountAfterAnIntent(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Before("Merge", func() {
			w.Before("ChangeState", func() {
				w.Review("carol", dr.ChangesRequested)
				w.MergeAs(world.Bot)
			})
		})
		w.Fail("Merge", 1, &dr.Error{Code: dr.Temporary, What: dr.T(dr.Words, "words", dr.Foreign("a bad gateway"))})
		approve(w, run)
		r := settled(w, run)
		if w.Calls("Merge") != 1 || w.Merges() != 1 {
			t.Fatalf("%d calls and %d merges", w.Calls("Merge"), w.Merges())
		}
		if r.State != dr.RunPaused || w.Promotions() != 0 {
			t.Errorf("%s with %d promotions", whereabouts(r), w.Promotions())
		}
	})
}
