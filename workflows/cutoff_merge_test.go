package workflows_test

import (
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// What is cut off right before the merge, or tried again late.

// The bot dies right before it merges. When it is back, what people approved is not so any more.
func TestMergeIsCutOff(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(*world.World){
		"the lag grows":      func(w *world.World) { w.SetLag(200) },
		"the policy denies":  func(w *world.World) { w.SetCheck("aurora.target-instance", dr.Fail) },
		"the plan grows":     func(w *world.World) { w.Import("tokyo", "aws_ssm_parameter.state") },
		"the plan is denied": func(w *world.World) { w.DenyPlan() },
	} {
		for _, dead := range []time.Duration{10 * time.Minute, 40 * time.Minute} {
			t.Run(name+"/"+dead.String(), func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					w.SetLag(0.4)
					run := w.Start(world.Planned)
					w.KillBefore("Merge")
					approve(w, run)
					reborn(w, dead, func() { move(w) })
					r := settled(w, run)
					if w.Merges() > 0 {
						t.Errorf("merged: %s", whereabouts(r))
					}
				})
			})
		}
	}
}

// The merge pauses; when people retry it, what people approved is not so any more.
func TestMergeIsRetriedLate(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(*world.World){
		"the lag grows":     func(w *world.World) { w.SetLag(200) },
		"the policy denies": func(w *world.World) { w.SetCheck("aurora.target-instance", dr.Fail) },
		"the plan grows":    func(w *world.World) { w.Import("tokyo", "aws_ssm_parameter.state") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetLag(0.4)
				w.Protect("no merges today")
				run := w.Start(world.Planned)
				approve(w, run)
				asks(w, run, "merge")
				time.Sleep(20 * time.Minute)
				w.Protect("")
				move(w)
				w.Answer(run, "bob", "retry")
				r := settled(w, run)
				if w.Merges() > 0 {
					t.Errorf("merged: %s", whereabouts(r))
				}
			})
		})
	}
}

// Somebody cancels and is told that the run is being cancelled; then the bot dies before it merges.
func TestCancelledBeforeTheDeath(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"ChangeState", "Queued", "Audit merge", "Held", "Merge"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				w.After("Audit approval", func() {
					w.Before(call, func() { w.Cancel(run, "alice") })
					w.KillBefore(call)
				})
				approve(w, run)
				reborn(w, 30*time.Minute, nil)
				r := settled(w, run)
				if w.Merges() > 0 {
					t.Errorf("cancelled half an hour before, and merged; %d promotions: %s", w.Promotions(), whereabouts(r))
				}
			})
		})
	}
}

// The same while the merge is tried again.
func TestCancelledBetweenTries(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Before("Merge", func() { w.Cancel(run, "alice") })
		w.Fail("Merge", 4, nil)
		approve(w, run)
		r := settled(w, run)
		if w.Merges() > 0 {
			t.Errorf("cancelled a while before, and merged; %d promotions: %s", w.Promotions(), whereabouts(r))
		}
	})
}

// The bot dies before it puts the change into the queue, and the request expires meanwhile.
func TestEnqueueIsCutOff(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(*world.World){
		"nothing moves":     func(w *world.World) {},
		"the lag grows":     func(w *world.World) { w.SetLag(200) },
		"the policy denies": func(w *world.World) { w.SetCheck("aurora.target-instance", dr.Fail) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetLag(0.4)
				w.RequireQueue(true)
				run := w.Start(world.Planned)
				w.KillBefore("Enqueue")
				approve(w, run)
				reborn(w, 2*time.Hour, func() { move(w) })
				time.Sleep(2 * time.Minute)
				r := w.Record(run)
				if w.InQueue() > 0 {
					t.Errorf("put into the queue an hour after the request had expired: %s", whereabouts(r))
				}
			})
		})
	}
}
