package workflows_test

import (
	"testing"
	"time"

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
				w.After(c.after, func() { w.Gone("Held") })
				run := w.Start(c.cmd)
				approve(w, run)
				r := w.Until(run, func(r dr.Run) bool { return r.State.Final() || r.Question != nil })
				if r.Question == nil || r.Question.Step != c.step || w.Calls(c.act) != c.times {
					t.Fatalf("%s was done %d times: %s", c.act, w.Calls(c.act), whereabouts(r))
				}
				w.Heal()
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

// The lock cannot be looked at for some seconds right before an act, and Git is reverted
// meanwhile: Git is looked at again before the act.
func TestLockIsLostForAWhile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o    world.Options
		cmd  workflows.StartCommand
		skip int // looks at the lock before that of the act
	}{
		"quiesce":   {world.Options{}, world.Planned, 1},
		"apply":     {world.Options{Service: alone}, world.Disaster, 1},
		"promotion": {world.Options{}, world.Disaster, 1},
	} {
		for _, lasts := range []time.Duration{2 * time.Second, 10 * time.Second, 10 * time.Minute} {
			t.Run(name+"/"+lasts.String(), func(t *testing.T) {
				t.Parallel()
				world.Run(t, c.o, func(t *testing.T, w *world.World) {
					run := w.Start(c.cmd)
					w.Before("Held", func() {
						w.SetBase(world.Seoul)
					}).Skip(c.skip)
					w.Fail("Held", -1, nil).Skip(c.skip)
					w.Before("Held", func() { time.AfterFunc(lasts, w.Heal) }).Skip(c.skip)
					approve(w, run)
					r := settled(w, run)
					if r.Question != nil { // nobody has held the lock for long
						w.Answer(run, "bob", "retry")
						r = settled(w, run)
					}
					if w.Tasks(world.Seoul) == 0 || len(w.Applied()) > 0 || w.Promotions() > 0 {
						t.Errorf("Git says %s: %d tasks there, %v applied, %d promotions: %s", w.Base(), w.Tasks(world.Seoul), w.Applied(), w.Promotions(), whereabouts(r))
					}
				})
			})
		}
	}
}
