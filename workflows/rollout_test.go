package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// The circuit breaker ends the target's new deployment: people are told at once, in ECS's own
// words, and their retry starts another one.
func TestCaseAWS14FailedRollout(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]bool{"it stays": false, "it is rolled back": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				if back {
					w.RollsBack(world.Tokyo, true)
				}
				failedRollout(t, w)
			})
		})
	}
}

func failedRollout(t *testing.T, w *world.World) {
	run := w.Start(world.Disaster)
	w.Trips(world.Tokyo, true)
	approve(w, run)
	r := asks(w, run, "gate/1")
	if took := since(r, "gate/1"); took > time.Minute {
		t.Errorf("it is told after %s", took)
	}
	for _, want := range []string{"tasks failed to start", "CannotPullContainerError", "retry"} {
		if said := world.Words(r.Question.What) + world.Words(r.Next); !strings.Contains(said, want) {
			t.Errorf("%q is not in %q", want, said)
		}
	}
	// Not mended: retry starts another one, and that is told as well.
	number, made := r.Question.Number, w.Deployments(world.Tokyo)
	w.Answer(run, "bob", "retry")
	r = whatNext(w, run, number)
	if n := w.Deployments(world.Tokyo); n != made+1 || r.Question == nil || r.Question.Step != "gate/1" {
		t.Fatalf("%d deployments, then %d: %s", made, n, whereabouts(r))
	}
	w.Trips(world.Tokyo, false)
	w.Answer(run, "bob", "retry")
	w.Await(run, dr.RunSucceeded)
	if n := w.Deployments(world.Tokyo); n != made+2 {
		t.Errorf("%d deployments, then %d", made, n)
	}
}

// What people have deployed by hand before they answer retry is not deployed once more; a bot
// that dies right after its deployment makes no second one.
func TestCaseAWS14RetryDeploysOnce(t *testing.T) {
	t.Parallel()
	for name, mend := range map[string]func(w *world.World, run string){
		"by hand": func(w *world.World, run string) {
			w.RedeployByHand(world.Tokyo)
			w.Answer(run, "bob", "retry")
		},
		"killed": func(w *world.World, run string) {
			w.KillAfter("Redeploy")
			w.Answer(run, "bob", "retry")
			reborn(w, time.Minute, func() {})
		},
		"the answer is lost": func(w *world.World, run string) {
			w.Lose("Redeploy", 1)
			w.Answer(run, "bob", "retry")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Disaster)
				w.Trips(world.Tokyo, true)
				approve(w, run)
				asks(w, run, "gate/1")
				w.Trips(world.Tokyo, false)
				made := w.Deployments(world.Tokyo)
				mend(w, run)
				w.Await(run, dr.RunSucceeded)
				if n := w.Deployments(world.Tokyo); n != made+1 {
					t.Errorf("%d deployments, then %d", made, n)
				}
			})
		})
	}
}

// A deployment that was made since the promotion and has failed is no reason to make none.
func TestCaseAWS14RedeployOfAFailedOne(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.After("Apply tokyo", func() {
			w.Trips(world.Tokyo, true)
			w.RedeployByHand(world.Tokyo)
			w.Trips(world.Tokyo, false)
			time.Sleep(10 * time.Second)
		})
		approve(w, run)
		w.Await(run, dr.RunSucceeded)
	})
}

// After the redeployment was answered, the deployment before is shown as complete for a while:
// the gate waits for the one of the answer.
func TestCaseAWS13GateWaitsForTheAnswer(t *testing.T) {
	t.Parallel()
	for name, killed := range map[string]bool{"it lives": false, "it dies after the answer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				const late = 40 * time.Second
				w.ShowsLate(world.Tokyo, late)
				run := w.Start(world.Disaster)
				made := make(chan time.Time, 1)
				w.After("Redeploy", func() {
					made <- time.Now()
					if killed {
						w.KillAfter("Put")
					}
				})
				approve(w, run)
				if killed {
					reborn(w, time.Second, func() {})
				}
				r := w.Await(run, dr.RunSucceeded)
				if passed := stepOf(r, "gate/1").Ended.Sub(<-made); passed < late {
					t.Errorf("the gate passed %s after the redeployment, on the deployment before", passed)
				}
				if n := w.Deployments(world.Tokyo); n != 1 {
					t.Errorf("%d deployments", n)
				}
			})
		})
	}
}

