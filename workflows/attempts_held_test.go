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
	played := swept(t)
	for n := first; n <= most; n += 2 {
		if !played() {
			continue
		}
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
	sweptInTheQueue(t, 4, 21, func(w *world.World, run string) { go w.Cancel(run, "alice") }, func(t *testing.T, w *world.World, run string) {
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
	played := swept(t)
	for n := 3; n <= 60; n += 2 {
		if !played() {
			continue
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			world.Run(t, acts("apply/target", "promote", "redeploy", "gate", "apply/traffic"), func(t *testing.T, w *world.World) {
				w.Fail("Promote", 1, errMended)
				run := w.Start(world.Disaster)
				approve(w, run)
				asks(w, run, "promote/portal-global")
				w.PushThing("tokyo", task, "image:2", false)
				w.After("Audit answer-retry", func() {
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

// Put into the queue by somebody before the approvals are there, and drbot cannot take it out:
// that is said, once, and it must not be merged so.
func TestAttemptQueuedByHandUnapproved(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		r := w.Await(run, dr.RunWaiting)
		w.Fail("Dequeue", -1, &dr.Error{Code: dr.Uncertain, What: dr.T("github.queue.may-not", "doing", dr.T("github.doing.dequeue", "number", 1))})
		w.EnqueueByHand()
		w.Approve("bob")
		time.Sleep(3 * time.Minute)
		if said := saidOf(w, "/unqueued/"); len(said) != 1 || !strings.Contains(said[0], "cannot take it out") {
			t.Errorf("it said %q", said)
		}
		w.MergeQueued()
		r = w.Until(run, func(r dr.Run) bool { return r.Question != nil || r.State.Final() })
		if w.Promotions() != 0 || r.State.Final() {
			t.Errorf("%d promotions: %s", w.Promotions(), whereabouts(r))
		}
		w.Stop(run)
		t.Log(whereabouts(w.End(run)))
	})
}

// Put into the queue by somebody before the approvals are there: it is taken out, said and
// audited, however often that is done; approved, the run puts it there itself.
func TestQueuedByHandIsTakenOut(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		w.Await(run, dr.RunWaiting)
		for n := 1; n <= 2; n++ {
			w.EnqueueByHand()
			w.Approve("bob")
			time.Sleep(queueLooked)
			said := saidOf(w, "/unqueued/")
			if w.InQueue() != 0 || len(said) != n || !strings.Contains(said[n-1], "drbot has taken it out") || w.Calls("Audit dequeue") != n {
				t.Errorf("in the queue %d; it said %q", w.InQueue(), said)
			}
		}
		w.Approve("carol")
		inQueue(w)
		w.MergeQueued()
		w.Await(run, dr.RunSucceeded)
		checkLeft(t, w, run, plannedDone)
	})
}

// queueLooked is how long it takes at most until it is seen that a change is in the queue.
const queueLooked = 80 * time.Second

// Killed right before or after it is taken out, while that is told, or its answer lost: it is
// told once.
func TestQueuedByHandAndKilled(t *testing.T) {
	for name, kill := range map[string]func(*world.World){
		"before it":              func(w *world.World) { w.KillBefore("Dequeue") },
		"after it":               func(w *world.World) { w.KillAfter("Dequeue") },
		"after it is audited":    func(w *world.World) { w.KillAfter("Audit dequeue") },
		"after it is said":       func(w *world.World) { w.After("Audit dequeue", func() { w.KillAfter("Say") }) },
		"and its answer is lost": func(w *world.World) { w.Lose("Dequeue", 1); w.KillAfter("Audit dequeue") },
	} {
		t.Run(name, func(t *testing.T) {
			queueing(t, func(t *testing.T, w *world.World, run string) {
				w.Await(run, dr.RunWaiting)
				kill(w)
				w.EnqueueByHand()
				w.Revive(time.Minute)
				time.Sleep(queueLooked)
				if said := saidOf(w, "/unqueued/"); w.InQueue() != 0 || len(said) != 1 || w.Lives() != 2 {
					t.Errorf("in the queue %d; it said %q in %d lives", w.InQueue(), said, w.Lives())
				}
				queued(w, run)
				w.MergeQueued()
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, plannedDone)
			})
		})
	}
}

// Approved while the bot is down: what it has done before is told, and the run goes on with
// what is still in the queue.
func TestQueuedByHandAndApprovedMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		kill func(*world.World)
		said int
	}{
		"before it": {func(w *world.World) { w.KillBefore("Dequeue") }, 0},
		"after it":  {func(w *world.World) { w.KillAfter("Dequeue") }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			queueing(t, func(t *testing.T, w *world.World, run string) {
				w.Await(run, dr.RunWaiting)
				c.kill(w)
				w.EnqueueByHand()
				w.After("Dequeue", func() { w.Approve("bob", "carol") })
				w.Before("Dequeue", func() { w.Approve("bob", "carol") })
				w.Revive(time.Minute)
				inQueue(w)
				w.MergeQueued()
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, plannedDone)
				if said := saidOf(w, "/unqueued/"); len(said) != c.said {
					t.Errorf("it said %q", said)
				}
			})
		})
	}
}

// What is approved and put into the queue by somebody else stays there: the run goes on with it.
func TestQueuedByHandWhenApproved(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		w.Await(run, dr.RunWaiting)
		time.Sleep(50 * time.Second) // the look that sees both looks at the queue too
		w.EnqueueByHand()
		w.Approve("bob", "carol")
		time.Sleep(3 * time.Minute)
		if w.InQueue() != 1 || w.Calls("Dequeue") != 0 {
			t.Errorf("in the queue %d, taken out %d times", w.InQueue(), w.Calls("Dequeue"))
		}
		w.MergeQueued()
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// Approved, and held because the policy denies by now: the queue does not merge it either.
func TestQueuedByHandWhileHeld(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		w.Await(run, dr.RunWaiting)
		time.Sleep(3 * time.Minute)
		w.SetCheck("aurora.target-sync", dr.Fail)
		w.Approve("bob", "carol")
		w.Until(run, func(r dr.Run) bool { return strings.Contains(world.Words(r.Outcome), "aurora.target-sync") })
		w.EnqueueByHand()
		time.Sleep(queueLooked)
		if w.InQueue() != 0 || w.Merges() != 0 || len(saidOf(w, "/unqueued/")) != 1 {
			t.Errorf("in the queue %d, merged %d: %s", w.InQueue(), w.Merges(), whereabouts(w.Record(run)))
		}
		w.SetCheck("aurora.target-sync", dr.OK)
		inQueue(w)
		w.MergeQueued()
		w.Await(run, dr.RunSucceeded)
	})
}
