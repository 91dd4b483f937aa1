package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// Attempts to have something done that nobody approved, and to leave a run without a way on.

var errMended = &dr.Error{Code: dr.Conflict, What: dr.T("wider.lock-file")}

// whereabouts says what a run asks, or how it ended.
func whereabouts(r dr.Run) string {
	s := fmt.Sprintf("%s: %s / %s", r.State, world.Words(r.Outcome), world.Words(r.Next))
	if r.Question != nil {
		s += fmt.Sprintf(" [%s: %s; %v]", r.Question.Step, world.Words(r.Question.What), r.Question.Answers)
	}
	return s
}

// whatNext waits until a run is over or asks a question newer than this.
func whatNext(w *world.World, run string, after int) dr.Run {
	return w.Until(run, func(r dr.Run) bool {
		return r.State.Final() || r.State == dr.RunPaused && r.Question != nil && r.Question.Number > after
	})
}

// The second of two databases refuses once; people mend that and answer retry, as they are told.
func TestAttemptSecondDatabaseRetry(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: several}, func(t *testing.T, w *world.World) {
		w.Fail("Promote orders", 1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		q := asks(w, run, "promote/orders")
		for range 3 {
			time.Sleep(5 * time.Minute)
			w.Answer(run, "bob", "retry")
			q = whatNext(w, run, q.Question.Number)
			if q.State == dr.RunSucceeded {
				return
			}
		}
		t.Errorf("three retries lead nowhere: %s", whereabouts(q))
	})
}

// A first promotion that takes its time (over timing.recheck) must not make the run's own
// act a reason to stop before the second.
func TestAttemptSecondDatabaseAfterASlowFirst(t *testing.T) {
	t.Parallel()
	for _, cmd := range []workflows.StartCommand{world.Planned, world.Disaster} {
		t.Run(cmd.Mode, func(t *testing.T) {
			world.Run(t, world.Options{Service: several}, func(t *testing.T, w *world.World) {
				w.Before("Promote users", func() { time.Sleep(3 * time.Minute) })
				run := w.Start(cmd)
				approve(w, run)
				if r := whatNext(w, run, 0); r.State != dr.RunSucceeded {
					t.Errorf("the writers of users and orders are in %s and %s: %s", w.WriterOf("users"), w.WriterOf("orders"), whereabouts(r))
				}
			})
		})
	}
}

// A service without a database: Git goes back while a resumption waits for its accept.
func TestAttemptNoLookBeforeAFirstApply(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: alone}, func(t *testing.T, w *world.World) {
		w.SetBase(world.Tokyo)
		run := w.Start(resume(world.Planned))
		w.Await(run, dr.RunPaused)
		time.Sleep(plansOld)
		w.SetBase(world.Seoul)
		w.SetCheck("target.workload", dr.Fail)
		accept(t, w, run)
		r := whatNext(w, run, 1)
		if len(w.Applied()) > 0 {
			t.Errorf("Git says %s, the policy would say no, and %v were applied: %s", w.Base(), w.Applied(), whereabouts(r))
		}
	})
}

// Somebody cancels while the run looks once more before its merge; it is acknowledged.
func TestAttemptCancelDuringRecheck(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := startAndWait(w, world.Disaster)
		var said dr.Text
		w.Before("Plan tokyo", func() {
			var err error
			if _, said, err = w.Engine.Cancel(context.Background(), world.By("alice"), run); err != nil {
				t.Error(err)
			}
			time.Sleep(3 * time.Minute) // Terraform takes its time
		})
		w.Approve("bob")
		w.Approve("carol")
		r := whatNext(w, run, 0)
		if w.Merges() > 0 || w.Promotions() > 0 {
			t.Errorf("cancelled 3 minutes before the merge (it said %q): %d merges, %d promotions: %s", world.Words(said), w.Merges(), w.Promotions(), whereabouts(r))
		}
	})
}

