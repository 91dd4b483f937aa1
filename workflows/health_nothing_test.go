package workflows_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// TestHealthOfNothing has rounds of health for a service without a database: there is nothing
// of which a level could be said.
func TestHealthOfNothing(t *testing.T) {
	t.Parallel()
	every := func(s *dr.Service) {
		s.Schedule = dr.Schedule{TimeZone: "Asia/Seoul", Health: "*/5 * * * *"}
		s.Resources = slices.DeleteFunc(slices.Clone(s.Resources), func(r dr.Resource) bool { return r.System == dr.AuroraGlobal })
		for i := range s.Resources {
			s.Resources[i].After = nil
		}
	}
	world.Run(t, world.Options{Service: every}, func(t *testing.T, w *world.World) {
		w.Schedule(t.Context())
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		for _, n := range w.Said() {
			t.Errorf("it posts %s %v %v", n.Level, n.Title, n.Lines)
		}
	})
}
