package workflows

import (
	"context"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// driftLines bounds the changes shown for one stack in Slack; the stored report
// has all of them. pathsShown bounds the attributes named of one resource.
const (
	driftLines = 10
	pathsShown = 8
)

// drift is the runbook that compares every stack of a service with the world.
func (b *Runbooks) drift(run *engine.Run, in Due) string {
	r, ok := b.begin(run, in)
	if !ok {
		return ""
	}
	commit := engine.Note(run, "read", func(ctx context.Context) (string, error) {
		_, sha, err := r.Forge.Files.File(ctx, r.svc.Repository, r.svc.Repository.Base)
		return sha, err
	})
	var found []dr.Drift
	for _, st := range r.svc.Stacks {
		if !commit.OK() {
			found = append(found, dr.Drift{Stack: st.Name, Level: dr.Unknown, Detail: commit.What})
			continue
		}
		out := engine.Note(run, "plan/"+st.Name, func(ctx context.Context) (dr.Drift, error) {
			p, err := r.Terraform.Plan(ctx, dr.PlanRequest{Run: run.ID, Service: r.svc, Stack: st, Commit: commit.Value, Drift: true})
			return driftOf(p), err
		})
		d := out.Value
		if !out.OK() {
			d = dr.Drift{Level: dr.Unknown, Detail: out.What}
		}
		d.Stack = st.Name
		found = append(found, d)
	}
	engine.Note(run, "post", func(ctx context.Context) (bool, error) {
		if err := r.Store.Reports.AddDrift(ctx, r.svc.Name, in.At, found); err != nil {
			return false, err
		}
		return true, run.Post(ctx, r.driftNote(commit.Value, found))
	})
	return ""
}

// driftOf turns a plan into what differs: what changed outside Terraform, and
// what an apply of the base branch would change.
func driftOf(p dr.Plan) dr.Drift {
	d := dr.Drift{Stack: p.Stack, Level: dr.OK}
	add := func(t dr.Text) { d.Changes, d.Level = append(d.Changes, t), dr.Warn }
	if !p.Unreached.Empty() {
		add(dr.T("drift.unreached", "why", p.Unreached))
	}
	for _, c := range p.Drift {
		add(outsideLine(c))
	}
	for _, c := range p.Changes {
		add(changeLine(c))
	}
	for _, f := range p.Failed {
		add(dr.T("drift.check", "address", dr.Foreign(f)))
	}
	return d
}

// outsideLine is a change that was made outside Terraform.
func outsideLine(c dr.ResourceChange) dr.Text {
	address, actions := dr.Foreign(c.Address), dr.Foreign(joined(c.Actions))
	if paths, ok := updated(c); ok {
		return dr.T("drift.outside.paths", "address", address, "actions", actions, "paths", paths)
	}
	return dr.T("drift.outside", "address", address, "actions", actions)
}

// changeLine is a change that an apply of the base branch would make.
func changeLine(c dr.ResourceChange) dr.Text {
	address, actions := dr.Foreign(c.Address), dr.Foreign(joined(c.Actions))
	if paths, ok := updated(c); ok {
		return dr.T("drift.change.paths", "address", address, "actions", actions, "paths", paths)
	}
	return dr.T("drift.change", "address", address, "actions", actions)
}

// updated are the attributes of an update, where they are few enough to be named.
func updated(c dr.ResourceChange) (dr.Arg, bool) {
	names := c.PathNames()
	if len(names) == 0 || len(names) > pathsShown || c.Actions[0] != "update" {
		return dr.Arg{}, false
	}
	var list dr.Arg
	for _, n := range names {
		list.List = append(list.List, dr.ArgOf(dr.Foreign(n)))
	}
	return list, true
}

// joined are the actions of a change as Terraform's users say them.
func joined(actions []string) string {
	out := ""
	for i, a := range actions {
		if i > 0 {
			out += "+"
		}
		out += a
	}
	return out
}

func (r *report) driftNote(commit string, found []dr.Drift) dr.Note {
	n := dr.Note{Key: r.run.ID, Channel: r.svc.Channel, Level: dr.OK, Context: dr.T("report.at", "due", r.context(), "commit", short(commit))}
	drifted, unread := 0, 0
	for _, d := range found {
		if d.Level.Worse(n.Level) {
			n.Level = d.Level
		}
		if d.Level == dr.OK {
			n.Lines = append(n.Lines, dr.T("drift.none", "stack", d.Stack))
			continue
		}
		if d.Level == dr.Unknown {
			unread++
		} else {
			drifted++
		}
		n.Lines = append(n.Lines, stackLine(d))
		for i, c := range d.Changes {
			if i == driftLines {
				n.Lines = append(n.Lines, dr.T("drift.more", "n", len(d.Changes)-driftLines))
				break
			}
			n.Lines = append(n.Lines, c)
		}
	}
	n.Title = dr.T("report.no-drift", "service", r.svc.Name, "n", len(found))
	switch {
	case unread > 0 && drifted > 0:
		n.Title = dr.T("report.drift.partly", "service", r.svc.Name, "drifted", drifted, "unread", unread, "n", len(found))
	case unread > 0:
		n.Title = dr.T("report.drift.unread", "service", r.svc.Name, "unread", unread, "n", len(found))
	case drifted > 0:
		n.Title = dr.T("report.drift", "service", r.svc.Name, "drifted", drifted, "n", len(found))
	}
	return n
}

func stackLine(d dr.Drift) dr.Text {
	if d.Detail.Empty() {
		return dr.T("drift.stack", "stack", d.Stack, "level", d.Level.Text())
	}
	return dr.T("drift.stack-detail", "stack", d.Stack, "level", d.Level.Text(), "detail", d.Detail)
}
