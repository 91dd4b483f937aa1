package workflows

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
)

// line is the value of a step whose whole result is a sentence to show.
type line string

func (l line) detail() string { return string(l) }

// refuse ends a run that was never allowed to change anything.
func refuse[T any](o outcome[T]) error {
	if o.ok() {
		return nil
	}
	return &ending{State: dr.RunRefused, Outcome: o.Msg, Hint: o.Hint}
}

// authorize asks again, at the moment of the act, whether the requester may: the
// configuration may have changed while the command was on its way.
func (r *runbook) authorize() error {
	out := step(r, "authorize", func(ctx context.Context) (line, error) {
		who, ok := r.deps.People.ByName(r.req.Requester)
		if !ok || !slices.Contains(r.svc.Requesters, who.Name) {
			return "", &dr.Error{Code: dr.Denied, Msg: fmt.Sprintf("%s may not request a failover of %s.", r.req.Requester, r.req.Service), Hint: "ask one of: " + list(r.svc.Requesters)}
		}
		if r.req.Via == "slack" {
			if err := r.standing(ctx, who); err != nil {
				return "", err
			}
		}
		return line("requested by " + who.Name), r.audit(ctx, "start", fmt.Sprintf("%s to %s, %s, requested by %s: %s", r.req.Kind, r.req.Target, r.req.Mode, who.Name, r.req.Reason))
	})
	return refuse(out)
}

func (r *runbook) standing(ctx context.Context, who dr.Person) error {
	for _, id := range who.SlackIDs {
		if err := r.deps.Directory.Standing(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// locked is what the lock step found.
type locked struct {
	Line   string `json:"line"`
	Accept string `json:"accept,omitempty"` // what the approvers accept besides the policy's list
}

func (l locked) detail() string { return l.Line }

// lock checks that this run makes sense now. That no other run of the service is
// under way is the queue's doing; here is the cooldown after the last one.
func (r *runbook) lock() error {
	out := step(r, "lock", func(ctx context.Context) (locked, error) {
		content, _, err := r.deps.Change.File(ctx, r.svc.Repository, r.svc.Repository.Base)
		if err != nil {
			return locked{}, err
		}
		active, err := r.deps.File.ActiveRegion(content)
		if err != nil {
			return locked{}, err
		}
		if active == r.req.Target {
			return locked{}, &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("%s is already active in %s.", r.req.Service, active), Hint: r.alreadyActiveHint(ctx)}
		}
		if active != r.source {
			return locked{}, &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("%s says %q, which is not a Region of %s.", r.svc.Repository.File, active, r.req.Service), Hint: "set it to " + string(r.svc.Regions[0]) + " or " + string(r.svc.Regions[1])}
		}
		return r.cooldown(ctx)
	})
	r.accept = out.Value.Accept
	return refuse(out)
}

func (r *runbook) alreadyActiveHint(ctx context.Context) string {
	runs, err := r.deps.Runs.Runs(ctx, r.req.Service, 20)
	if err == nil {
		for _, run := range runs {
			if run.State == dr.RunStopped && run.PastMerge() && run.Target == r.req.Target {
				return fmt.Sprintf("run %s was stopped after its merge; look at its steps with: drbot status %s", run.Run, r.req.Service)
			}
		}
	}
	return fmt.Sprintf("to go to %s: /dr failover %s %s planned REASON", r.source, r.req.Service, r.source)
}

func (r *runbook) cooldown(ctx context.Context) (locked, error) {
	runs, err := r.deps.Runs.Runs(ctx, r.req.Service, 50)
	if err != nil {
		return locked{}, err
	}
	for _, run := range runs {
		// An end that lies in the future is of a clock that was set back.
		ago := max(0, r.req.At.Sub(run.Ended).Round(time.Second))
		if run.State != dr.RunSucceeded || run.Run == r.req.Run || ago >= r.svc.Cooldown {
			continue
		}
		if r.req.Override {
			return locked{
				Line:   "cooldown overridden, after " + run.Run,
				Accept: fmt.Sprintf("the cooldown is overridden: %s ended %s before this request", run.Run, ago),
			}, nil
		}
		return locked{}, &dr.Error{
			Code: dr.Conflict,
			Msg:  fmt.Sprintf("%s failed over %s ago (%s); the cooldown lasts another %s.", r.req.Service, ago, run.Run, (r.svc.Cooldown - ago).Round(time.Second)),
			Hint: fmt.Sprintf("to do it all the same: /dr %s %s %s %s --override-cooldown REASON", r.req.Kind, r.req.Service, r.req.Target, r.req.Mode),
		}
	}
	return locked{Line: "active in " + string(r.source)}, nil
}

// readiness is what check-readiness found.
type readiness struct {
	Checks  []dr.Check `json:"checks"`
	Verdict dr.Verdict `json:"verdict"`
}

func (v readiness) detail() string {
	n := 0
	for _, c := range v.Checks {
		if c.Level == dr.OK {
			n++
		}
	}
	return fmt.Sprintf("%d of %d checks ok", n, len(v.Checks))
}

// checkReadiness reads every fact about the switch and lets the policy decide.
func (r *runbook) checkReadiness() error {
	out := step(r, "check-readiness", func(ctx context.Context) (readiness, error) {
		checks := r.deps.Readiness.Checks(ctx, r.svc, r.req.Mode, r.source, r.req.Target)
		verdict, err := r.deps.Policy.Readiness(ctx, dr.ReadinessFacts{
			Mode: r.req.Mode, Source: r.source, Target: r.req.Target, Strategy: r.svc.Strategy,
			RPO: r.svc.Objectives.RPO.Seconds(), Checks: checks,
		})
		if err != nil {
			return readiness{}, err
		}
		r.update(ctx, func(run *dr.Run) {
			run.Checks = checks
			run.Accepts = slices.Clone(verdict.Accepts)
			if r.accept != "" {
				run.Accepts = append(run.Accepts, r.accept)
			}
			run.Decisions = append(run.Decisions, verdict.Decision)
		})
		found := readiness{Checks: checks, Verdict: verdict}
		if !verdict.Allowed {
			code := dr.Denied
			if slices.ContainsFunc(checks, func(c dr.Check) bool { return c.Level == dr.Unknown }) {
				code = dr.Temporary // what could not be read may be readable in a moment
			}
			return found, &dr.Error{Code: code, Msg: "not ready: " + list(verdict.Reasons) + ".", Hint: r.notReadyHint()}
		}
		return found, nil
	})
	return refuse(out)
}

func (r *runbook) notReadyHint() string {
	if r.req.Mode == dr.Planned {
		return fmt.Sprintf("if the source Region is lost: /dr %s %s %s disaster REASON (accepts data loss)", r.req.Kind, r.req.Service, r.req.Target)
	}
	return "mend what is named, then ask again; drbot status " + r.req.Service + " shows every check"
}
