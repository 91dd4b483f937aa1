package workflows_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// queued approves a run whose base has a merge queue, and waits until it is there.
func queued(w *world.World, run string) {
	approve(w, run)
	inQueue(w)
}

// inQueue waits until a pull request is in the queue.
func inQueue(w *world.World) {
	for range 1000 {
		if w.InQueue() > 0 {
			return
		}
		time.Sleep(time.Second)
	}
}

// queueing plays a run whose base has a merge queue.
func queueing(t *testing.T, play func(t *testing.T, w *world.World, run string)) {
	t.Helper()
	t.Parallel()
	world.Run(t, world.Options{Service: inTen}, func(t *testing.T, w *world.World) {
		w.RequireQueue(true)
		run := w.Start(world.Planned)
		play(t, w, run)
		if n := w.Calls("Merge"); n > 0 {
			t.Errorf("a direct merge was tried %d times", n)
		}
	})
}

// github.md 6: the base has a merge queue. The approved pull request is put there and nowhere
// else, followed for longer than a request lives, and its merge is the run's own.
func TestCase6TheQueueMerges(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		w.Await(run, dr.RunWaiting)
		w.Approve("bob")
		time.Sleep(time.Minute)
		if w.InQueue() > 0 {
			t.Fatal("put into the queue by one approval")
		}
		w.Approve("carol")
		inQueue(w)
		time.Sleep(11 * time.Minute)
		r := w.Record(run)
		if i := r.StepIndex("merge"); r.State != dr.RunRunning || r.Steps[i].State != dr.StepRunning || !strings.Contains(world.Words(r.Steps[i].Detail), "in the merge queue, at place 1") {
			t.Errorf("in the queue it is %s, its merge %+v", r.State, r.Steps[i])
		}
		w.PushToBase()
		w.MergeQueued()
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
		if said(w, "not by drbot") || !said(w, "is approved and in the merge queue of main") {
			t.Errorf("it says %+v", w.Said())
		}
	})
}

// An approval is withdrawn while the change is in the queue: it is taken out within one
// interval, and put there again when the approvals are.
func TestCase6TheCountHoldsInTheQueue(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		time.Sleep(11 * time.Minute) // the time to approve begins anew then
		w.Review("carol", dr.ChangesRequested)
		time.Sleep(20 * time.Second)
		if w.InQueue() > 0 || !said(w, "is taken out of the merge queue") {
			t.Fatalf("the queue holds %d; said %+v", w.InQueue(), w.Said())
		}
		w.Await(run, dr.RunWaiting)
		time.Sleep(5 * time.Minute)
		w.Approve("dave", "carol")
		inQueue(w)
		w.MergeQueued()
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
		if w.Enqueued() != 2 {
			t.Errorf("it was put into the queue %d times", w.Enqueued())
		}
	})
}

// The same right before the queue merges: the count does not hold then, so people are
// asked before any act.
func TestCase6MergedWithoutTheCount(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		w.Review("carol", dr.ChangesRequested)
		w.MergeQueued()
		r := w.Await(run, dr.RunPaused)
		if w.Promotions() != 0 || !strings.Contains(world.Words(r.Question.What), "merged by "+world.Queue) {
			t.Fatalf("%d promotions; it asks %q", w.Promotions(), world.Words(r.Question.What))
		}
		acceptBy(t, w, run, "dave", "erin")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// A run that is cancelled takes its change out of the queue.
func TestCase6CancelledInTheQueue(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		w.Cancel(run, "alice")
		r := w.Await(run, dr.RunCancelled)
		if w.InQueue() > 0 || w.Merges() > 0 || w.OpenPulls() > 0 || w.Calls("Dequeue") != 1 || !said(w, "alice cancelled the run") {
			t.Errorf("in the queue %d, merges %d, open %d: %s", w.InQueue(), w.Merges(), w.OpenPulls(), world.Words(r.Outcome))
		}
	})
}

// The queue is faster: the merge is taken up and the cancel told that it came too late.
func TestCase6CancelledTooLate(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		w.Before("Dequeue", w.MergeQueued)
		w.Cancel(run, "alice")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
		if !said(w, "The cancel came after the merge") {
			t.Errorf("it says %+v", w.Said())
		}
	})
}

// Taking it out fails for a while: the cancel counts all the same, and nothing is put back.
func TestCase6CancelledWhileGitHubIsGone(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		back := w.Gone("Queued", "Dequeue", "ChangeState")
		w.Cancel(run, "alice")
		w.Await(run, dr.RunPaused)
		back()
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunCancelled)
		if w.InQueue() > 0 || w.Merges() > 0 || w.Enqueued() != 1 {
			t.Errorf("in the queue %d, merges %d, put there %d times", w.InQueue(), w.Merges(), w.Enqueued())
		}
	})
}

// The queue throws the change out: the run pauses with the queue's reason, the pull request
// stays open with its approvals, and retry puts it there again, also after its expiry.
func TestCase6ThrownOut(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		time.Sleep(5 * time.Minute)
		w.ThrowOut("failed_checks")
		r := w.Await(run, dr.RunPaused)
		if what, next := world.Words(r.Question.What), world.Words(r.Next); !strings.Contains(what, "took #1 out: failed_checks") || !strings.Contains(next, "retry puts it into the queue again") || w.OpenPulls() != 1 {
			t.Errorf("it asks %q, then %q; open %d", what, next, w.OpenPulls())
		}
		time.Sleep(9 * time.Minute) // by then the request would have expired
		w.Answer(run, "bob", "retry")
		inQueue(w)
		w.MergeQueued()
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// Stopped instead, nothing is changed.
func TestCase6ThrownOutAndStopped(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		w.ThrowOut("failed_checks")
		w.Await(run, dr.RunPaused)
		w.Stop(run)
		w.Await(run, dr.RunStopped)
		if w.Merges() > 0 || w.OpenPulls() > 0 {
			t.Errorf("merges %d, open %d", w.Merges(), w.OpenPulls())
		}
	})
}

