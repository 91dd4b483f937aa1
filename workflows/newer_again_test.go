package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// The gate shows that what was applied is wrong: mended, the target is applied once more
// and proves itself. A step behind the gate has the gate passed again.
func TestNewerAppliesAgain(t *testing.T) {
	t.Parallel()
	t.Run("at the gate", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.Sick(world.Tokyo, true)
			approve(w, run)
			q := *asks(w, run, "gate/1").Question
			w.PushThing("tokyo", task, "image:2", false)
			w.After("Apply tokyo", func() { w.Sick(world.Tokyo, false) })
			w.Answer(run, "bob", "retry")
			if q = askedNewer(w, run, q.Number); !strings.Contains(world.Words(q.What), task) {
				t.Fatalf("it asks %q", world.Words(q.What))
			}
			accept(t, w, run)
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, plannedDone)
			if at := w.AppliedAt("tokyo"); len(at) != 2 || at[1] != w.Tip() || !slices.Contains(w.Made(), task) {
				t.Errorf("applied at %v", at)
			}
		})
	})
	t.Run("behind the gate", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.NextApply("traffic", dr.ApplyFailed)
			run := w.Start(world.Disaster)
			approve(w, run)
			asks(w, run, "apply/traffic")
			w.PushThing("tokyo", task, "image:2", false)
			w.Answer(run, "bob", "retry")
			w.Until(run, func(r dr.Run) bool { return r.Question != nil && slices.Contains(r.Question.Answers, "accept") })
			accept(t, w, run)
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, disasterDone)
			rows := slices.DeleteFunc(w.Books.StoredWhole(t, run), func(s string) bool { return !strings.Contains("apply/tokyo gate/1 apply/traffic newer", s) })
			want := []string{"apply/tokyo", "gate/1", "apply/traffic", "apply/traffic", "newer", "apply/tokyo", "gate/1", "apply/traffic"}
			if !slices.Equal(rows, want) {
				t.Errorf("the engine stores %q", rows)
			}
			if said := saidOf(w, "/newer/"); len(said) != 1 || !strings.Contains(said[0], "apply/tokyo") {
				t.Errorf("it said %q", said)
			}
		})
	})
	t.Run("behind verify", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.NextApply("seoul", dr.ApplyFailed)
			run := w.Start(world.Planned)
			approve(w, run)
			asks(w, run, "apply/seoul")
			time.Sleep(50 * time.Minute)
			w.PushThing("tokyo", task, "image:2", false)
			w.Answer(run, "bob", "retry")
			w.Until(run, func(r dr.Run) bool { return r.Question != nil && slices.Contains(r.Question.Answers, "accept") })
			accept(t, w, run)
			r := w.Await(run, dr.RunSucceeded)
			checkLeft(t, w, run, plannedDone)
			if n := count(w.Books.StoredWhole(t, run), "verify"); n != 2 || r.Result.RTA > 30*time.Minute {
				t.Errorf("verified %d times, and an RTA of %s", n, r.Result.RTA)
			}
		})
	})
	t.Run("at the source's own", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.PushThing("seoul", task, "image:1", true)
			run := w.Start(world.Planned)
			approve(w, run)
			q := asks(w, run, "apply/seoul").Question
			w.PushThing("seoul", task, "image:2", false)
			w.Answer(run, "bob", "retry")
			if q := askedNewer(w, run, q.Number); !strings.Contains(world.Words(q.What), task) {
				t.Fatalf("it asks %q", world.Words(q.What))
			}
			accept(t, w, run)
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, plannedDone)
			if at := w.AppliedAt("seoul"); at[len(at)-1] != w.Tip() || !slices.Equal(w.Applied(), []string{"tokyo", "traffic", "seoul", "seoul"}) {
				t.Errorf("applied: %v, seoul at %v", w.Applied(), at)
			}
		})
	})
	t.Run("when the source is quiesced in part", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.Lose("Scale "+string(world.Seoul), -1)
			run := w.Start(world.Planned)
			approve(w, run)
			q := asks(w, run, "quiesce/"+string(world.Seoul)).Question
			w.Heal()
			w.PushComment("live/portal/tokyo")
			w.Answer(run, "bob", "retry")
			if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
				t.Fatalf("it is %s", whereabouts(r))
			}
			checkEnd(t, w, run, plannedDone)
			if at := w.AppliedAt("tokyo"); !slices.Equal(at, []string{w.Tip()}) {
				t.Errorf("applied at %v", at)
			}
		})
	})
	t.Run("what nothing changes of is not", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.NextApply("traffic", dr.ApplyFailed)
			run := w.Start(world.Disaster)
			approve(w, run)
			asks(w, run, "apply/traffic")
			w.PushComment("live/portal/traffic")
			w.Answer(run, "bob", "retry")
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, disasterDone)
			if got := w.Applied(); !slices.Equal(got, []string{"tokyo", "traffic"}) || w.AppliedAt("traffic")[0] != w.Tip() {
				t.Errorf("applied: %v, traffic at %v", got, w.AppliedAt("traffic"))
			}
		})
	})
	t.Run("and fails there too", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.NextApply("traffic", dr.ApplyFailed)
			run := w.Start(world.Disaster)
			approve(w, run)
			q := *asks(w, run, "apply/traffic").Question
			broken(w)
			w.Answer(run, "bob", "retry")
			q = askedNewer(w, run, q.Number)
			accept(t, w, run)
			q = *asks(w, run, "apply/tokyo").Question
			w.PushThing("tokyo", task, "image:1", false)
			w.Answer(run, "bob", "retry")
			if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
				t.Fatalf("it is %s", whereabouts(r))
			}
			checkEnd(t, w, run, disasterDone)
			if w.Points() != world.Tokyo || !slices.Contains(w.Made(), task) || w.AppliedAt("traffic")[0] != w.Tip() {
				t.Errorf("users are led to %s; made: %v", w.Points(), w.Made())
			}
		})
	})
}
