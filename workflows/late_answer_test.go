package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// RDS has refused the promotion and nobody answers: the source has its tasks back after
// timing.outage_limit, that is told, and the next attempt stops them again.
func TestSourceHasItsTasksBackWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", 1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		time.Sleep(14 * time.Minute)
		if w.Tasks(world.Seoul) != 0 {
			t.Error("the source has its tasks back before the limit")
		}
		time.Sleep(2 * time.Minute)
		if w.Tasks(world.Seoul) != 3 || !toldInThread(w, "/remind/", "has its 3 tasks back") {
			t.Fatalf("%d tasks in the source; said %q", w.Tasks(world.Seoul), saidOf(w, "/remind/"))
		}
		time.Sleep(10 * time.Minute)
		busy := -1
		w.Before("Promote", func() { busy = w.Tasks(world.Seoul) })
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		if busy != 0 {
			t.Errorf("%d tasks run in the source while the writer moves", busy)
		}
		checkEnd(t, w, run, plannedDone)
	})
}

// Killed around it, it is the same; stopped afterwards, what people have made of it stays.
func TestTasksAreBackThroughADeath(t *testing.T) {
	t.Parallel()
	for tasks, kill := range map[int]func(*world.World){
		1: func(w *world.World) { w.KillBefore("Scale " + string(world.Seoul)) },
		5: func(w *world.World) { w.KillAfter("Scale " + string(world.Seoul)) },
	} {
		t.Run(fmt.Sprint(tasks), func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.Fail("Promote", 1, errMended)
				run := w.Start(world.Planned)
				approve(w, run)
				asks(w, run, "promote/portal-global")
				kill(w)
				w.Revive(time.Minute)
				time.Sleep(40 * time.Minute)
				if w.Tasks(world.Seoul) != 3 {
					t.Fatalf("%d tasks in the source", w.Tasks(world.Seoul))
				}
				w.SetTasks(world.Seoul, tasks)
				w.Stop(run)
				r := w.Await(run, dr.RunStopped)
				if w.Tasks(world.Seoul) != tasks {
					t.Errorf("%d tasks in the source: %s", w.Tasks(world.Seoul), whereabouts(r))
				}
			})
		})
	}
}

// While a promotion is pending, or the writer has moved, nothing is started where it would
// write beside it.
func TestTasksAreNotBackUnlessRefused(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*world.World){
		"pending": func(w *world.World) { w.After("Promote", w.Stick) },
		"by hand": func(w *world.World) { w.Before("Promote", func() { w.PromoteByHand(world.Tokyo) }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Fail("Resolve portal.example.test", -1, nil) // so that a run which goes on stops short of its end
				make(w)
				approve(w, run)
				w.Await(run, dr.RunPaused)
				time.Sleep(time.Hour)
				if n := w.Tasks(world.Seoul); n != 0 {
					t.Errorf("%d tasks run in the source: %s", n, strings.Join(saidOf(w, "/remind/"), "\n"))
				}
			})
		})
	}
}

// From then on the question says that users are served, whoever reads it; and once the tasks
// are stopped again, that they are not.
func TestQuestionSaysWhereTheTasksAre(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", -1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		says := func(tasks int, words, not string) {
			t.Helper()
			q := w.Record(run).Question
			if said := world.Words(q.Means) + world.Words(q.More["stop"]); w.Tasks(world.Seoul) != tasks || !strings.Contains(said, words) || strings.Contains(said, not) {
				t.Errorf("the source runs %d tasks; question %d says %q", w.Tasks(world.Seoul), q.Number, said)
			}
		}
		asks(w, run, "promote/portal-global")
		says(0, "users are down", "its tasks back, because")
		time.Sleep(40 * time.Minute)
		says(3, "Retry stops them again", "users are down")
		n := w.Record(run).Question.Number
		w.SetCheck("target.workload", dr.Warn) // the look before the attempt asks: nothing is stopped by it
		w.Answer(run, "bob", "retry")
		whatNext(w, run, n)
		says(3, "Retry stops them again", "users are down")
		n = w.Record(run).Question.Number
		accept(t, w, run)
		whatNext(w, run, n)
		says(0, "users are down", "its tasks back, because")
	})
}
