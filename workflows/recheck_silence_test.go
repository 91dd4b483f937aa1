package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// One answer that is lost when it is looked again, of the source or of the lag, excuses no
// loss that nobody was shown, and wakes nobody where the loss has not grown.
func TestLostAnswerExcusesNoLoss(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		cmd   workflows.StartCommand
		lost  func(*world.World)
		back  func(*world.World)
		lag   float64
		again int // how often people are asked again
	}{
		{"the source's", world.Disaster, func(w *world.World) { w.SetLag(2400); w.SetCheck("source.reachable", dr.Unknown) }, func(w *world.World) { w.SetCheck("source.reachable", dr.OK) }, 2400, 1},
		{"the lag's", world.Disaster, func(w *world.World) { w.SetLag(-1) }, func(w *world.World) { w.SetLag(2400) }, 2400, 1},
		{"the lag's, which is as it was", world.Disaster, func(w *world.World) { w.SetLag(-1) }, func(w *world.World) { w.SetLag(0.4) }, 0.4, 0},
		{"the lag's before a switchover", world.Planned, func(w *world.World) { w.SetLag(-1) }, func(w *world.World) { w.SetLag(0.4) }, 0.4, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetLag(0.4)
				run := startAndWait(w, c.cmd)
				c.lost(w)
				w.After("Checks", func() { c.back(w) })
				w.Approve("bob", "carol")
				w.Until(run, func(r dr.Run) bool {
					return w.Calls("Comment worse") == c.again && (r.State == dr.RunWaiting && c.again > 0 || r.State.Final() || r.State == dr.RunPaused)
				})
				if merges := w.Merges(); merges != 1-c.again {
					t.Fatalf("%d merges; the run is %s: %s", merges, w.Record(run).State, world.Words(w.Record(run).Outcome))
				}
				if c.again > 0 {
					w.Approve("bob", "carol")
				}
				w.Await(run, dr.RunSucceeded)
			})
		})
	}
}

// The same right before the first act, where what was approved has grown old.
func TestLostAnswerBeforeAnAct(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*world.World){
		"the source's": func(w *world.World) {
			w.SetLag(2400)
			w.SetCheck("source.reachable", dr.Unknown)
			w.After("Checks", func() { w.SetCheck("source.reachable", dr.OK) })
		},
		"the lag's": func(w *world.World) {
			w.SetLag(-1)
			w.After("Checks", func() { w.SetLag(2400) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetLag(0.4)
				run := startAndWait(w, world.Disaster)
				w.Before("Merge", func() { time.Sleep(3 * time.Minute); lose(w) })
				w.Approve("bob", "carol")
				r := w.Await(run, dr.RunPaused)
				if said := world.Words(r.Outcome); !strings.Contains(said, "2400") || w.Calls("Promote") != 0 {
					t.Errorf("paused with %q, %d promotions", said, w.Calls("Promote"))
				}
			})
		})
	}
}