// ECS went back from the new deployment and shows nothing of it: that is told after a minute,
// and retry makes another one.
func TestCaseAWS13RolledBackUnseen(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.RollsBack(world.Tokyo, false)
		w.Trips(world.Tokyo, true)
		run := w.Start(world.Disaster)
		approve(w, run)
		r := asks(w, run, "gate/1")
		if took := since(r, "gate/1"); took > 2*time.Minute {
			t.Errorf("it is told after %s", took)
		}
		w.Trips(world.Tokyo, false)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		if n := w.Deployments(world.Tokyo); n != 2 {
			t.Errorf("%d deployments", n)
		}
	})
}

// slowDown is what AWS says to who asks too often.
var slowDown = &dr.Error{Code: dr.Temporary, What: dr.T("aws.slow-down", "service", "ECS", "region", world.Tokyo), Err: dr.ErrSlowDown}

// Throttled for longer than what fails in passing, a step goes on to try and says why it waits.
func TestCaseAWS12Throttled(t *testing.T) {
	t.Parallel()
	const calls = 40
	for name, tc := range map[string]struct {
		mode workflows.StartCommand
		step string
		move func(w *world.World)
	}{
		"stopping the source": {world.Planned, "quiesce/" + string(world.Seoul), func(w *world.World) { w.Fail("Scale "+string(world.Seoul), calls, slowDown) }},
		"counting its tasks": {world.Planned, "quiesce/" + string(world.Seoul), func(w *world.World) {
			w.After("Scale "+string(world.Seoul), func() { w.Fail("Workload "+string(world.Seoul), calls, slowDown) })
		}},
		"looking before redeploying": {world.Disaster, "redeploy/" + string(world.Tokyo), func(w *world.World) {
			w.After("Apply tokyo", func() { w.Fail("Workload "+string(world.Tokyo), calls, slowDown) })
		}},
		"redeploying": {world.Disaster, "redeploy/" + string(world.Tokyo), func(w *world.World) { w.Fail("Redeploy", calls, slowDown) }},
		"at the gate": {world.Disaster, "gate/1", func(w *world.World) {
			w.After("Redeploy", func() { w.Fail("Workload "+string(world.Tokyo), calls, slowDown) })
		}},
		"verifying": {world.Disaster, "verify", func(w *world.World) {
			w.After("Apply traffic", func() { w.Fail("Workload "+string(world.Tokyo), calls, slowDown) })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(tc.mode)
				w.Await(run, dr.RunWaiting)
				tc.move(w)
				w.Approve("bob", "carol")
				r := w.Until(run, func(r dr.Run) bool {
					return r.Question != nil || r.State.Final() || strings.Contains(world.Words(stepOf(r, tc.step).Detail), "slow down")
				})
				if r.Question != nil || r.State.Final() {
					t.Fatalf("the cause was not shown: %s", whereabouts(r))
				}
				w.Await(run, dr.RunSucceeded)
			})
		})
	}
}

// A redeployment looks at no target group; the gate says why it waits for the targets.
func TestCaseAWS12RedeployNeedsNoTargetGroup(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Blind(world.Tokyo, true)
		approve(w, run)
		r := w.Until(run, func(r dr.Run) bool {
			return r.Question != nil || strings.Contains(world.Words(stepOf(r, "gate/1").Detail), "target group is not there")
		})
		if r.Question != nil || w.Deployments(world.Tokyo) != 1 {
			t.Fatalf("%d deployments: %s", w.Deployments(world.Tokyo), whereabouts(r))
		}
		w.Blind(world.Tokyo, false)
		w.Await(run, dr.RunSucceeded)
	})
}

// since is how long a step of a run has taken.
func since(r dr.Run, step string) time.Duration {
	s := stepOf(r, step)
	return s.Ended.Sub(s.Started)
}

func stepOf(r dr.Run, step string) dr.Step {
	i := slices.IndexFunc(r.Steps, func(s dr.Step) bool { return s.Name == step })
	if i < 0 {
		return dr.Step{}
	}
	return r.Steps[i]
}
