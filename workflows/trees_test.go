package workflows_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// A base that moves outside of what the stacks read makes no plan and asks nobody,
// wherever it moves, and whatever the forge makes of it.
func TestBaseElsewhereChangesNothing(t *testing.T) {
	t.Parallel()
	modified := func(w *world.World) {
		w.Before("Merge", func() { w.PushToBase() })
		w.Fail("Merge", 1, &dr.Error{Code: dr.Temporary, What: dr.T("error.unknown")})
	}
	for name, move := range map[string]func(*world.World){
		"while people read":                   func(w *world.World) { w.PushToBase() },
		"while people read, in other's stack": func(w *world.World) { w.PushComment("live/shop/tokyo") },
		"when they have approved":             func(w *world.World) { w.Before("Audit approval", func() { w.PushToBase() }) },
		"between the count and the merge":     func(w *world.World) { w.Before("Merge", func() { w.PushToBase() }) },
		"again and again":                     func(w *world.World) { w.BeforeEach("ChangeState", func() { w.PushToBase() }) },
		"while it is compared":                func(w *world.World) { w.PushToBase(); w.Before("Changed", func() { w.PushToBase() }) },
		"so that the base is modified":        modified,
		"after the merge":                     func(w *world.World) { w.After("Merge", func() { w.PushToBase() }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				plans := w.Calls("Plan")
				move(w)
				w.Approve("bob", "carol")
				r := w.Await(run, dr.RunSucceeded)
				w.Heal()
				checkEnd(t, w, run, plannedDone)
				if n := w.Calls("Plan") - plans; n != 0 || plans != plansMade {
					t.Errorf("%d plans, then %d", plans, n)
				}
				if n := w.Calls("Comment worse"); n != 0 || r.Change.Number != 1 {
					t.Errorf("people were asked again %d times, the change is #%d", n, r.Change.Number)
				}
			})
		})
	}
}

// plansMade are those that people are asked about: of three stacks, each twice.
const plansMade = 6

// What cannot be compared is planned again, and goes on.
func TestTreesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		move  func(*world.World)
		plans int // after those that people are asked about
	}{
		"before the merge": {func(w *world.World) { w.PushToBase() }, 3},
		// Before the first act, and what is left before the promotion.
		"after it": {func(w *world.World) { w.Before("Merge", func() { w.PushToBase() }) }, 3 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				w.Fail("Changed", -1, nil)
				c.move(w)
				approved(w, run)
				checkEnd(t, w, run, plannedDone)
				if n := w.Calls("Plan") - plansMade; n != c.plans {
					t.Errorf("%d new plans", n)
				}
			})
		})
	}
}

// While the trees are compared the world goes on: what has been counted is counted again,
// and what the merge came upon is looked at before any act.
func TestMovesWhileTreesAreCompared(t *testing.T) {
	t.Parallel()
	t.Run("an approval is withdrawn", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.Await(run, dr.RunWaiting)
			w.PushToBase()
			w.After("Changed", func() { w.Review("carol", dr.ChangesRequested) })
			w.Approve("bob", "carol")
			w.Until(run, func(r dr.Run) bool { return len(r.Approval.Blocked) > 0 && r.State == dr.RunWaiting })
			time.Sleep(time.Minute)
			if w.Merges() != 0 {
				t.Fatal("merged against a change request")
			}
			w.Approve("carol")
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, plannedDone)
		})
	})
	t.Run("the change is closed", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.Await(run, dr.RunWaiting)
			w.PushToBase()
			w.After("Changed", w.CloseByHand)
			w.Approve("bob", "carol")
			w.Await(run, dr.RunCancelled)
			checkEnd(t, w, run, ending(untouched, dr.RunCancelled))
		})
	})
	t.Run("somebody merges", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.Await(run, dr.RunWaiting)
			w.PushToBase()
			w.After("Changed", func() { w.MergeByHand("dave") })
			w.Approve("bob", "carol")
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, plannedDone)
		})
	})
	t.Run("the request expires", func(t *testing.T) {
		world.Run(t, world.Options{Service: soon}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.Await(run, dr.RunWaiting)
			time.Sleep(150 * time.Second)
			w.After("Plans", func() { w.PushToBase() }) // it has been planned once more
			w.Before("Changed", func() { time.Sleep(time.Minute) })
			w.Approve("bob", "carol")
			w.Await(run, dr.RunExpired)
			checkEnd(t, w, run, ending(untouched, dr.RunExpired))
		})
	})
	t.Run("the base gets a resource", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.Await(run, dr.RunWaiting)
			w.Before("Merge", func() { w.PushToBase("tokyo:aws_ssm_parameter.x") })
			w.Before("Audit approval", func() { w.PushToBase() })
			w.Approve("bob", "carol")
			r := w.Await(run, dr.RunPaused)
			if said := world.Words(r.Question.What); w.Promotions() != 0 || w.Tasks(world.Seoul) != 3 || !strings.Contains(said, "aws_ssm_parameter.x") {
				t.Fatalf("%d promotions; it asks about %q", w.Promotions(), said)
			}
			accept(t, w, run)
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, plannedDone)
		})
	})
}

