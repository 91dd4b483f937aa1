package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// anew waits for the change of a number, which is put before the people.
func anew(w *world.World, run string, number int) {
	w.Until(run, func(r dr.Run) bool { return r.Change.Number == number && r.State == dr.RunWaiting })
}

// github.md 5: the base takes only heads that are up to date with it, and moves while people
// read. drbot makes the newer head itself, says so, and asks for approvals of that one, for
// which there is as much time as for the first.
func TestCase5TheNewerHead(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: inTen}, func(t *testing.T, w *world.World) {
		w.RequireUpToDate(true)
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.PushToBase()
		time.Sleep(8 * time.Minute)
		w.Approve("bob", "carol")
		anew(w, run, 2)
		if w.Merges() != 0 || w.Pull(1).Open || !said(w, "#1 is closed: main takes only heads that are up to date with it") {
			t.Errorf("merges %d, the first open %v; said %+v", w.Merges(), w.Pull(1).Open, w.Said())
		}
		time.Sleep(8 * time.Minute)
		w.Approve("bob")
		time.Sleep(time.Minute)
		if w.Merges() != 0 {
			t.Fatal("merged by approvals of another head")
		}
		w.Approve("carol")
		w.Await(run, dr.RunSucceeded)
		if w.Promotions() != 1 || w.Base() != world.Tokyo || w.OpenPulls() != 0 {
			t.Errorf("%d promotions, Git says %s, %d open", w.Promotions(), w.Base(), w.OpenPulls())
		}
	})
}

// A base that has not moved asks for nothing, and one that asks for nothing may move.
func TestCase5OnlyWhereItIsDemanded(t *testing.T) {
	for name, moves := range map[string]bool{"demanded": false, "moved": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.RequireUpToDate(!moves)
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				if moves {
					w.PushToBase()
				}
				approved(w, run)
				checkEnd(t, w, run, plannedDone)
				if n := w.Record(run).Change.Number; n != 1 {
					t.Errorf("merged by #%d", n)
				}
			})
		})
	}
}

// A base that moves before every merge does not make it go round for ever: after five heads
// the run ends with the cause, and nothing is left open.
func TestCase5ABusyBase(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.RequireUpToDate(true)
		run := w.Start(world.Planned)
		w.BeforeEach("Merge", func() { w.PushToBase() })
		for n := 1; n <= 5; n++ {
			anew(w, run, n)
			w.Approve("bob", "carol")
		}
		r := w.Await(run, dr.RunStopped)
		if what := world.Words(r.Outcome); !strings.Contains(what, "moved before any of 5 could be merged") || !strings.Contains(world.Words(r.Next), "/dr failover portal") {
			t.Errorf("it ends: %q; next %q", what, world.Words(r.Next))
		}
		checkEnd(t, w, run, ending(untouched, dr.RunStopped))
		if w.OpenPulls() != 0 {
			t.Errorf("%d open", w.OpenPulls())
		}
	})
}

// The bot is killed while it makes the newer head: it is made once.
func TestCase5Killed(t *testing.T) {
	for _, call := range []string{"CloseChange", "OpenChange"} {
		for when, kill := range map[string]func(*world.World, string) *world.Rule{"before": (*world.World).KillBefore, "after": (*world.World).KillAfter} {
			t.Run(when+" "+call, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					w.RequireUpToDate(true)
					run := w.Start(world.Planned)
					w.Await(run, dr.RunWaiting)
					w.PushToBase()
					kill(w, call)
					w.Approve("bob", "carol")
					w.Revive(time.Minute)
					anew(w, run, 2)
					approved(w, run)
					checkEnd(t, w, run, plannedDone)
					if n := w.Record(run).Change.Number; n != 2 {
						t.Errorf("merged by #%d", n)
					}
				})
			})
		}
	}
}
