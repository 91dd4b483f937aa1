package workflows_test

import (
	"context"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// TestOnlyAKnownKindOfRunStarts asks for runs of kinds that there are not: whatever way such
// a request has come, it moves no service.
func TestOnlyAKnownKindOfRunStarts(t *testing.T) {
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		for _, kind := range []dr.Kind{"ping", "", "Failover", "failover ", "status"} {
			cmd := world.Disaster
			cmd.Kind, cmd.Once = kind, "kind "+string(kind)
			run, _, err := w.Engine.Start(context.Background(), world.By("alice"), cmd)
			if dr.CodeOf(err) != dr.Invalid || run.Run != "" {
				t.Errorf("%q: run %q, %v", kind, run.Run, err)
			}
		}
		for _, kind := range dr.Kinds() {
			cmd := world.Disaster
			cmd.Kind, cmd.Once = kind, "kind "+string(kind)
			if _, _, err := w.Engine.Start(context.Background(), world.By("alice"), cmd); dr.CodeOf(err) == dr.Invalid && err != nil {
				t.Errorf("%q: %v", kind, err)
			}
		}
	})
}
