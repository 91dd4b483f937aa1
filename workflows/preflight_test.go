package workflows_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// asks waits until a run asks about a step.
func asks(w *world.World, run, step string) dr.Run {
	return w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Step == step })
}

// accept has bob and carol accept what a run asks about.
func accept(t *testing.T, w *world.World, run string) { acceptBy(t, w, run, "bob", "carol") }

func acceptBy(t *testing.T, w *world.World, run, one, another string) {
	t.Helper()
	n := w.Record(run).Question.Number
	w.Answer(run, one, "accept")
	if r := w.Record(run); r.Question == nil || r.Question.Number != n {
		t.Fatal("one person's word sufficed")
	}
	w.Answer(run, another, "accept")
}

// plans.md 22: the base gets a resource between the count and the merge. Nothing is
// promoted on a merge that nobody planned.
func TestMergeOnAnotherBase(t *testing.T) {
	t.Parallel()
	for _, mode := range []workflows.StartCommand{world.Planned, world.Disaster} {
		t.Run(mode.Mode, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(mode)
				w.Before("Merge", func() { w.PushToBase("tokyo:aws_ssm_parameter.x") })
				approve(w, run)
				r := w.Await(run, dr.RunPaused)
				if w.Promotions() != 0 || w.Tasks(world.Seoul) != 3 {
					t.Fatalf("%d promotions, %d tasks in the source", w.Promotions(), w.Tasks(world.Seoul))
				}
				if said := world.Words(r.Question.What); !strings.Contains(said, "aws_ssm_parameter.x") {
					t.Errorf("it asks about %q", said)
				}
				accept(t, w, run)
				w.Await(run, dr.RunSucceeded)
				want := plannedDone
				if mode.Mode == world.Disaster.Mode {
					want = disasterDone
				}
				checkEnd(t, w, run, want)
			})
		})
	}
}

// A base that moved elsewhere costs nobody anything.
func TestMergeOnAnotherBaseThatChangesNothing(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Before("Merge", func() { w.PushToBase() })
		approved(w, run)
		checkEnd(t, w, run, disasterDone)
	})
}

// github.md 17: reverted on the base between the merge and the promotion.
func TestRevertedBeforeThePromotion(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Before("Scale "+string(world.Seoul), func() { w.SetBase(world.Seoul) })
		approve(w, run)
		r := asks(w, run, "promote/portal-global")
		if w.Promotions() != 0 || !strings.Contains(world.Words(r.Question.What), "does not say") {
			t.Fatalf("%d promotions; it asks %q", w.Promotions(), world.Words(r.Question.What))
		}
		w.SetBase(world.Tokyo)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// A pause after the merge can last for hours: what has grown worse meanwhile is asked
// about before the promotion.
func TestWorseAfterAPause(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(0.4)
		run := w.Start(world.Planned)
		w.Fail("Scale "+string(world.Seoul), 1, &dr.Error{Code: dr.Conflict, What: dr.T("error.unknown")})
		approve(w, run)
		w.Await(run, dr.RunPaused)
		time.Sleep(old)
		w.SetLag(40)
		w.Answer(run, "bob", "retry")
		r := w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Number == 2 })
		if said := world.Words(r.Question.What); w.Tasks(world.Seoul) != 3 || !strings.Contains(said, "aurora.lag") {
			t.Fatalf("the source has %d tasks; it asks %q", w.Tasks(world.Seoul), said)
		}
		accept(t, w, run)
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// What the policy denies cannot be accepted.
func TestDeniedAfterAPause(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Before("Merge", func() { time.Sleep(3 * time.Minute); w.SetCheck("aurora.target-instance", dr.Fail) })
		approve(w, run)
		r := asks(w, run, "promote/portal-global")
		for _, verb := range r.Question.Answers {
			if verb == "accept" {
				t.Error("what the policy denies can be accepted")
			}
		}
		w.SetCheck("aurora.target-instance", dr.OK)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, disasterDone)
	})
}

