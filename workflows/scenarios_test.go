package workflows_test

import (
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

func acts(names ...string) world.Options {
	return world.Options{Service: func(s *dr.Service) { s.Acts = names }}
}

func scenarios() []scenario {
	return slices.Concat(strategies(), shapes(), refusals(), resumptions(), waits(), merges(), troubles(), restarts())
}

// strategies are the ordinary runs: each strategy over and back in each mode.
func strategies() []scenario {
	var out []scenario
	for _, st := range dr.Strategies() {
		for _, cmd := range []workflows.StartCommand{world.Planned, world.Disaster} {
			o := world.Options{Service: func(s *dr.Service) { s.Strategy = st }}
			back := o
			back.Active = world.Tokyo
			out = append(out,
				scenario{name: cmd.Mode + "-over-" + string(st), about: cmd.Mode + " failover of a service with " + string(st), Options: o, cmd: cmd, live: approved},
				scenario{name: cmd.Mode + "-back-" + string(st), about: cmd.Mode + " failback of a service with " + string(st), Options: back, cmd: world.Back(cmd), live: approved})
		}
	}
	return out
}

// shapes are services with other acts and stacks.
func shapes() []scenario {
	twoTraffic := world.Options{Service: func(s *dr.Service) {
		s.Stacks = append(s.Stacks, dr.Stack{Name: "edge", Dir: "live/portal/edge", Role: dr.TrafficStack})
	}}
	return []scenario{
		{name: "no-redeploy", about: "a service without the act redeploy", cmd: world.Planned, live: approved,
			Options: acts("promote", "apply/target", "gate", "apply/traffic")},
		{name: "gates", about: "a service with three gates", cmd: world.Disaster, live: approved,
			Options: acts("promote", "apply/target", "gate", "redeploy", "gate", "apply/traffic", "gate")},
		{name: "custom-order", about: "a service that is applied before the database moves", cmd: world.Planned, live: approved,
			Options: acts("apply/target", "promote", "redeploy", "gate", "apply/traffic")},
		{name: "two-traffic-stacks", about: "a service with two traffic stacks", cmd: world.Planned, live: approved, Options: twoTraffic},
		{name: "source-down", about: "disaster failover while nothing answers in the source", cmd: world.Disaster, live: approved,
			before: func(w *world.World) { w.Down(world.Seoul, true) }},
	}
}

// refusals end before there is a change.
func refusals() []scenario {
	over := func(w *world.World) { // a run that ended a moment ago
		cmd := world.Back(world.Planned)
		cmd.Once = "before"
		run := w.Start(cmd)
		approved(w, run)
	}
	overridden := world.Planned
	overridden.Override = true
	return []scenario{
		{name: "refused-authorize", about: "the requester's Slack account is deactivated", cmd: world.Planned, live: ended(dr.RunRefused),
			before: func(w *world.World) { w.Refuse("UALICE") }},
		{name: "refused-active", about: "the target is active already", cmd: world.Planned, live: ended(dr.RunRefused), Options: world.Options{Active: world.Tokyo}},
		{name: "refused-strange-region", about: "the file names a Region that is not the service's", cmd: world.Planned, live: ended(dr.RunRefused),
			before: func(w *world.World) { w.SetBase("us-east-1") }},
		{name: "refused-cooldown", about: "another run ended a moment ago", cmd: world.Planned, live: ended(dr.RunRefused),
			Options: world.Options{Active: world.Tokyo}, before: over},
		{name: "cooldown-overridden", about: "another run ended a moment ago, and that is overridden", cmd: overridden, live: approved,
			Options: world.Options{Active: world.Tokyo}, before: over},
		{name: "refused-readiness", about: "the database is not in sync", cmd: world.Planned, live: ended(dr.RunRefused),
			before: func(w *world.World) { w.SetCheck("aurora.target-sync", dr.Fail) }},
		{name: "refused-unknown", about: "the source cannot be read, six times", cmd: world.Planned, live: ended(dr.RunRefused),
			before: func(w *world.World) { w.Down(world.Seoul, true) }},
		{name: "refused-policy", about: "the policy denies the plan", cmd: world.Planned, live: ended(dr.RunRefused),
			before: func(w *world.World) { w.DenyPlan() }},
	}
}

// resumptions finish what was left half done.
func resumptions() []scenario {
	live := func(w *world.World, run string) {
		w.Await(run, dr.RunPaused)
		w.Answer(run, "bob", "accept")
		w.Answer(run, "carol", "accept")
		w.Await(run, dr.RunSucceeded)
	}
	return []scenario{
		{name: "resume-planned", about: "Git alone was moved: resumed, planned", cmd: resume(world.Planned), live: live,
			before: func(w *world.World) { w.SetBase(world.Tokyo) }},
		{name: "resume-disaster", about: "Git alone was moved: resumed as a disaster", cmd: resume(world.Disaster), live: live,
			before: func(w *world.World) { w.SetBase(world.Tokyo) }},
	}
}

// waits end while the run waits for approval.
func waits() []scenario {
	return []scenario{
		{name: "expired", about: "nobody approves", cmd: world.Planned, live: ended(dr.RunExpired),
			Options: world.Options{Service: func(s *dr.Service) { s.Expiry = 3 * time.Minute }}},
		{name: "cancelled", about: "cancelled while it waits", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			w.Cancel(run, "alice")
			w.Await(run, dr.RunCancelled)
		}},
		{name: "closed-by-hand", about: "the pull request is closed by hand", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			w.CloseByHand()
			w.Await(run, dr.RunCancelled)
		}},
		{name: "merged-by-hand", about: "the pull request is merged by hand", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			w.MergeByHand("dave")
			w.Await(run, dr.RunPaused)
			w.Stop(run)
			w.Await(run, dr.RunCancelled)
		}},
		{name: "head-moved", about: "somebody pushes to the bot's branch", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			w.PushToChange("dave")
			w.Until(run, func(r dr.Run) bool { return r.Change.Number == 2 && r.State == dr.RunWaiting })
			approved(w, run)
		}},
		{name: "head-moved-five-times", about: "somebody pushes to every branch of the bot's", cmd: world.Planned, live: func(w *world.World, run string) {
			for n := 1; n <= 5; n++ {
				w.Until(run, func(r dr.Run) bool { return r.Change.Number == n && r.State == dr.RunWaiting })
				w.PushToChange("dave")
			}
			w.Await(run, dr.RunStopped)
		}},
		{name: "reminded", about: "approved after six minutes", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			time.Sleep(6 * time.Minute)
			approved(w, run)
		}},
	}
}

