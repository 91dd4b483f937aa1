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

// One person's word does not leave the source, which serves as well, at zero tasks. A restart
// between the two, and after, changes nothing.
func TestGiveBackIsSkippedByTheQuorum(t *testing.T) {
	t.Parallel()
	both := func(s *dr.Service) { s.Strategy = dr.ActiveActive }
	world.Run(t, world.Options{Service: both}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.After("Apply traffic", func() { w.Fail("Scale "+string(world.Seoul), -1, errMended) })
		approve(w, run)
		q := asks(w, run, "give-back/"+string(world.Seoul)).Question
		w.Answer(run, "bob", "skip")
		w.Restart()
		time.Sleep(time.Minute)
		if r := w.Record(run); r.Question == nil || r.Question.Number != q.Number {
			t.Fatalf("skipped by bob alone: %d tasks in the source: %s", w.Tasks(world.Seoul), whereabouts(r))
		}
		w.Answer(run, "carol", "skip")
		r := whatNext(w, run, q.Number)
		w.Restart()
		time.Sleep(time.Minute)
		if now := w.Record(run); now.State != r.State {
			t.Errorf("taken up again it is %s, and was %s", whereabouts(now), whereabouts(r))
		}
		if rows := w.Books.Stored(t, run); !slices.ContainsFunc(rows, func(row string) bool { return strings.Contains(row, "patch") }) {
			t.Errorf("no row says by which version it went: %q", rows)
		}
	})
}

// A run that was asked about it by the version before, by which one person skipped it, goes
// on as it did.
func TestGiveBackOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	both := func(s *dr.Service) { s.Strategy = dr.ActiveActive }
	world.Run(t, world.Options{Service: both}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.After("Apply traffic", func() { w.Fail("Scale "+string(world.Seoul), -1, errMended) })
		approve(w, run)
		q := asks(w, run, "give-back/"+string(world.Seoul)).Question
		w.RestartOver(`DELETE FROM operation_outputs WHERE function_name LIKE '%give-back-takes-the-quorum';
			UPDATE operation_outputs SET function_id = function_id - 1 WHERE function_name = 'ask/give-back/` + string(world.Seoul) + `'`)
		time.Sleep(time.Minute)
		w.Answer(run, "bob", "skip")
		if r := whatNext(w, run, q.Number); strings.Contains(whereabouts(r), "its steps are others") {
			t.Errorf("%s", whereabouts(r))
		}
	})
}

// Whoever asked for the run whose pull request stayed open, and merged it herself, does not
// count for the resumption of it.
func TestResumptionOfAMergeAfterTheEnd(t *testing.T) {
	t.Parallel()
	for name, merged := range map[string]bool{"merged": true, "left alone": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{Service: manyRequesters}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned) // by alice
				w.Await(run, dr.RunWaiting)
				w.Fail("CloseChange", -1, errMended)
				w.Cancel(run, "alice")
				w.End(run)
				w.Heal()
				if merged {
					w.MergeByHand("alice")
				} else {
					w.SetBase(world.Tokyo)
				}
				r, _, err := w.Engine.Start(context.Background(), world.By("bob"), resume(world.Planned))
				if err != nil {
					t.Fatal(err)
				}
				w.Await(r.Run, dr.RunPaused)
				if err := accepts(w, r.Run, "alice"); (err != nil) != merged {
					t.Errorf("alice, who asked for %s, accepts what it left: %v", run, err)
				}
			})
		})
	}
}
