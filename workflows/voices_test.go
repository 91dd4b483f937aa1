package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// A run that waits, or is paused, outlives many restarts: deploys, or a host that dies again
// and again. Most of them are told to the engine alone.
func TestManyRestarts(t *testing.T) {
	t.Parallel()
	for _, paused := range []bool{false, true} {
		t.Run(fmt.Sprintf("paused %v", paused), func(t *testing.T) {
			t.Parallel()
			week := func(s *dr.Service) { s.Expiry = 7 * 24 * time.Hour }
			world.Run(t, world.Options{Service: week}, func(t *testing.T, w *world.World) {
				if paused {
					w.NextApply("tokyo", dr.ApplyFailed)
				}
				run := w.Start(world.Disaster)
				w.Await(run, dr.RunWaiting)
				if paused {
					approve(w, run)
					asks(w, run, "apply/tokyo")
				}
				w.RestartOver("UPDATE workflow_status SET recovery_attempts = recovery_attempts + 100000 WHERE status = 'PENDING'")
				for range 2 {
					time.Sleep(time.Minute)
					w.Restart()
				}
				time.Sleep(time.Minute)
				if paused {
					w.Answer(run, "bob", "retry")
				} else {
					w.Approve("bob", "carol")
				}
				w.Await(run, dr.RunSucceeded)
			})
		})
	}
}