// merges are what can happen at the merge.
func merges() []scenario {
	return []scenario{
		{name: "base-moved", about: "the base moved, and the plan is the same", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			w.Before("Audit approval", func() { w.PushComment("live/portal/tokyo") })
			approved(w, run)
		}},
		{name: "base-moved-early", about: "the base moved while people read, and the plan is the same", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			w.PushComment("live/portal/tokyo")
			time.Sleep(time.Minute)
			approved(w, run)
		}},
		{name: "base-moved-early-wider", about: "the base moved while people read, and the plan is wider: asked again before anybody approves what is old", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			digest := w.Record(run).Digest
			w.PushToBase("tokyo:aws_ssm_parameter.x")
			w.Until(run, func(r dr.Run) bool { return r.Digest != digest && r.State == dr.RunWaiting })
			w.Approve("bob", "carol")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "base-moved-wider", about: "the base moved, and the plan is wider: asked again", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			digest := w.Record(run).Digest
			w.Before("Audit approval", func() { w.PushToBase("tokyo:aws_ssm_parameter.x") })
			w.Approve("bob", "carol")
			w.Until(run, func(r dr.Run) bool { return r.Digest != digest && r.State == dr.RunWaiting })
			w.Approve("bob", "carol")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "approval-withdrawn", about: "an approval is withdrawn between the look and the merge", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			w.Before("Audit approval", func() { w.Review("carol", dr.ChangesRequested) })
			w.Approve("bob", "carol")
			w.Until(run, func(r dr.Run) bool { return len(r.Approval.Blocked) > 0 && r.State == dr.RunWaiting })
			w.Approve("dave", "carol")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "merge-refused", about: "the repository refuses the merge; retried", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Protect("a required check is missing.")
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.Protect("")
			w.Answer(run, "bob", "retry")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "merge-lost", about: "the answer to the merge is lost; retried", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Lose("Merge", 1)
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.Answer(run, "bob", "retry")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "up-to-date", about: "the base takes only heads that are up to date with it, and has moved", cmd: world.Planned, live: func(w *world.World, run string) {
			w.RequireUpToDate(true)
			w.Await(run, dr.RunWaiting)
			w.PushToBase()
			w.Approve("bob", "carol")
			w.Until(run, func(r dr.Run) bool { return r.Change.Number == 2 && r.State == dr.RunWaiting })
			approved(w, run)
		}},
		{name: "merge-queue", about: "the base has a merge queue, which throws the change out once", cmd: world.Planned, live: func(w *world.World, run string) {
			w.RequireQueue(true)
			queued(w, run)
			w.ThrowOut("failed_checks")
			w.Await(run, dr.RunPaused)
			w.Answer(run, "bob", "retry")
			inQueue(w)
			time.Sleep(time.Minute)
			w.MergeQueued()
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "merge-queue-cancelled", about: "cancelled while the change is in the merge queue", cmd: world.Planned, live: func(w *world.World, run string) {
			w.RequireQueue(true)
			queued(w, run)
			w.Cancel(run, "alice")
			w.Await(run, dr.RunCancelled)
		}},
		{name: "cancel-of-a-merge-by-hand", about: "cancelled when the look had seen that somebody merged it with its approvals", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			cancelBefore(w, "Audit approval", "bob", run)
			w.Approve("bob", "carol")
			w.MergeByHand("dave")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "cancel-too-late", about: "cancelled right after the merge", cmd: world.Planned, live: func(w *world.World, run string) {
			w.After("Merge", func() { w.Cancel(run, "alice") })
			approved(w, run)
		}},
	}
}

