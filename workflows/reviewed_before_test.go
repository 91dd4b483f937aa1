package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// A review that was given before the plan stood on the pull request, and that the list showed
// only later, is not of that plan. One given afterwards counts, however late it is listed.
func TestReviewListedLate(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.ListLate(30 * time.Second)
		w.Before("Comment plan", func() {
			w.TryReview("carol", dr.Approved)
			time.Sleep(2 * time.Second)
		})
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Approve("bob")
		time.Sleep(2 * time.Minute)
		if r := w.Record(run); r.State != dr.RunWaiting || !slices.Equal(r.Approval.By, []string{"bob"}) {
			t.Fatalf("carol had not read the plan; it counts %v: %s", r.Approval.By, whereabouts(r))
		}
		w.Approve("carol")
		w.Await(run, dr.RunSucceeded)
	})
}

// What people say while the bot is down, after they were told, counts: the step that told them
// is done again.
func TestReviewWhileThePlanIsToldAgain(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.KillAfter("Say").Skip(0)
		run := w.Start(world.Planned)
		reborn(w, time.Minute, func() {
			w.TryReview("bob", dr.Approved)
			w.TryReview("carol", dr.Approved)
		})
		w.Await(run, dr.RunSucceeded)
	})
}
