package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// Git says the target. That the service is active there is said only where its writer, its
// tasks and its name are there as well; otherwise what is lacking, and the resumption.
func TestAlreadyActiveWhereAllAgrees(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(w *world.World)
		lacks  string // nothing: it is active there
	}{
		"all is there":   {func(*world.World) {}, ""},
		"Git alone":      {func(w *world.World) { w.SetBase(world.Seoul) }, "portal-global"},
		"the writer":     {func(w *world.World) { w.PromoteByHand(world.Seoul); time.Sleep(2 * time.Minute) }, "the writer of portal-global is in ap-northeast-2"},
		"the tasks":      {func(w *world.World) { w.SetTasks(world.Tokyo, 0); time.Sleep(2 * time.Minute) }, "web runs no task"},
		"the users":      {func(w *world.World) { w.MoveUsers(world.Seoul) }, "portal.example.test"},
		"it is not read": {func(w *world.World) { w.Down(world.Tokyo, true) }, "could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{Active: world.Tokyo}, func(t *testing.T, w *world.World) {
				c.before(w)
				cmd := world.Disaster
				if name == "Git alone" {
					cmd.Target = world.Seoul
				}
				r := w.End(w.Start(cmd))
				said, next := world.Words(r.Outcome), world.Words(r.Next)
				if active := strings.Contains(said, "is already active in"); active != (c.lacks == "") || !strings.Contains(said, c.lacks) {
					t.Errorf("it says %q", said)
				}
				if !strings.Contains(next, "/dr resume portal "+string(cmd.Target)+" disaster") || r.State != dr.RunRefused {
					t.Errorf("it is %s and leads to %q", r.State, next)
				}
				if took := r.Steps[r.StepIndex("lock")].Took(r.Ended); took > 10*time.Second {
					t.Errorf("it is answered after %s", took)
				}
			})
		})
	}
}
