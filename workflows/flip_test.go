package workflows_test

import (
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// What leads the users is a fixed value in the files: the change reaches the variable, and
// moves nobody.
func TestCase4TrafficThatStays(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.FixTraffic(true)
		run := w.Start(world.Planned)
		r := w.End(run)
		checkEnd(t, w, run, ending(untouched, dr.RunRefused))
		said := world.Words(r.Outcome)
		if !strings.Contains(said, "the plan of stack traffic changes nothing") || w.Calls("Comment plan") != 0 {
			t.Errorf("the run ends with %q after %d comments", said, w.Calls("Comment plan"))
		}
	})
}

// A name that leads to the target already needs no change.
func TestCase4UsersWhoAreThereAlready(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.FixTraffic(true)
		w.MoveUsers(world.Tokyo)
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Approve("bob", "carol")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}
