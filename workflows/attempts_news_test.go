package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// What keeps a change from being planned is mended on the base, and answered with retry.
func TestAttemptPlanMendedOnTheBase(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.PushBroken("live/portal/tokyo")
		run := w.Start(world.Planned)
		r := w.Await(run, dr.RunPaused)
		if r.Question.Step != "plan" {
			t.Fatalf("it pauses at %s", r.Question.Step)
		}
		w.PushComment("live/portal/tokyo")
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunWaiting)
		approve(w, run)
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// A base that moved elsewhere mends nothing.
func TestAttemptPlanNotMended(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.PushBroken("live/portal/tokyo")
		run := w.Start(world.Planned)
		q := w.Await(run, dr.RunPaused).Question.Number
		w.PushToBase()
		w.Answer(run, "bob", "retry")
		if r := whatNext(w, run, q); r.State != dr.RunPaused || r.Question.Step != "plan" {
			t.Errorf("it is %s", whereabouts(r))
		}
	})
}

// Two people abandon a run that waits for a Region to become healthy: it waits no longer.
func TestAttemptAbandonedAtTheGate(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Sick(world.Tokyo, true)
		run := w.Start(world.Disaster)
		approve(w, run)
		w.Until(run, func(r dr.Run) bool { i := r.StepIndex("gate/1"); return i >= 0 && r.Steps[i].State == dr.StepRunning })
		time.Sleep(10 * time.Second)
		began := time.Now()
		w.Cancel(run, "alice")
		w.Cancel(run, "bob")
		r := w.End(run)
		if took := time.Since(began); r.State != dr.RunStopped || took > 5*time.Second || r.Question != nil {
			t.Errorf("%s later it is %s", took, whereabouts(r))
		}
		for _, n := range w.Said() {
			if strings.HasPrefix(n.Key, run+"/paused/") {
				t.Errorf("people were asked: %s", world.Words(n.Title))
			}
		}
		if next := world.Words(r.Next); !strings.Contains(next, "/dr resume portal ap-northeast-1 disaster") || !strings.Contains(next, "--since ") {
			t.Errorf("it leads to %q", next)
		}
	})
}

// The bot is killed before the gate is broken off, or in the middle of that: the next process
// waits for the Region no longer either.
func TestAttemptAbandonedAtTheGateAndKilled(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(*world.World) *world.Rule{
		"before it is broken off": func(w *world.World) *world.Rule { return w.KillAfter("Put") },
		"in the middle of it": func(w *world.World) *world.Rule {
			return w.After("Put", func() { w.KillBefore("UpdateRun") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.Sick(world.Tokyo, true)
				run := w.Start(world.Disaster)
				approve(w, run)
				w.Until(run, func(r dr.Run) bool { i := r.StepIndex("gate/1"); return i >= 0 && r.Steps[i].State == dr.StepRunning })
				time.Sleep(10 * time.Second)
				w.Cancel(run, "alice")
				kill(w)
				go w.Cancel(run, "bob") // whose end is that of the bot
				w.Revive(time.Second)
				began := time.Now()
				r := w.End(run)
				if took := time.Since(began); r.State != dr.RunStopped || took > 5*time.Second || w.Lives() != 2 || len(saidOf(w, "/paused/")) != 0 {
					t.Errorf("%s later it is %s; said %q", took, whereabouts(r), saidOf(w, "/paused/"))
				}
			})
		})
	}
}

// One who cancels too late does not hurry the gate.
func TestAttemptCancelledTooLateAtTheGate(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.After("Merge", func() { w.Cancel(run, "alice") })
		approve(w, run)
		w.Await(run, dr.RunSucceeded)
	})
}
