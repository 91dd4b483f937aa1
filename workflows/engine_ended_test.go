package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// The engine has ended a run by itself: what its words name leads on.
func TestEndedByTheEngine(t *testing.T) {
	t.Parallel()
	for name, merged := range map[string]bool{"before the merge": false, "past the merge": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				if merged {
					w.Fail("Promote", 1, errMended)
					approve(w, run)
					asks(w, run, "promote/portal-global")
				}
				w.RestartOver(`UPDATE workflow_status SET status = 'CANCELLED', deduplication_id = NULL WHERE workflow_uuid = '` + run + `'`)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				go w.Books.Watchman().Watch(ctx)
				time.Sleep(2 * time.Minute)
				r := w.Record(run)
				if r.State != dr.RunStopped || !namedNext(r, dr.Resume) || !namedNext(r, dr.Failover) {
					t.Fatalf("it names no way on: %s", whereabouts(r))
				}
				cmd := resume(world.Planned)
				if !merged {
					cmd = world.Planned
					cmd.Once = "again"
				}
				if r := settled(w, w.Start(cmd)); r.State.Final() {
					t.Errorf("what it names is refused: %s", whereabouts(r))
				}
			})
		})
	}
}
