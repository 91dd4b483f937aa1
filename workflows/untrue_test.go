package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// skipAll has bob and carol skip whatever a run asks, until it is over.
func skipAll(w *world.World, run string) dr.Run {
	for n := 0; ; {
		r := whatNext(w, run, n)
		if r.State.Final() {
			return r
		}
		n = r.Question.Number
		w.Answer(run, "bob", "skip")
		if q := w.Record(run).Question; q != nil && q.Number == n {
			w.Answer(run, "carol", "skip")
		}
	}
}

// All that moves and proves anything is skipped: the end says what was, where the writer is,
// and what leads on; and not that the service is active in the target.
func TestEndOfARunThatSkippedAll(t *testing.T) {
	t.Parallel()
	for _, m := range modes {
		t.Run(m.cmd.Mode, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.Fail("Promote", -1, errMended)
				run := w.Start(m.cmd)
				approve(w, run)
				asks(w, run, "promote/portal-global")
				r := skipAll(w, run)
				said, next := world.Words(r.Outcome), world.Words(r.Next)
				for _, want := range []string{"portal is not in ap-northeast-1", "promote/portal-global", "gate/1", "verify", "the writer of portal-global is in ap-northeast-2"} {
					if !strings.Contains(said, want) {
						t.Errorf("it does not say %q, but %q", want, said)
					}
				}
				if r.State != dr.RunStopped || !strings.Contains(next, "/dr resume portal ap-northeast-1 "+m.cmd.Mode) || strings.Contains(next, "/dr failback") || !strings.Contains(next, "revert #1") {
					t.Errorf("it ends %s, and leads to %q", r.State, next)
				}
				for _, n := range append(saidOf(w, "/end"), saidOf(w, "/result")...) {
					if strings.Contains(n, "is active in") || strings.Contains(n, "loses nothing") {
						t.Errorf("it says %q", n)
					}
				}
				if page := comment(w.Pull(1), "drbot:result:"); strings.Contains(page, "is active in") || !strings.Contains(page, "ortal is not in ap-northeast-1") {
					t.Errorf("the pull request says %q", page)
				}
				w.Heal()
				next2 := resume(m.cmd)
				on := w.Start(next2)
				w.Await(on, dr.RunPaused)
				accept(t, w, on)
				w.Await(on, dr.RunSucceeded)
			})
		})
	}
}

// Only the proof is skipped, and all is there: that is what is said.
func TestEndOfARunThatWasNotVerified(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Probe portal.example.test", -1, nil)
		run := w.Start(world.Disaster)
		approve(w, run)
		asks(w, run, "verify")
		if r := skipAll(w, run); r.State != dr.RunSucceeded || len(r.Result.Away) != 0 {
			t.Errorf("it ends %s", whereabouts(r))
		}
		said := saidOf(w, "/result")
		if len(said) != 1 || !strings.HasPrefix(said[0], "portal was moved to ap-northeast-1, and that it serves there was not seen: verify skipped.") || !strings.Contains(said[0], "/dr resume portal ap-northeast-1 disaster") {
			t.Errorf("it says %q", said)
		}
	})
}

// What others have promoted is no loss of this run, and no switchover without one.
func TestLossOfOthers(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.After("Scale "+string(world.Seoul), func() { w.SetLag(200); w.PromoteByHand(world.Tokyo) })
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Answer(run, "bob", "retry")
		r := w.Await(run, dr.RunSucceeded)
		if said := world.Words(r.RPALine()); !strings.Contains(said, "unknown") || !strings.Contains(said, "others have moved the writer of portal-global") {
			t.Errorf("it says %q", said)
		}
	})
}

// The bot dies with its intent stored and nothing asked for; what others promote then is not
// taken for its own.
func TestAnIntentIsNoPromotion(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.KillAfter("Intend")
		approve(w, run)
		reborn(w, 5*time.Minute, func() { w.SetLag(200) })
		r := settled(w, run)
		w.PromoteByHand(world.Tokyo)
		time.Sleep(2 * time.Minute)
		w.Answer(run, "bob", "retry")
		r = whatNext(w, run, r.Question.Number)
		if r.State != dr.RunPaused || r.Question.What.ID != "promote.by-others" {
			t.Fatalf("promoted by others with a lag of 200 s: %s", whereabouts(r))
		}
		w.Answer(run, "bob", "retry")
		r = w.Await(run, dr.RunSucceeded)
		if said := world.Words(r.RPALine()); !strings.Contains(said, "others have moved") {
			t.Errorf("it says %q", said)
		}
	})
}

// A resumption that has promoted nothing claims neither a loss nor what a promotion leaves.
func TestLossOfAResumptionThatPromotedNothing(t *testing.T) {
	t.Parallel()
	for _, m := range modes {
		t.Run(m.cmd.Mode, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetBase(world.Tokyo)
				w.PromoteByHand(world.Tokyo)
				time.Sleep(2 * time.Minute)
				run := w.Start(resume(m.cmd))
				w.Await(run, dr.RunPaused)
				accept(t, w, run)
				w.Await(run, dr.RunSucceeded)
				if said := strings.Join(saidOf(w, "/result"), ""); !strings.Contains(said, "this run has promoted nothing") || strings.Contains(said, "rds:unplanned") || strings.Contains(said, "RPA unknown") {
					t.Errorf("it says %q", said)
				}
			})
		})
	}
}