// What the policy denied of the plan is merged by hand with its approvals a moment later.
func TestAttemptDeniedPlanMergedByHand(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := startAndWait(w, world.Disaster)
		w.DenyPlan()
		w.Approve("bob", "carol")
		w.Until(run, func(r dr.Run) bool { return strings.Contains(line(r, "recheck"), "not now") })
		t.Log(line(w.Record(run), "recheck"))
		w.MergeByHand("dave")
		r := whatNext(w, run, 0)
		if w.Promotions() > 0 {
			t.Errorf("promoted although the policy denies the plan: %s", whereabouts(r))
		}
	})
}

// People accept a wider plan: all of what is made was put before them.
func TestAttemptOfferShowsAll(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Before("Apply tokyo", func() {
			for i := range 8 {
				w.Import("tokyo", fmt.Sprintf("aws_ssm_parameter.n%d", i))
			}
		})
		approve(w, run)
		r := asks(w, run, "apply/tokyo")
		shown := world.Words(r.Question.What)
		for _, n := range w.Said() {
			for _, l := range n.Lines {
				shown += world.Words(l)
			}
		}
		shown += w.Proposal()
		accept(t, w, run)
		w.Await(run, dr.RunSucceeded)
		for _, made := range w.Made() {
			if !strings.Contains(shown, made) {
				t.Errorf("%s was deleted and is not among what was accepted", made)
			}
		}
	})
}

// A quiesce that failed before it stopped anything is retried much later by one person,
// with Git back at the source.
func TestAttemptQuiesceRetryAfterRevert(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Scale "+string(world.Seoul), 1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		q := asks(w, run, "quiesce/ap-northeast-2")
		time.Sleep(plansOld)
		w.SetBase(world.Seoul)
		w.Answer(run, "bob", "retry")
		r := whatNext(w, run, q.Question.Number)
		if w.Tasks(world.Seoul) == 0 {
			t.Errorf("Git says %s, the users are in %s, and its tasks were stopped: %s", w.Base(), w.Points(), whereabouts(r))
		}
	})
}

// A promotion nobody asked for is told although the run has paused before.
func TestAttemptByOthersAfterAPause(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Before("Merge", func() { w.PushToBase("tokyo:aws_ssm_parameter.x") })
		approve(w, run)
		r := asks(w, run, "promote/portal-global")
		w.PromoteByHand(world.Tokyo)
		time.Sleep(10 * time.Minute)
		accept(t, w, run)
		r = whatNext(w, run, r.Question.Number)
		if r.State == dr.RunSucceeded {
			t.Errorf("the writer was moved by hand and nobody was told before it went on: %s", line(r, "promote/portal-global"))
		}
	})
}

// What is put again before people has its reminders too.
func TestAttemptRemindersOfTheSecondRound(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(0.4)
		run := startAndWait(w, world.Planned)
		time.Sleep(10*time.Minute - old)
		count := func() (n int) {
			for _, s := range w.Said() {
				if strings.Contains(s.Key, "remind/await") {
					n++
				}
			}
			return n
		}
		w.SetLag(40)
		w.Approve("bob")
		w.Until(run, func(r dr.Run) bool { return w.Calls("Comment worse") == 1 && r.State == dr.RunWaiting })
		before := count()
		time.Sleep(20 * time.Minute)
		if n := count(); n != before+2 {
			t.Errorf("%d reminders in the first ten minutes, %d in twenty minutes of the second round", before, n-before)
		}
	})
}

// GitHub does not know the merge commit at once, after the merge.
func TestAttemptMergeCommitNotFoundYet(t *testing.T) {
	t.Parallel()
	for _, code := range []dr.Code{dr.NotFound, dr.Denied, dr.Defect} {
		t.Run(string(code), func(t *testing.T) {
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.Fail("Parents", 1, &dr.Error{Code: code, What: dr.T("wider.lock-file")})
				run := w.Start(world.Disaster)
				approve(w, run)
				r := whatNext(w, run, 0)
				if r.State.Final() && r.State != dr.RunSucceeded {
					t.Errorf("an approved run ends right after its own merge: %s", whereabouts(r))
				}
			})
		})
	}
}

