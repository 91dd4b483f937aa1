package workflows

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/drbot/drbot/dr"
)

// failover is the runbook of a failover and, with source and target exchanged, of
// a failback. It returns an error only to stand still: every end of a run is in
// its record.
func (e *Engine) failover(ctx dbos.Context, req dr.Request) (state string, err error) {
	r := &runbook{Engine: e, ctx: ctx, req: req}
	defer func() {
		if p := recover(); p != nil {
			h, ok := p.(halted)
			if !ok {
				panic(p)
			}
			err = h.err
		}
	}()
	// The service as it was when the run began: a changed configuration must not
	// change the order or the names of the steps of a run under way.
	began := record(r, "begin", func(ctx context.Context) (dr.Service, error) {
		svc, ok := e.deps.Services[req.Service]
		if !ok {
			return svc, &dr.Error{Code: dr.NotFound, Msg: "the service " + req.Service + " is not in the configuration any more."}
		}
		return svc, r.deps.Runs.CreateRun(ctx, newRun(svc, req))
	})
	r.svc, r.source = began.Value, began.Value.Other(req.Target)
	if !began.ok() {
		return string(r.finish(&ending{State: dr.RunRefused, Outcome: began.Msg})), nil
	}
	// Who may approve and where it is told are those of now; they decide within steps
	// alone, which are not done again.
	if now, ok := e.deps.Services[req.Service]; ok {
		r.svc.Requesters, r.svc.Approvers, r.svc.Channel = now.Requesters, now.Approvers, now.Channel
	}
	return string(r.finish(r.run())), nil
}

// run is the runbook, a line for a step an operator would tick off.
func (r *runbook) run() error {
	if err := r.authorize(); err != nil {
		return err
	}
	if err := r.lock(); err != nil {
		return err
	}
	if err := r.checkReadiness(); err != nil {
		return err
	}
	merged, err := r.getApproved() // open-change, plan, await-approval, merge
	if err != nil {
		return err
	}
	promoted, err := r.act(merged) // quiesce, promote, apply, redeploy, gate
	if err != nil {
		return err
	}
	if err := r.verify(); err != nil {
		return err
	}
	if err := r.settleSource(merged); err != nil {
		return err
	}
	return r.closeOut(promoted)
}

// planned steps of a run, to show what is to come.
func plannedSteps(s dr.Service, req dr.Request) []dr.Step {
	source := s.Other(req.Target)
	names := []string{"authorize", "lock", "check-readiness", "open-change", "plan", "await-approval", "merge"}
	if req.Mode == dr.Planned {
		names = append(names, "quiesce/"+string(source))
	}
	gates := 0
	for _, a := range s.Acts {
		switch a {
		case dr.ActPromote:
			names = append(names, "promote/"+s.Database.GlobalCluster)
		case dr.ActApplyTarget:
			if st, ok := s.RegionStack(req.Target); ok {
				names = append(names, "apply/"+st.Name)
			}
		case dr.ActRedeploy:
			names = append(names, "redeploy/"+string(req.Target))
		case dr.ActGate:
			gates++
			names = append(names, fmt.Sprintf("gate/%d", gates))
		case dr.ActApplyTraffic:
			for _, st := range s.StacksOf(dr.TrafficStack) {
				names = append(names, "apply/"+st.Name)
			}
		}
	}
	names = append(names, "verify")
	if st, ok := s.RegionStack(source); ok && req.Mode == dr.Planned {
		names = append(names, "apply/"+st.Name)
	}
	names = append(names, "close-out")
	steps := make([]dr.Step, len(names))
	for i, n := range names {
		steps[i] = dr.Step{Name: n, State: dr.StepPending}
	}
	return steps
}

// newRun is the record a run begins with.
func newRun(s dr.Service, req dr.Request) dr.Run {
	return dr.Run{
		Request: req, Source: s.Other(req.Target), State: dr.RunRunning,
		Steps: plannedSteps(s, req), Objective: s.Objectives, Quorum: s.Quorum,
	}
}

// finish writes how a run ended, cleans up what has not been merged, and tells.
func (r *runbook) finish(err error) dr.RunState {
	end := &ending{State: dr.RunSucceeded}
	if err != nil && !errors.As(err, &end) {
		end = &ending{State: dr.RunStopped, Outcome: "the run could not go on: " + err.Error()}
	}
	if end.State != dr.RunSucceeded && !r.merged() {
		r.abandonChange(end)
	}
	record(r, "finish", func(ctx context.Context) (bool, error) {
		now := r.deps.Now()
		if err := r.updated(ctx, func(run *dr.Run) {
			run.State, run.Ended, run.Question, run.Progress = end.State, now, nil, nil
			if end.State != dr.RunSucceeded {
				run.Outcome, run.Hint = end.Outcome, end.Hint
			}
		}); err != nil {
			return false, err
		}
		if err := r.audit(ctx, "end", sentence(string(end.State), end.Outcome)); err != nil {
			return false, err
		}
		if end.State == dr.RunSucceeded {
			return true, nil // close-out has told the result
		}
		lines := []string{end.Outcome}
		if end.Hint != "" {
			lines = append(lines, end.Hint)
		}
		return true, r.say(ctx, "end", dr.Warn, "The run ended: "+string(end.State), lines...)
	})
	return end.State
}

// abandonChange closes the pull request of a run that ends before the merge, as
// far as there is one. It is tried for a while; a pull request that stays open
// can be merged by nobody but its people, and no run follows it any more.
func (r *runbook) abandonChange(end *ending) {
	record(r, "close-change", func(ctx context.Context) (bool, error) {
		run, err := r.deps.Runs.Run(ctx, r.req.Run)
		if err != nil || run.Change.Number == 0 {
			return false, err
		}
		body := fmt.Sprintf("### %s\n\n%s\n\n%s", dr.Capital(string(end.State)), end.Outcome, end.Hint)
		if err := r.deps.Publish.Comment(ctx, r.svc.Repository, run.Change.Number, "drbot:result:"+r.req.Run, body); err != nil {
			return false, err
		}
		return true, r.deps.Change.CloseChange(ctx, r.svc.Repository, run.Change)
	})
}
