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

// takes has the configuration take so many people, of now.
func takes(w *world.World, quorum int) {
	s := w.Services["portal"]
	s.Quorum = quorum
	w.Services["portal"] = s
	w.Restart()
}

// The quorum is raised, or lowered, while a run waits for approvals: what counts is the larger
// of the two.
func TestQuorumChangesWhileItWaits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ first, then, needed int }{
		"raised": {2, 3, 3}, "lowered": {3, 2, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{Service: func(s *dr.Service) { s.Quorum = c.first }}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				takes(w, c.then)
				for i, who := range []string{"bob", "carol", "dave"}[:c.needed] {
					if w.Merges() > 0 {
						t.Errorf("merged by %d where it takes %d", i, c.needed)
					}
					w.Approve(who)
					time.Sleep(3 * time.Minute)
				}
				if r := settled(w, run); r.State != dr.RunSucceeded {
					t.Errorf("%s", whereabouts(r))
				}
			})
		})
	}
}

// So it is with what a run asks: it is counted by the quorum of now, and shown so. A restart
// between reads the same again.
func TestQuorumChangesWhileItAsks(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]int{"before anybody answers": 0, "after the first answer": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.Fail("Promote", -1, errMended)
				run := w.Start(world.Disaster)
				approve(w, run)
				n := asks(w, run, "promote/portal-global").Question.Number
				for i, who := range []string{"bob", "carol", "dave"} {
					if i == after {
						takes(w, 3)
					}
					if r := w.Record(run); r.Question == nil || r.Question.Number != n {
						t.Fatalf("%d people sufficed: %s", i, whereabouts(r))
					}
					_, said, err := w.Engine.Answer(context.Background(), world.By(who), run, workflows.Reply{Verb: "skip", Digest: w.Record(run).Question.Names(run, "skip")})
					if last := i == 2; err != nil || last == strings.Contains(world.Words(said), "more") {
						t.Errorf("%s is told %q, %v", who, world.Words(said), err)
					}
					time.Sleep(time.Minute)
				}
				r := whatNext(w, run, n)
				w.Restart()
				time.Sleep(time.Minute)
				if now := w.Record(run); whereabouts(now) != whereabouts(r) {
					t.Errorf("taken up again it says\n%s\nand not\n%s", whereabouts(now), whereabouts(r))
				}
			})
		})
	}
}

// Two answer, which is too few by then, and the quorum is lowered again: who says it once more
// has it counted.
func TestQuorumIsLoweredAgain(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", -1, errMended)
		run := w.Start(world.Disaster)
		approve(w, run)
		n := asks(w, run, "promote/portal-global").Question.Number
		takes(w, 3)
		w.Answer(run, "bob", "skip")
		w.Answer(run, "carol", "skip")
		takes(w, 2)
		w.Answer(run, "carol", "skip")
		if r := whatNext(w, run, n); r.Question != nil && r.Question.Number == n {
			t.Errorf("%s", whereabouts(r))
		}
	})
}
