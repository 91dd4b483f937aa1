package workflows_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// What is another each time a commit is planned is refused by its address before any
// approval counts, also one that was given at once.
func TestCase3APlanThatIsAnotherEachTime(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.OddPlans(1000)
		run := w.Start(world.Planned)
		r := w.End(run)
		checkEnd(t, w, run, ending(untouched, dr.RunRefused))
		said := world.Words(r.Outcome)
		if !strings.Contains(said, "tokyo: aws_ssm_parameter.odd: tags.at") || !strings.Contains(world.Words(r.Next), "unstable") {
			t.Errorf("the run ends with %q, %q", said, world.Words(r.Next))
		}
		if len(r.Approval.By) != 0 || w.Calls("Comment plan") != 1 {
			t.Errorf("%v approved, %d comments", r.Approval.By, w.Calls("Comment plan"))
		}
	})
}

// Listed with its reason it is left out, and shown to those who approve.
func TestCase3WhatIsListedAsUnstable(t *testing.T) {
	t.Parallel()
	o := world.Options{Service: func(s *dr.Service) {
		s.Unstable = []dr.Unstable{{Stack: "tokyo", Address: "aws_ssm_parameter.odd", Attribute: "tags", Reason: "when it was built"}}
	}}
	world.Run(t, o, func(t *testing.T, w *world.World) {
		w.OddPlans(1000)
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		if said := comment(w.Pull(w.Record(run).Change.Number), "drbot:plan:"); !strings.Contains(said, "when it was built") {
			t.Errorf("the comment is %s", said)
		}
		w.Approve("bob", "carol")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// A world that moved while the plans were made, and stands, is planned as it is then.
func TestCase3AWorldThatMovedOnce(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.OddPlans(1)
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		if said := comment(w.Pull(w.Record(run).Change.Number), "drbot:plan:"); strings.Contains(said, "aws_ssm_parameter.odd") || !strings.Contains(said, w.Record(run).Digest) {
			t.Errorf("the comment is %s", said)
		}
		w.Approve("bob", "carol")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// The second time a plan is made with what the apply will have, as far as that only reads:
// what another role sees otherwise is found while people read, not in the apply.
func TestCase3TheSecondPlanIsMadeAsTheApplyWillBe(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		planned := w.PlannedAs()
		half := len(planned) / 2
		first, second := slices.Sorted(slices.Values(planned[:half])), slices.Sorted(slices.Values(planned[half:]))
		for i := range first {
			first[i] += " as its apply"
		}
		if half == 0 || !slices.Equal(first, second) {
			t.Errorf("planned %v", planned)
		}
	})
}

// A resumption has no pull request: its plans are made twice before it asks.
func TestCase3AResumptionIsPlannedTwice(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetBase(world.Tokyo)
		w.OddPlans(1000)
		run := w.Start(resume(world.Planned))
		r := w.End(run)
		if r.State != dr.RunRefused || !strings.Contains(world.Words(r.Outcome), "aws_ssm_parameter.odd: tags.at") {
			t.Errorf("the run is %s: %q", r.State, world.Words(r.Outcome))
		}
	})
}

// While people read, the base changes what is copied to the other Region, in an attribute
// that the team calls unstable. No comparison looks at that; the policy does, at every plan.
func TestPolicyJudgesWhatIsNoWider(t *testing.T) {
	t.Parallel()
	const table = "aws_dynamodb_table.t"
	unstable := func(s *dr.Service) {
		s.Unstable = []dr.Unstable{{Stack: "tokyo", Address: table, Attribute: "replica", Reason: "made by another team"}}
	}
	world.Run(t, world.Options{Service: unstable}, func(t *testing.T, w *world.World) {
		w.Import("tokyo", table)
		w.PushThing("tokyo", table, "1", false)
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Before("Audit approval", func() { w.PushBeside("tokyo", table, "1", "replica[0].region_name") })
		w.Approve("bob", "carol")
		r := w.End(run)
		if said := world.Words(r.Outcome); r.State != dr.RunRefused || w.Merges() > 0 || !strings.Contains(said, "which says what is copied to the other Region") {
			t.Errorf("%s: %d merges, %q", whereabouts(r), w.Merges(), said)
		}
	})
}
