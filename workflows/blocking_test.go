package workflows_test

import (
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// TestCaseAWS4AcceptedInADisaster has the target's cluster in a status that passes: a planned run
// is refused until it has, and a disaster goes on with what its approvers accept. One that keeps
// it from being promoted stops both.
func TestCaseAWS4AcceptedInADisaster(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cmd   workflows.StartCommand
		level dr.Level
		goes  bool
	}{
		"planned, it passes":  {world.Planned, dr.Warn, false},
		"disaster, it passes": {world.Disaster, dr.Warn, true},
		"disaster, it blocks": {world.Disaster, dr.Fail, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetCheck("aurora.target-instance", c.level)
				run := w.Start(c.cmd)
				if !c.goes {
					if r := w.End(run); r.State == dr.RunSucceeded || w.Promotions() != 0 || !strings.Contains(whereabouts(r), "aurora.target-instance") {
						t.Errorf("%d promotions: %s", w.Promotions(), whereabouts(r))
					} else if mend := world.Words(dr.MendOf("aurora.target-instance")); c.cmd.Mode == string(dr.Planned) && !strings.Contains(world.Words(r.Next), mend) {
						t.Errorf("it does not say what mends that: %s", whereabouts(r))
					}
					return
				}
				w.Await(run, dr.RunWaiting)
				if body := w.Pull(1).Body; !strings.Contains(body, "aurora.target-instance") {
					t.Errorf("the approvers are not told:\n%s", body)
				}
				w.Approve("bob", "carol")
				if r := w.End(run); r.State != dr.RunSucceeded || w.Promotions() != 1 {
					t.Errorf("%d promotions: %s", w.Promotions(), whereabouts(r))
				}
			})
		})
	}
}
