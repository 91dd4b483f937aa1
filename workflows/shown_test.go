package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// dies waits for the death of the bot.
func dies(w *world.World) {
	for !w.Killed() {
		time.Sleep(time.Second)
	}
}

// A plan is put before people, and the bot dies twice before it waits for them: another plan
// was there to read meanwhile. What they said to that one does not count for the first, which
// is there again; what they say to the first as it is there again does.
func TestApprovedAnotherPlan(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]string{"before the reviews are kept": "", "after": "Plan tokyo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.After("Comment plan", func() { w.KillBefore("Plan tokyo") })
				run := w.Start(world.Disaster) // its plan starts tasks in the target
				reborn(w, 10*time.Minute, func() {
					w.SetTasks(world.Tokyo, 3) // somebody has started them by hand
					if second == "" {
						w.KillAfter("Comment plan")
					} else {
						w.After("Comment plan", func() { w.KillBefore(second) })
					}
				})
				dies(w)
				if strings.Contains(w.Proposal(), "aws_ecs_service.this") {
					t.Fatal("the second plan is no other one")
				}
				w.Approve("bob", "carol")
				reborn(w, 10*time.Minute, func() { w.SetTasks(world.Tokyo, 0) }) // and stopped them
				r := settled(w, run)
				if w.Merges() > 0 || r.State != dr.RunWaiting {
					t.Fatalf("two approved a plan that leaves the target's tasks alone, and another one was merged: %s", whereabouts(r))
				}
				if !strings.Contains(w.Proposal(), "aws_ecs_service.this") {
					t.Errorf("the first plan is not there again: %s", w.Proposal())
				}
				w.Approve("bob", "carol")
				w.Await(run, dr.RunSucceeded)
			})
		})
	}
}

// The bot dies once while people read, and the plan is the same when it is back: what they
// said meanwhile counts.
func TestApprovedWhileItWasDead(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.After("Comment plan", func() { w.KillBefore("Plan tokyo") })
		run := w.Start(world.Disaster)
		dies(w)
		w.Approve("bob", "carol")
		reborn(w, 10*time.Minute, nil)
		w.Await(run, dr.RunSucceeded)
	})
}
