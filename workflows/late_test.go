package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// It is merged by hand with its approvals while the bot is dead, and the request has expired
// when that is seen: two people say whether the run goes on with it.
func TestMergedByHandAfterTheExpiry(t *testing.T) {
	t.Parallel()
	for name, live := range map[string]func(w *world.World, run string){
		"approved and merged late": func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			w.KillBefore("ChangeState")
			reborn(w, 4*time.Hour, func() { w.Approve("bob", "carol"); w.MergeByHand("dave") })
		},
		"approved in time and merged late": func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			w.KillBefore("Merge")
			w.Approve("bob", "carol")
			reborn(w, 4*time.Hour, func() { w.MergeByHand("dave") })
		},
		"about to be queued": func(w *world.World, run string) {
			w.RequireQueue(true)
			w.Await(run, dr.RunWaiting)
			w.KillBefore("Enqueue")
			w.Approve("bob", "carol")
			reborn(w, 4*time.Hour, func() { w.RequireQueue(false); w.MergeByHand("dave") })
		},
	} {
		for _, verb := range []string{"accept", "stop"} {
			t.Run(name+"/"+verb, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := w.Start(world.Planned)
					live(w, run)
					r := settled(w, run)
					if w.Promotions() > 0 || r.Question == nil || r.Question.Step != "merge" {
						t.Fatalf("the request had expired before it was merged, and %d promotions follow: %s", w.Promotions(), whereabouts(r))
					}
					if said := world.Words(r.Question.What); !strings.Contains(said, "dave") || !strings.Contains(said, "expired") {
						t.Errorf("it says %q", said)
					}
					if verb == "stop" {
						w.Stop(run)
						r := w.End(run)
						if next := world.Words(r.Next); w.Promotions() > 0 || !strings.Contains(next, "revert #1") || !strings.Contains(next, "/dr resume portal ap-northeast-1 planned") {
							t.Errorf("it leads to %s", whereabouts(r))
						}
						w.Start(resume(world.Planned))
						return
					}
					accept(t, w, run)
					w.Await(run, dr.RunSucceeded)
					if left := w.Left(run); left != plannedDone {
						t.Errorf("it leaves %+v", left)
					}
				})
			})
		}
	}
}

// It was merged by the bot itself in time, and the bot was dead after that: nobody is asked.
func TestOwnMergeIsSeenAfterTheExpiry(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.KillAfter("Merge")
		approve(w, run)
		reborn(w, 4*time.Hour, nil)
		w.Await(run, dr.RunSucceeded)
	})
}
