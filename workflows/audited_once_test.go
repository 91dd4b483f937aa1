package workflows_test

import (
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// TestAuditedOnce has the bot die right after each line that a step writes into the audit
// log: the step is played again, and the log has what it did once.
func TestAuditedOnce(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"start", "approval", "merge", "promote", "apply", "end"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.KillAfter("Audit " + line)
				r := w.Drive(w.Start(world.Disaster))
				if line == "end" { // its record had it by then
					w.RestartOver("")
					time.Sleep(time.Minute)
				}
				if r.State != dr.RunSucceeded || w.Lives() < 2 {
					t.Fatalf("it %s after %d lives", r.State, w.Lives())
				}
				entries, err := w.Store.AuditLog(t.Context(), 1000)
				if err != nil {
					t.Fatal(err)
				}
				seen := map[string]int{}
				for _, e := range entries {
					seen[e.Action+" "+e.Detail.String()]++
				}
				found := false
				for what, n := range seen {
					if n > 1 {
						t.Errorf("%d times: %s", n, what)
					}
					found = found || len(what) > len(line) && what[:len(line)] == line
				}
				if !found {
					t.Errorf("no line of %s: %v", line, seen)
				}
				if _, err := w.Store.VerifyAudit(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
