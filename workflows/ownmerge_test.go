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
