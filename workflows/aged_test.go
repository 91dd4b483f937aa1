package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// Looks that age: while it is planned, while the bot is dead, and after people have once gone
// on without one.

// planning has the plan of the target take minutes, in which the world moves.
func planning(w *world.World, move func(*world.World)) {
	w.Before("Plan tokyo", func() {
		time.Sleep(time.Minute)
		move(w)
		time.Sleep(4 * time.Minute)
	})
}

// The look before the promotion takes its time for its plans.
func TestLookBeforeThePromotionAges(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(*world.World){
		"reverted":  func(w *world.World) { w.SetBase(world.Seoul) },
		"lag grows": func(w *world.World) { w.SetLag(200) },
	} {
		for _, cmd := range []workflows.StartCommand{world.Planned, world.Disaster} {
			t.Run(name+"/"+cmd.Mode, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					w.SetLag(0.4)
					run := w.Start(cmd)
					w.KillBefore("DatabaseState") // reborn when the plans are old
					approve(w, run)
					reborn(w, 30*time.Minute, nil)
					planning(w, move)
					settled(w, run)
					time.Sleep(20 * time.Minute)
					if w.Promotions() > 0 {
						t.Errorf("Git says %s; promoted: %s", w.Base(), whereabouts(w.Record(run)))
					}
				})
			})
		}
	}
}

// So does the look before the source's tasks are stopped.
func TestLookBeforeQuiesceAges(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(0.4)
		run := w.Start(world.Planned)
		w.KillBefore("Workload " + string(world.Seoul))
		approve(w, run)
		reborn(w, 30*time.Minute, nil)
		planning(w, func(w *world.World) { w.SetBase(world.Seoul) })
		settled(w, run)
		time.Sleep(20 * time.Minute)
		if w.Tasks(world.Seoul) == 0 {
			t.Errorf("Git says %s since minutes, and its tasks were stopped: %s", w.Base(), whereabouts(w.Record(run)))
		}
	})
}

// And the one before the merge. What the plan itself finds is told beside what has become
// worse meanwhile.
func TestLookBeforeTheMergeAges(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(0.4)
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		time.Sleep(10 * time.Minute)
		w.Import("tokyo", "aws_ssm_parameter.wide")
		planning(w, func(w *world.World) { w.SetLag(200) })
		approve(w, run)
		time.Sleep(30 * time.Minute)
		if w.Merges() > 0 {
			t.Errorf("merged with a lag of 200 s since 10 min where 0.4 were shown: %s", whereabouts(w.Record(run)))
		}
		said := saidOf(w, "/worse/")
		mustSay(t, said, "200")
		mustSay(t, said, "aws_ssm_parameter.wide")
	})
}

func mustSay(t *testing.T, said []string, what string) {
	t.Helper()
	for _, s := range said {
		if strings.Contains(s, what) {
			return
		}
	}
	t.Errorf("%q is told by none of %q", what, said)
}

// What was applied is to be done again at a newer commit that does no more than was approved;
// the bot dies before, and Git is reverted. Nothing has moved yet.
func TestDoneAgainIsCutOff(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"Audit newer-commit", "Audit apply", "Apply tokyo"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			world.Run(t, applyFirst, func(t *testing.T, w *world.World) {
				w.Fail("Promote", 1, errMended)
				run := w.Start(world.Disaster)
				approve(w, run)
				asks(w, run, "promote/portal-global")
				before := len(w.Applied())
				w.SetTasks(world.Tokyo, 0)
				w.PushComment("live/portal/tokyo")
				w.KillBefore(at)
				w.Answer(run, "bob", "retry")
				reborn(w, 2*time.Hour, func() { w.SetBase(world.Seoul) })
				r := settled(w, run)
				if len(w.Applied()) > before {
					t.Errorf("nothing has moved yet, Git says %s and %v was applied: %s", w.Base(), w.Applied()[before:], whereabouts(r))
				}
			})
		})
	}
}

