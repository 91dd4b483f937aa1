package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// A plan that cannot be made is told on the pull request, where its reviewers are, and the
// plan takes the place of that once it can.
func TestPlanFailureOnThePullRequest(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		back := w.Gone("Plan tokyo")
		run := w.Start(world.Planned)
		r := w.Await(run, dr.RunPaused)
		pr := w.Pull(1)
		if page := comment(pr, "drbot:plan"); !strings.Contains(page, "No plan of") || !strings.Contains(page, "Plan tokyo did not answer") {
			t.Errorf("%s, and the pull request says %q", whereabouts(r), page)
		}
		if pr.Statuses["drbot/plan"] != dr.StateFailure {
			t.Errorf("the status is %s", pr.Statuses["drbot/plan"])
		}
		back()
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunWaiting)
		time.Sleep(time.Second)
		pr = w.Pull(1)
		if page := comment(pr, "drbot:plan"); strings.Contains(page, "did not answer") || !strings.Contains(page, "Digest") || pr.Statuses["drbot/plan"] != dr.StateSuccess {
			t.Errorf("with a plan it says %s and %q", pr.Statuses["drbot/plan"], page)
		}
	})
}
