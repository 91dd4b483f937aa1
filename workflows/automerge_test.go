package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// github.md 7: somebody sets the pull request to merge by itself while people read. It is
// switched off at the next look, said and audited, and drbot merges.
func TestCase7AutoMergeIsSwitchedOff(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.SetAutoMerge("dave")
		time.Sleep(20 * time.Second)
		if by := w.Pull(1).AutoMerge; by != "" || !said(w, "set by dave-gh: drbot has switched it off") || w.Calls("Audit stop-auto-merge") != 1 {
			t.Errorf("still set by %q; said %+v", by, w.Said())
		}
		approved(w, run)
		checkEnd(t, w, run, plannedDone)
		if by := w.Pull(1).MergedBy; by != world.Bot {
			t.Errorf("merged by %s", by)
		}
	})
}

// No look has seen it: it is switched off before each status of the run's own that could set
// it off.
func TestCase7SwitchedOffBeforeAStatus(t *testing.T) {
	for _, status := range []string{"drbot/plan", "drbot/approval"} {
		t.Run(strings.ReplaceAll(status, "/", "_"), func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Disaster)
				if status == "drbot/approval" {
					w.Await(run, dr.RunWaiting)
				}
				w.Before("StopAutoMerge", func() { w.SetAutoMerge("dave") })
				approved(w, run)
				checkEnd(t, w, run, disasterDone)
				if by := w.Pull(1).MergedBy; by != world.Bot || !said(w, "drbot has switched it off") {
					t.Errorf("merged by %s; said %+v", by, w.Said())
				}
				calls := w.Journal()
				at := func(call string) int {
					return slices.IndexFunc(calls, func(l string) bool { return strings.HasSuffix(l, " "+call) })
				}
				if stop := at("StopAutoMerge"); stop < 0 || stop > at("Status drbot/plan") {
					t.Errorf("the status of the plan is set at call %d, auto-merge looked at in %d", at("Status drbot/plan"), stop)
				}
			})
		})
	}
}

// It comes too late, or is refused: the run's own status sets it off, and the merge is taken
// up, since the approvals count.
func TestCase7AutoMergeFires(t *testing.T) {
	for name, c := range map[string]struct {
		when func(*world.World)
		says string
	}{
		"too late": {func(w *world.World) { w.Before("Status drbot/approval", func() { w.SetAutoMerge("dave") }) }, "was merged by dave-gh, not by drbot"},
		"refused": {func(w *world.World) {
			w.KeepAutoMerge()
			w.SetAutoMerge("dave")
		}, "cannot be switched off by drbot"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				c.when(w)
				approved(w, run)
				checkEnd(t, w, run, plannedDone)
				if by := w.Pull(1).MergedBy; by != "dave-gh" || !said(w, c.says) {
					t.Errorf("merged by %s; said %+v", by, w.Said())
				}
			})
		})
	}
}

// GitHub does not answer when it is asked to, or refuses the token: the status is not set
// before it has, and nothing is said of what is not known.
func TestCase7NoStatusWithoutALook(t *testing.T) {
	for name, err := range map[string]error{"silent": nil, "refused": &dr.Error{Code: dr.Denied, What: dr.T("rule.token-refused")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				w.Fail("StopAutoMerge", 1, err)
				w.Before("StopAutoMerge", func() { w.SetAutoMerge("dave") }).Skip(1)
				approved(w, run)
				checkEnd(t, w, run, plannedDone)
				if by := w.Pull(1).MergedBy; by != world.Bot || said(w, "cannot be switched off") {
					t.Errorf("merged by %s; said %+v", by, w.Said())
				}
			})
		})
	}
}

// Killed right before or after it is switched off, or while that is told: it is told once.
func TestCase7SwitchedOffAndKilled(t *testing.T) {
	played := swept(t)
	for name, kill := range map[string]func(*world.World){
		"before it":            func(w *world.World) { w.KillBefore("StopAutoMerge") },
		"after it":             func(w *world.World) { w.KillAfter("StopAutoMerge") },
		"after it is kept":     func(w *world.World) { w.KillAfter("Put") },
		"before it is audited": func(w *world.World) { w.KillBefore("Audit stop-auto-merge") },
		"after it is audited":  func(w *world.World) { w.KillAfter("Audit stop-auto-merge") },
		"after it is said":     func(w *world.World) { w.After("Audit stop-auto-merge", func() { w.KillAfter("Say") }) },
		"after all of it":      func(w *world.World) { w.After("Audit stop-auto-merge", func() { w.KillAfter("Put") }) },
	} {
		for when, at := range map[string]func(w *world.World, run string, begin func()){
			"in a look": func(w *world.World, run string, begin func()) {
				w.Await(run, dr.RunWaiting)
				begin()
				w.SetAutoMerge("dave")
			},
			"before the plan's status": func(w *world.World, _ string, begin func()) {
				w.After("Comment plan", func() { w.SetAutoMerge("dave"); begin() })
			},
			"before the approvals' status": func(w *world.World, run string, begin func()) {
				w.Await(run, dr.RunWaiting)
				w.After("Audit approval", func() { w.SetAutoMerge("dave"); begin() })
			},
		} {
			if !played() {
				continue
			}
			t.Run(name+"/"+when, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := w.Start(world.Disaster)
					at(w, run, func() { kill(w) })
					if when == "in a look" {
						w.Revive(time.Minute)
						time.Sleep(20 * time.Second)
					}
					w.Drive(run)
					checkEnd(t, w, run, disasterDone)
					if said := saidOf(w, "/auto-merge/"); len(said) != 1 || w.Calls("Audit stop-auto-merge") == 0 || w.Lives() != 2 {
						t.Errorf("it said %q in %d lives, and %d times in the audit log", said, w.Lives(), w.Calls("Audit stop-auto-merge"))
					}
				})
			})
		}
	}
}

// It is switched off, and the answer lost: it is told all the same.
func TestCase7SwitchedOffAndTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Lose("StopAutoMerge", 1)
		w.SetAutoMerge("dave")
		time.Sleep(time.Minute)
		if said := saidOf(w, "/auto-merge/"); len(said) != 1 || w.Calls("Audit stop-auto-merge") != 1 {
			t.Errorf("it said %q", said)
		}
		approved(w, run)
		checkEnd(t, w, run, plannedDone)
	})
}

// The run is cancelled right after it was switched off: that is told all the same.
func TestCase7SwitchedOffAndCancelled(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.After("StopAutoMerge", func() { w.Cancel(run, "alice") })
		w.SetAutoMerge("dave")
		w.Await(run, dr.RunCancelled)
		if said := saidOf(w, "/auto-merge/"); len(said) != 1 {
			t.Errorf("it said %q", said)
		}
	})
}
