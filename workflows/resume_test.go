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

// resume is the command that finishes what was left half done.
func resume(cmd workflows.StartCommand) workflows.StartCommand {
	cmd.Kind, cmd.Once, cmd.Reason = dr.Resume, "resume", "second go"
	return cmd
}

// TestResume finishes a service from every state that a run which was stopped, or people
// by hand, can leave: Git says the target, and something of the rest does not.
func TestResume(t *testing.T) {
	t.Parallel()
	stopAt := func(cmd workflows.StartCommand, step string, fail func(*world.World)) func(*world.World) {
		return func(w *world.World) {
			fail(w)
			run := w.Start(cmd)
			approve(w, run)
			asks(w, run, step)
			w.Answer(run, "bob", "stop")
			r := w.End(run)
			if !strings.Contains(world.Words(r.Next), "/dr resume portal "+string(world.Tokyo)+" "+cmd.Mode) {
				panic("the end of the run does not lead on: " + world.Words(r.Next))
			}
			w.Heal()
		}
	}
	refuse := &dr.Error{Code: dr.Conflict, What: dr.T("wider.lock-file")}
	for _, c := range []struct {
		name   string
		cmd    workflows.StartCommand
		before func(*world.World)
		want   world.Left
	}{
		{"a disaster run stopped after its promotion", world.Disaster, stopAt(world.Disaster, "apply/tokyo", func(w *world.World) { w.NextApply("tokyo", dr.ApplyFailed) }),
			with(disasterDone, func(l *world.Left) { l.Promotions, l.Merges = 1, 1 })},
		{"a planned run stopped after its promotion", world.Planned, stopAt(world.Planned, "apply/tokyo", func(w *world.World) { w.NextApply("tokyo", dr.ApplyFailed) }), plannedDone},
		{"a planned run stopped before its promotion, its source put back", world.Planned, stopAt(world.Planned, "promote/portal-global", func(w *world.World) { w.Fail("Promote", -1, refuse) }), plannedDone},
		{"a disaster run stopped before its promotion", world.Disaster, stopAt(world.Disaster, "promote/portal-global", func(w *world.World) { w.Fail("Promote", -1, refuse) }), disasterDone},
		{"users are not there yet", world.Disaster, stopAt(world.Disaster, "apply/traffic", func(w *world.World) { w.NextApply("traffic", dr.ApplyFailed) }), disasterDone},
		{"Git was changed by hand", world.Planned, func(w *world.World) { w.SetBase(world.Tokyo) }, with(plannedDone, func(l *world.Left) { l.Merges = 0 })},
		{"all but the service was moved by hand", world.Planned, func(w *world.World) {
			w.SetBase(world.Tokyo)
			w.PromoteByHand(world.Tokyo)
			time.Sleep(2 * time.Minute)
		}, with(plannedDone, func(l *world.Left) { l.Merges, l.Promotions = 0, 0 })},
		{"the source is gone, the writer was moved by hand", world.Disaster, func(w *world.World) {
			w.SetBase(world.Tokyo)
			w.PromoteByHand(world.Tokyo)
			time.Sleep(2 * time.Minute)
			w.Down(world.Seoul, true)
		}, with(disasterDone, func(l *world.Left) { l.Merges, l.Promotions = 0, 0 })},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				c.before(w)
				promoted := w.Promotions()
				run := w.Start(resume(c.cmd))
				r := w.Await(run, dr.RunPaused)
				if w.Promotions() != promoted || r.Question.Step != "await-approval" {
					t.Fatalf("it asks about %s after %d promotions", r.Question.Step, w.Promotions()-promoted)
				}
				if _, _, err := w.Engine.Answer(context.Background(), world.By("alice"), run, workflows.Reply{Verb: "accept", Digest: r.Question.Digest}); dr.CodeOf(err) != dr.Denied {
					t.Errorf("the requester accepts: %v", err)
				}
				accept(t, w, run)
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, c.want)
			})
		})
	}
}

// Where Git does not say the target there is nothing to resume: it is told which command
// there is instead.
func TestResumeWhereGitSaysAnother(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(resume(world.Planned))
		r := w.Await(run, dr.RunRefused)
		if next := world.Words(r.Next); !strings.Contains(next, "/dr failover portal "+string(world.Tokyo)+" planned") {
			t.Errorf("it leads to %q", next)
		}
		checkEnd(t, w, run, ending(untouched, dr.RunRefused))
	})
}

// A resumption that is stopped has changed nothing.
func TestResumeStopped(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetBase(world.Tokyo)
		run := w.Start(resume(world.Planned))
		w.Await(run, dr.RunPaused)
		w.Cancel(run, "alice")
		w.Await(run, dr.RunCancelled)
		checkEnd(t, w, run, with(untouched, func(l *world.Left) { l.State, l.Base = dr.RunCancelled, world.Tokyo }))
	})
}

// It is taken up again after a kill, wherever that was.
func TestResumeKilled(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"Plan tokyo", "Promote", "Apply tokyo"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetBase(world.Tokyo)
				w.KillAfter(call)
				run := w.Start(resume(world.Planned))
				w.Drive(run)
				checkEnd(t, w, run, with(plannedDone, func(l *world.Left) { l.Merges = 0 }))
			})
		})
	}
}

// Where leaving out two requesters leaves too few, it is told who can ask instead.
func TestResumeByTooFew(t *testing.T) {
	t.Parallel()
	few := func(s *dr.Service) {
		s.Approvers, s.Requesters = []string{"alice", "bob", "carol"}, []string{"alice", "bob"}
	}
	world.Run(t, world.Options{Service: few}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(world.Disaster)
		approve(w, run)
		asks(w, run, "apply/tokyo")
		w.Answer(run, "bob", "stop")
		w.End(run)
		by, _, err := w.Engine.Start(context.Background(), world.By("bob"), resume(world.Disaster))
		if err != nil {
			t.Fatal(err)
		}
		if r := w.Await(by.Run, dr.RunRefused); !strings.Contains(world.Words(r.Next), "have alice ask for it") {
			t.Errorf("it leads to %q", world.Words(r.Next))
		}
		cmd := resume(world.Disaster)
		cmd.Once = "by alice"
		again := w.Start(cmd)
		w.Await(again, dr.RunPaused)
		accept(t, w, again)
		w.Await(again, dr.RunSucceeded)
	})
}
