package workflows_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/view"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// leads is what a run's message says that an answer leads to.
func leads(r dr.Run, verb string) string {
	for _, a := range view.Run(r, time.Now()).Question.Answers {
		if a.Verb == verb {
			return world.Words(a.Leads)
		}
	}
	return ""
}

func contains(t *testing.T, what, said string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(said, w) {
			t.Errorf("%s says %q, and not %q", what, said, w)
		}
	}
}

// Before an act is skipped it is said what cannot work afterwards; at the promotion of a
// planned run also that users are down, and that stopping it helps that.
func TestSkipSaysWhatCannotWork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at, stopped string
		fail        func(*world.World)
		cmd         workflows.StartCommand
		skip, stop  []string
	}{
		{"promote/portal-global", "", func(w *world.World) { w.Fail("Promote", -1, errMended) }, world.Disaster,
			[]string{"The writer of portal-global stays in ap-northeast-2", "have nothing to write to, and no gate can pass"}, []string{"nothing is rolled back"}},
		{"promote/portal-global", "", func(w *world.World) { w.Fail("Promote", -1, errMended) }, world.Planned,
			[]string{"The writer of portal-global stays in ap-northeast-2"}, []string{"scaled to zero for this run, and users are down", "gives ap-northeast-2 its tasks back"}},
		{"quiesce/ap-northeast-2", "", func(w *world.World) { w.Fail("Scale "+string(world.Seoul), -1, errMended) }, world.Planned, nil,
			[]string{"may be, in whole or in part", "gives ap-northeast-2 its tasks back"}},
		{"apply/tokyo", "", func(w *world.World) { w.NextApply("tokyo", dr.ApplyFailed) }, world.Planned,
			[]string{"tokyo stays as it is: ap-northeast-1 may have too few tasks"}, []string{"nothing is rolled back"}},
		{"apply/traffic", "", func(w *world.World) { w.NextApply("traffic", dr.ApplyFailed) }, world.Planned,
			[]string{"Users are not led to ap-northeast-1", "verify cannot pass"}, nil},
		{"apply/seoul", "", func(w *world.World) { w.NextApply("seoul", dr.ApplyFailed) }, world.Planned,
			[]string{"what runs in ap-northeast-2 is not what Git says"}, nil},
		{"gate/1", "", func(w *world.World) { w.Sick(world.Tokyo, true) }, world.Disaster, []string{"Nobody has seen then that ap-northeast-1 can take the traffic"}, nil},
		{"verify", "", func(w *world.World) { w.Fail("Probe portal.example.test", -1, nil) }, world.Disaster, []string{"Nobody has seen then that users reach ap-northeast-1"}, nil},
	} {
		t.Run(c.cmd.Mode+" "+c.at, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				c.fail(w)
				run := w.Start(c.cmd)
				approve(w, run)
				r := asks(w, run, c.at)
				contains(t, "the question", world.Words(r.Question.Means), append(c.skip, c.stop...)...)
				contains(t, "skip", leads(r, "skip"), append(c.skip, "2 people other than alice")...)
				contains(t, "stop", leads(r, "stop"), c.stop...)
				if said := leads(r, "stop"); len(c.stop) > 1 && strings.Contains(said, "nothing is rolled back") {
					t.Errorf("stop says %q, and tasks are given back", said)
				}
			})
		})
	}
}

// Two people end a planned run at its promotion: neither is told that nothing is rolled back.
func TestAbandonSaysWhatIsGivenBack(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", -1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		for _, who := range []string{"bob", "carol"} {
			_, said, err := w.Engine.Cancel(context.Background(), world.By(who), run)
			if err != nil {
				t.Fatal(err)
			}
			contains(t, who, world.Words(said), "tasks that it has stopped in ap-northeast-2 come back")
		}
		w.Await(run, dr.RunStopped)
	})
}