// The lock is lost right before the merge.
func TestAttemptLockLostBeforeTheMerge(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Fail("Held", 1, errMended)
		approve(w, run)
		r := whatNext(w, run, 0)
		if r.State.Final() && r.State != dr.RunSucceeded {
			t.Errorf("a process that is not the executor any more ends an approved run and closes its pull request: %s", whereabouts(r))
		}
	})
}

// An order that applies before it promotes: what the run itself has applied, in its time,
// is nothing that people have to accept.
func TestAttemptOwnApplyIsWider(t *testing.T) {
	t.Parallel()
	order := func(s *dr.Service) { s.Acts = []string{"apply/target", "promote", "redeploy", "gate", "apply/traffic"} }
	world.Run(t, world.Options{Service: order}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Before("Apply tokyo", func() { time.Sleep(plansOld) })
		approve(w, run)
		if r := whatNext(w, run, 0); r.State != dr.RunSucceeded {
			t.Errorf("it asks about its own apply: %s", whereabouts(r))
		}
	})
}

// With that order the first act is an apply: Git is reverted while the run is paused there.
func TestAttemptNoLookBeforeApplyBeforePromote(t *testing.T) {
	t.Parallel()
	order := func(s *dr.Service) { s.Acts = []string{"apply/target", "promote", "redeploy", "gate", "apply/traffic"} }
	world.Run(t, world.Options{Service: order}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyLocked)
		run := w.Start(world.Disaster)
		approve(w, run)
		q := asks(w, run, "apply/tokyo")
		time.Sleep(plansOld)
		w.SetBase(world.Seoul)
		w.Answer(run, "bob", "retry")
		r := whatNext(w, run, q.Question.Number)
		if len(w.Applied()) > 0 {
			t.Errorf("nothing was done yet, Git says %s, and %v was applied: %s", w.Base(), w.Applied(), whereabouts(r))
		}
	})
}

// A writer that is being moved elsewhere when the attempt begins, and is not any more a
// moment later, is promoted with a look at what people approved.
func TestAttemptBegunByOthers(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(0.4)
		run := w.Start(world.Planned)
		w.Before("Scale "+string(world.Seoul), func() {
			time.Sleep(8 * time.Minute)
			w.SetLag(200)
			w.PromoteByHand(world.Seoul) // pending, to where it is
			slow := 0                    // and the second read of the state takes its time
			w.BeforeEach("DatabaseState", func() {
				if slow++; slow == 2 {
					time.Sleep(20 * time.Second)
				}
			})
		})
		approve(w, run)
		r := whatNext(w, run, 0)
		if w.Promotions() > 0 {
			t.Errorf("promoted with a lag of 200 s where 10 s were accepted: %s", whereabouts(r))
		}
	})
}

// Skipping the promotion by two people and stopping then leaves the source at zero with the
// writer and the users there.
func TestAttemptSkippedPromotionLeavesAnOutage(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", -1, errMended)
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Answer(run, "bob", "skip")
		w.Answer(run, "carol", "skip")
		asks(w, run, "apply/tokyo")
		w.Stop(run)
		r := w.End(run)
		w.Heal()
		if w.Tasks(world.Seoul) == 0 && w.Writer() == world.Seoul {
			t.Errorf("writer and users are in Seoul, which has no tasks: %s", whereabouts(r))
		}
		back := world.Back(world.Planned)
		back.Once = "back"
		run = w.Start(back)
		b := w.Until(run, func(r dr.Run) bool { return r.State != dr.RunRunning })
		t.Logf("the way back it names: %s", whereabouts(b))
	})
}