// plans.md 26: the base gets other code that runs, and changes nothing else.
func TestOtherCodeNeedsNewApprovals(t *testing.T) {
	t.Parallel()
	t.Run("while people read", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			digest := w.Await(run, dr.RunWaiting).Digest
			w.Approve("bob")
			w.PushCode("tokyo")
			w.Approve("carol")
			w.Until(run, func(r dr.Run) bool { return r.Digest != digest && r.State == dr.RunWaiting })
			time.Sleep(5 * time.Minute)
			if r := w.Record(run); w.Merges() != 0 || len(r.Approval.By) != 0 {
				t.Fatalf("%d merges with the approvals of %v", w.Merges(), r.Approval.By)
			}
			w.Approve("bob", "carol")
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, plannedDone)
		})
	})
	t.Run("long ago when they approve", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := startAndWait(w, world.Planned)
			w.PushCode("tokyo")
			askedAgain(t, w, run)
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, plannedDone)
			if said := comment(w.Pull(1), "drbot:worse"); !strings.Contains(said, "other code would run") {
				t.Errorf("the pull request says %q", said)
			}
		})
	})
	for _, mode := range []workflows.StartCommand{world.Planned, world.Disaster} {
		t.Run("between the count and the merge, "+mode.Mode, func(t *testing.T) {
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(mode)
				w.Before("Merge", func() { w.PushCode("tokyo") })
				approve(w, run)
				r := w.Await(run, dr.RunPaused)
				if said := world.Words(r.Question.What); w.Promotions() != 0 || w.Tasks(world.Seoul) != 3 || !strings.Contains(said, "other code would run") {
					t.Fatalf("%d promotions; it asks about %q", w.Promotions(), said)
				}
				accept(t, w, run)
				w.Await(run, dr.RunSucceeded)
				if want := map[string]world.Left{"planned": plannedDone, "disaster": disasterDone}; w.Left(run) != want[mode.Mode] {
					t.Errorf("left %+v", w.Left(run))
				}
			})
		})
	}
}

// A change of the trees alone, with a plan no wider, is planned and asks nobody.
func TestOtherTreesAskNobody(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before string
		plans  int // after those that people are asked about
	}{"while people read": {"Audit approval", 3}, "between the count and the merge": {"Merge", 3 + 2}} {
		t.Run(name, func(t *testing.T) {
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Before(c.before, func() { w.PushComment("live/portal/tokyo") })
				approved(w, run)
				checkEnd(t, w, run, plannedDone)
				if n := w.Calls("Plan") - plansMade; n != c.plans {
					t.Errorf("%d new plans", n)
				}
			})
		})
	}
}

// every does something at each tick until the base has the merge.
func every(w *world.World, tick time.Duration, do func()) {
	var next func()
	next = func() {
		if w.Merges() == 0 {
			do()
			time.AfterFunc(tick, next)
		}
	}
	next()
}

// merged waits until the base has the merge, and tells how long that took.
func merged(w *world.World, run string) time.Duration {
	began := time.Now()
	w.Until(run, func(dr.Run) bool { return w.Merges() > 0 })
	return time.Since(began)
}

// plans.md 21: the base gets a commit a second to a file that no stack reads.
func TestBusyBaseElsewhere(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		plans := w.Calls("Plan")
		every(w, time.Second, func() { w.PushToBase() })
		time.Sleep(90 * time.Second)
		w.Approve("bob", "carol")
		took := merged(w, run)
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
		n := w.Calls("Plan") - plans
		t.Logf("a commit a second: merged %s after the last approval, %d new plans", took, n)
		if n != 0 || took > 16*time.Second {
			t.Errorf("merged after %s with %d new plans", took, n)
		}
	})
}

// The base gets a commit a minute to a stack, whose plan takes 20 s.
func TestBusyBaseInTheStacks(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{0, 10 * time.Second, 25 * time.Second, 41 * time.Second, 55 * time.Second} {
		t.Run(fmt.Sprint(offset), func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.BeforeEach("Plan", func() { time.Sleep(20 * time.Second) })
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				every(w, time.Minute, func() { w.PushComment("live/portal/tokyo") })
				time.Sleep(time.Minute + offset)
				before := w.Calls("Plan tokyo")
				w.Approve("bob", "carol")
				took := merged(w, run)
				rounds := w.Calls("Plan tokyo") - before
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, plannedDone)
				t.Logf("a commit a minute, approved %s after one: merged after %s and %d rounds", offset, took, rounds)
				if rounds > 3 || slices.Contains(w.Journal(), "Comment worse") {
					t.Errorf("%d rounds", rounds)
				}
			})
		})
	}
}

// While people read, a base that moves in what the stacks read is noticed at the next look:
// nobody approves what is old already, and who has approved it is told so.
func TestMovedBaseIsNoticedEarly(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		digest := w.Await(run, dr.RunWaiting).Digest
		w.Approve("bob")
		w.PushToBase("tokyo:aws_ssm_parameter.x")
		pushed := time.Now()
		w.Until(run, func(r dr.Run) bool { return r.Digest != digest && r.State == dr.RunWaiting })
		if took := time.Since(pushed); took > 30*time.Second {
			t.Errorf("noticed after %s", took)
		}
		w.Approve("carol") // bob's word was about another plan
		time.Sleep(time.Minute)
		if r := w.Record(run); r.State != dr.RunWaiting || len(r.Approval.By) != 1 {
			t.Fatalf("it is %s with %v", r.State, r.Approval.By)
		}
		w.Approve("bob")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.PushToBase()
		time.Sleep(5 * time.Minute)
		if n := w.Calls("Changed"); n != 1 {
			t.Errorf("one base was compared %d times", n)
		}
		if n := w.Calls("Plan") - plansMade; n != 0 {
			t.Errorf("%d new plans for a base that moved elsewhere", n)
		}
		approved(w, run)
	})
}
