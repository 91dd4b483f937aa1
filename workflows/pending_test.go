package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// The promotion of a run does not come to its end, or its answer is lost, and the run asks:
// what a skip and a stop lead to is told as of one that may take effect still. One that was
// refused has not been.
func TestPendingPromotionIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fails   func(w *world.World)
		pending bool
	}{
		"it is pending": {func(w *world.World) { w.After("Promote", w.Stick) }, true},
		"its answer was lost, and nothing can be read": {func(w *world.World) {
			w.Before("Promote", func() { w.Fail("DatabaseState", -1, nil) })
			w.Lose("Promote", 1)
		}, true},
		"it was refused": {func(w *world.World) { w.Fail("Promote", 1, errMended) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				c.fails(w)
				approve(w, run)
				r := asks(w, run, "promote/portal-global")
				words := world.Words(r.Question.Means)
				skip, stop := world.Words(r.Question.More["skip"]), world.Words(r.Question.More["stop"])
				if strings.Contains(words, "stays in ap-northeast-2 unless somebody else has moved it") == c.pending || !strings.Contains(words, skip) || !strings.Contains(words, stop) {
					t.Errorf("%s, and the question says %q", world.Words(r.Outcome), words)
				}
				if strings.Contains(skip, "may take effect still") != c.pending || strings.Contains(stop, "no move is pending") != c.pending {
					t.Errorf("skip: %q; stop: %q", skip, stop)
				}
				if !c.pending {
					return
				}
				w.Heal()
				w.Stop(run)
				if r := w.End(run); r.State != dr.RunStopped || !namedNext(r, dr.Resume) {
					t.Errorf("it ends %s", whereabouts(r))
				}
				time.Sleep(time.Minute)
			})
		})
	}
}