// A run that is asked again, merges upon another base and accepts that is killed after each
// row the engine keeps of it (one in three here), and taken up again.
func TestAttemptKilledWhereItIsAskedAgain(t *testing.T) {
	t.Parallel()
	live := func(t *testing.T, kill int) (rows []string, end world.Left) {
		o := world.Options{}
		o.Timing.Runbooks.Recheck = time.Second
		world.Run(t, o, func(t *testing.T, w *world.World) {
			w.Before("Audit approval", func() { w.Import("tokyo", "aws_ssm_parameter.state") })
			w.Before("Merge", func() { w.PushToBase("tokyo:aws_ssm_parameter.x") })
			run := w.Start(world.Planned)
			if kill >= 0 {
				w.KillWhen(func(string) bool { return len(compact(w.Books.Stored(t, run))) > kill })
			}
			w.Drive(run)
			rows, end = compact(w.Books.StoredWhole(t, run)), w.Left(run)
			if w.Calls("Comment worse") == 0 || w.Record(run).State != dr.RunSucceeded {
				t.Errorf("%s", whereabouts(w.Record(run)))
			}
		})
		return rows, end
	}
	rows, end := live(t, -1)
	t.Logf("%d rows: %q", len(rows), rows)
	played := swept(t)
	for i := 0; i < len(rows)-1; i += 3 {
		if !played() {
			continue
		}
		t.Run(fmt.Sprintf("%02d-%s", i, strings.ReplaceAll(rows[i], "/", "_")), func(t *testing.T) {
			got, left := live(t, i)
			if left != end {
				t.Errorf("it leaves %+v, not %+v", left, end)
			}
			if !slices.Equal(got, rows) {
				t.Errorf("the rows are %q", got)
			}
		})
	}
}

// The cooldown is found behind however many requests that were refused since.
func TestAttemptCooldownBehindRefusedRequests(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		approved(w, w.Start(world.Disaster))
		for i := range 50 {
			cmd := world.Planned
			cmd.Once = fmt.Sprint("again", i)
			w.End(w.Start(cmd)) // refused: already active
		}
		back := world.Back(world.Disaster)
		back.Once = "back"
		run := w.Start(back)
		r := w.Until(run, func(r dr.Run) bool { return r.State != dr.RunRunning })
		if r.State != dr.RunRefused {
			t.Errorf("the way back begins within the cooldown without an override: %s", whereabouts(r))
		}
	})
}

// Somebody pushes to the bot's branch and merges that by hand between two looks: it is
// none of this run's, and nobody can take it up.
func TestAttemptAnotherHeadMergedByHand(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.PushToChange("dave")
		w.MergeByHand("dave")
		r := w.Await(run, dr.RunCancelled)
		if w.Promotions() != 0 || !strings.Contains(world.Words(r.Next), "revert #1") {
			t.Errorf("%d promotions; %s", w.Promotions(), whereabouts(r))
		}
	})
}

// A loss nobody knew turns out to be beyond the objective; the source that was gone is
// back: both are put before people again.
func TestAttemptAnotherLossThanWasAccepted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][2]func(*world.World){
		"known now":          {func(w *world.World) { w.SetLag(-1) }, func(w *world.World) { w.SetLag(7200) }},
		"the source is back": {func(w *world.World) { w.Down(world.Seoul, true) }, func(w *world.World) { w.Down(world.Seoul, false) }},
	} {
		t.Run(name, func(t *testing.T) {
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				c[0](w)
				run := startAndWait(w, world.Disaster)
				c[1](w)
				askedAgain(t, w, run)
				w.Await(run, dr.RunSucceeded)
			})
		})
	}
}

// A run that is stopped while its promotion is pending does not tell people to revert.
func TestAttemptStoppedWhilePending(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Lose("Promote", 1)
		w.After("Promote", func() { w.Fail("DatabaseState", -1, nil) })
		run := w.Start(world.Disaster)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Stop(run)
		r := w.End(run)
		if next := world.Words(r.Next); !strings.HasPrefix(next, "look first where the writer") || !strings.Contains(next, "/dr resume portal") {
			t.Errorf("it leads to %q", next)
		}
	})
}
