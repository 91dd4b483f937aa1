package workflows_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// The bot is dead right before it promotes, or has meant to: the loss that is told is that of
// when it did, not of the time before. What nobody can read any more stays what it was.
func TestLossAfterADeath(t *testing.T) {
	t.Parallel()
	for _, m := range modes {
		for name, cut := range map[string]func(w *world.World, move func()){
			"for long, before it was meant":   func(w *world.World, move func()) { w.KillBefore("Intend"); reborn(w, 2*time.Hour, move) },
			"for a while, after it was meant": func(w *world.World, move func()) { w.KillAfter("Intend"); reborn(w, 5*time.Minute, move) },
		} {
			t.Run(m.cmd.Mode+"/"+name, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					w.SetLag(0.4)
					run := w.Start(m.cmd)
					approve(w, run)
					cut(w, func() { w.SetLag(8) })
					said := rpa(w.Await(run, dr.RunSucceeded))
					want := "RPA about 38s" // the reading is half a minute old
					if m.cmd.Mode == "planned" {
						want = "RPA 0 of"
					}
					if !strings.Contains(said, want) {
						t.Errorf("the lag was 8 s when it was promoted; it says %q", said)
					}
				})
			})
		}
	}
	t.Run("unread since", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.SetLag(0.4)
			run := w.Start(world.Disaster)
			approve(w, run)
			w.KillAfter("Intend")
			reborn(w, 5*time.Minute, func() { w.Fail("Lag", -1, nil) })
			if said := rpa(w.Await(run, dr.RunSucceeded)); !strings.Contains(said, "RPA about 30s") {
				t.Errorf("it says %q", said)
			}
		})
	})
}

// rpa is the line of the result that tells the loss.
func rpa(r dr.Run) string {
	for _, l := range r.ResultLines() {
		if said := world.Words(l); strings.Contains(said, "RPA") {
			return said
		}
	}
	return ""
}

// A disaster that a check refuses names the command by which it is asked for again.
func TestRefusedDisasterLeadsOn(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetCheck("aurora.target-instance", dr.Fail)
		r := w.Await(w.Start(world.Disaster), dr.RunRefused)
		if next := world.Words(r.Next); !strings.Contains(next, "/dr failover portal ap-northeast-1 disaster") || !strings.Contains(next, "/dr status portal") {
			t.Errorf("it leads to %q", next)
		}
	})
}

// The host's clock was set back by three hours since the merge, and three hours have passed:
// Git has not just been seen, however alike the two times look, and is read before an act.
func TestMergeOfBeforeTheClockWasSet(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.After("Audit merge", func() {
			w.Before("Workload "+string(world.Seoul), func() {
				if err := w.Store.Put(context.Background(), run+"/clock", "-3h0m0s"); err != nil {
					t.Error(err)
				}
				w.Kill()
			})
		})
		approve(w, run)
		reborn(w, time.Minute, func() { w.Gone("File main") })
		r := settled(w, run)
		if w.Tasks(world.Seoul) != 3 || r.Question == nil {
			t.Errorf("what Git says was not read for hours, and the source's tasks are %d: %s", w.Tasks(world.Seoul), whereabouts(r))
		}
	})
}
