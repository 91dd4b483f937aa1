package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// Two people abandon the run while a retry plans the newer commit: nothing has begun, and the
// database is moved all the same.
func TestAttemptAbandonedWhileNewerIsLookedAt(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", 1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.PushComment("live/portal/tokyo")
		w.Before("Plan tokyo", func() { w.Cancel(run, "alice"); w.Cancel(run, "bob") })
		w.Answer(run, "bob", "retry")
		r := w.End(run)
		if w.Promotions() != 0 {
			t.Errorf("%d promotions after two people abandoned it: %s", w.Promotions(), whereabouts(r))
		}
	})
}

// The same while what was applied before is applied again: the step behind it is the promotion.
func TestAttemptAbandonedWhileItAppliesAgain(t *testing.T) {
	t.Parallel()
	world.Run(t, acts("apply/target", "promote", "redeploy", "gate", "apply/traffic"), func(t *testing.T, w *world.World) {
		w.Fail("Promote", 1, errMended)
		run := w.Start(world.Disaster)
		approve(w, run)
		q := asks(w, run, "promote/portal-global").Question
		w.PushThing("tokyo", task, "image:2", false)
		w.Answer(run, "bob", "retry")
		askedNewer(w, run, q.Number)
		w.Before("Apply tokyo", func() { w.Cancel(run, "alice"); w.Cancel(run, "bob") })
		accept(t, w, run)
		r := w.End(run)
		if w.Promotions() != 0 {
			t.Errorf("%d promotions after two people abandoned it: %s", w.Promotions(), whereabouts(r))
		}
	})
}

// Thrown out of the queue after more than the time of a request, upon a base that has moved in
// what the stacks read and gives the same plan: retry is said to put it into the queue again.
func TestAttemptThrownOutLateUponAnotherBase(t *testing.T) {
	for name, move := range map[string]func(*world.World){
		"the same plan": func(w *world.World) { w.PushComment("live/portal/tokyo") },
		"a wider plan":  func(w *world.World) { w.PushToBase("tokyo:aws_ssm_parameter.x") },
	} {
		t.Run(name, func(t *testing.T) {
			queueing(t, func(t *testing.T, w *world.World, run string) {
				queued(w, run)
				time.Sleep(11 * time.Minute)
				move(w)
				w.ThrowOut("failed_checks")
				r := w.Await(run, dr.RunPaused)
				next := world.Words(r.Next)
				w.Answer(run, "bob", "retry")
				time.Sleep(time.Minute)
				if r := w.Record(run); r.State.Final() {
					t.Errorf("it said %q, and is %s", next, whereabouts(r))
				}
			})
		})
	}
}

// GitHub does not tell of the queue any more (the token has lost a right), and the queue has
// merged: nobody is told anything, for ever.
func TestAttemptTheQueueIsNotTold(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		w.Fail("Queued", -1, &dr.Error{Code: dr.Uncertain, What: dr.T(dr.Words, "words", dr.Foreign("GitHub refuses."))})
		w.MergeQueued()
		time.Sleep(20 * time.Minute)
		if r := w.Record(run); r.State == dr.RunRunning && r.Question == nil {
			t.Errorf("twenty minutes after its merge it is %s: %s", whereabouts(r), world.Words(r.Steps[r.StepIndex("merge")].Detail))
		}
	})
}

// Cancelled and withdrawn, and merged before it is taken out: nothing is done, it ends, and
// says what is merged all the same.
func TestAttemptCancelledWithdrawnMerged(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		w.Before("Dequeue", func() { w.Review("carol", dr.ChangesRequested); w.MergeQueued() })
		w.Cancel(run, "alice")
		time.Sleep(5 * time.Minute)
		r := w.Record(run)
		if w.Promotions() != 0 || w.Tasks(world.Seoul) != 3 {
			t.Errorf("%d promotions: %s", w.Promotions(), whereabouts(r))
		}
		if r.State != dr.RunCancelled || !strings.Contains(world.Words(r.Outcome), "merged all the same") || !strings.Contains(world.Words(r.Next), "revert #1") {
			t.Errorf("merged %d, it is %s", w.Merges(), whereabouts(r))
		}
	})
}

func TestAttemptSweepWithdrawn(t *testing.T) {
	sweptInTheQueue(t, 1, 24, func(w *world.World, _ string) { w.Review("carol", dr.ChangesRequested) }, func(t *testing.T, w *world.World, run string) {
		if r := w.Record(run); w.InQueue() != 0 || w.Promotions() != 0 || w.Merges() != 0 || r.State != dr.RunWaiting {
			t.Fatalf("in the queue %d, merges %d: %s", w.InQueue(), w.Merges(), whereabouts(r))
		}
		w.Approve("carol")
		inQueue(w)
		w.MergeQueued()
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// Thrown out, and much later what people were shown is worse: retry puts it into the queue
// without looking, and Git says the target for what the first act then refuses.
func TestAttemptPutThereAgainWithoutALook(t *testing.T) {
	queueing(t, func(t *testing.T, w *world.World, run string) {
		queued(w, run)
		w.ThrowOut("failed_checks")
		w.Await(run, dr.RunPaused)
		time.Sleep(9 * time.Minute)
		w.SetLag(240)
		w.Answer(run, "bob", "retry")
		time.Sleep(time.Minute)
		if w.InQueue() != 0 {
			t.Errorf("9 minutes later, with a lag of 240 s that nobody was shown, it is in the queue: %s", whereabouts(w.Record(run)))
		}
	})
}

// Both Regions active, the source stopped in part, and the base has moved in a comment alone:
// what the run itself has stopped must not be told as what the newer commit does.
func TestAttemptSourceStoppedInPart(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: func(s *dr.Service) { s.Strategy = dr.ActiveActive }}, func(t *testing.T, w *world.World) {
		w.Lose("Scale "+string(world.Seoul), -1)
		run := w.Start(world.Planned)
		approve(w, run)
		q := asks(w, run, "quiesce/"+string(world.Seoul)).Question
		w.Heal()
		w.PushComment("live/portal/tokyo")
		w.Answer(run, "bob", "retry")
		if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
			t.Errorf("it is %s", whereabouts(r))
			accept(t, w, run)
			t.Logf("accepted, it is %s", whereabouts(whatNext(w, run, r.Question.Number)))
		}
	})
}

// GitHub is gone when the promotion is retried in a disaster: people can go on without it,
// and are told what nobody has seen.
func TestAttemptRetryWithoutGitHub(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", 1, errMended)
		run := w.Start(world.Disaster)
		approve(w, run)
		q := asks(w, run, "promote/portal-global").Question
		time.Sleep(5 * time.Minute)
		w.Gone("File", "ChangeState", "Look", "Changed", "Comment", "Status")
		w.Answer(run, "bob", "retry")
		r := whatNext(w, run, q.Number)
		if said := whereabouts(r); w.Promotions() != 0 || !strings.Contains(said, "still says ap-northeast-1 could not be read") {
			t.Fatalf("%d promotions: %s", w.Promotions(), said)
		}
		accept(t, w, run)
		if r = whatNext(w, run, r.Question.Number); w.Promotions() != 1 {
			t.Errorf("%d promotions: %s", w.Promotions(), whereabouts(r))
		}
	})
}
