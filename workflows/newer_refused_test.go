package workflows_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// The newest commit is denied: nothing is done, and mended once more it goes on.
func TestNewerIsDenied(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		broken(w)
		w.PushThing("tokyo", database, "", false)
		w.Import("tokyo", database)
		run := w.Start(world.Disaster)
		approve(w, run)
		q := *asks(w, run, "apply/tokyo").Question
		w.PushThing("tokyo", task, "image:1", false)
		w.DropThing("tokyo", database)
		w.Answer(run, "bob", "retry")
		q = askedNewer(w, run, q.Number)
		if said := world.Words(q.What); slices.Contains(q.Answers, "accept") || !strings.Contains(said, "policy denies") || len(w.AppliedAt("tokyo")) != 1 {
			t.Fatalf("it asks %q, %v", said, q.Answers)
		}
		w.PushThing("tokyo", database, "", false)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		checkLeft(t, w, run, disasterDone)
	})
}

// The mending puts active_region back: the words of today, and nothing is done.
func TestNewerIsReverted(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		broken(w)
		run := w.Start(world.Planned)
		approve(w, run)
		q := *asks(w, run, "apply/tokyo").Question
		w.PushThing("tokyo", task, "image:1", false)
		w.SetBase(world.Seoul)
		w.Answer(run, "bob", "retry")
		q = askedNewer(w, run, q.Number)
		if said := world.Words(q.What); !strings.Contains(said, "does not say") || len(w.AppliedAt("tokyo")) != 1 {
			t.Fatalf("it asks %q", said)
		}
		w.SetBase(world.Tokyo)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		checkLeft(t, w, run, plannedDone)
		if at := w.AppliedAt("tokyo"); at[len(at)-1] != w.Tip() {
			t.Errorf("applied at %v, not at %s", at, w.Tip())
		}
	})
}

// A base that moved only elsewhere, or that cannot be read or compared, changes nothing.
func TestNewerElsewhereChangesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		move func(*world.World)
		said bool
	}{
		"elsewhere":             {func(w *world.World) { w.PushToBase() }, false},
		"in other's stack":      {func(w *world.World) { w.PushComment("live/shop/tokyo") }, false},
		"GitHub does not say":   {func(w *world.World) { w.PushCode("tokyo"); w.Fail("File", 2, nil) }, true},
		"it cannot be compared": {func(w *world.World) { w.PushCode("tokyo"); w.Fail("Changed", 1, nil) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.NextApply("tokyo", dr.ApplyFailed)
				run := w.Start(world.Disaster)
				approve(w, run)
				asks(w, run, "apply/tokyo")
				merged, plans := w.Tip(), w.Calls("Plan")
				c.move(w)
				w.Answer(run, "bob", "retry")
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, disasterDone)
				if at := w.AppliedAt("tokyo"); !slices.Equal(at, []string{merged}) {
					t.Errorf("applied at %v, not at %s", at, merged)
				}
				if n := w.Calls("Plan") - plans; n != 0 || len(saidOf(w, "/newer/")) != 0 {
					t.Errorf("%d new plans; it said %q", n, saidOf(w, "/newer/"))
				}
				if said := saidOf(w, "/newer-unread/"); (len(said) == 1) != c.said {
					t.Errorf("it said %q", said)
				}
			})
		})
	}
}

// A newer commit that nobody wants is taken back on the base: retry is of the commit in use
// again, and nobody has to accept anything.
func TestNewerIsTakenBack(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(world.Planned)
		approve(w, run)
		q := *asks(w, run, "apply/tokyo").Question
		merged := w.Tip()
		w.PushThing("tokyo", task, "image:2", false)
		w.Answer(run, "bob", "retry")
		q = askedNewer(w, run, q.Number)
		w.DropThing("tokyo", task)
		w.Answer(run, "bob", "retry")
		if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
			t.Fatalf("it is %s", whereabouts(r))
		}
		checkLeft(t, w, run, plannedDone)
		if at := w.AppliedAt("tokyo"); !slices.Equal(at, []string{merged}) || len(w.Made()) != 0 {
			t.Errorf("applied at %v, not at %s; made: %v", at, merged, w.Made())
		}
	})
}

// Two people abandon the run while it applies again: it ends before the next step, and
// leads on by what it names.
func TestNewerIsAbandoned(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.NextApply("traffic", dr.ApplyFailed)
		run := w.Start(world.Disaster)
		approve(w, run)
		q := *asks(w, run, "apply/traffic").Question
		w.PushThing("tokyo", task, "image:2", false)
		w.Answer(run, "bob", "retry")
		askedNewer(w, run, q.Number)
		gates := w.Calls("Probe tokyo.portal.example.test")
		w.Before("Apply tokyo", func() { w.Cancel(run, "alice"); w.Cancel(run, "bob") })
		accept(t, w, run)
		r := w.Await(run, dr.RunStopped)
		if n := w.Calls("Probe tokyo.portal.example.test"); n != gates || len(w.AppliedAt("traffic")) != 0 || !strings.Contains(world.Words(r.Next), "/dr resume") {
			t.Errorf("%d looks at the gate, traffic applied at %v: %s", n-gates, w.AppliedAt("traffic"), whereabouts(r))
		}
		run = w.Start(resume(world.Disaster))
		w.Await(run, dr.RunPaused)
		acceptBy(t, w, run, "carol", "dave")
		w.Await(run, dr.RunSucceeded)
		if w.Points() != world.Tokyo {
			t.Errorf("users are led to %s", w.Points())
		}
	})
}
