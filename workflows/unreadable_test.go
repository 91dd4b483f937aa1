package workflows_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// TestUnreadableStandsAlone takes up a run whose stored outcome, or request, cannot be read
// by this program: it stands still and says so, while the process and what else it does go on.
func TestUnreadableStandsAlone(t *testing.T) {
	t.Parallel()
	stored := func(doc string) string { return base64.StdEncoding.EncodeToString([]byte(doc)) }
	for name, change := range map[string]string{
		"a value of another kind": `UPDATE operation_outputs SET output = '` + stored(`{"value":["x"],"at":"2000-01-01T00:00:00Z"}`) + `' WHERE function_name = 'plan'`,
		"an outcome cut off":      `UPDATE operation_outputs SET output = '` + stored(`{"value":`) + `' WHERE function_name = 'plan'`,
		"no outcome":              `UPDATE operation_outputs SET output = '{"value":' WHERE function_name = 'plan'`,
		"another request":         `UPDATE workflow_input SET inputs = '` + stored(`["x"]`) + `'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			every := func(s *dr.Service) { s.Schedule = dr.Schedule{TimeZone: "UTC", Health: "*/5 * * * *"} }
			world.Run(t, world.Options{Service: every}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				w.RestartOver(change)
				time.Sleep(2 * time.Minute)
				w.Schedule(t.Context())
				time.Sleep(6 * time.Minute)
				if err := w.Fatal(); err != nil {
					t.Errorf("the process ends: %v", err)
				}
				r := w.Record(run)
				if r.State != dr.RunPaused || !strings.Contains(world.Words(r.Outcome), "its steps are others") {
					t.Errorf("it is %s and says %q", r.State, world.Words(r.Outcome))
				}
				if n := w.Calls("AddReadings"); n != 1 {
					t.Errorf("%d health runs", n)
				}
			})
		})
	}
}