// troubles come after the merge.
func troubles() []scenario {
	return []scenario{
		{name: "promotion-lost", about: "the answer to the promotion is lost", cmd: world.Disaster, live: func(w *world.World, run string) {
			w.Lose("Promote", 1)
			approved(w, run)
		}},
		{name: "promoted-by-hand", about: "somebody promotes by hand: paused, then retried", cmd: world.Disaster, live: func(w *world.World, run string) {
			w.After("Merge", func() { w.PromoteByHand(world.Tokyo) })
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.Answer(run, "bob", "retry")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "promotion-skipped", about: "a promotion that fails is skipped by a quorum", cmd: world.Disaster, live: func(w *world.World, run string) {
			w.After("Promote", w.FailPromotion)
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.PromoteByHand(world.Tokyo)
			time.Sleep(5 * time.Minute)
			w.Answer(run, "bob", "skip")
			w.Answer(run, "carol", "skip")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "apply-failed", about: "the target's apply fails; retried", cmd: world.Disaster, live: func(w *world.World, run string) {
			w.NextApply("tokyo", dr.ApplyFailed)
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.Answer(run, "bob", "retry")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "apply-mended", about: "the target's apply fails by what is in the repository: mended there, and retried at the newer commit", cmd: world.Disaster, before: broken, live: func(w *world.World, run string) {
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.PushThing("tokyo", task, "image:1", false)
			w.Answer(run, "bob", "retry")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "apply-mended-wider", about: "what was mended does more: accepted, and what was applied before is applied again", cmd: world.Disaster, live: func(w *world.World, run string) {
			w.NextApply("traffic", dr.ApplyFailed)
			approve(w, run)
			asks(w, run, "apply/traffic")
			w.PushThing("tokyo", task, "image:2", false)
			w.Answer(run, "bob", "retry")
			w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Number == 2 })
			w.Answer(run, "bob", "accept")
			w.Answer(run, "carol", "accept")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "apply-wider-stopped", about: "the target's plan is wider: paused, then stopped", cmd: world.Disaster, live: func(w *world.World, run string) {
			w.NextApply("tokyo", dr.ApplyWider)
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.Stop(run)
			w.Await(run, dr.RunStopped)
		}},
		{name: "gate-skipped", about: "the gate does not open and is skipped by a quorum", cmd: world.Disaster, live: func(w *world.World, run string) {
			w.Sick(world.Tokyo, true)
			approve(w, run)
			w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Step == "gate/1" })
			w.Sick(world.Tokyo, false)
			w.Answer(run, "bob", "skip")
			w.Answer(run, "carol", "skip")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "verify-skipped", about: "verify is skipped by a quorum", cmd: world.Disaster, live: func(w *world.World, run string) {
			w.Fail("Resolve portal.example.test", -1, nil)
			approve(w, run)
			w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Step == "verify" })
			w.Answer(run, "bob", "skip")
			w.Answer(run, "carol", "skip")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "quiesce-stopped", about: "the source cannot be scaled down: stopped, and put back", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Fail("Scale "+string(world.Seoul), 1, &dr.Error{Code: dr.Conflict, What: dr.T(dr.Words, "words", dr.Foreign("ECS refuses."))})
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.Stop(run)
			w.Await(run, dr.RunStopped)
		}},
		{name: "promote-stopped", about: "a planned promotion fails: stopped, and the source put back", cmd: world.Planned, live: func(w *world.World, run string) {
			w.After("Promote", w.FailPromotion)
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.Stop(run)
			w.Await(run, dr.RunStopped)
		}},
		{name: "gone-on-as-disaster", about: "the source dies before the promotion: two people say disaster, and it goes on as one", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Before("Lag", func() { w.Down(world.Seoul, true) })
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.Answer(run, "bob", "disaster")
			w.Answer(run, "carol", "disaster")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "abandoned", about: "abandoned by two people while it is paused", cmd: world.Disaster, live: func(w *world.World, run string) {
			w.NextApply("tokyo", dr.ApplyFailed)
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.Cancel(run, "alice")
			w.Cancel(run, "bob")
			w.Await(run, dr.RunStopped)
		}},
		{name: "paused-for-long", about: "a paused run reminds its channel", cmd: world.Disaster, live: func(w *world.World, run string) {
			w.NextApply("tokyo", dr.ApplyFailed)
			approve(w, run)
			w.Await(run, dr.RunPaused)
			time.Sleep(31 * time.Minute)
			w.Answer(run, "bob", "retry")
			w.Await(run, dr.RunSucceeded)
		}},
	}
}

