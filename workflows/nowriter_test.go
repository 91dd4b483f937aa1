package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/world"
)

var errUncertain = &dr.Error{Code: dr.Uncertain, What: dr.T("error.unknown")}

// acceptsIt answers what the promotion asks until nothing is asked any more: what is offered is
// accepted by two people. It gives what was offered.
func acceptsIt(t *testing.T, w *world.World, run string) (offered []dr.TextID) {
	t.Helper()
	for after := 0; ; {
		r := whatNext(w, run, after)
		if r.State.Final() {
			return offered
		}
		after = r.Question.Number
		if !slices.Contains(r.Question.Answers, engine.Accept) {
			t.Fatalf("nothing to accept: %s", whereabouts(r))
		}
		offered = append(offered, r.Question.What.ID)
		accept(t, w, run)
	}
}

// TestCaseAWS6NoWriterInADisaster has the global cluster show no writer, before the request or
// after the merge: the target is promoted once people have accepted it, and not before.
func TestCaseAWS6NoWriterInADisaster(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]func(w *world.World){
		"from the start":          func(w *world.World) { w.SetWriter("") },
		"after the merge":         func(w *world.World) { w.After("Merge", func() { w.SetWriter("") }) },
		"long after the approval": func(w *world.World) { w.Before("Merge", func() { time.Sleep(5 * time.Minute); w.SetWriter("") }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				when(w)
				run := w.Start(world.Disaster)
				approve(w, run)
				if r := asks(w, run, "promote/portal-global"); w.Calls("Promote") != 0 {
					t.Fatalf("promoted before: %s", whereabouts(r))
				}
				if offered := acceptsIt(t, w, run); !slices.Contains(offered, "promote.no-writer") {
					t.Errorf("offered %v", offered)
				}
				if r := w.End(run); r.State != dr.RunSucceeded || w.Calls("Promote") != 1 || w.Promotions() != 1 || w.Writer() != world.Tokyo {
					t.Errorf("%d promotions: %s", w.Promotions(), whereabouts(r))
				}
			})
		})
	}
}

// TestCaseAWS6NotPromoted has no writer shown where nothing may be asked for: in a planned run,
// for a moment, where an earlier request may take effect still, and where a writer is back
// right before the call.
func TestCaseAWS6NotPromoted(t *testing.T) {
	t.Parallel()
	t.Run("planned", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.After("Merge", func() { w.SetWriter("") })
			approve(w, run)
			r := asks(w, run, "promote/portal-global")
			if slices.Contains(r.Question.Answers, engine.Accept) || w.Calls("Promote") != 0 {
				t.Errorf("asks %s", whereabouts(r))
			}
		})
	})
	t.Run("for a moment", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Disaster)
			w.After("Merge", func() {
				w.SetWriter("")
				time.AfterFunc(30*time.Second, func() { w.SetWriter(world.Seoul) })
			})
			approve(w, run)
			if r := w.Await(run, dr.RunSucceeded); r.Question != nil || w.Calls("Promote") != 1 {
				t.Errorf("%s", whereabouts(r))
			}
		})
	})
	t.Run("asked before", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Disaster)
			w.Fail("Promote", 1, errUncertain)
			approve(w, run)
			after := asks(w, run, "promote/portal-global").Question.Number
			w.SetWriter("")
			for range 3 {
				w.Answer(run, "bob", "retry")
				r := whatNext(w, run, after)
				if after = r.Question.Number; slices.Contains(r.Question.Answers, engine.Accept) && r.Question.What.ID == "promote.no-writer" || w.Calls("Promote") != 1 {
					t.Fatalf("asks %s", whereabouts(r))
				}
				if slices.Contains(r.Question.Answers, engine.Accept) { // the check of the writer, by now
					accept(t, w, run)
					r = whatNext(w, run, after)
					after = r.Question.Number
				}
				if r.Question.What.ID != "promote.no-writer-asked" || w.Calls("Promote") != 1 {
					t.Fatalf("asks %s", whereabouts(r))
				}
			}
			w.PromoteByHand(world.Tokyo)
			w.Answer(run, "bob", "retry")
			if r := w.Await(run, dr.RunSucceeded); w.Calls("Promote") != 1 {
				t.Errorf("%s", whereabouts(r))
			}
		})
	})
	t.Run("refused before", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Disaster)
			w.Fail("Promote", 1, errMended)
			approve(w, run)
			asks(w, run, "promote/portal-global")
			w.SetWriter("")
			n := w.Record(run).Question.Number
			w.Answer(run, "bob", "retry")
			whatNext(w, run, n)
			acceptsIt(t, w, run)
			if r := w.End(run); r.State != dr.RunSucceeded || w.Promotions() != 1 {
				t.Errorf("%d promotions: %s", w.Promotions(), whereabouts(r))
			}
		})
	})
	t.Run("a writer is back", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.SetWriter("")
			run := w.Start(world.Disaster)
			approve(w, run)
			n := asks(w, run, "promote/portal-global").Question.Number
			w.Before("Intend", func() { w.SetWriter(world.Seoul) })
			accept(t, w, run)
			r := whatNext(w, run, n)
			if r.Question == nil || r.Question.What.ID != "promote.writer-back" || w.Calls("Promote") != 0 {
				t.Fatalf("%d promotions: %s", w.Promotions(), whereabouts(r))
			}
			w.Answer(run, "bob", "retry")
			if r := w.Await(run, dr.RunSucceeded); w.Promotions() != 1 {
				t.Errorf("%s", whereabouts(r))
			}
		})
	})
}

// TestCaseAWS6KilledAround has the process die around the one call, after people have accepted
// that there is no writer: what they said holds, and what may have been asked for is not asked
// for again.
func TestCaseAWS6KilledAround(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kill  func(w *world.World)
		moves bool // by itself
	}{
		"before the intent": {func(w *world.World) { w.KillBefore("Intend") }, true},
		"after the intent":  {func(w *world.World) { w.KillAfter("Intend") }, true},
		"before the call":   {func(w *world.World) { w.KillBefore("Promote") }, false},
		"after the call":    {func(w *world.World) { w.KillAfter("Promote") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetWriter("")
				run := w.Start(world.Disaster)
				approve(w, run)
				n := asks(w, run, "promote/portal-global").Question.Number
				c.kill(w)
				accept(t, w, run)
				w.Revive(time.Minute)
				r := whatNext(w, run, n)
				switch {
				case c.moves && (r.State != dr.RunSucceeded || w.Promotions() != 1):
					t.Errorf("%d promotions: %s", w.Promotions(), whereabouts(r))
				case !c.moves && (r.Question == nil || r.Question.What.ID != "promote.no-writer-asked" || w.Promotions() != 0):
					t.Errorf("%d promotions: %s", w.Promotions(), whereabouts(r))
				}
			})
		})
	}
}
