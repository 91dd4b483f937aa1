package workflows_test

import (
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// Asked about a wider plan at the merge, shortly before the expiry, people have their time anew.
func TestWiderAtTheMergeGivesTimeAnew(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		time.Sleep(58 * time.Minute)
		w.After("Plan tokyo", func() { w.PushToBase("tokyo:aws_ssm_parameter.x") })
		approve(w, run)
		time.Sleep(10 * time.Minute)
		if r := w.Record(run); r.State != dr.RunWaiting {
			t.Fatalf("asked about a wider plan at minute 58: %s", whereabouts(r))
		}
		w.Approve("bob", "carol")
		if r := settled(w, run); r.State != dr.RunSucceeded {
			t.Errorf("%s", whereabouts(r))
		}
	})
}

// A second wait has its reminders too, whatever it began for.
func TestRemindersOfEveryWait(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(0.4)
		w.RequireUpToDate(true)
		run := w.Start(world.Planned)
		w.Before("Merge", func() { w.PushToBase() })
		approve(w, run)
		time.Sleep(10 * time.Minute) // one reminder
		n := len(saidOf(w, "/remind/await"))
		w.SetLag(100)
		w.Approve("bob")
		time.Sleep(22 * time.Minute)
		if m := len(saidOf(w, "/remind/await")); n != 1 || m < n+2 {
			t.Errorf("%d reminders, then %d: %s", n, m, whereabouts(w.Record(run)))
		}
	})
}
