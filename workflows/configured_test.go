package workflows_test

import (
	"slices"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// A run has in its record which configurations it went under, and the audit log with whose
// it was asked for.
func TestConfigurationsOfARun(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Config = "aaaa"
		w.Restart()
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Restart() // with the same
		w.Config = "bbbb"
		w.Restart()
		w.Approve("bob", "carol")
		r := w.Await(run, dr.RunSucceeded)
		if !slices.Equal(r.Configs, []string{"aaaa", "bbbb"}) {
			t.Errorf("the record has %v", r.Configs)
		}
		log, err := w.Store.AuditLog(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(log, func(e dr.AuditEntry) bool { return e.Run == run && e.Action == string(dr.Failover) }); i < 0 || log[i].Config != "aaaa" {
			t.Error("the request is not audited with its configuration")
		}
	})
}
