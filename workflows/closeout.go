package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

type closed struct {
	Result dr.Result `json:"result"`
}

func (c closed) detail() string {
	return fmt.Sprintf("RTA %s of %s", c.Result.Took(), dr.Human(c.Result.RTO))
}

// closeOut measures what the run took against what was promised and tells it in
// the thread, on the pull request and in the record. Telling must not undo a
// failover that went well: what cannot be told is skipped and named.
func (r *runbook) closeOut(p promoted) error {
	out := step(r, "close-out", func(ctx context.Context) (closed, error) {
		run, err := r.deps.Runs.Run(ctx, r.req.Run)
		if err != nil {
			return closed{}, err
		}
		res := r.result(ctx, run, p)
		run, err = r.deps.Runs.UpdateRun(ctx, r.req.Run, func(run *dr.Run) { run.Result = &res })
		if err != nil {
			return closed{}, err
		}
		lines := resultLines(run)
		if err := r.deps.Publish.Comment(ctx, r.svc.Repository, run.Change.Number, "drbot:result:"+r.req.Run, resultComment(run, lines)); err != nil {
			res.Left = append(res.Left, "the result could not be written on the pull request")
			r.deps.Log.WarnContext(ctx, "the result was not written on the pull request", "run", r.req.Run, "error", err)
			r.update(ctx, func(run *dr.Run) { run.Result = &res })
		}
		level := dr.OK
		if slices.ContainsFunc(run.Steps, func(s dr.Step) bool { return s.State == dr.StepSkipped }) {
			level = dr.Warn
		}
		return closed{res}, r.say(ctx, "result", level, fmt.Sprintf("%s is active in %s", r.req.Service, r.req.Target), lines...)
	})
	if !out.ok() {
		r.deps.Log.Error("the run ended well but its result was not told", "run", r.req.Run, "error", out.Msg)
	}
	return nil
}

func (r *runbook) result(ctx context.Context, run dr.Run, p promoted) dr.Result {
	res := dr.Result{RTO: r.svc.Objectives.RTO, RPO: r.svc.Objectives.RPO}
	if i := run.StepIndex("verify"); i >= 0 {
		res.RTA = run.Steps[i].Ended.Sub(run.Began())
	}
	skipped := func(step string) bool {
		i := run.StepIndex(step)
		return i >= 0 && run.Steps[i].State == dr.StepSkipped
	}
	switch {
	case skipped(r.promoteStep()): // nothing is known of the database
	case r.req.Mode == dr.Planned:
		res.RPAKnown = true // a switchover waits until the target has everything
	case p.Lag != nil:
		res.RPAKnown = true
		// A reading that seems younger than the promotion was made by another clock.
		res.RPA = time.Duration(*p.Lag*float64(time.Second)) + max(0, p.At.Sub(p.LagAt))
	}
	if r.svc.Database.GlobalCluster != "" {
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		events, err := r.deps.Database.DatabaseEvents(short, r.svc, r.req.Target, r.req.At)
		if err != nil {
			res.Left = append(res.Left, "the database's events could not be read: look for fencing events by hand")
		}
		res.Events = events
	}
	if r.req.Mode == dr.Disaster {
		res.Left = append(res.Left,
			fmt.Sprintf("%s still runs as it did: when it is back, scale it down and apply its stack", r.source),
			"copy the snapshot rds:unplanned-global-failover-* before it expires",
			fmt.Sprintf("the way back: /dr failback %s %s planned REASON", r.req.Service, r.source))
	}
	for _, s := range run.Steps {
		if s.State == dr.StepSkipped {
			res.Left = append(res.Left, s.Name+" was skipped: "+s.Detail)
		}
	}
	return res
}

// resultLines is the result as people read it.
func resultLines(run dr.Run) []string {
	res := run.Result
	lines := []string{
		rtaLine(run),
		rpaLine(run.Mode, *res),
	}
	var took []string
	for _, s := range run.Steps {
		if s.State == dr.StepDone || s.State == dr.StepSkipped {
			took = append(took, fmt.Sprintf("%s %s", s.Name, dr.Human(s.Took(s.Ended))))
		}
	}
	lines = append(lines, "Steps: "+list(took))
	if run.ClockJump != 0 {
		lines = append(lines, fmt.Sprintf("The clock of drbot's host jumped by %s during the run; the times above allow for it", dr.Human(run.ClockJump)))
	}
	for _, e := range res.Events {
		lines = append(lines, fmt.Sprintf("Event %s %s: %s", e.At.UTC().Format("15:04:05"), e.Source, e.Text))
	}
	for _, l := range res.Left {
		lines = append(lines, "Left to do: "+l)
	}
	return lines
}

// rtaLine claims nothing that nobody has seen.
func rtaLine(run dr.Run) string {
	if i := run.StepIndex("verify"); i < 0 || run.Steps[i].State != dr.StepDone {
		return fmt.Sprintf("RTA unknown of RTO %s: verify was skipped", dr.Human(run.Result.RTO))
	}
	if run.Result.RTA < 0 {
		return fmt.Sprintf("RTA unknown of RTO %s: the clock was set back during the run", dr.Human(run.Result.RTO))
	}
	return fmt.Sprintf("RTA %s of RTO %s: %s", dr.Human(run.Result.RTA), dr.Human(run.Result.RTO), verdict(run.Result.RTA <= run.Result.RTO))
}

func rpaLine(mode dr.Mode, res dr.Result) string {
	switch {
	case mode == dr.Planned && res.RPAKnown:
		return fmt.Sprintf("RPA 0 of RPO %s: met (a switchover loses nothing)", dr.Human(res.RPO))
	case !res.RPAKnown:
		return fmt.Sprintf("RPA unknown of RPO %s: the replication lag was not known at the promotion", dr.Human(res.RPO))
	default:
		return fmt.Sprintf("RPA about %s of RPO %s: %s (an estimate: the last lag and the age of its reading)", dr.Human(res.RPA), dr.Human(res.RPO), verdict(res.RPA <= res.RPO))
	}
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

func resultComment(run dr.Run, lines []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s is active in %s\n\n", run.Service, run.Target)
	for _, l := range lines {
		fmt.Fprintf(&b, "- %s\n", plain(l))
	}
	return b.String()
}
