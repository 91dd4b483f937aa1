package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

func manyRequesters(s *dr.Service) { s.Requesters = []string{"alice", "bob", "carol"} }

// Who asked for the run that was stopped does not accept its resumption's resumption either.
func TestAttemptRequesterAcceptsInTheEnd(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: manyRequesters}, func(t *testing.T, w *world.World) {
		refuse := w.Fail("Promote", -1, errMended)
		_ = refuse
		run := w.Start(world.Planned) // alice
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Stop(run)
		w.End(run)
		by := func(who, once string) string {
			cmd := resume(world.Planned)
			cmd.Once = once
			r, _, err := w.Engine.Start(context.Background(), world.By(who), cmd)
			if err != nil {
				t.Fatal(err)
			}
			return r.Run
		}
		run = by("bob", "r1")
		w.Await(run, dr.RunPaused)
		acceptBy(t, w, run, "dave", "carol")
		asks(w, run, "promote/portal-global")
		w.Stop(run)
		w.End(run)
		run = by("carol", "r2")
		r := w.Await(run, dr.RunPaused)
		if _, _, err := w.Engine.Answer(context.Background(), world.By("alice"), run, workflows.Reply{Verb: "accept", Digest: r.Question.Digest}); dr.CodeOf(err) != dr.Denied {
			t.Errorf("alice, who asked for the failover, accepts what is left of it: %v (without: %v)", err, r.Question.Without)
		}
	})
}

// Twenty refused requests push the run that was stopped out of sight.
func TestAttemptRequesterHidesHerRun(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", -1, errMended)
		run := w.Start(world.Planned) // alice
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Stop(run)
		w.End(run)
		for i := range 20 {
			cmd := world.Planned
			cmd.Once = fmt.Sprint("again", i)
			w.End(w.Start(cmd)) // refused: already active
		}
		r, _, err := w.Engine.Start(context.Background(), world.By("bob"), resume(world.Planned))
		if err != nil {
			t.Fatal(err)
		}
		q := w.Await(r.Run, dr.RunPaused)
		if !slices.Contains(q.Question.Without, "alice") {
			t.Errorf("alice may accept the resumption of her own run: without %v", q.Question.Without)
		}
	})
}

// Two people end a run right after its merge; they are told that it is abandoned.
func TestAttemptAbandonAtTheMerge(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Fail("Promote", -1, errMended)
		var said dr.Text
		w.Before("File main", func() {
			if w.Merges() > 0 && said.Empty() {
				w.Cancel(run, "bob")
				_, said, _ = w.Engine.Cancel(context.Background(), world.By("carol"), run)
			}
		}).Skip(0)
		w.BeforeEach("File main", func() {
			if w.Merges() > 0 && said.Empty() {
				w.Cancel(run, "bob")
				_, said, _ = w.Engine.Cancel(context.Background(), world.By("carol"), run)
			}
		})
		approve(w, run)
		r := whatNext(w, run, 0)
		if r.State != dr.RunStopped {
			t.Errorf("it said %q and is %s", world.Words(said), whereabouts(r))
		}
	})
}

// Who asked for the run that was stopped does not accept what its resumption finds beyond.
func TestAttemptFirstRequesterAcceptsAnOffer(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(world.Disaster) // alice
		approve(w, run)
		asks(w, run, "apply/tokyo")
		w.Stop(run)
		w.End(run)
		s, _, err := w.Engine.Start(context.Background(), world.By("bob"), resume(world.Disaster))
		if err != nil {
			t.Fatal(err)
		}
		w.Await(s.Run, dr.RunPaused)
		w.Before("Apply tokyo", func() { w.Import("tokyo", "aws_ssm_parameter.x") })
		acceptBy(t, w, s.Run, "carol", "dave")
		r := asks(w, s.Run, "apply/tokyo")
		if _, _, err := w.Engine.Answer(context.Background(), world.By("alice"), s.Run, workflows.Reply{Verb: "accept", Digest: r.Question.Digest}); dr.CodeOf(err) != dr.Denied {
			t.Errorf("alice's word counts: %v (without %v)", err, r.Question.Without)
		}
	})
}

// The bot dies when the record says merged and the step does not know yet; then GitHub is
// gone for a while. Two people who abandon the run are heard.
func TestAttemptAbandonWhereTheStepDoesNotKnow(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.After("Parents", func() { w.KillAfter("UpdateRun") })
		run := w.Start(world.Disaster)
		approve(w, run)
		w.Revive(time.Second)
		back := w.Gone("ChangeState")
		r := w.Until(run, func(r dr.Run) bool { return r.State == dr.RunPaused })
		if !r.PastMerge() {
			t.Fatal("the record does not say merged")
		}
		w.Cancel(run, "bob")
		_, said, _ := w.Engine.Cancel(context.Background(), world.By("carol"), run)
		time.Sleep(10 * time.Minute)
		back()
		if r = w.Record(run); !r.State.Final() {
			t.Errorf("it said %q, and is %s", world.Words(said), whereabouts(r))
		}
	})
}
