package workflows_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

const fencedLate = "Attempt to block writes for DB cluster portal-seoul timed out"

// reported counts the events with these words that a result has.
func reported(r dr.Run, words string) int {
	n := 0
	for _, e := range r.Result.Events {
		if strings.Contains(world.Words(e.Text), words) {
			n++
		}
	}
	return n
}

// TestCaseAWS7EventsOfBothRegions has the event of the fencing recorded in the Region that was
// left: the result has it beside those of the target, in their order. Where that Region cannot
// be asked it says so, and waits no longer for it than for any other.
func TestCaseAWS7EventsOfBothRegions(t *testing.T) {
	t.Parallel()
	t.Run("recorded in the source", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Disaster)
			w.After("Promote", func() { w.Report(world.Seoul, fencedLate) })
			approve(w, run)
			r := w.Await(run, dr.RunSucceeded)
			if reported(r, fencedLate) != 1 || reported(r, "completed") != 1 {
				t.Errorf("the result has %v", r.Result.Events)
			}
			if !slices.IsSortedFunc(r.Result.Events, func(a, b dr.Event) int { return a.At.Compare(b.At) }) {
				t.Errorf("out of order: %v", r.Result.Events)
			}
			if slices.ContainsFunc(r.Result.Left, func(l dr.Text) bool { return l.ID == "left.events" }) {
				t.Errorf("left: %v", r.Result.Left)
			}
		})
	})
	t.Run("the source is gone", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.Down(world.Seoul, true)
			run := w.Start(world.Disaster)
			approve(w, run)
			r := w.Await(run, dr.RunSucceeded)
			var unread []string
			for _, l := range r.Result.Left {
				if l.ID == "left.events" {
					unread = append(unread, world.Words(l))
				}
			}
			if reported(r, "completed") != 1 || len(unread) != 1 || !strings.Contains(unread[0], string(world.Seoul)) {
				t.Errorf("the result has %v, left %q", r.Result.Events, unread)
			}
		})
	})
}

// told lists the notes that tell of an event with these words.
func told(w *world.World, words string) (out []dr.Note) {
	for _, n := range w.Said() {
		if n.Title.ID == "note.event" && slices.ContainsFunc(n.Lines, func(l dr.Text) bool { return strings.Contains(world.Words(l), words) }) {
			out = append(out, n)
		}
	}
	return out
}

// TestCaseAWS7EventsAfterTheRun has RDS record events after a run is over, in either Region, and
// the source come back: each is told once in the run's thread, for six hours, whoever is started
// anew meanwhile; what the result has is not told again.
func TestCaseAWS7EventsAfterTheRun(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.After("Promote", func() { w.Report(world.Seoul, fencedLate); w.Down(world.Seoul, true) })
		approve(w, run)
		if r := w.Await(run, dr.RunSucceeded); reported(r, fencedLate) != 0 {
			t.Fatalf("the result has %v", r.Result.Events)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go w.Books.Watchman().Watch(ctx)
		time.Sleep(time.Hour)
		if n := told(w, "completed"); len(n) != 0 {
			t.Errorf("told again: %v", n)
		}
		w.Down(world.Seoul, false)
		w.Report(world.Tokyo, "resynchronization started")
		time.Sleep(time.Hour)
		again, stopAgain := context.WithCancel(t.Context())
		defer stopAgain()
		go w.Books.Watchman().Watch(again) // as after a new start
		time.Sleep(time.Hour)
		for _, words := range []string{fencedLate, "resynchronization started"} {
			n := told(w, words)
			if len(n) != 1 || n[0].Run != run {
				t.Errorf("%s is told as %v", words, n)
			}
		}
		time.Sleep(4 * time.Hour)
		w.Report(world.Tokyo, "of another day")
		before := w.Calls("DatabaseEvents")
		time.Sleep(2 * time.Hour)
		if n := told(w, "of another day"); len(n) != 0 || w.Calls("DatabaseEvents") != before {
			t.Errorf("asked %d times more: %v", w.Calls("DatabaseEvents")-before, n)
		}
	})
}

// TestCaseAWS7EventsOfAStoppedRun has a run stopped after its promotion, which has no result: what
// RDS says is told all the same. One that came to no promotion has none of it.
func TestCaseAWS7EventsOfAStoppedRun(t *testing.T) {
	t.Parallel()
	for name, promoted := range map[string]bool{"after the promotion": true, "before it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Disaster)
				if promoted {
					w.Fail("Redeploy", -1, errMended)
					approve(w, run)
					w.Await(run, dr.RunPaused)
					w.Stop(run)
				} else {
					w.Await(run, dr.RunWaiting)
					w.TryClose()
				}
				w.End(run)
				w.Report(world.Seoul, fencedLate)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				go w.Books.Watchman().Watch(ctx)
				time.Sleep(time.Hour)
				if n := told(w, fencedLate); (len(n) == 1) != promoted {
					t.Errorf("told as %v", n)
				}
			})
		})
	}
}

// TestCaseAWS7EventsOfTheWayBack has a service moved and moved back within the hours in which
// events are told: what the way back brings about is not told as the first run's.
func TestCaseAWS7EventsOfTheWayBack(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		there := w.Start(world.Disaster)
		approved(w, there)
		time.Sleep(time.Minute)
		cmd := world.Planned
		cmd.Kind, cmd.Target, cmd.Once, cmd.Override = dr.Failback, world.Seoul, "back", true
		back := w.Start(cmd)
		approved(w, back)
		w.Report(world.Seoul, fencedLate)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go w.Books.Watchman().Watch(ctx)
		time.Sleep(time.Hour)
		for _, n := range w.Said() {
			if n.Run == there && n.Title.ID == "note.event" {
				t.Errorf("the thread of the first run has %v", n.Lines)
			}
		}
		if n := told(w, fencedLate); len(n) != 1 || n[0].Run != back {
			t.Errorf("it is told as %v", n)
		}
	})
}