// What people accept of a resumption says that the database moves, and its digest is of that
// as well.
func TestResumeTellsOfThePromotion(t *testing.T) {
	t.Parallel()
	for _, m := range modes {
		t.Run(m.cmd.Mode, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetBase(world.Tokyo)
				run := w.Start(resume(m.cmd))
				r := w.Await(run, dr.RunPaused)
				want := []string{"promote portal-global: the writer moves from ap-northeast-2 to ap-northeast-1 (" + m.cmd.Mode, "apply tokyo", "start the tasks of ap-northeast-1 anew", "lead users to ap-northeast-1"}
				if m.cmd.Mode == "planned" {
					want = append(want, "stop the tasks of ap-northeast-2", "no data is lost")
				} else {
					want = append(want, "expected data loss about 0.4 s")
				}
				contains(t, "the question", world.Words(r.Question.What), want...)
				contains(t, "what it means", world.Words(r.Question.Means), "by 2 people other than alice.")
				contains(t, "accept", leads(r, "accept"), "once 2 people other than alice say so", "promote portal-global")
				contains(t, "the thread", strings.Join(saidOf(w, "/paused/"), ""), "it takes 2 people other than alice: ")
				if strings.HasPrefix(r.Digest, r.Question.Digest) {
					t.Errorf("the digest %s is that of the plans alone", r.Question.Digest)
				}
				accept(t, w, run)
				w.Await(run, dr.RunSucceeded)
			})
		})
	}
}

// What is all there is not resumed: nobody is asked and nothing is restarted. Where only one
// part is elsewhere, or the run that brought it there was not proven, people are asked.
func TestResumeOfWhatIsThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(*world.World)
		left   bool
	}{
		"all":       {func(w *world.World) { approved(w, w.Start(world.Planned)) }, false},
		"the users": {func(w *world.World) { approved(w, w.Start(world.Planned)); w.MoveUsers(world.Seoul) }, true},
		"the tasks": {func(w *world.World) { approved(w, w.Start(world.Planned)); w.SetTasks(world.Tokyo, 0) }, true},
		"a plan":    {func(w *world.World) { approved(w, w.Start(world.Planned)); w.Import("tokyo", "aws_ssm_parameter.x") }, true},
		"by hand": {func(w *world.World) {
			w.SetBase(world.Tokyo)
			w.PromoteByHand(world.Tokyo)
			w.MoveUsers(world.Tokyo)
			time.Sleep(2 * time.Minute)
		}, true},
		"not verified": {func(w *world.World) {
			w.Fail("Probe portal.example.test", -1, nil)
			r := w.Start(world.Planned)
			approve(w, r)
			asks(w, r, "verify")
			skipAll(w, r)
			w.Heal()
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				c.before(w)
				n := w.Deployments(world.Tokyo)
				run := w.Start(resume(world.Planned))
				r := w.Until(run, func(r dr.Run) bool { return r.State.Final() || r.State == dr.RunPaused })
				if c.left {
					if r.State != dr.RunPaused {
						t.Errorf("something is left, and %s", whereabouts(r))
					}
					return
				}
				if r.State != dr.RunSucceeded || r.Outcome.ID != "resume.nothing-left" || w.Deployments(world.Tokyo) != n {
					t.Errorf("nothing was left to do: %s", whereabouts(r))
				}
				checkEnd(t, w, run, with(plannedDone, func(l *world.Left) {}))
				back := world.Back(world.Planned)
				back.Once = "back"
				time.Sleep(31 * time.Minute)
				approved(w, w.Start(back)) // that was no move: no cooldown begins with it
			})
		})
	}
}

// A planned resumption whose writer is in the target is not told of a loss that another
// kind of run would spare.
func TestResumeOfAMovedWriterAcceptsNoLoss(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetBase(world.Tokyo)
		w.PromoteByHand(world.Tokyo)
		time.Sleep(2 * time.Minute)
		r := w.Await(w.Start(resume(world.Planned)), dr.RunPaused)
		if said := world.Words(r.Question.What); strings.Contains(said, "would lose no data") || len(r.Accepts) > 0 {
			t.Errorf("it asks %q, accepting %v", said, r.Accepts)
		}
	})
}

