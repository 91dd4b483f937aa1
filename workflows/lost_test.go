package workflows_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

func asked(w *world.World, run, step string) dr.Run {
	return w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Step == step })
}

// TestQuestionWrittenLater has a question that cannot be written down when it is put: it
// is put again, and can be answered.
func TestQuestionWrittenLater(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Fail("Redeploy", 1, &dr.Error{Code: dr.Conflict, What: dr.T("wider.lock-file")})
		w.Before("Redeploy", func() { w.Fail("UpdateRun", 12, errDisk) })
		approve(w, run)
		time.Sleep(2 * time.Minute)
		w.Heal()
		asked(w, run, "redeploy/ap-northeast-1")
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
	})
}

// TestEndWrittenLater has an end that cannot be written down when it comes.
func TestEndWrittenLater(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: soon}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.After("CloseChange", func() { w.Fail("UpdateRun", 6, errDisk) })
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go w.Books.Watchman().Watch(ctx)
		time.Sleep(10 * time.Minute)
		w.Heal()
		time.Sleep(2 * time.Minute)
		if r := w.Record(run); r.State != dr.RunExpired || r.Outcome.ID != "run.end-unwritten" || !namedNext(r, dr.Resume) {
			t.Errorf("it is recorded as %s", whereabouts(r))
		}
	})
}

// TestSuccessWrittenLater has a run that succeeds and cannot write that down: it is recorded
// as what it was, and the way back has its cooldown.
func TestSuccessWrittenLater(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Await(run, dr.RunWaiting)
		w.After("Comment result", func() { w.Fail("UpdateRun", -1, errDisk).Skip(1) })
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go w.Books.Watchman().Watch(ctx)
		w.Approve("bob", "carol")
		time.Sleep(30 * time.Minute)
		if r := w.Record(run); r.State.Final() {
			t.Fatalf("it is written down: %s", whereabouts(r))
		}
		w.Heal()
		time.Sleep(2 * time.Minute)
		if r := w.Record(run); r.State != dr.RunSucceeded || r.Outcome.ID != "run.end-unwritten.succeeded" {
			t.Errorf("it is recorded as %s", whereabouts(r))
		}
		back := world.Back(world.Planned)
		back.Once = "back"
		if r := w.End(w.Start(back)); !strings.HasPrefix(string(r.Outcome.ID), "lock.cooldown") {
			t.Errorf("the way back has no cooldown: %s", whereabouts(r))
		}
	})
}

// TestMergedAllTheSame has a merge that the run does not know of when it is ended; and
// one made by hand; and a run stopped before its promotion. What each says to do next
// leads on: revert, and the same command.
func TestMergedAllTheSame(t *testing.T) {
	t.Parallel()
	for name, live := range map[string]func(*world.World, string){
		"the answer lost": func(w *world.World, run string) {
			w.Lose("Merge", 1)
			w.After("Merge", func() { w.Fail("ChangeState", 2, nil) })
			approve(w, run)
			asked(w, run, "merge")
			w.Stop(run)
		},
		"by hand": func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			w.MergeByHand("dave")
			w.Await(run, dr.RunPaused)
			w.Stop(run)
		},
		"stopped at its promotion": func(w *world.World, run string) {
			w.Fail("Promote", -1, &dr.Error{Code: dr.Conflict, What: dr.T("wider.lock-file")})
			approve(w, run)
			asked(w, run, "promote/portal-global")
			w.Stop(run)
		},
	} {
		t.Run(name, func(t *testing.T) {
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				live(w, run)
				r := w.End(run)
				if !strings.Contains(world.Words(r.Next), "revert #1 on GitHub, so that it says ap-northeast-2 again; then start again: /dr failover portal ap-northeast-1 planned") {
					t.Fatalf("%s: %s / %s", r.State, world.Words(r.Outcome), world.Words(r.Next))
				}
				w.Heal()
				w.SetBase(world.Seoul)
				cmd := world.Planned
				cmd.Once = "again"
				approved(w, w.Start(cmd))
			})
		})
	}
}

// TestResumeOfAMergeApart goes on from a change that was merged without its run's knowing,
// or by hand: whoever asked for it does not accept that.
func TestResumeOfAMergeApart(t *testing.T) {
	t.Parallel()
	for name, live := range map[string]func(*world.World, string){
		"the answer lost": func(w *world.World, run string) {
			w.Lose("Merge", 1)
			w.After("Merge", func() { w.Fail("ChangeState", 2, nil) })
			approve(w, run)
			asked(w, run, "merge")
			w.Stop(run)
		},
		"by hand": func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			w.MergeByHand("dave")
			w.Await(run, dr.RunPaused)
			w.Stop(run)
		},
	} {
		t.Run(name, func(t *testing.T) {
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned) // alice
				live(w, run)
				w.End(run)
				w.Heal()
				r, _, err := w.Engine.Start(context.Background(), world.By("bob"), resume(world.Planned))
				if err != nil {
					t.Fatal(err)
				}
				q := w.Await(r.Run, dr.RunPaused)
				if !slices.Contains(q.Question.Without, "alice") {
					t.Errorf("alice may accept what her own run left: without %v", q.Question.Without)
				}
			})
		})
	}
}

// TestDeployedBeforePromotion deploys by hand between a promotion that was refused and
// the one that took effect, and between two: neither counts as since the promotion.
func TestDeployedBeforePromotion(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", 1, &dr.Error{Code: dr.Conflict, What: dr.T("wider.lock-file")})
		run := w.Start(world.Disaster)
		approve(w, run)
		asked(w, run, "promote/portal-global")
		w.RedeployByHand(world.Tokyo)
		time.Sleep(10 * time.Minute)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		if w.Calls("Redeploy") == 0 {
			t.Error("nothing was deployed since the promotion")
		}
	})
	world.Run(t, world.Options{Service: several}, func(t *testing.T, w *world.World) {
		w.Before("Promote orders", func() { time.Sleep(time.Minute); w.RedeployByHand(world.Tokyo); time.Sleep(time.Minute) })
		approved(w, w.Start(world.Disaster))
		if n := w.Calls("Redeploy"); n != 3 {
			t.Errorf("%d redeployments: nothing was deployed since the promotion of orders", n)
		}
	})
}

// TestPerhapsOpened stops a run that does not know whether its pull request was opened: it
// closes what there is of the branch, or says that it could not, and says nothing of it
// where none was.
func TestPerhapsOpened(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		befall func(*world.World)
		says   string
		open   int
	}{
		"the answer lost": {func(w *world.World) {
			w.Lose("OpenChange", 1)
			w.After("OpenChange", func() { w.Fail("OpenChange", 20, nil) })
		}, "what there was of the branch", 0},
		"the answer lost, and GitHub away to the end": {func(w *world.World) {
			w.Lose("OpenChange", 1)
			w.After("OpenChange", func() { w.Fail("OpenChange", 20, nil); w.Fail("CloseChange", 20, nil) })
		}, "look on GitHub for the branch", 1},
		"refused": {func(w *world.World) {
			w.Fail("OpenChange", 20, &dr.Error{Code: dr.Conflict, What: dr.T("wider.lock-file")})
		}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				c.befall(w)
				run := w.Start(world.Planned)
				if c.says != "" {
					w.Await(run, dr.RunPaused)
					w.Stop(run)
				}
				r := w.End(run)
				said := world.Words(r.Outcome)
				if strings.Contains(said, "drbot/"+run) != (c.says != "") || !strings.Contains(said, c.says) || w.OpenPulls() != c.open {
					t.Errorf("it ends %s with %q; %d pull requests are open", r.State, said, w.OpenPulls())
				}
			})
		})
	}
}
