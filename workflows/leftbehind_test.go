package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// What a run that ends has people do next must not be refused, nor be done already: it is said
// as Git is at that moment.

// takenNext types the command of a verb that an end names, and gives what comes of it.
func takenNext(t *testing.T, w *world.World, verb dr.Kind, r dr.Run) dr.Run {
	t.Helper()
	for _, c := range r.Next.Commands() {
		if c.Verb == string(verb) && c.Args["region"] == string(r.Target) {
			return settled(w, w.Start(workflows.StartCommand{
				Kind: verb, Service: c.Args["service"], Target: dr.Region(c.Args["region"]), Mode: c.Args["mode"],
				Reason: "as the message says", Channel: "C-PORTAL", Once: "next", Override: c.Args["override-cooldown"] != "",
			}))
		}
	}
	t.Fatalf("no %s to %s is named: %s", verb, r.Target, whereabouts(r))
	return r
}

// waitEnds are the ways in which a run that waits comes to its end.
var waitEnds = map[string]func(w *world.World, run string){
	"cancelled": func(w *world.World, run string) { w.Cancel(run, "alice") },
	"expired":   func(w *world.World, _ string) { time.Sleep(11 * time.Minute) },
	"closed by hand": func(w *world.World, _ string) {
		w.CloseByHand()
		time.Sleep(time.Minute)
	},
}

// While a run waits somebody pushes the flip to the base. However the run ends, it is not
// told to ask for the same once more, which would be refused.
func TestFlippedByHandWhileItWaits(t *testing.T) {
	t.Parallel()
	for name, end := range waitEnds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{Service: inTen}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				w.SetBase(world.Tokyo)
				time.Sleep(time.Minute)
				end(w, run)
				r := w.End(run)
				if words := world.Words(r.Outcome); !strings.Contains(words, "main says ap-northeast-1 by now, and not by this run") {
					t.Errorf("it does not say where Git is: %s", whereabouts(r))
				}
				if next := takenNext(t, w, dr.Resume, r); next.State != dr.RunPaused {
					t.Errorf("what it names is %s", whereabouts(next))
				}
			})
		})
	}
}

// The base cannot be read when the run ends: it says both ways on, and one of them leads on.
func TestEndsWhileGitIsAway(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]dr.Region{"flipped by hand": world.Tokyo, "as it was": world.Seoul} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				w.SetBase(at)
				back := w.Gone("File")
				w.Cancel(run, "alice")
				r := w.End(run)
				back()
				verb := map[dr.Region]dr.Kind{world.Tokyo: dr.Resume, world.Seoul: dr.Failover}[at]
				if next := takenNext(t, w, verb, r); next.State.Final() || !namedNext(r, dr.Failover) || !namedNext(r, dr.Resume) {
					t.Errorf("the end says %q; what it names is %s", world.Words(r.Next), whereabouts(next))
				}
			})
		})
	}
}

// A resumption waits for its people, and Git goes back to the source: to resume once more
// would be refused.
func TestRevertedWhileAResumptionIsAsked(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetBase(world.Tokyo)
		run := w.Start(resume(world.Planned))
		w.Await(run, dr.RunPaused)
		w.SetBase(world.Seoul)
		w.Cancel(run, "alice")
		r := w.End(run)
		if next := takenNext(t, w, dr.Failover, r); next.State != dr.RunWaiting {
			t.Errorf("what it names is %s", whereabouts(next))
		}
	})
}

// The first change of a run was tampered with; while it is replaced somebody merges it, or
// opens it again and does. The run ends, and its end says that Git has moved.
func TestReplacedChangeIsMerged(t *testing.T) {
	t.Parallel()
	t.Run("while it is closed", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.Await(run, dr.RunWaiting)
			w.Before("CloseChange", func() { w.MergeByHand("mallory") })
			w.PushToChange("mallory")
			time.Sleep(10 * time.Minute)
			r := w.End(run)
			if words := world.Words(r.Outcome); !strings.Contains(words, "#1 is merged all the same") || !r.MergedApart {
				t.Errorf("it does not say what is merged: %s", whereabouts(r))
			}
			if next := takenNext(t, w, dr.Resume, r); next.State != dr.RunPaused {
				t.Errorf("what it names is %s", whereabouts(next))
			}
		})
	})
	t.Run("after its successor was opened", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.Await(run, dr.RunWaiting)
			w.Fail("CloseChange", -1, nil)
			w.PushToChange("mallory")
			anew(w, run, 2)
			w.Heal()
			w.MergePull(1, "mallory-gh")
			w.Cancel(run, "alice")
			r := w.End(run)
			if words := world.Words(r.Outcome); !strings.Contains(words, "#1 is merged all the same") || !r.MergedApart {
				t.Errorf("it does not say what is merged: %s", whereabouts(r))
			}
			if next := takenNext(t, w, dr.Resume, r); next.State != dr.RunPaused {
				t.Errorf("what it names is %s", whereabouts(next))
			}
		})
	})
}

// Merged by hand and reverted, before the run ends: there is nothing to revert.
func TestMergedApartAndReverted(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.MergeByHand("dave")
		w.Await(run, dr.RunPaused)
		w.SetBase(world.Seoul)
		w.Stop(run)
		r := w.End(run)
		if words := world.Words(r.Outcome) + world.Words(r.Next); strings.Contains(words, "revert #1") || !strings.Contains(words, "main says ap-northeast-2 again") {
			t.Errorf("it says %s", whereabouts(r))
		}
		if next := takenNext(t, w, dr.Failover, r); next.State != dr.RunWaiting {
			t.Errorf("what it names is %s", whereabouts(next))
		}
	})
}

// Git is reverted right behind the merge, or further on, and people stop the run: its end has
// nobody revert what is reverted, nor resume what would be refused.
func TestRevertedAndStopped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at   string // the call after which it is reverted
		fail string // what fails then, so that people are asked
	}{
		"right behind the merge": {at: "Merge"},
		"before the promotion":   {at: "Scale " + string(world.Seoul)},
		"after the promotion":    {at: "Promote", fail: "Redeploy"},
	} {
		for _, mode := range []workflows.StartCommand{world.Planned, world.Disaster} {
			if c.at == "Scale "+string(world.Seoul) && mode.Mode != string(dr.Planned) {
				continue
			}
			t.Run(name+"/"+mode.Mode, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := w.Start(mode)
					w.After(c.at, func() { w.SetBase(world.Seoul) })
					if c.fail != "" {
						w.Fail(c.fail, -1, errMended)
					}
					approve(w, run)
					w.Until(run, func(r dr.Run) bool { return r.Question != nil })
					w.Stop(run)
					r := w.End(run)
					w.Heal()
					if words := world.Words(r.Next); strings.Contains(strings.ToLower(words), "revert #1") || namedNext(r, dr.Resume) || !strings.Contains(words, "main says ap-northeast-2 again") {
						t.Errorf("Git says Seoul; the end says %q", words)
					}
					if next := takenNext(t, w, dr.Failover, r); next.State != dr.RunWaiting {
						t.Errorf("what it names is %s", whereabouts(next))
					}
				})
			})
		}
	}
}

// What the base says cannot be read when people stop a merged run: it says both possibilities.
func TestStoppedWhileGitIsAway(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Fail("Promote", -1, errMended)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Gone("File")
		w.Stop(run)
		r := w.End(run)
		if words := world.Words(r.Next); !namedNext(r, dr.Resume) || !strings.Contains(words, "could not be read; where it is ap-northeast-2 again") {
			t.Errorf("the end says %q", words)
		}
	})
}