// A planned run that is not ready leads to what mends it, and to a disaster only where the
// source does not answer.
func TestNotReadyLeadsToItsMend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(*world.World)
		want   []string
		not    string
	}{
		"not in sync": {func(w *world.World) { w.SetCheck("aurora.target-sync", dr.Fail) },
			[]string{"Wait until a resynchronization is over", "/dr failover portal ap-northeast-1 planned"}, "disaster"},
		"the writer is there already": {func(w *world.World) { w.PromoteByHand(world.Tokyo); time.Sleep(2 * time.Minute) },
			[]string{"the writer of portal-global is in ap-northeast-1 already", "in ap-northeast-1: /dr failover portal ap-northeast-1 disaster", "by a promotion back: /dr resume portal ap-northeast-2 planned"}, "Then ask again"},
		"the source is silent": {func(w *world.World) { w.Down(world.Seoul, true) },
			[]string{"when the source Region answers again: /dr failover portal ap-northeast-1 planned", "/dr failover portal ap-northeast-1 disaster"}, "Wait until"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				c.before(w)
				next := world.Words(w.Await(w.Start(world.Planned), dr.RunRefused).Next)
				contains(t, "it", next, c.want...)
				if strings.Contains(next, c.not) {
					t.Errorf("it leads to %q", next)
				}
			})
		})
	}
}

// At a merge by hand it is said that stop leaves it merged, and comes before what it leads to.
func TestStopOfAMergeByHandSaysThatItIsMerged(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.MergeByHand("dave")
		r := w.Await(run, dr.RunPaused)
		contains(t, "stop", leads(r, "stop"), "stays merged")
		if said := leads(r, "stop"); strings.Contains(said, "is closed") {
			t.Errorf("stop says %q", said)
		}
		contains(t, "what is next", world.Words(r.Next), "stop first", "/dr failover", "/dr resume portal ap-northeast-1 planned")
		contains(t, "accept", leads(r, "accept"), "2 people other than alice")
		w.Stop(run)
		if next := world.Words(w.End(run).Next); strings.Contains(next, "stop first") {
			t.Errorf("its end leads to %q", next)
		}
	})
}

// A planned resumption that is stopped before anything has moved leads back by Git.
func TestResumeStoppedBeforeItsPromotionLeadsBack(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetBase(world.Tokyo)
		w.Fail("Scale "+string(world.Seoul), 1, errMended)
		run := w.Start(resume(world.Planned))
		w.Await(run, dr.RunPaused)
		accept(t, w, run)
		asks(w, run, "quiesce/ap-northeast-2")
		w.Stop(run)
		next := world.Words(w.End(run).Next)
		contains(t, "it", next, "have main say ap-northeast-2 again, then: /dr resume portal ap-northeast-2 planned", "/dr resume portal ap-northeast-1 planned")
		if strings.Contains(next, "failback") {
			t.Errorf("it leads to %q", next)
		}
	})
}

// The second of two is told so, however soon it follows; who wanted the run to end is told
// that a retry goes over that.
func TestVoicesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", 1, errMended)
		run := w.Start(world.Disaster)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Answer(run, "bob", "stop")
		w.Answer(run, "carol", "retry")
		time.Sleep(time.Minute)
		contains(t, "the thread", strings.Join(saidOf(w, "/answered/"), ""), "bob wanted the run to end, which does not count any more", "/dr cancel "+run)
		w.Await(run, dr.RunSucceeded)
	})
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", -1, errMended)
		run := w.Start(world.Disaster)
		approve(w, run)
		digest := asks(w, run, "promote/portal-global").Question.Names(run, "skip")
		_, said, err := w.Engine.Answer(context.Background(), world.By("bob"), run, workflows.Reply{Verb: "skip", Digest: digest})
		if err != nil {
			t.Fatal(err)
		}
		contains(t, "bob", world.Words(said), "it takes one more person")
		_, said, err = w.Engine.Answer(context.Background(), world.By("carol"), run, workflows.Reply{Verb: "skip", Digest: digest})
		if err != nil || strings.Contains(world.Words(said), "more") {
			t.Errorf("carol is told %q (%v)", world.Words(said), err)
		}
	})
}
