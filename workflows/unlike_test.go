package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// The merge holds more than was planned, although it came upon the base that was planned; or
// it is not told what it came upon, and the base had moved. People are asked before anything
// is done by it.
func TestMergeIsUnlikeItsPlan(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(w *world.World){
		"another tree":                   func(w *world.World) { w.MergesBring("tokyo", "aws_ssm_parameter.besides") },
		"no parents, and the base moved": func(w *world.World) { w.HideParents(); w.PushToBase("tokyo:aws_ssm_parameter.besides") },
	} {
		for _, cmd := range []string{string(dr.Planned), string(dr.Disaster)} {
			t.Run(name+"/"+cmd, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					start := world.Planned
					start.Mode = cmd
					run := w.Start(start)
					w.Before("Merge", func() { move(w) })
					approve(w, run)
					r := settled(w, run)
					if w.Promotions() > 0 || w.Tasks(world.Seoul) == 0 || r.Question == nil || !strings.Contains(world.Words(r.Question.What), "aws_ssm_parameter.besides") {
						t.Fatalf("%d promotions, %d tasks of the source: %s", w.Promotions(), w.Tasks(world.Seoul), whereabouts(r))
					}
					accept(t, w, run)
					w.Await(run, dr.RunSucceeded)
				})
			})
		}
	}
}

// Where that cannot be told nobody is held up by it: what is done is planned and compared by
// its own apply.
func TestMergeCannotBeCompared(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Await(run, dr.RunWaiting)
		w.After("Merge", func() { w.Fail("Changed", 1, nil) })
		w.Approve("bob", "carol")
		began := time.Now()
		w.Await(run, dr.RunSucceeded)
		if took := time.Since(began); took > 10*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}