// The queue merges upon a base that nobody planned: what is wider is asked about before any
// act.
func TestCase6MergedOnAnotherBase(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		w.PushToBase("tokyo:aws_ssm_parameter.x")
		w.MergeQueued()
		r := w.Until(run, func(r dr.Run) bool { return r.Question != nil })
		if what := world.Words(r.Question.What); w.Promotions() != 0 || !strings.Contains(what, "aws_ssm_parameter.x") {
			t.Fatalf("%d promotions; it asks %q", w.Promotions(), what)
		}
		acceptBy(t, w, run, "dave", "erin")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// Somebody pushes to the branch of a change that is in the queue: the queue drops it, and a
// new change is opened.
func TestCase6PushedToInTheQueue(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		w.PushToChange("dave")
		w.Until(run, func(r dr.Run) bool { return r.Change.Number == 2 && r.State == dr.RunWaiting })
		queued(w, run)
		w.MergeQueued()
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// The bot is killed around each act of the queue, and the queue may merge while it is down:
// what it merged is the run's own, put there once.
func TestCase6Killed(t *testing.T) {
	for name, c := range map[string]struct {
		when  func(*world.World)
		alive bool // the queue merges when the bot lives again
	}{
		"before it is put there":                   {func(w *world.World) { w.KillBefore("Enqueue") }, true},
		"right after":                              {func(w *world.World) { w.KillAfter("Enqueue") }, true},
		"right after, and merged while it is dead": {func(w *world.World) { w.KillAfter("Enqueue") }, false},
		"its answer is lost":                       {func(w *world.World) { w.Lose("Enqueue", 1); w.KillBefore("Queued").Skip(3) }, true},
		"while it is followed, and merged then":    {func(w *world.World) { w.KillBefore("Queued").Skip(3) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			queueing(t, func(t *testing.T, w *world.World, run string) {
				c.when(w)
				approve(w, run)
				if !c.alive {
					inQueue(w)
					for !w.Killed() {
						time.Sleep(time.Second)
					}
					w.MergeQueued()
				}
				for end := time.Now().Add(time.Hour); time.Now().Before(end) && !w.Record(run).State.Final(); time.Sleep(time.Second) {
					if w.Killed() {
						w.Revive(time.Minute)
					}
					if r := w.Record(run); r.State == dr.RunPaused {
						w.Answer(run, "bob", "retry")
						time.Sleep(time.Minute)
					}
					if c.alive && w.InQueue() > 0 && w.Lives() == 2 {
						w.MergeQueued()
					}
				}
				checkEnd(t, w, run, plannedDone)
				if w.Enqueued() != 1 || said(w, "not by drbot") || w.Lives() != 2 {
					t.Errorf("put there %d times, %d lives", w.Enqueued(), w.Lives())
				}
			})
		})
	}
}

// The queue is taken away while the change is in it, or GitHub does not answer for longer than a request lives.
func TestCase6TheQueueIsGone(t *testing.T) {
	t.Run("taken away", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.RequireQueue(true)
			run := w.Start(world.Planned)
			queued(w, run)
			w.RequireQueue(false)
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, plannedDone)
		})
	})
	t.Run("silent", func(t *testing.T) {
		queueing(t, func(t *testing.T, w *world.World, run string) {
			queued(w, run)
			back := w.Gone("Queued", "ChangeState", "Look")
			time.Sleep(11 * time.Minute)
			if r := w.Record(run); r.State != dr.RunRunning || !strings.Contains(world.Words(r.Steps[r.StepIndex("merge")].Detail), "could not be read") {
				t.Errorf("it is %s: %+v", r.State, r.Steps[r.StepIndex("merge")])
			}
			back()
			w.MergeQueued()
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, plannedDone)
		})
	})
}

// TestCase6TheWorldMoves has the world move right before the change is put into the queue,
// right before that is asked about, and while it is there: as in TestMovers nothing is
// promoted or applied that no approval covers, and every end leads on. In make test one case
// in four is played, in make moves each.
func TestCase6TheWorldMoves(t *testing.T) {
	t.Parallel()
	var n tally
	every := 4
	if os.Getenv("DRBOT_MOVES") != "" && os.Getenv("DRBOT_ONE_MOVE_IN") == "" {
		every = 1
	}
	i, played := 0, swept(t)
	for _, place := range []string{"Queued", "Enqueue", "in the queue"} {
		for _, m := range movers() {
			if i++; i%every != 0 || !played() {
				continue
			}
			at := placed{m, place}
			if place == "in the queue" {
				at.at = "Enqueue"
				at.do = func(w *world.World) { time.AfterFunc(20*time.Second, func() { m.do(w) }) }
			}
			t.Run(place+"/"+m.name, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					w.RequireQueue(true)
					over, stopped := make(chan struct{}), make(chan struct{})
					go func() {
						defer close(stopped)
						for {
							select {
							case <-over:
								return
							case <-time.After(50 * time.Second):
								if w.InQueue() > 0 {
									w.MergeQueued()
								}
							}
						}
					}()
					n.moved(t, w, world.Planned, at)
					close(over)
					<-stopped
				})
			})
		}
	}
}
