package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// Closed while it is in the queue.
func TestAttemptClosedInTheQueue(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		w.CloseByHand()
		r := w.Until(run, func(r dr.Run) bool { return r.State.Final() || r.Question != nil })
		t.Log(whereabouts(r))
		if r.State.Final() {
			return
		}
		w.Answer(run, "bob", "retry")
		r = whatNext(w, run, r.Question.Number)
		t.Log(whereabouts(r))
		if !r.State.Final() {
			t.Errorf("closed, it is %s", whereabouts(r))
		}
	})
}

// An approval is withdrawn, taking it out is refused, the queue merges during the pause.
func TestAttemptWithdrawnAndNotTakenOut(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		w.Fail("Dequeue", -1, &dr.Error{Code: dr.Uncertain, What: dr.T(dr.Words, "words", dr.Foreign("GitHub refuses."))})
		w.Review("carol", dr.ChangesRequested)
		r := w.Await(run, dr.RunPaused)
		w.MergeQueued()
		w.Answer(run, "bob", "retry")
		r = whatNext(w, run, r.Question.Number)
		if w.Promotions() != 0 || r.State.Final() || !strings.Contains(world.Words(r.Question.What), "merged by") || w.Tasks(world.Seoul) != 3 {
			t.Errorf("%d promotions: %s", w.Promotions(), whereabouts(r))
		}
	})
}

// Killed around taking it out, and the queue merges meanwhile or not.
func TestAttemptKilledAtDequeue(t *testing.T) {
	for name, c := range map[string]struct {
		kill  func(*world.World)
		merge bool
	}{
		"before":            {func(w *world.World) { w.KillBefore("Dequeue") }, false},
		"before and merged": {func(w *world.World) { w.KillBefore("Dequeue") }, true},
		"after":             {func(w *world.World) { w.KillAfter("Dequeue") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			queueing(t, func(t *testing.T, w *world.World, run string) {
				queued(w, run)
				c.kill(w)
				w.Review("carol", dr.ChangesRequested)
				for !w.Killed() {
					time.Sleep(time.Second)
				}
				if c.merge {
					w.MergeQueued()
				}
				w.Revive(time.Minute)
				time.Sleep(5 * time.Minute)
				r := w.Record(run)
				if w.Promotions() != 0 || w.Tasks(world.Seoul) != 3 || r.State.Final() || w.InQueue() != 0 {
					t.Errorf("%d promotions, in the queue %d: %s", w.Promotions(), w.InQueue(), whereabouts(r))
				}
				if c.merge {
					acceptBy(t, w, run, "dave", "erin")
				} else {
					w.Approve("carol")
					inQueue(w)
					w.MergeQueued()
				}
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, plannedDone)
			})
		})
	}
}

// sweptInTheQueue kills the bot at each call after something was done to a run in the queue.
func sweptInTheQueue(t *testing.T, first, most int, do func(*world.World, string), then func(*testing.T, *world.World, string)) {
	for n := first; n <= most; n += 2 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			queueing(t, func(t *testing.T, w *world.World, run string) {
				queued(w, run)
				time.Sleep(time.Second)
				calls := 0
				w.KillWhen(func(string) bool { calls++; return calls == n })
				do(w, run)
				for end := time.Now().Add(2 * time.Minute); !w.Killed() && time.Now().Before(end); {
					time.Sleep(time.Second)
				}
				if w.Killed() {
					w.Revive(time.Minute)
				}
				time.Sleep(time.Minute)
				then(t, w, run)
			})
		})
	}
}

func TestAttemptSweepMergedUnapproved(t *testing.T) {
	sweptInTheQueue(t, 1, 19, func(w *world.World, _ string) { w.Review("carol", dr.ChangesRequested); w.MergeQueued() }, func(t *testing.T, w *world.World, run string) {
		r := w.Record(run)
		if w.Promotions() != 0 || w.Tasks(world.Seoul) != 3 || r.State != dr.RunPaused {
			t.Fatalf("promotions %d: %s", w.Promotions(), whereabouts(r))
		}
		acceptBy(t, w, run, "dave", "erin")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

func TestAttemptSweepCancelled(t *testing.T) {
	sweptInTheQueue(t, 3, 20, func(w *world.World, run string) { w.Cancel(run, "alice") }, func(t *testing.T, w *world.World, run string) {
		if r := w.Record(run); w.InQueue() != 0 || w.Merges() != 0 || r.State != dr.RunCancelled || w.OpenPulls() != 0 {
			t.Fatalf("in the queue %d, merges %d: %s", w.InQueue(), w.Merges(), whereabouts(r))
		}
	})
}

// Withdrawn while it is thrown out and paused; pushed to while so.
func TestAttemptWithdrawnInThePause(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		w.ThrowOut("failed_checks")
		w.Await(run, dr.RunPaused)
		w.Review("carol", dr.ChangesRequested)
		time.Sleep(11 * time.Minute)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunWaiting)
		if w.InQueue() != 0 {
			t.Fatal("in the queue")
		}
		w.PushToChange("dave")
		w.Until(run, func(r dr.Run) bool { return r.Change.Number == 2 && r.State == dr.RunWaiting })
		queued(w, run)
		w.MergeQueued()
		w.Await(run, dr.RunSucceeded)
		checkLeft(t, w, run, plannedDone)
	})
}

