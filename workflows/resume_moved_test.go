package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// A resumption does what people accept of the base as it was planned. They take their time
// over it, and the base moves: what it says right before the first act is what is done, and
// what is more than was accepted is asked about.
func TestResumedWhileTheBaseMoves(t *testing.T) {
	t.Parallel()
	const dropped = "aws_ssm_parameter.dropped"
	for name, c := range map[string]struct {
		move  func(w *world.World)
		asks  string // about what, once more
		made  []string
		moves bool // the run goes on at the newest commit
	}{
		"Git has dropped something":   {move: func(w *world.World) { w.DropThing("tokyo", dropped) }, moves: true},
		"Git wants something more":    {move: func(w *world.World) { w.PushThing("tokyo", late, "1", false) }, asks: late, made: []string{dropped, late}, moves: true},
		"Git has moved elsewhere":     {move: func(w *world.World) { w.PushToBase() }, made: []string{dropped}},
		"Git says another Region now": {move: func(w *world.World) { w.SetBase(world.Seoul) }, asks: string(world.Tokyo)},
	} {
		for when, wait := range map[string]func(w *world.World, move func()){
			"while they read":  func(_ *world.World, move func()) { move(); time.Sleep(20 * time.Minute) },
			"after the accept": func(w *world.World, move func()) { w.After("Audit answer-accept", move) },
		} {
			t.Run(name+"/"+when, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					w.SetBase(world.Tokyo)
					w.PushThing("tokyo", dropped, "1", false)
					was := w.Tip()
					run := w.Start(resume(world.Planned))
					q := w.Await(run, dr.RunPaused).Question
					wait(w, func() { c.move(w) })
					accept(t, w, run)
					r := whatNext(w, run, q.Number)
					if c.asks != "" {
						if r.State != dr.RunPaused || !strings.Contains(world.Words(r.Question.What), c.asks) || w.Promotions() > 0 || w.Tasks(world.Seoul) != 3 {
							t.Fatalf("%d promotions, %d tasks in the source: %s", w.Promotions(), w.Tasks(world.Seoul), whereabouts(r))
						}
						if c.made == nil {
							return
						}
						accept(t, w, run)
						r = whatNext(w, run, r.Question.Number)
					}
					at := was
					if c.moves {
						at = w.Tip()
					}
					made := w.Made()
					slices.Sort(made)
					if r.State != dr.RunSucceeded || !slices.Equal(made, c.made) || !slices.Equal(w.AppliedAt("tokyo"), []string{at}) {
						t.Errorf("made %v at %v, not %v at %s: %s", made, w.AppliedAt("tokyo"), c.made, at, whereabouts(r))
					}
				})
			})
		}
	}
}
