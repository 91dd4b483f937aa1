package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// leftAtZero has a planned run stop before its promotion, and the source not answer when it
// is to be put back.
func leftAtZero(t *testing.T, w *world.World) dr.Run {
	t.Helper()
	w.Fail("Promote", -1, errMended)
	run := w.Start(world.Planned)
	approve(w, run)
	asks(w, run, "promote/portal-global")
	w.Fail("Scale "+string(world.Seoul), 6, nil)
	w.Stop(run)
	r := w.End(run)
	if w.Tasks(world.Seoul) != 0 {
		t.Fatalf("the source was put back: %s", whereabouts(r))
	}
	return r
}

// A planned run leaves the source at zero, because it did not answer at its end. The end says
// what starts its tasks again, and that does.
func TestSourceIsLeftAtZero(t *testing.T) {
	t.Parallel()
	stopped := func(w *world.World, cmd workflows.StartCommand) string {
		run := w.Start(cmd)
		if cmd.Kind == dr.Resume {
			w.Await(run, dr.RunPaused)
			w.Answer(run, "bob", "accept")
			w.Answer(run, "carol", "accept")
		} else {
			approve(w, run)
		}
		asks(w, run, "promote/portal-global")
		w.Stop(run)
		return run
	}
	back := resume(world.Planned)
	back.Target = world.Seoul
	for name, c := range map[string]struct {
		says string // of the first end
		live func(w *world.World) string
	}{
		"resumed and stopped": {"/dr resume portal ap-northeast-1 planned", func(w *world.World) string { return stopped(w, resume(world.Planned)) }},
		"resumed twice": {"/dr resume portal ap-northeast-1 planned", func(w *world.World) string {
			run := w.Start(resume(world.Planned))
			w.Await(run, dr.RunPaused)
			w.Answer(run, "bob", "accept")
			w.Answer(run, "carol", "accept")
			asks(w, run, "promote/portal-global")
			w.Fail("Scale "+string(world.Seoul), 6, nil)
			w.Stop(run)
			w.End(run)
			cmd := resume(world.Planned)
			cmd.Once = "third go"
			return stopped(w, cmd)
		}},
		"reverted and asked again": {"/dr failover portal ap-northeast-1 planned", func(w *world.World) string {
			w.SetBase(world.Seoul)
			cmd := world.Planned
			cmd.Once = "again"
			return stopped(w, cmd)
		}},
		"reverted and resumed there": {"/dr resume portal ap-northeast-2 planned", func(w *world.World) string {
			w.SetBase(world.Seoul)
			run := w.Start(back)
			w.Await(run, dr.RunPaused)
			w.Answer(run, "bob", "accept")
			w.Answer(run, "carol", "accept")
			return run
		}},
		"the same where Terraform leaves the tasks alone": {"/dr resume portal ap-northeast-2 planned", func(w *world.World) string {
			w.IgnoreTasks("seoul")
			w.SetBase(world.Seoul)
			run := w.Start(back)
			w.Await(run, dr.RunPaused)
			w.Answer(run, "bob", "accept")
			w.Answer(run, "carol", "accept")
			return run
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				r := leftAtZero(t, w)
				if said := world.Words(r.Outcome) + world.Words(r.Next); !strings.Contains(said, c.says) {
					t.Errorf("it says %q, and not %s", said, c.says)
				}
				time.Sleep(time.Minute)
				r = w.End(c.live(w))
				if w.Tasks(world.Seoul) != 3 {
					t.Errorf("writer and users are in %s, whose tasks are %d: %s", w.Writer(), w.Tasks(world.Seoul), whereabouts(r))
				}
			})
		})
	}
}

// With both Regions active the tasks are not given back when the writer has moved, because the
// source does not answer, and people go on without. A resumption gives them back.
func TestResumeGivesBack(t *testing.T) {
	t.Parallel()
	both := func(s *dr.Service) { s.Strategy = dr.ActiveActive }
	world.Run(t, world.Options{Service: both}, func(t *testing.T, w *world.World) {
		w.IgnoreTasks("seoul")
		run := w.Start(world.Planned)
		w.Before("Probe portal.example.test", func() { w.Fail("Scale "+string(world.Seoul), 6, nil) })
		approve(w, run)
		asks(w, run, "give-back/"+string(world.Seoul))
		w.Answer(run, "bob", "skip")
		w.Answer(run, "carol", "skip")
		r := w.End(run)
		if w.Tasks(world.Seoul) != 0 {
			t.Fatalf("it is given back: %s", whereabouts(r))
		}
		said := ""
		for _, l := range r.ResultLines() {
			said += world.Words(l) + "\n"
		}
		if !strings.Contains(said, "/dr resume portal ap-northeast-1 planned") {
			t.Errorf("it says %q", said)
		}
		w.Heal()
		run = w.Start(resume(world.Planned))
		w.Await(run, dr.RunPaused)
		accept(t, w, run)
		r = w.End(run)
		if w.Tasks(world.Seoul) != 3 {
			t.Errorf("%s runs %d tasks: %s", world.Seoul, w.Tasks(world.Seoul), whereabouts(r))
		}
	})
}

// A planned run is stopped behind its promotion, with the source at zero. The way back starts
// its tasks, though Terraform leaves to others how many there are.
func TestWayBackStartsTheTasks(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "apply/tokyo")
		w.Stop(run)
		if r := w.End(run); w.Tasks(world.Seoul) != 0 {
			t.Fatalf("it is %s", whereabouts(r))
		}
		w.IgnoreTasks("seoul")
		w.MoveUsers(world.Tokyo) // by hand
		back := world.Planned
		back.Kind, back.Target, back.Once = dr.Failback, world.Seoul, "back"
		run = w.Start(back)
		approve(w, run)
		r := w.Until(run, func(r dr.Run) bool { return r.State.Final() || r.Question != nil })
		if r.State != dr.RunSucceeded || w.Tasks(world.Seoul) != 3 {
			t.Errorf("%s runs %d tasks: %s", world.Seoul, w.Tasks(world.Seoul), whereabouts(r))
		}
	})
}

// The resumption goes well: the source ends as Git says.
func TestResumedFromZero(t *testing.T) {
	t.Parallel()
	for strategy, want := range map[dr.Strategy]int{dr.PilotLight: 0, dr.WarmStandby: 1, dr.ActiveActive: 3} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{Service: func(s *dr.Service) { s.Strategy = strategy }}, func(t *testing.T, w *world.World) {
				leftAtZero(t, w)
				w.Heal()
				run := w.Start(resume(world.Planned))
				w.Await(run, dr.RunPaused)
				accept(t, w, run)
				r := w.Await(run, dr.RunSucceeded)
				if n := w.Tasks(world.Seoul); n != want {
					t.Errorf("%s runs %d tasks: %s", world.Seoul, n, whereabouts(r))
				}
			})
		})
	}
}

// People start tasks in the source by hand while the run is paused with it at zero: what they
// started is not taken away when it is put back.
func TestRestoreTakesNoTasksAway(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"more than there were": 6, "fewer": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.Fail("Promote", -1, errMended)
				run := w.Start(world.Planned)
				approve(w, run)
				asks(w, run, "promote/portal-global")
				w.SetTasks(world.Seoul, n)
				w.Stop(run)
				r := w.End(run)
				if is := w.Tasks(world.Seoul); is != max(n, 3) {
					t.Errorf("people had started %d tasks, and %d are left: %s", n, is, whereabouts(r))
				}
			})
		})
	}
}