// The newer commit has something in the source's stack that the policy denies: it ends, mended.
func TestAttemptSourceDeniedAtTheNewerCommit(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.PushThing("seoul", database, "", false)
		w.Import("seoul", database)
		w.Fail("Promote", 1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.DropThing("seoul", database)
		w.Answer(run, "bob", "retry")
		r := w.Until(run, func(r dr.Run) bool { return r.State.Final() || r.Question != nil && r.Question.Number > 1 })
		t.Log(w.Promotions(), whereabouts(r))
		if r.State.Final() || strings.Contains(strings.Join(r.Question.Answers, " "), "accept") {
			t.Fatal("not denied")
		}
		w.PushThing("seoul", database, "", false)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		checkLeft(t, w, run, plannedDone)
	})
}

// The queue merges upon a base that is wider; while that is asked the base moves once more.
func TestAttemptQueueThenNewer(t *testing.T) {
	for _, answer := range []string{"accept", "retry"} {
		t.Run(answer, func(t *testing.T) {
			queueing(t, func(t *testing.T, w *world.World, run string) {
				queued(w, run)
				w.PushToBase("tokyo:aws_ssm_parameter.x")
				w.MergeQueued()
				merged := w.Tip()
				q := *w.Until(run, func(r dr.Run) bool { return r.Question != nil }).Question
				w.PushToBase("tokyo:aws_ssm_parameter.y")
				if answer == "retry" {
					w.Answer(run, "bob", "retry")
					q = askedNewer(w, run, q.Number)
					merged = w.Tip()
					if what := world.Words(q.What); !strings.Contains(what, "parameter.x") || !strings.Contains(what, "parameter.y") || w.Promotions() != 0 {
						t.Errorf("it asks %q", what)
					}
				}
				time.Sleep(plansOld)
				acceptBy(t, w, run, "dave", "erin")
				w.Await(run, dr.RunSucceeded)
				checkLeft(t, w, run, plannedDone)
				for _, stack := range []string{"tokyo", "traffic", "seoul"} {
					if at := w.AppliedAt(stack); len(at) != 1 || at[0] != merged {
						t.Errorf("%s was applied at %v, not at %s", stack, at, merged)
					}
				}
			})
		})
	}
}

// Killed at each call of a retry that applies the target again before the promotion.
func TestAttemptSweepNewerBeforeThePromotion(t *testing.T) {
	t.Parallel()
	for n := 3; n <= 60; n += 2 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			world.Run(t, acts("apply/target", "promote", "redeploy", "gate", "apply/traffic"), func(t *testing.T, w *world.World) {
				w.Fail("Promote", 1, errMended)
				run := w.Start(world.Disaster)
				approve(w, run)
				asks(w, run, "promote/portal-global")
				w.PushThing("tokyo", task, "image:2", false)
				w.After("Audit answer retry", func() {
					calls := 0
					w.KillWhen(func(string) bool { calls++; return calls == n })
				})
				w.Drive(run)
				if got, at := w.Left(run), w.AppliedAt("tokyo"); got != disasterDone || len(at) != 2 || at[1] != w.Tip() {
					t.Errorf("it leaves %+v, tokyo applied at %v", got, at)
				}
			})
		})
	}
}

// Put into the queue by somebody before the approvals are there: it must not be merged so.
func TestAttemptQueuedByHandUnapproved(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		r := w.Await(run, dr.RunWaiting)
		w.EnqueueByHand()
		w.Approve("bob")
		time.Sleep(time.Minute)
		w.MergeQueued()
		r = w.Until(run, func(r dr.Run) bool { return r.Question != nil || r.State.Final() })
		if w.Promotions() != 0 || r.State.Final() {
			t.Errorf("%d promotions: %s", w.Promotions(), whereabouts(r))
		}
		w.Stop(run)
		t.Log(whereabouts(w.End(run)))
	})
}