// restarts are deploys in the middle of a run.
func restarts() []scenario {
	during := func(call string) func(*world.World, string) {
		return func(w *world.World, run string) {
			at := make(chan struct{})
			w.Before(call, func() { close(at) })
			approve(w, run)
			<-at
			w.Restart()
			w.Await(run, dr.RunSucceeded)
		}
	}
	killed := func(kill func(*world.World)) func(*world.World, string) {
		return func(w *world.World, run string) {
			kill(w)
			approve(w, run)
			w.Revive(time.Minute)
			w.Await(run, dr.RunSucceeded)
		}
	}
	return []scenario{
		{name: "restart-waiting", about: "restarted while it waits for approval", cmd: world.Planned, live: func(w *world.World, run string) {
			w.Await(run, dr.RunWaiting)
			w.Restart()
			approved(w, run)
		}},
		{name: "restart-promote", about: "restarted while the promotion is made", cmd: world.Disaster, live: during("Promote")},
		{name: "restart-apply", about: "restarted while the target is applied", cmd: world.Disaster, live: during("Apply tokyo")},
		{name: "restart-paused", about: "restarted while it is paused, and answered afterwards", cmd: world.Disaster, live: func(w *world.World, run string) {
			w.NextApply("tokyo", dr.ApplyFailed)
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.Restart()
			w.Answer(run, "bob", "retry")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "restart-answered", about: "answered, restarted, and asked another question", cmd: world.Disaster, live: func(w *world.World, run string) {
			w.NextApply("tokyo", dr.ApplyFailed)
			w.NextApply("traffic", dr.ApplyFailed)
			approve(w, run)
			w.Await(run, dr.RunPaused)
			w.Answer(run, "bob", "retry")
			w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Step == "apply/traffic" })
			w.Restart()
			w.Answer(run, "carol", "retry")
			w.Await(run, dr.RunSucceeded)
		}},
		{name: "killed-after-promote", about: "killed right after the database took the promotion", cmd: world.Disaster,
			live: killed(func(w *world.World) { w.KillAfter("Promote") })},
		{name: "killed-after-merge", about: "killed right after the merge", cmd: world.Planned,
			live: killed(func(w *world.World) { w.KillAfter("Merge") })},
		{name: "killed-in-apply", about: "killed while the target is applied", cmd: world.Planned,
			live: killed(func(w *world.World) { w.Before("Apply tokyo", func() { time.AfterFunc(5*time.Second, w.Kill) }) })},
	}
}
