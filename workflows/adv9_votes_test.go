package workflows_test

import (
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// Votes to stop of a question that was answered otherwise stand for the next one.
func TestAdv9StaleStop(t *testing.T) {
	t.Skip("a finding: a vote to stop outlives the question it was given to, whatever that was answered")
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(world.Disaster)
		w.Await(run, dr.RunWaiting)
		w.Approve("bob", "carol")
		w.Await(run, dr.RunPaused)
		w.Answer(run, "dave", "stop") // one of two
		w.NextApply("traffic", dr.ApplyFailed)
		w.Answer(run, "bob", "retry")
		w.Until(run, func(r dr.Run) bool { return r.State == dr.RunPaused && r.Question != nil && r.Question.Number == 2 })
		time.Sleep(3 * time.Hour)
		w.Answer(run, "carol", "stop") // the only one who says so about this question
		time.Sleep(time.Minute)
		if r := w.Record(run); r.State.Final() {
			t.Errorf("one vote about this question ended it: %s, %v", r.State, r.Abandon)
		}
	})
}
