package workflows_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// cancelBefore has somebody cancel right before a call of the run.
func cancelBefore(w *world.World, call, who, run string) {
	w.Before(call, func() {
		done := make(chan bool)
		go func() { // another goroutine: the call stands in a step of the run
			defer close(done)
			w.Cancel(run, who)
		}()
		<-done
	})
}

func toldTooLate(w *world.World) []string {
	var out []string
	for _, said := range saidOf(w, "/too-late") {
		if strings.HasPrefix(said, "The cancel came after") && strings.Contains(said, "/dr cancel") {
			out = append(out, said)
		}
	}
	return out
}

// Two accept a resumption; a third cancels it before anything is done: it ends.
func TestResumeCancelledBeforeItsFirstAct(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetBase(world.Tokyo)
		run := w.Start(resume(world.Disaster))
		w.Await(run, dr.RunPaused)
		cancelBefore(w, "Audit approval", "dave", run)
		accept(t, w, run)
		r := settled(w, run)
		if w.Promotions() > 0 || r.State != dr.RunCancelled || r.PastMerge() {
			t.Errorf("cancelled before any act: %d promotions, %s", w.Promotions(), whereabouts(r))
		}
	})
}

// Merged by hand with its approvals; the cancel comes after the look that saw it.
func TestCancelOfAMergeByHandIsTold(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"Audit approval", "Parents"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				cancelBefore(w, at, "bob", run)
				w.Approve("bob", "carol")
				w.MergeByHand("dave")
				w.Await(run, dr.RunSucceeded)
				if said := toldTooLate(w); len(said) != 1 {
					t.Errorf("it says %q", said)
				}
			})
		})
	}
}

// A cancel is overtaken by the merge while it is written down: it counts as one past the merge.
func TestCancelIsOvertakenByTheMerge(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		told := make(chan string, 1)
		w.Before("Merge", func() {
			go func() {
				_, said, err := w.Engine.Cancel(context.Background(), world.By("bob"), run)
				if err != nil {
					t.Error(err)
				}
				told <- world.Words(said)
			}()
			time.Sleep(time.Second)
		})
		w.Before("Audit cancel", func() { time.Sleep(5 * time.Second) })
		approve(w, run)
		w.Await(run, dr.RunSucceeded)
		if said := <-told; !strings.Contains(said, "past its merge") {
			t.Errorf("bob is told %q", said)
		}
	})
}

// It is overtaken on its way to the run, which has no place left to count it: the thread
// says so before the next step, or after the pause in which it came.
func TestCancelThatArrivesLate(t *testing.T) {
	t.Parallel()
	late := func(w *world.World, run string) {
		w.Before("Merge", func() {
			w.After("Run", func() { time.Sleep(5 * time.Second) }).Skip(1)
			go func() { _, _, _ = w.Engine.Cancel(context.Background(), world.By("bob"), run) }()
			time.Sleep(time.Second)
		})
	}
	for name, before := range map[string]func(*world.World){
		"under way":        func(*world.World) {},
		"at a pause":       func(w *world.World) { w.Fail("Promote", 1, errMended) },
		"at its first act": func(w *world.World) { w.Fail("Scale "+string(world.Seoul), 1, errMended) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				before(w)
				run := w.Start(world.Planned)
				late(w, run)
				approve(w, run)
				if r := settled(w, run); r.State == dr.RunPaused {
					w.Answer(run, "carol", "retry")
				}
				w.Await(run, dr.RunSucceeded)
				if said := toldTooLate(w); len(said) != 1 {
					t.Errorf("it says %q", said)
				}
			})
		})
	}
}