// A plan that goes wide after the promotion is accepted by the quorum of the change, by
// its digest, without the requester; or it is mended and tried again.
func TestWiderIsAccepted(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.After("Promote", func() { w.Import("tokyo", "aws_ssm_parameter.x") })
		approve(w, run)
		r := asks(w, run, "apply/tokyo")
		say := func(person string, reply workflows.Reply) error {
			_, _, err := w.Engine.Answer(context.Background(), world.By(person), run, reply)
			return err
		}
		for _, refused := range []struct {
			who   string
			reply workflows.Reply
			code  dr.Code
		}{
			{"alice", workflows.Reply{Verb: "accept", Digest: r.Question.Digest}, dr.Denied},     // who asked for the run
			{"frank", workflows.Reply{Verb: "accept", Digest: r.Question.Digest}, dr.Denied},     // no approver
			{"bob", workflows.Reply{Verb: "accept"}, dr.Conflict},                                // of what?
			{"bob", workflows.Reply{Verb: "accept", Digest: "0badc0de"}, dr.Conflict},            // of something else
			{"bob", workflows.Reply{Verb: "accept", Digest: r.Question.Digest[:2]}, dr.Conflict}, // of much
		} {
			if err := say(refused.who, refused.reply); dr.CodeOf(err) != refused.code {
				t.Errorf("%s with %+v: %v", refused.who, refused.reply, err)
			}
		}
		accept(t, w, run)
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, disasterDone)
	})
}

// What was accepted is bound to what was shown: another plan is asked about anew.
func TestAcceptedIsNoBlankCheque(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.After("Promote", func() { w.Import("tokyo", "aws_ssm_parameter.x") })
		approve(w, run)
		first := asks(w, run, "apply/tokyo").Question.Digest
		w.Import("tokyo", "aws_ssm_parameter.y")
		accept(t, w, run)
		r := w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Digest != first })
		if said := world.Words(r.Question.What); !strings.Contains(said, "aws_ssm_parameter.y") {
			t.Errorf("it asks about %q", said)
		}
		acceptBy(t, w, run, "dave", "erin")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, disasterDone)
	})
}

// What people accepted is known to a bot that was started again.
func TestAcceptedOutlivesARestart(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Before("Merge", func() { w.PushToBase("tokyo:aws_ssm_parameter.x") })
		at := make(chan struct{})
		w.Before("Apply tokyo", func() { close(at) })
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Answer(run, "bob", "accept")
		w.Restart()
		w.Answer(run, "carol", "accept")
		<-at
		w.Restart()
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, disasterDone)
	})
}

// The world moves while an attempt is cut off between its look and the promotion: by the
// death of the bot, or by calls that AWS did not take.
func TestThePromotionIsCutOff(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(*world.World){
		"killed": func(w *world.World) {
			w.KillBefore("Promote portal-global")
			w.Before("Audit promote", func() { w.SetBase(world.Seoul) })
		},
		"throttled": func(w *world.World) {
			w.Fail("Promote portal-global", 1, &dr.Error{Code: dr.Temporary, What: dr.T("error.unknown")})
			w.Before("Audit promote", func() { w.SetBase(world.Seoul) })
		},
	} {
		for _, cmd := range []workflows.StartCommand{world.Planned, world.Disaster} {
			t.Run(name+"/"+cmd.Mode, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := w.Start(cmd)
					cut(w)
					approve(w, run)
					if name == "killed" {
						for !w.Killed() {
							time.Sleep(time.Second)
						}
						w.Revive(time.Minute)
					}
					r := asks(w, run, "promote/portal-global")
					if w.Promotions() != 0 || w.Writer() != world.Seoul || !strings.Contains(world.Words(r.Question.What), "does not say") {
						t.Fatalf("%d promotions; it asks %q", w.Promotions(), world.Words(r.Question.What))
					}
					w.SetBase(world.Tokyo)
					w.Answer(run, "bob", "retry")
					w.Await(run, dr.RunSucceeded)
					want := plannedDone
					if cmd.Mode == world.Disaster.Mode {
						want = disasterDone
					}
					checkEnd(t, w, run, want)
				})
			})
		}
	}
}

// A first act that is an apply is cut off before Terraform has it, and Git is reverted
// meanwhile: nothing is applied. One that Terraform has is followed to its end.
func TestAFirstApplyIsCutOff(t *testing.T) {
	t.Parallel()
	for name, handed := range map[string]bool{"before Terraform has it": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{Service: alone}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Disaster)
				w.Before("Audit apply", func() { w.SetBase(world.Seoul) })
				if handed {
					w.Before("Apply tokyo", func() { time.AfterFunc(time.Second, w.Kill) })
				} else {
					w.KillBefore("Apply tokyo")
				}
				approve(w, run)
				for !w.Killed() {
					time.Sleep(time.Second)
				}
				w.Revive(10 * time.Minute)
				next, applied := "apply/tokyo", 0
				if handed {
					next, applied = "apply/traffic", 1
				}
				r := asks(w, run, next)
				if len(w.Applied()) != applied || !strings.Contains(world.Words(r.Question.What), "does not say") {
					t.Fatalf("%v were applied; it asks %q", w.Applied(), world.Words(r.Question.What))
				}
				w.SetBase(world.Tokyo)
				w.Answer(run, "bob", "retry")
				w.Await(run, dr.RunSucceeded)
			})
		})
	}
}
