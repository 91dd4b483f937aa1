package workflows_test

import (
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// A process that is not the executor any more neither gives tasks back nor deploys anew.
func TestNothingIsStartedWithoutTheLock(t *testing.T) {
	t.Parallel()
	scale := "Scale " + string(world.Seoul)
	for name, c := range map[string]struct {
		cmd      workflows.StartCommand
		strategy dr.Strategy
		after    string // the call after which the lock is lost
		step     string
		act      string
		times    int // that act by then
	}{
		"give-back": {world.Planned, dr.ActiveActive, "Apply traffic", "give-back/" + string(world.Seoul), scale, 1},
		"redeploy":  {world.Disaster, dr.PilotLight, "Apply tokyo", "redeploy/" + string(world.Tokyo), "Redeploy", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{Service: func(s *dr.Service) { s.Strategy = c.strategy }}, func(t *testing.T, w *world.World) {
				var back func()
				w.After(c.after, func() { back = w.Gone("Held") })
				run := w.Start(c.cmd)
				approve(w, run)
				r := w.Until(run, func(r dr.Run) bool { return r.State.Final() || r.Question != nil })
				if r.Question == nil || r.Question.Step != c.step || w.Calls(c.act) != c.times {
					t.Fatalf("%s was done %d times: %s", c.act, w.Calls(c.act), whereabouts(r))
				}
				back()
				w.Answer(run, "bob", "retry")
				w.Await(run, dr.RunSucceeded)
			})
		})
	}
	t.Run("restore", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.Fail("Promote", -1, errMended)
			run := w.Start(world.Planned)
			approve(w, run)
			asks(w, run, "promote/portal-global")
			w.Gone("Held")
			w.Stop(run)
			if r := w.End(run); w.Calls(scale) != 1 {
				t.Errorf("the source was scaled %d times: %s", w.Calls(scale), whereabouts(r))
			}
		})
	})
}
