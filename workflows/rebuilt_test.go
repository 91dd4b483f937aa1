package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// TestCaseAWS24TheOthersAreRebuilt has the writer in the target and available, and the state of
// the promotion stay while the other members are rebuilt, which takes hours: the run goes on
// after a minute and says so, and has asked for one promotion.
func TestCaseAWS24TheOthersAreRebuilt(t *testing.T) {
	t.Parallel()
	for _, cmd := range []workflows.StartCommand{world.Planned, world.Disaster} {
		t.Run(cmd.Mode, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.Rebuild()
				run := w.Start(cmd)
				w.Await(run, dr.RunWaiting)
				var asked, on time.Time
				w.After("Promote", func() { asked = time.Now() })
				w.Before("Apply tokyo", func() { on = time.Now() })
				approve(w, run)
				r := w.End(run)
				if r.State != dr.RunSucceeded || w.Promotions() != 1 {
					t.Fatalf("%d promotions: %s", w.Promotions(), whereabouts(r))
				}
				if took := on.Sub(asked); took < time.Minute || took > 2*time.Minute {
					t.Errorf("it went on after %s", took)
				}
				if line := lineOf(r, "promote/portal-global"); !strings.Contains(line, "are rebuilt") {
					t.Errorf("the step says %q", line)
				}
				if !slices.ContainsFunc(r.Result.Left, func(l dr.Text) bool { return l.ID == "left.rebuilding" }) {
					t.Errorf("what is left: %v", r.Result.Left)
				}
				if !slices.ContainsFunc(w.Said(), func(n dr.Note) bool { return n.Title.ID == "note.rebuilding" && n.Level == dr.Warn }) {
					t.Error("nobody is told when it goes on")
				}
			})
		})
	}
}

// TestCaseAWS24NotBeforeItTakesWrites has a writer that is in the target and takes no writes yet: it is
// waited for, whatever else goes on, and so is an operation that has not begun or is being taken back.
func TestCaseAWS24NotBeforeItTakesWrites(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Rebuild()
		w.Unready(10 * time.Minute)
		run := w.Start(world.Disaster)
		var asked, on time.Time
		w.After("Promote", func() { asked = time.Now() })
		w.Before("Apply tokyo", func() { on = time.Now() })
		approve(w, run)
		if r := w.End(run); r.State != dr.RunSucceeded || w.Promotions() != 1 {
			t.Fatalf("%d promotions: %s", w.Promotions(), whereabouts(r))
		}
		if took := on.Sub(asked); took < 11*time.Minute {
			t.Errorf("it went on after %s", took)
		}
	})
	for _, state := range []string{"pending", "cancelling"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.Rebuild()
				w.CallIt(state)
				run := w.Start(world.Disaster)
				approve(w, run)
				if r := asks(w, run, "promote/portal-global"); r.Question.What.ID != "promote.overdue" {
					t.Errorf("asks %s", whereabouts(r))
				}
			})
		})
	}
}

// lineOf is what a run's line of a step says.
func lineOf(r dr.Run, step string) string {
	for _, s := range r.Steps {
		if s.Name == step {
			return world.Words(s.Detail)
		}
	}
	return ""
}
