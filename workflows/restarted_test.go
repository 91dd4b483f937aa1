package workflows_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// restarted are the ways in which the source comes to have tasks again after it was stopped
// for a planned promotion.
var restarted = map[string]func(w *world.World, run string){
	"while it is paused": func(w *world.World, run string) {
		w.Fail("Promote", 1, errMended)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		time.Sleep(3 * time.Minute)
		w.SetTasks(world.Seoul, 5)
		w.Answer(run, "bob", "retry")
	},
	"while the bot is dead": func(w *world.World, run string) {
		w.KillBefore("Intend")
		approve(w, run)
		reborn(w, 2*time.Hour, func() { w.SetTasks(world.Seoul, 5) })
	},
	"while the bot is dead and had meant to promote": func(w *world.World, run string) {
		w.KillAfter("Intend")
		approve(w, run)
		reborn(w, 5*time.Minute, func() { w.SetTasks(world.Seoul, 5) })
	},
	"right after it was stopped": func(w *world.World, run string) {
		w.Before("Scale "+string(world.Seoul), func() {
			w.Before("DatabaseState "+string(world.Tokyo), func() { w.SetTasks(world.Seoul, 5) })
		})
		approve(w, run)
	},
}

// A planned promotion is not asked for while tasks of the source run, whoever started them;
// retry stops them again, and stop gives back what there was.
func TestSourceIsRestartedBeforeThePromotion(t *testing.T) {
	t.Parallel()
	for name, move := range restarted {
		for _, verb := range []string{"retry", "stop"} {
			t.Run(name+"/"+verb, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := w.Start(world.Planned)
					var wrote atomic.Int64
					w.BeforeEach("Promote", func() { wrote.Store(int64(w.Tasks(world.Seoul))) })
					move(w, run)
					r := settled(w, run)
					if w.Promotions() > 0 || r.Question == nil || r.Question.Step != "promote/portal-global" {
						t.Fatalf("%d promotions, with %d tasks of the source: %s", w.Promotions(), wrote.Load(), whereabouts(r))
					}
					if said := world.Words(r.Question.What) + world.Words(r.Next); !strings.Contains(said, "5 tasks") || !strings.Contains(said, "retry") {
						t.Errorf("it says %q", said)
					}
					if verb == "stop" {
						w.Stop(run)
						if r := w.End(run); w.Tasks(world.Seoul) != 5 {
							t.Errorf("%d tasks are left: %s", w.Tasks(world.Seoul), whereabouts(r))
						}
						return
					}
					w.Answer(run, "bob", "retry")
					w.Await(run, dr.RunSucceeded)
					if w.Promotions() != 1 || wrote.Load() != 0 {
						t.Errorf("%d promotions, with %d tasks of the source", w.Promotions(), wrote.Load())
					}
					if left := w.Left(run); left != plannedDone {
						t.Errorf("it leaves %+v", left)
					}
				})
			})
		}
	}
}

// What was stopped again and runs again is asked about again.
func TestSourceIsRestartedTwice(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Fail("Promote", 2, errMended)
		approve(w, run)
		number := 0
		for range 2 {
			r := whatNext(w, run, number) // Promote failed
			number = r.Question.Number
			w.SetTasks(world.Seoul, 5)
			w.Answer(run, "bob", "retry")
			r = whatNext(w, run, number)
			number = r.Question.Number
			if !strings.Contains(world.Words(r.Question.What), "5 tasks") {
				t.Fatalf("it is %s", whereabouts(r))
			}
			w.Answer(run, "bob", "retry")
		}
		w.Await(run, dr.RunSucceeded)
		if left := w.Left(run); left.Seoul != 0 || left.Writer != world.Tokyo {
			t.Errorf("it leaves %+v", left)
		}
	})
}

// People went on without stopping the source: then it is to run.
func TestSourceRunsOnPurpose(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Workload "+string(world.Seoul), 1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "quiesce/"+string(world.Seoul))
		w.Answer(run, "bob", "skip")
		w.Answer(run, "carol", "skip")
		w.Await(run, dr.RunSucceeded)
	})
}
