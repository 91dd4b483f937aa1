package workflows_test

import (
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// decided holds what a run has decided to one decision a step.
func decided(t *testing.T, r dr.Run, steps ...string) {
	t.Helper()
	if len(r.Decisions) != len(steps) {
		t.Fatalf("%s: %d decisions: %+v", r.State, len(r.Decisions), r.Decisions)
	}
	for i, d := range r.Decisions {
		if d.Step != steps[i] || d.Policy == "" {
			t.Errorf("decision %d is %+v, want one of %s", i, d, steps[i])
		}
	}
}

// TestDecidedOnceAStep has the decisions of a run made again: by the tries of one step, and
// after deaths in it. The record has one of each step, the last.
func TestDecidedOnceAStep(t *testing.T) {
	t.Parallel()
	t.Run("tries", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.SetCheck("aurora.writer", dr.Unknown)
			r := w.End(w.Start(world.Planned))
			decided(t, r, "check-readiness")
			if r.Decisions[0].Allowed {
				t.Error("it was allowed")
			}
		})
	})
	for _, kill := range []string{"Comment", "Status"} {
		t.Run("killed before "+kill, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.KillBefore(kill)
				r := w.Drive(w.Start(world.Planned))
				if decided(t, r, "check-readiness", "plan"); w.Lives() < 2 {
					t.Errorf("%d lives", w.Lives())
				}
			})
		})
	}
}
