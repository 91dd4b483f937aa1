package workflows_test

import (
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// What was cut off between its look and its act, and the rows that were stored before the
// world moved.

// reborn waits for the death of the bot and starts it again after a while, in which the
// world moves.
func reborn(w *world.World, after time.Duration, move func()) {
	for !w.Killed() {
		time.Sleep(time.Second)
	}
	if move != nil {
		time.AfterFunc(after/2, move)
	}
	w.Revive(after)
}

// settled waits until a run is over, asks, or waits for approvals.
func settled(w *world.World, run string) dr.Run {
	time.Sleep(2 * time.Minute)
	return w.Until(run, func(r dr.Run) bool { return r.State != dr.RunRunning })
}

var applyFirst = acts("apply/target", "promote", "redeploy", "gate", "apply/traffic")

// The bot dies between the look before its first act, an apply, and the apply; Git is
// reverted meanwhile.
func TestFirstApplyIsCutOff(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]world.Options{"no database": {Service: alone}, "apply first": applyFirst} {
		for _, dead := range []time.Duration{time.Minute, 10 * time.Minute, 2 * time.Hour} {
			t.Run(name+"/"+dead.String(), func(t *testing.T) {
				t.Parallel()
				world.Run(t, o, func(t *testing.T, w *world.World) {
					run := w.Start(world.Disaster)
					w.KillBefore("Apply tokyo")
					approve(w, run)
					reborn(w, dead, func() { w.SetBase(world.Seoul) })
					r := settled(w, run)
					if len(w.Applied()) > 0 {
						t.Errorf("Git says %s and %v was applied: %s", w.Base(), w.Applied(), whereabouts(r))
					}
				})
			})
		}
	}
}

// The same where the supervisor does not take it at first.
func TestFirstApplyIsTriedAgain(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: alone}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Before("Apply tokyo", func() { w.SetBase(world.Seoul) })
		w.Fail("Apply tokyo", 4, nil)
		approve(w, run)
		r := settled(w, run)
		if len(w.Applied()) > 0 {
			t.Errorf("Git says %s and %v was applied: %s", w.Base(), w.Applied(), whereabouts(r))
		}
	})
}

// The bot dies between the look and the first task that it stops in the source.
func TestQuiesceIsCutOff(t *testing.T) {
	t.Parallel()
	for _, dead := range []time.Duration{time.Minute, 10 * time.Minute, 2 * time.Hour} {
		t.Run(dead.String(), func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.KillBefore("Scale " + string(world.Seoul))
				approve(w, run)
				reborn(w, dead, func() { w.SetBase(world.Seoul) })
				r := settled(w, run)
				if w.Tasks(world.Seoul) == 0 {
					t.Errorf("Git says %s, where users and writer are, and its tasks were stopped: %s", w.Base(), whereabouts(r))
				}
			})
		})
	}
}

// The same where AWS does not take the call at first.
func TestQuiesceIsTriedAgain(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Before("Scale "+string(world.Seoul), func() { w.SetBase(world.Seoul) })
		w.Fail("Scale "+string(world.Seoul), 4, nil)
		approve(w, run)
		r := settled(w, run)
		if w.Tasks(world.Seoul) == 0 {
			t.Errorf("Git says %s, and its tasks were stopped: %s", w.Base(), whereabouts(r))
		}
	})
}

// A resumption is accepted hours after it was asked for. Git was reverted meanwhile, and one
// read of it fails.
func TestResumeAcceptedLate(t *testing.T) {
	t.Parallel()
	for _, cmd := range []workflows.StartCommand{world.Planned, world.Disaster} {
		t.Run(cmd.Mode, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetBase(world.Tokyo)
				run := w.Start(resume(cmd))
				w.Await(run, dr.RunPaused)
				time.Sleep(20 * time.Minute)
				w.SetBase(world.Seoul)
				w.Fail("File main", 1, nil)
				accept(t, w, run)
				r := settled(w, run)
				if w.Promotions() > 0 || w.Tasks(world.Seoul) == 0 {
					t.Errorf("Git says %s; %d promotions, %d tasks there: %s", w.Base(), w.Promotions(), w.Tasks(world.Seoul), whereabouts(r))
				}
			})
		})
	}
}

