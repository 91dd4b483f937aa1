package workflows_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// What is more than people can be asked to accept is not offered, and what leads on does not
// speak of it; 60 are offered.
func TestOfferedNoMoreThanIsRead(t *testing.T) {
	t.Parallel()
	imports := func(w *world.World, stack string, n int) {
		for i := range n {
			w.Import(stack, fmt.Sprintf("aws_ssm_parameter.n%d", i))
		}
	}
	for where, asked := range map[string]func(w *world.World, n int) string{
		"the apply": func(w *world.World, n int) string {
			w.Before("Apply tokyo", func() { imports(w, "tokyo", n) })
			run := w.Start(world.Disaster)
			approve(w, run)
			return run
		},
		"the first act": func(w *world.World, n int) string {
			run := w.Start(world.Disaster)
			w.Before("Merge", func() { w.PushToBase("tokyo:aws_ssm_parameter.x"); imports(w, "traffic", n-1) })
			approve(w, run)
			return run
		},
		"a newer commit": func(w *world.World, n int) string {
			w.NextApply("tokyo", dr.ApplyFailed)
			run := w.Start(world.Disaster)
			approve(w, run)
			asks(w, run, "apply/tokyo")
			imports(w, "traffic", n)
			w.PushComment("live/portal/tokyo")
			w.Answer(run, "bob", "retry")
			return run
		},
	} {
		for _, n := range []int{60, 61} {
			t.Run(fmt.Sprintf("%s/%d", where, n), func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := asked(w, n)
					r := w.Until(run, func(r dr.Run) bool {
						return r.Question != nil && strings.Contains(world.Words(r.Question.What), "ssm_parameter")
					})
					next, offered := world.Words(r.Next), slices.Contains(r.Question.Answers, "accept")
					if offered != (n == 60) || strings.Contains(next, "accept it") != offered || strings.Contains(next, "61 differences are more") == offered {
						t.Errorf("it offers %v, and leads on by %q", r.Question.Answers, next)
					}
					for _, said := range saidOf(w, "/paused/") {
						if strings.Contains(said, "ssm_parameter") && strings.Contains(said, "accept it") != offered {
							t.Errorf("it said %q", said)
						}
					}
				})
			})
		}
	}
}

// What the policy denies of it is not offered either.
func TestOfferedNotWhatIsDenied(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Before("Apply tokyo", func() { w.Import("tokyo", database) })
		approve(w, run)
		r := asks(w, run, "apply/tokyo")
		if next := world.Words(r.Next); slices.Contains(r.Question.Answers, "accept") || strings.Contains(next, "accept") || !strings.Contains(next, "answer retry") {
			t.Errorf("it offers %v, and leads on by %q", r.Question.Answers, next)
		}
	})
}
