package workflows_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// The newer commit has another plan for the source's stack than was approved: by that one it
// is told whether the apply gives the source its tasks back, or the run does.
func TestGiveBackByThePlanAcceptedLast(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keeps bool // the tasks stay, at the newer commit
		says  string
		want  world.Left
		up    int // how often the source's tasks were scaled, down and back
	}{
		"the source is left alone now":   {true, "3 tasks again", with(plannedDone, func(l *world.Left) { l.Seoul = 3 }), 2},
		"the source is told to end them": {false, "left to the apply of seoul", plannedDone, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				seoul, _ := w.Services["portal"].RegionStack(world.Seoul)
				w.KeepTasks(seoul, !c.keeps)
				w.Fail("Workload "+string(world.Seoul), 1, errMended)
				run := w.Start(world.Planned)
				approve(w, run)
				q := *asks(w, run, "quiesce/"+string(world.Seoul)).Question
				w.KeepTasks(seoul, c.keeps)
				w.Answer(run, "bob", "retry")
				r := whatNext(w, run, q.Number)
				if !c.keeps { // that is more than was approved
					if r.State != dr.RunPaused || !strings.Contains(world.Words(r.Question.What), "aws_ecs_service.this") {
						t.Fatalf("it is %s", whereabouts(r))
					}
					accept(t, w, run)
					r = whatNext(w, run, r.Question.Number)
				}
				if r.State != dr.RunSucceeded {
					t.Fatalf("it is %s", whereabouts(r))
				}
				checkLeft(t, w, run, c.want)
				if said, n := line(r, "give-back/"+string(world.Seoul)), w.Calls("Scale "+string(world.Seoul)); !strings.Contains(said, c.says) || n != c.up {
					t.Errorf("it says %q, and scales the source %d times", said, n)
				}
				if at := w.AppliedAt("seoul"); !slices.Equal(at, []string{w.Tip()}) {
					t.Errorf("seoul was applied at %v", at)
				}
			})
		})
	}
}

// A restart behind the accept knows of it too.
func TestGiveBackOutlivesARestart(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		seoul, _ := w.Services["portal"].RegionStack(world.Seoul)
		w.Fail("Workload "+string(world.Seoul), 1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "quiesce/"+string(world.Seoul))
		w.KeepTasks(seoul, true)
		w.KillBefore("Apply traffic")
		w.Answer(run, "bob", "retry")
		w.Drive(run)
		checkLeft(t, w, run, with(plannedDone, func(l *world.Left) { l.Seoul = 3 }))
		if n := w.Calls("Audit answer-accept"); w.Lives() != 2 || n != 0 {
			t.Errorf("it lived %d times, and %d accepts", w.Lives(), n)
		}
	})
}
