package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// The base gets a provisioner after the first approval: nothing is merged, people are told
// where it stands, and when it is gone the run goes on.
func TestTheBaseStartsAProgram(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Approve("bob")
		w.PushProgram("live/portal/tokyo")
		w.Approve("carol")
		r := w.Await(run, dr.RunPaused)
		if what := world.Words(r.Question.What); !strings.Contains(what, "live/portal/tokyo/notes.tf:1") || w.Merges() > 0 {
			t.Fatalf("%d merges, and it is %s", w.Merges(), whereabouts(r))
		}
		w.PushComment("live/portal/tokyo")
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// What the configuration allows is planned, and people read it with its reason where they
// approve; it came after they began to, so they are asked again.
func TestTheBaseStartsAProgramThatIsAllowed(t *testing.T) {
	t.Parallel()
	allow := func(s *dr.Service) {
		s.Code.Allow = []dr.Allow{{What: dr.CodeProvisioner, Path: "live/portal/tokyo", Reason: "warms the caches"}}
	}
	world.Run(t, world.Options{Service: allow}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Approve("bob")
		w.PushProgram("live/portal/tokyo")
		w.Approve("carol")
		w.Until(run, func(dr.Run) bool { return strings.Contains(w.Proposal(), "warms the caches") })
		if r := settled(w, run); r.State != dr.RunWaiting || w.Merges() > 0 {
			t.Fatalf("%d merges, and it is %s", w.Merges(), whereabouts(r))
		}
		w.Approve("bob", "carol")
		w.Await(run, dr.RunSucceeded)
		if said := w.Proposal(); !strings.Contains(said, "tokyo: live/portal/tokyo/notes.tf:1: provisioner (warms the caches)") {
			t.Errorf("people read:\n%s", said)
		}
	})
}

// allow has the configuration allow provisioners in a folder, of now.
func allow(w *world.World, path string) {
	s := w.Services["portal"]
	s.Code.Allow = []dr.Allow{{What: dr.CodeProvisioner, Path: path, Reason: "warms the caches"}}
	w.Services["portal"] = s
	w.Restart()
	time.Sleep(time.Minute)
}

// What keeps a run from going on is allowed in the configuration: the same run goes on by
// retry, before the merge and after it.
func TestAProgramIsAllowedInTheRun(t *testing.T) {
	t.Parallel()
	for name, merged := range map[string]bool{"before the merge": false, "after it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				push := func() { w.PushProgram("live/portal/tokyo") }
				if merged {
					w.Before("Merge", push)
				} else {
					push()
				}
				run := w.Start(world.Planned)
				if merged {
					approve(w, run)
				}
				r := w.Await(run, dr.RunPaused)
				if what := world.Words(r.Question.What); !strings.Contains(what, "live/portal/tokyo/notes.tf:1") {
					t.Fatalf("it is %s", whereabouts(r))
				}
				allow(w, "live/portal/tokyo")
				w.Answer(run, "bob", "retry")
				if merged {
					w.Until(run, func(r dr.Run) bool { return r.Question != nil && slices.Contains(r.Question.Answers, "accept") })
					w.Answer(run, "bob", "accept")
					w.Answer(run, "carol", "accept")
				} else {
					w.Await(run, dr.RunWaiting)
					w.Approve("bob", "carol")
				}
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, plannedDone)
			})
		})
	}
}