// Somebody moves the writer by hand while the attempt begins, and that comes to nothing: the
// look before the promotion was left out because it was seen.
func TestPromotionBegunByHandFails(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(0.4)
		run := w.Start(world.Planned)
		w.Before("Scale "+string(world.Seoul), func() {
			time.Sleep(8 * time.Minute)
			w.SetLag(200)
		})
		n := 0
		w.BeforeEach("DatabaseState", func() {
			if w.Tasks(world.Seoul) != 0 {
				return
			}
			switch n++; n {
			case 1:
				w.PromoteByHand(world.Tokyo)
				w.FailPromotion()
			case 2:
				time.Sleep(2 * time.Minute)
			}
		})
		approve(w, run)
		r := settled(w, run)
		if w.Promotions() > 0 {
			t.Errorf("promoted with a lag of 200 s where 0.4 s were shown: %s", whereabouts(r))
		}
	})
}

// With both Regions active: the resumption after such an end goes well.
func TestActiveSourceIsLeftAtZero(t *testing.T) {
	t.Parallel()
	both := func(s *dr.Service) { s.Strategy = dr.ActiveActive }
	world.Run(t, world.Options{Service: both}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", 1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Fail("Scale "+string(world.Seoul), 6, nil)
		w.Stop(run)
		w.End(run)
		run = w.Start(resume(world.Planned))
		w.Await(run, dr.RunPaused)
		accept(t, w, run)
		r := settled(w, run)
		if w.Tasks(world.Seoul) != 3 {
			t.Errorf("Git says that %s runs 3 tasks, and it runs %d: %s", world.Seoul, w.Tasks(world.Seoul), whereabouts(r))
		}
	})
}

// The bot dies between two applies and Git is reverted meanwhile, where no database has moved.
func TestTrafficAfterARevert(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(*world.World){
		"killed":      func(w *world.World) { w.KillBefore("Apply traffic") },
		"at the gate": func(w *world.World) { w.KillBefore("Resolve") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{Service: alone}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Disaster)
				cut(w)
				approve(w, run)
				reborn(w, 2*time.Hour, func() { w.SetBase(world.Seoul) })
				r := settled(w, run)
				if w.Points() != world.Seoul {
					t.Errorf("Git says %s since an hour, and the users were moved to %s: %s", w.Base(), w.Points(), whereabouts(r))
				}
			})
		})
	}
}

// A newer commit is found and covered; the bot dies before it is applied, and Git is reverted.
func TestNewerIsCutOff(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]world.Options{"no database": {Service: alone}, "apply first": applyFirst} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, o, func(t *testing.T, w *world.World) {
				broken(w)
				run := w.Start(world.Disaster)
				approve(w, run)
				q := asks(w, run, "apply/tokyo").Question
				w.PushThing("tokyo", task, "image:1", false)
				before := len(w.Applied())
				w.KillBefore("Audit newer-commit")
				w.Answer(run, "bob", "retry")
				_ = q
				reborn(w, 2*time.Hour, func() { w.SetBase(world.Seoul) })
				r := settled(w, run)
				if len(w.Applied()) > before {
					t.Errorf("Git says %s and %v was applied: %s", w.Base(), w.Applied()[before:], whereabouts(r))
				}
			})
		})
	}
}

