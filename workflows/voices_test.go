package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/view"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// A run that waits, or is paused, outlives many restarts: deploys, or a host that dies again
// and again. Most of them are told to the engine alone.
func TestManyRestarts(t *testing.T) {
	t.Parallel()
	for _, paused := range []bool{false, true} {
		t.Run(fmt.Sprintf("paused %v", paused), func(t *testing.T) {
			t.Parallel()
			week := func(s *dr.Service) { s.Expiry = 7 * 24 * time.Hour }
			world.Run(t, world.Options{Service: week}, func(t *testing.T, w *world.World) {
				if paused {
					w.NextApply("tokyo", dr.ApplyFailed)
				}
				run := w.Start(world.Disaster)
				w.Await(run, dr.RunWaiting)
				if paused {
					approve(w, run)
					asks(w, run, "apply/tokyo")
				}
				w.RestartOver("UPDATE workflow_status SET recovery_attempts = recovery_attempts + 100000 WHERE status = 'PENDING'")
				for range 2 {
					time.Sleep(time.Minute)
					w.Restart()
				}
				time.Sleep(time.Minute)
				if paused {
					w.Answer(run, "bob", "retry")
				} else {
					w.Approve("bob", "carol")
				}
				w.Await(run, dr.RunSucceeded)
			})
		})
	}
}

// Who has left the configuration has no say any more: not in an accept either that takes two.
// Somebody else's word makes it so.
func TestAcceptOfWhoHasLeft(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(t *testing.T, w *world.World) string{
		"resume": func(t *testing.T, w *world.World) string {
			w.SetBase(world.Tokyo)
			return w.Start(resume(world.Disaster))
		},
		"wider": func(t *testing.T, w *world.World) string {
			run := w.Start(world.Disaster)
			w.Before("Merge", func() { w.PushToBase("tokyo:aws_ssm_parameter.x") })
			approve(w, run)
			return run
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := begin(t, w)
				w.Await(run, dr.RunPaused)
				w.Answer(run, "carol", "accept")
				time.Sleep(time.Minute)
				w.Leave("carol")
				w.Revive(10 * time.Minute)
				time.Sleep(time.Minute)
				if v := view.Votes(w.Record(run)); len(v) != 0 {
					t.Errorf("before anybody else says so it shows %q", world.Words(v[0]))
				}
				w.Answer(run, "bob", "accept")
				time.Sleep(2 * time.Minute)
				if w.Promotions() > 0 {
					t.Errorf("promoted by the word of bob, and of carol, who has left: %s", whereabouts(w.Record(run)))
				}
				if v := view.Votes(w.Record(run)); len(v) != 1 || strings.Contains(world.Words(v[0]), "carol") || !strings.Contains(world.Words(v[0]), "bob") {
					t.Errorf("it shows %v", v)
				}
				w.Restart() // what was decided stays so
				time.Sleep(time.Minute)
				w.Answer(run, "dave", "accept")
				r := w.Await(run, dr.RunSucceeded)
				for _, a := range r.Result.Accepted {
					if a.By == "carol" {
						t.Error("the result names carol")
					}
				}
			})
		})
	}
}

// Who leaves after an answer was counted changes nothing of it.
func TestAcceptOfWhoLeavesLater(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetBase(world.Tokyo)
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(resume(world.Disaster))
		w.Await(run, dr.RunPaused)
		accept(t, w, run)
		asks(w, run, "apply/tokyo")
		w.Leave("carol")
		w.Revive(time.Minute)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
	})
}

// Two people abandon the run, and are told that it is; then the bot dies before the act in hand.
func TestAbandonedBeforeTheDeath(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call string
		o    world.Options
		cmd  workflows.StartCommand
		done func(*world.World) bool
	}{
		"promotion":   {"Promote", world.Options{}, world.Disaster, func(w *world.World) bool { return w.Promotions() > 0 }},
		"first apply": {"Apply tokyo", world.Options{Service: alone}, world.Disaster, func(w *world.World) bool { return len(w.Applied()) > 0 }},
		"traffic":     {"Apply traffic", world.Options{}, world.Disaster, func(w *world.World) bool { return w.Points() == world.Tokyo }},
		"quiesce":     {"Scale " + string(world.Seoul), world.Options{}, world.Planned, func(w *world.World) bool { return w.Tasks(world.Seoul) == 0 }},
	} {
		for _, killed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/killed %v", name, killed), func(t *testing.T) {
				t.Parallel()
				world.Run(t, c.o, func(t *testing.T, w *world.World) {
					run := w.Start(c.cmd)
					w.Before(c.call, func() {
						w.Cancel(run, "bob")
						w.Cancel(run, "carol")
						if killed {
							w.Kill()
						}
					})
					if !killed {
						w.Fail(c.call, 4, nil)
					}
					approve(w, run)
					if killed {
						for !w.Killed() {
							time.Sleep(time.Second)
						}
						w.Revive(9 * time.Minute)
					}
					r := w.Await(run, dr.RunStopped)
					if c.done(w) {
						t.Errorf("it is done although the run was abandoned before: %s", whereabouts(r))
					}
				})
			})
		}
	}
}

// The same right after the promotion was asked for: it is followed to its end, and what comes
// after it is not begun.
func TestAbandonedAfterThePromotionAndKilled(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.After("Promote", func() {
			w.Cancel(run, "bob")
			w.Cancel(run, "carol")
			w.Kill()
		})
		approve(w, run)
		for !w.Killed() {
			time.Sleep(time.Second)
		}
		w.Revive(9 * time.Minute)
		r := w.Await(run, dr.RunStopped)
		if i := r.StepIndex("promote/portal-global"); i < 0 || r.Steps[i].State != dr.StepDone || w.Writer() != world.Tokyo || w.Promotions() != 1 || len(w.Applied()) != 0 {
			t.Errorf("%d promotions, the writer is in %s, %v applied: %s", w.Promotions(), w.Writer(), w.Applied(), whereabouts(r))
		}
	})
}