// The bot dies between the counts it remembers and the first task that it stops; hours later
// the world is worse.
func TestQuiesceIsCutOffAndTheWorldIsWorse(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(w *world.World){
		"lag":         func(w *world.World) { w.SetLag(200) },
		"not in sync": func(w *world.World) { w.SetCheck("aurora.target-sync", dr.Fail) },
		"plan wide":   func(w *world.World) { w.Import("traffic", "aws_ssm_parameter.wide") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetLag(0.4)
				run := w.Start(world.Planned)
				w.KillBefore("Scale " + string(world.Seoul))
				approve(w, run)
				reborn(w, 2*time.Hour, func() { move(w) })
				r := settled(w, run)
				if w.Tasks(world.Seoul) == 0 {
					t.Errorf("the source's tasks were stopped as its first act, two hours after the last look: %s", whereabouts(r))
				}
			})
		})
	}
}

// A list that begins with what only looks: its first act is looked at as any other's. So is
// the act after one that people have skipped.
func TestFirstActIsWhatChangesSomething(t *testing.T) {
	t.Parallel()
	listed := func(acts ...string) func(s *dr.Service) {
		return func(s *dr.Service) {
			s.Resources, s.Strategy, s.Acts = []dr.Resource{world.Workload("web")}, dr.WarmStandby, acts
		}
	}
	for name, c := range map[string]struct {
		acts []string
		at   string
	}{
		"a gate":         {[]string{"gate", "apply/target", "apply/traffic"}, "Resolve"},
		"a redeployment": {[]string{"redeploy", "apply/target", "gate", "apply/traffic"}, "Redeploy"},
		"the act":        {[]string{"apply/target", "gate", "apply/traffic"}, "Apply tokyo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{Service: listed(c.acts...)}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.KillBefore(c.at)
				approve(w, run)
				reborn(w, 2*time.Hour, func() { w.SetCheck("target.workload", dr.Fail) })
				r := settled(w, run)
				if len(w.Applied()) > 0 {
					t.Errorf("hours after the last look, with a check that fails since: %v was applied: %s", w.Applied(), whereabouts(r))
				}
			})
		})
	}
	t.Run("after one that was skipped", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{Service: listed("apply/target", "apply/traffic", "gate")}, func(t *testing.T, w *world.World) {
			w.NextApply("tokyo", dr.ApplyLocked)
			run := w.Start(world.Planned)
			approve(w, run)
			q := asks(w, run, "apply/tokyo").Question
			time.Sleep(2 * time.Hour)
			w.SetCheck("target.workload", dr.Fail)
			w.Answer(run, "bob", "skip")
			w.Answer(run, "carol", "skip")
			r := whatNext(w, run, q.Number)
			if len(w.Applied()) > 0 {
				t.Errorf("hours after the last look, with a check that fails since: %v was applied: %s", w.Applied(), whereabouts(r))
			}
		})
	})
}

// People went on without GitHub once. It is back, and Git was reverted since an hour: the
// bot, which was dead meanwhile, looks.
func TestBlindOnceIsNotBlindForEver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o         world.Options
		dead, cut string
		move      func(*world.World)
	}{
		"no database": {world.Options{Service: alone}, "Apply tokyo", "Resolve", func(w *world.World) { w.SetBase(world.Seoul) }},
		"a database": {world.Options{}, "Promote", "Apply traffic", func(w *world.World) {
			w.SetBase(world.Seoul)
			w.PromoteByHand(world.Seoul)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, c.o, func(t *testing.T, w *world.World) {
				run := w.Start(world.Disaster)
				w.KillBefore(c.dead)
				approve(w, run)
				var back func()
				reborn(w, 9*time.Minute, func() { back = w.Gone("File") })
				settled(w, run)
				w.KillBefore(c.cut)
				accept(t, w, run)
				reborn(w, 2*time.Hour, func() { back(); c.move(w) })
				r := settled(w, run)
				if w.Points() == world.Tokyo {
					t.Errorf("Git says %s since an hour, and can be read; the users were moved to %s: %s", w.Base(), w.Points(), whereabouts(r))
				}
			})
		})
	}
}
