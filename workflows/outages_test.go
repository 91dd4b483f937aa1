package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// What people accept is the loss of the outage that they were shown. A copy that is further
// behind than the time since then explains is the copy of another one (aws.md 1).

// The loss has outrun the clock while people read: they are asked again, and what they said
// before does not count for it.
func TestLossThatOutrunsTheClockIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lag   float64 // shown
		gone  bool    // when they were shown it
		while func(w *world.World)
	}{
		// Replication broke, so that the copy was 40 min behind when the source died.
		"replication broke before": {0.4, false, func(w *world.World) {
			time.Sleep(10 * time.Minute)
			w.SetLag(2400)
			time.Sleep(time.Second)
			w.Down(world.Seoul, true)
		}},
		// The source was back for half an hour, and dies again.
		"another outage": {3, true, func(w *world.World) {
			w.Down(world.Seoul, false)
			time.Sleep(30 * time.Minute)
			w.SetLag(2400)
			w.Down(world.Seoul, true)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetLag(c.lag)
				w.Down(world.Seoul, c.gone)
				run := w.Start(world.Disaster)
				w.Await(run, dr.RunWaiting)
				c.while(w)
				askedAgain(t, w, run)
				w.Await(run, dr.RunSucceeded)
				if said := comment(w.Pull(1), "drbot:worse"); !strings.Contains(said, "2400") {
					t.Errorf("the pull request says %q", said)
				}
			})
		})
	}
}

// The same at the retry of a refused promotion, which one person alone answers.
func TestAnotherOutageBeforeARetry(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(3)
		w.Down(world.Seoul, true)
		w.Fail("Promote", 1, errMended)
		run := w.Start(world.Disaster)
		approve(w, run)
		n := asks(w, run, "promote/portal-global").Question.Number
		w.Down(world.Seoul, false)
		time.Sleep(30 * time.Minute)
		w.SetLag(2400)
		w.Down(world.Seoul, true)
		w.Answer(run, "bob", "retry")
		r := whatNext(w, run, n)
		if r.State != dr.RunPaused || w.Promotions() > 0 || !strings.Contains(world.Words(r.Question.What), "2400") {
			t.Fatalf("%d promotions: %s", w.Promotions(), whereabouts(r))
		}
		accept(t, w, run)
		w.Await(run, dr.RunSucceeded)
	})
}

// A source that is gone since the run began is counted on, however long people read.
func TestLossThatIsCountedOnIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(7200)
		w.Down(world.Seoul, true)
		cmd := world.Disaster
		cmd.Since = time.Now().Add(-2 * time.Hour)
		run := w.Start(cmd)
		w.Await(run, dr.RunWaiting)
		time.Sleep(20 * time.Minute)
		w.SetLag(7200 + 20*60)
		approved(w, run)
		if n := w.Calls("Comment worse"); n != 0 {
			t.Errorf("people were asked again %d times", n)
		}
	})
}
