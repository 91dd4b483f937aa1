package workflows_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// rename has the configuration call a person something else, of now.
func rename(w *world.World, was, is string) {
	for i := range w.People {
		if w.People[i].Name == was {
			w.People[i].Name = is
		}
	}
	s := w.Services["portal"]
	other := func(names []string) []string {
		out := slices.Clone(names)
		for i, name := range out {
			if name == was {
				out[i] = is
			}
		}
		return out
	}
	s.Approvers, s.Requesters = other(s.Approvers), other(s.Requesters)
	w.Services["portal"] = s
	w.Restart()
	time.Sleep(time.Minute)
}

// accepts tells whether a person's accept is taken.
func accepts(w *world.World, run, who string) error {
	q := w.Record(run).Question
	_, _, err := w.Engine.Answer(context.Background(), world.By(who), run, workflows.Reply{Verb: "accept", Digest: q.Digest})
	return err
}

// Who asked for a run is renamed in the configuration: her word counts for what it asks as
// little as before, and she still may say that it is to end, once.
func TestRenamedRequesterAccepts(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Import("tokyo", "aws_ssm_parameter.first")
		run := w.Start(world.Disaster)
		w.Before("Merge", func() { w.PushToBase("tokyo:aws_ssm_parameter.x") })
		approve(w, run)
		w.Await(run, dr.RunPaused)
		w.Answer(run, "alice", "stop")
		rename(w, "alice", "alicia")
		if accepts(w, run, "alice") == nil {
			t.Errorf("who asked for the run accepts what it asks, as alicia")
		}
		w.Answer(run, "alice", "stop")
		if r := w.Record(run); r.State.Final() || len(r.Abandon) != 1 {
			t.Errorf("one person ends it by two names: %v %s", r.Abandon, whereabouts(r))
		}
		w.Answer(run, "bob", "stop")
		if r := w.End(run); r.State != dr.RunStopped {
			t.Errorf("%s", whereabouts(r))
		}
	})
}

// Renamed while it waits for approvals, hers counts no more than before, and those of others
// do.
func TestRenamedRequesterApproves(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		rename(w, "alice", "alicia")
		w.Approve("alice", "bob")
		time.Sleep(5 * time.Minute)
		if w.Merges() > 0 {
			t.Fatalf("merged with the approval of who asked: %s", whereabouts(w.Record(run)))
		}
		w.Approve("carol")
		if r := settled(w, run); r.State != dr.RunSucceeded {
			t.Errorf("%s", whereabouts(r))
		}
	})
}

// Nor does she accept the resumption of it, renamed before that or while it asks.
func TestRenamedRequesterAcceptsTheResumption(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "while it asks"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{Service: manyRequesters}, func(t *testing.T, w *world.World) {
				w.Fail("Promote", -1, errMended)
				run := w.Start(world.Planned)
				approve(w, run)
				asks(w, run, "promote/portal-global")
				w.Stop(run)
				w.End(run)
				w.Heal()
				if when == "before" {
					rename(w, "alice", "alicia")
				}
				r, _, err := w.Engine.Start(context.Background(), world.By("bob"), resume(world.Planned))
				if err != nil {
					t.Fatal(err)
				}
				w.Await(r.Run, dr.RunPaused)
				if when != "before" {
					rename(w, "alice", "alicia")
				}
				if accepts(w, r.Run, "alice") == nil {
					t.Errorf("who asked for %s accepts what it left, as alicia", run)
				}
			})
		})
	}
}