// A later step finds a newer commit for what was applied before the promotion; the bot dies
// before it is applied again, and Git is reverted.
func TestRedoIsCutOff(t *testing.T) {
	t.Parallel()
	world.Run(t, applyFirst, func(t *testing.T, w *world.World) {
		w.Fail("Promote", 1, errMended)
		w.PushThing("tokyo", task, "image:1", false)
		run := w.Start(world.Disaster)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		before := len(w.Applied())
		w.DropThing("tokyo", task)
		w.KillBefore("Audit apply")
		w.Answer(run, "bob", "retry")
		time.Sleep(time.Minute)
		if !w.Killed() {
			q := w.Record(run)
			t.Log(whereabouts(q))
			accept(t, w, run)
		}
		reborn(w, 2*time.Hour, func() { w.SetBase(world.Seoul) })
		r := settled(w, run)
		if len(w.Applied()) > before {
			t.Errorf("nothing has moved yet, Git says %s and %v was applied: %s", w.Base(), w.Applied()[before:], whereabouts(r))
		}
	})
}

// The bot is dead before the last apply; people go back by hand meanwhile. The source, which
// serves again, is not scaled down by what was approved for another day.
func TestSourceAppliedAfterAWayBack(t *testing.T) {
	t.Parallel()
	back := func(w *world.World) {
		w.SetBase(world.Seoul)
		w.PromoteByHand(world.Seoul)
		w.MoveUsers(world.Seoul)
		w.SetTasks(world.Seoul, 3)
	}
	for _, cut := range []string{"Apply seoul", "Audit apply", "Probe portal.example.test"} {
		t.Run(cut, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.After("Apply traffic", func() { w.KillBefore(cut) })
				approve(w, run)
				reborn(w, 2*time.Hour, func() { back(w) })
				r := settled(w, run)
				if w.Tasks(world.Seoul) == 0 || w.Points() != world.Seoul {
					t.Errorf("Git, writer (%s) and users (%s) were in %s, whose tasks are %d now: %s", w.Writer(), w.Points(), w.Base(), w.Tasks(world.Seoul), whereabouts(r))
				}
			})
		})
	}
}

// Somebody flips the file by hand on the base while the run waits, or is dead.
func TestFlippedByHand(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"Comment plan", "Audit approval", "Merge"} {
		for _, dead := range []time.Duration{0, 30 * time.Minute} {
			t.Run(at+"/"+dead.String(), func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := w.Start(world.Planned)
					if dead == 0 {
						w.Before(at, func() { w.SetBase(world.Tokyo) })
					} else {
						w.KillBefore(at)
					}
					if at != "Comment plan" {
						approve(w, run)
					}
					if dead > 0 {
						reborn(w, dead, func() { w.SetBase(world.Tokyo) })
					}
					time.Sleep(2 * time.Minute)
					w.TryReview("bob", dr.Approved)
					w.TryReview("carol", dr.Approved)
					time.Sleep(10 * time.Minute)
					if r := w.Record(run); r.State != dr.RunSucceeded {
						t.Errorf("%d merges, %d promotions: %s", w.Merges(), w.Promotions(), whereabouts(r))
					}
				})
			})
		}
	}
}

// A merge that was cut off is not made when the request has expired.
func TestMergeAfterTheExpiry(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.KillBefore("Merge")
		approve(w, run)
		reborn(w, 2*time.Hour, nil)
		if r := w.End(run); w.Merges() > 0 || r.State != dr.RunExpired {
			t.Errorf("%d merges: %s", w.Merges(), whereabouts(r))
		}
	})
}

// Git is reverted before anything has moved; the look before the promotion says so, and two skip that step.
func TestFirstLookIsSkipped(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Before("Scale "+string(world.Seoul), func() { w.SetBase(world.Seoul) })
		w.Fail("Promote", -1, errMended)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Answer(run, "bob", "skip")
		w.Answer(run, "carol", "skip")
		r := settled(w, run)
		t.Logf("%v applied: %s", w.Applied(), whereabouts(r))
		if len(w.Applied()) > 0 {
			t.Errorf("Git says %s, nothing has moved, and %v was applied: %s", w.Base(), w.Applied(), whereabouts(r))
		}
	})
}
