package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// What leads the users is a fixed value in the files: the change reaches the variable, and
// moves nobody.
func TestCase4TrafficThatStays(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.FixTraffic(true)
		run := w.Start(world.Planned)
		r := w.End(run)
		checkEnd(t, w, run, ending(untouched, dr.RunRefused))
		said := world.Words(r.Outcome)
		if !strings.Contains(said, "the plan of stack traffic changes nothing") || w.Calls("Comment plan") != 0 {
			t.Errorf("the run ends with %q after %d comments", said, w.Calls("Comment plan"))
		}
	})
}

// What changes beside the record leads nobody anywhere (plans.md 4).
func TestCase4TrafficThatMovesNobody(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.FixTraffic(true)
		w.PushToBase("traffic:aws_ssm_parameter.beside")
		run := w.Start(world.Disaster)
		r := w.End(run)
		if said := world.Words(r.Outcome); r.State != dr.RunRefused || w.Promotions() > 0 || !strings.Contains(said, "changes nothing that leads them") {
			t.Errorf("%s: %q", whereabouts(r), said)
		}
	})
}

// The same while people read: the run does not go on, and does when it is mended.
func TestCase4TrafficThatMovesNobodyAnyMore(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.PushThing("traffic", "aws_ssm_parameter.beside", "1", false)
		run := w.Start(world.Disaster)
		w.Await(run, dr.RunWaiting)
		w.FixTraffic(true)
		w.PushComment("live/portal/traffic")
		w.Approve("bob", "carol")
		r := w.Await(run, dr.RunPaused)
		if said := world.Words(r.Question.What); w.Merges() > 0 || !strings.Contains(said, "changes nothing that leads them") {
			t.Fatalf("%d merges; it asks about %q", w.Merges(), said)
		}
		w.FixTraffic(false)
		w.PushComment("live/portal/traffic")
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, disasterDone)
	})
}

// A name that leads to the target already needs no change.
func TestCase4UsersWhoAreThereAlready(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.FixTraffic(true)
		w.MoveUsers(world.Tokyo)
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Approve("bob", "carol")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// While people read, the base loses what leads the users over, and keeps another change of
// that stack. That is not less of what they approved but something else: they are asked
// again, and no database moves for nothing. When it is mended, all goes its way.
func TestTrafficDropsOutOfAPlan(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.PushThing("traffic", "aws_route53_record.other", "1", false)
		run := w.Start(world.Disaster)
		shown := w.Await(run, dr.RunWaiting).Digest
		w.FixTraffic(true)
		w.PushComment("live/portal/traffic")
		w.Approve("bob", "carol")
		w.Until(run, func(r dr.Run) bool { return r.Digest != shown && r.State == dr.RunWaiting })
		time.Sleep(20 * time.Minute)
		if r := w.Record(run); r.State != dr.RunWaiting || w.Promotions() > 0 {
			t.Fatalf("the plan leads no user to %s any more: %s", world.Tokyo, whereabouts(r))
		}
		lost := w.Record(run).Digest
		w.FixTraffic(false)
		w.PushComment("live/portal/traffic")
		w.Until(run, func(r dr.Run) bool { return r.Digest != lost && r.State == dr.RunWaiting })
		w.Approve("bob", "carol")
		w.Await(run, dr.RunSucceeded)
	})
}

// What leads the users is over, and the apply failed by another change of its stack. Mended,
// nobody is asked about the change that is in the plan no more: the apply knows that it is done.
func TestTrafficThatIsHalfApplied(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.PushThing("traffic", "aws_ssm_parameter.other", "1", true)
		run := w.Start(world.Disaster)
		approve(w, run)
		q := asks(w, run, "apply/traffic").Question
		w.PushThing("traffic", "aws_ssm_parameter.other", "1", false)
		w.Answer(run, "bob", "retry")
		if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
			t.Fatalf("it is %s", whereabouts(r))
		}
		checkEnd(t, w, run, disasterDone)
	})
}
