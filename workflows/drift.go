package workflows

import (
	"context"
	"fmt"
	"strings"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/drbot/drbot/dr"
)

// driftLines bounds the changes shown for one stack in Slack; the stored report
// has all of them.
const driftLines = 10

// drift is the runbook that compares every stack of a service with the world.
func (e *Engine) drift(ctx dbos.Context, in Due) (string, error) {
	return "", e.scheduled(ctx, in, func(r *runbook) {
		commit := record(r, "read", func(ctx context.Context) (string, error) {
			_, sha, err := r.deps.Change.File(ctx, r.svc.Repository, r.svc.Repository.Base)
			return sha, err
		})
		var found []dr.Drift
		for _, st := range r.svc.Stacks {
			if !commit.ok() {
				found = append(found, dr.Drift{Stack: st.Name, Level: dr.Unknown, Detail: commit.Msg})
				continue
			}
			out := record(r, "plan/"+st.Name, func(ctx context.Context) (dr.Drift, error) {
				p, err := r.deps.Terraform.Plan(ctx, dr.PlanRequest{Run: r.req.Run, Service: r.svc, Stack: st, Commit: commit.Value, Drift: true})
				return driftOf(p), err
			})
			d := out.Value
			if !out.ok() {
				d = dr.Drift{Level: dr.Unknown, Detail: out.Msg}
			}
			d.Stack = st.Name
			found = append(found, d)
		}
		record(r, "post", func(ctx context.Context) (bool, error) {
			if err := r.deps.Reports.AddDrift(ctx, r.svc.Name, in.At, found); err != nil {
				return false, err
			}
			return true, r.deps.say(ctx, driftNote(r, in, commit.Value, found))
		})
	})
}

// driftOf turns a plan into what differs: what changed outside Terraform, and
// what an apply of the base branch would change.
func driftOf(p dr.Plan) dr.Drift {
	d := dr.Drift{Stack: p.Stack, Level: dr.OK}
	add := func(c dr.ResourceChange, outside bool) {
		s := c.Address + ": " + strings.Join(c.Actions, "+")
		if names := c.PathNames(); len(names) > 0 && len(names) <= 8 && c.Actions[0] == "update" {
			s += " (" + list(names) + ")"
		}
		if outside {
			s += ", outside Terraform"
		}
		d.Changes = append(d.Changes, s)
		d.Level = dr.Warn
	}
	for _, c := range p.Drift {
		add(c, true)
	}
	for _, c := range p.Changes {
		add(c, false)
	}
	for _, f := range p.Failed {
		d.Changes = append(d.Changes, f+": a check of the configuration fails")
		d.Level = dr.Warn
	}
	return d
}

func driftNote(r *runbook, in Due, commit string, found []dr.Drift) dr.Note {
	n := dr.Note{Key: r.req.Run, Channel: r.svc.Channel, Level: dr.OK, Context: lateNote(in) + ", at " + short(commit)}
	drifted := 0
	for _, d := range found {
		if d.Level.Worse(n.Level) {
			n.Level = d.Level
		}
		if d.Level == dr.OK {
			n.Lines = append(n.Lines, d.Stack+": as in Git")
			continue
		}
		drifted++
		line := d.Stack + ": " + string(d.Level)
		if d.Detail != "" {
			line += ", " + d.Detail
		}
		n.Lines = append(n.Lines, line)
		for i, c := range d.Changes {
			if i == driftLines {
				n.Lines = append(n.Lines, fmt.Sprintf("  and %d more", len(d.Changes)-driftLines))
				break
			}
			n.Lines = append(n.Lines, "  "+c)
		}
	}
	n.Title = fmt.Sprintf("%s: no drift in %d stacks", r.svc.Name, len(found))
	if drifted > 0 {
		n.Title = fmt.Sprintf("%s: %d of %d stacks differ from Git", r.svc.Name, drifted, len(found))
	}
	return n
}
