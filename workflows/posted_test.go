package workflows_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// toldRewritten are the notes that something was put back.
func toldRewritten(w *world.World) (out []string) {
	for _, n := range w.Said() {
		if n.Title.ID == "note.rewritten" {
			lines := []string{world.Words(n.Title)}
			for _, l := range n.Lines {
				lines = append(lines, world.Words(l))
			}
			out = append(out, strings.Join(lines, "\n"))
		}
	}
	return out
}

// stillWaits sees that a run waits still, and nothing was merged.
func stillWaits(t *testing.T, w *world.World, run string) {
	t.Helper()
	if r := w.Record(run); r.State != dr.RunWaiting || w.Merges() != 0 || w.Promotions() != 0 {
		t.Fatalf("%s with %d merges", whereabouts(r), w.Merges())
	}
}

// Whatever of what was posted is rewritten, by a person or by whoever has the bot's account, and
// approved by two at once: it is put back and told once, and they approve again what stands there.
func TestRewrittenAndApproved(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"dave-gh", world.Bot} {
		for name, rewrite := range world.Rewrites() {
			t.Run(name+" by "+by, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := w.Start(world.Planned)
					w.Await(run, dr.RunWaiting)
					time.Sleep(time.Minute)
					was := w.Reads()
					for range 2 {
						rewrite(w, by)
						w.Approve("bob", "carol")
						time.Sleep(time.Minute)
						stillWaits(t, w, run)
						// The count has its own words by now; all else is as it was.
						if now := w.Reads(); !strings.HasPrefix(now, was[:strings.LastIndex(was, "\n")]) {
							t.Errorf("it reads\n%s\nnot\n%s", now, was)
						}
					}
					if told := toldRewritten(w); len(told) != 1 || !strings.Contains(told[0], "rewritten by "+by) {
						t.Errorf("told: %q", told)
					}
					if n := strings.Count(w.Dump(), "put-back"); n < 2 {
						t.Errorf("%d entries in the audit log", n)
					}
					if !strings.Contains(world.Words(w.Record(run).Approval.Reasons[1]), "said something else than drbot had posted") {
						t.Errorf("the reasons are %v", w.Record(run).Approval.Reasons)
					}
					w.Approve("bob", "carol")
					w.Await(run, dr.RunSucceeded)
				})
			})
		}
	}
}

// What was approved as it was posted, and seen so, stays approved when it is rewritten later.
func TestApprovedAndRewritten(t *testing.T) {
	t.Parallel()
	for name, rewrite := range world.Rewrites() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				w.Approve("bob")
				time.Sleep(time.Minute)
				rewrite(w, "dave-gh")
				time.Sleep(time.Minute)
				w.Approve("carol")
				w.Await(run, dr.RunSucceeded)
			})
		})
	}
}

// It is rewritten right before the merge is counted once more, and approved by whoever had
// thought better of it.
func TestRewrittenAtTheMerge(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Approve("bob", "carol")
		moved := false
		w.BeforeEach("Restore", func() {
			// Both have approved, and the run is about to merge: carol takes it back, the plan is
			// rewritten, and she approves that.
			if r := w.Record(run); !moved && r.State == dr.RunRunning && len(r.Approval.By) == 2 {
				moved = true
				w.Review("carol", dr.ChangesRequested)
				world.Rewrites()["the plan"](w, "dave-gh")
				w.Review("carol", dr.Approved)
			}
		})
		time.Sleep(2 * time.Minute)
		if !moved {
			t.Fatal("the merge compares nothing")
		}
		stillWaits(t, w, run)
		w.Approve("carol")
		w.Await(run, dr.RunSucceeded)
	})
}

// It is rewritten, approved by two and merged by a third before anybody has looked: the people are
// asked, and nothing is promoted.
func TestRewrittenApprovedAndMerged(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"dave-gh", world.Bot} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				world.Rewrites()["the plan"](w, by)
				w.Approve("bob", "carol")
				w.MergeAs(by)
				r := settled(w, run)
				if r.State != dr.RunPaused || !slices.Contains(r.Question.Answers, "accept") || w.Promotions() != 0 {
					t.Errorf("%s with %d promotions", whereabouts(r), w.Promotions())
				}
			})
		})
	}
}

// The bot dies right before or after it has put back what was rewritten: what was approved
// meanwhile does not count then either.
func TestRewrittenAndKilled(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(*world.World){
		"before it is told":        func(w *world.World) { w.KillBefore("Audit put-back") },
		"before it is put back":    func(w *world.World) { w.KillBefore("PutBack") },
		"after it is put back":     func(w *world.World) { w.KillAfter("PutBack") },
		"while nobody looks at it": func(w *world.World) { w.KillBefore("Restore") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				time.Sleep(time.Minute)
				kill(w)
				world.Rewrites()["the plan"](w, "dave-gh")
				w.Approve("bob")
				reborn(w, time.Minute, func() { w.Approve("carol") })
				time.Sleep(time.Minute)
				stillWaits(t, w, run)
				if told := toldRewritten(w); len(told) != 1 {
					t.Errorf("told: %q", told)
				}
				w.Approve("bob", "carol")
				w.Await(run, dr.RunSucceeded)
			})
		})
	}
}

// What cannot be put back lets nobody's approval count, and says so.
func TestRewrittenForGood(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Fail("PutBack", -1, &dr.Error{Code: dr.Denied, What: dr.T(dr.Words, "words", dr.Foreign("the conversation is locked"))})
		world.Rewrites()["the plan"](w, "dave-gh")
		w.Approve("bob", "carol")
		time.Sleep(3 * time.Minute)
		stillWaits(t, w, run)
		if why := w.Record(run).Approval.Reasons; len(why) == 0 || !strings.Contains(world.Words(why[0]), "the conversation is locked") {
			t.Errorf("the reasons are %v", why)
		}
		w.Heal()
		time.Sleep(time.Minute)
		stillWaits(t, w, run)
		w.Approve("bob", "carol")
		w.Await(run, dr.RunSucceeded)
	})
}

// The status and the call in Slack have what is approved, and its digest.
func TestStatusAndCallHaveTheDigest(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		r := w.Await(run, dr.RunWaiting)
		want := []string{"digest " + r.Digest[:8], world.Words(r.PlanLine)}
		has := func(s string) bool {
			return !slices.ContainsFunc(want, func(part string) bool { return !strings.Contains(s, part) })
		}
		if got := w.Pull(r.Change.Number).Texts["drbot/plan"]; !has(got) {
			t.Errorf("the status says %q, not %q", got, want)
		}
		said := map[dr.TextID]bool{}
		for _, n := range w.Said() {
			if n.Title.ID == "note.call" && has(world.Words(n.Lines[0])) {
				said[n.Title.ID] = true
			}
		}
		if len(said) != 1 {
			t.Errorf("of %q it is called by none of %v", want, slices.Collect(maps.Keys(said)))
		}
	})
}
