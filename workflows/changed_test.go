package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// TestStepsHaveChanged takes up a run whose stored steps are others: it stands still and
// says so, while the process and what else it does go on.
func TestStepsHaveChanged(t *testing.T) {
	t.Parallel()
	every := func(s *dr.Service) { s.Schedule = dr.Schedule{TimeZone: "UTC", Health: "*/5 * * * *"} }
	world.Run(t, world.Options{Service: every}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.RestartOver(`UPDATE operation_outputs SET function_name = 'another' WHERE function_name = 'plan'`)
		r := w.Await(run, dr.RunPaused)
		if !strings.Contains(world.Words(r.Outcome), "its steps are others") {
			t.Errorf("it says %q", world.Words(r.Outcome))
		}
		w.Schedule(t.Context())
		time.Sleep(6 * time.Minute)
		if err := w.Fatal(); err != nil {
			t.Errorf("the process ends: %v", err)
		}
		if n := w.Calls("AddReadings"); n != 1 {
			t.Errorf("%d health runs", n)
		}
		if n := w.OpenPulls(); n != 1 {
			t.Errorf("%d pull requests are open", n)
		}
	})
}

// TestServiceTakenOut takes a service out of the configuration while a run of it is under
// way: past the merge the program does not start, and with the service back the run goes
// on; before it, whoever asked for the run can cancel it.
func TestServiceTakenOut(t *testing.T) {
	t.Parallel()
	t.Run("past the merge", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.Fail("Promote portal-global", 1, errMended)
			run := w.Start(world.Planned)
			approve(w, run)
			w.Await(run, dr.RunPaused)
			why := w.RestartWithout("portal")
			if dr.CodeOf(why) != dr.Conflict || !strings.Contains(why.Error(), run) {
				t.Fatalf("it starts without the service: %v", why)
			}
			w.Answer(run, "bob", "retry")
			w.Await(run, dr.RunSucceeded)
		})
	})
	t.Run("before the merge", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.Await(run, dr.RunWaiting)
			if why := w.RestartWithout("portal"); why != nil {
				t.Fatal(why)
			}
			if _, _, err := w.Engine.Cancel(t.Context(), world.By("alice"), run); err != nil {
				t.Fatal(err)
			}
			w.Await(run, dr.RunCancelled)
			if n := w.OpenPulls(); n != 0 {
				t.Errorf("%d pull requests are open", n)
			}
		})
	})
}

// TestFormerGeneration starts over runs that an edition of the generation before has left
// open: one that has merged nothing is ended with words; with one that may have merged, the
// program does not start, and names the edition that can finish it.
func TestFormerGeneration(t *testing.T) {
	t.Parallel()
	const former = `UPDATE workflow_status SET application_version = '1' WHERE status = 'PENDING'`
	const ours = `UPDATE workflow_status SET application_version = '2' WHERE status = 'PENDING'`
	t.Run("past the merge", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.Fail("Promote portal-global", 1, errMended)
			run := w.Start(world.Planned)
			approve(w, run)
			w.Await(run, dr.RunPaused)
			why := w.TryOver(former, ours)
			what, next := dr.Told(why)
			if dr.CodeOf(why) != dr.Conflict || !strings.Contains(world.Words(what), run) || !strings.Contains(world.Words(next), "0.1") {
				t.Fatalf("it starts over a run of another generation: %v (%s / %s)", why, world.Words(what), world.Words(next))
			}
			w.Answer(run, "bob", "retry")
			w.Await(run, dr.RunSucceeded)
		})
	})
	t.Run("before the merge", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.Await(run, dr.RunWaiting)
			if why := w.TryOver(former, ours); why != nil {
				t.Fatal(why)
			}
			r := w.Await(run, dr.RunStopped)
			if said := world.Words(r.Next); !strings.Contains(said, "#1") || world.Words(r.Outcome) == "" {
				t.Errorf("it ends with %q, %q", world.Words(r.Outcome), said)
			}
			cmd := world.Planned
			cmd.Once = "after" // the service is free again
			if next := w.Start(cmd); next == run {
				t.Error("the service is still held")
			}
		})
	})
}

// TestNewerGeneration starts over a run that a newer edition has left open, as after a
// downgrade: whatever it has done, it is neither ended nor taken for one of an earlier edition.
func TestNewerGeneration(t *testing.T) {
	t.Parallel()
	const ours = `UPDATE workflow_status SET application_version = '2' WHERE status = 'PENDING'`
	for _, generation := range []string{"3", "10"} {
		newer := `UPDATE workflow_status SET application_version = '` + generation + `' WHERE status = 'PENDING'`
		refuses := func(t *testing.T, w *world.World, run string) {
			t.Helper()
			why := w.TryOver(newer, ours)
			what, next := dr.Told(why)
			if said := world.Words(what) + world.Words(next); dr.CodeOf(why) != dr.Conflict || !strings.Contains(world.Words(what), run) ||
				!strings.Contains(world.Words(next), "newer drbot") || strings.Contains(said, "earlier") || strings.Contains(said, "0.1") {
				t.Fatalf("over a run of generation %s: %v (%s / %s)", generation, why, world.Words(what), world.Words(next))
			}
		}
		t.Run(generation+" past the merge", func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.Fail("Promote portal-global", 1, errMended)
				run := w.Start(world.Planned)
				approve(w, run)
				w.Await(run, dr.RunPaused)
				refuses(t, w, run)
				w.Answer(run, "bob", "retry")
				w.Await(run, dr.RunSucceeded)
			})
		})
		t.Run(generation+" before the merge", func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				refuses(t, w, run)
				approve(w, run)
				w.Await(run, dr.RunSucceeded)
			})
		})
	}
}
