package workflows

import (
	"context"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// outlook is what a failover begun now would meet.
type outlook struct {
	Target   dr.Region  `json:"target"`
	Planned  dr.Verdict `json:"planned"`
	Disaster dr.Verdict `json:"disaster"`
	Checks   []dr.Check `json:"checks"` // as a planned run reads them
	Mends    []dr.Text  `json:"mends,omitempty"`
}

// ready is the runbook that tells every night whether the service could be moved now.
func (b *Runbooks) ready(run *engine.Run, in Due) string {
	r, ok := b.begin(run, in)
	if !ok {
		return ""
	}
	out := engine.Note(run, "read", r.outlook)
	engine.Note(run, "post", func(ctx context.Context) (bool, error) {
		return true, run.Post(ctx, r.readyNote(out))
	})
	return ""
}

// outlook reads the checks away from the Region that Git says is active, once for each
// mode: a disaster needs less, and asks the source nothing it must have.
func (r *report) outlook(ctx context.Context) (outlook, error) {
	content, _, err := r.Forge.Files.File(ctx, r.svc.Repository, r.svc.Repository.Base)
	if err != nil {
		return outlook{}, err
	}
	active, err := r.Forge.Region.ActiveRegion(content)
	if err != nil {
		return outlook{}, err
	}
	target := r.svc.Other(active)
	planned, err := judge(ctx, r.parts, r.svc, dr.Planned, active, target, r.Forge.Rules.Rules(ctx, r.svc, dr.Planned))
	if err != nil {
		return outlook{}, err
	}
	// No rule of the repository denies a disaster run.
	disaster, err := judge(ctx, r.parts, r.svc, dr.Disaster, active, target, nil)
	return outlook{Target: target, Planned: planned.Verdict, Disaster: disaster.Verdict, Checks: planned.Checks, Mends: mends(planned.rules())}, err
}

func (r *report) readyNote(out engine.Result[outlook]) dr.Note {
	n := dr.Note{Key: r.run.ID, Channel: r.svc.Channel, Level: dr.Unknown, Title: dr.T("report.ready.unread", "service", r.svc.Name), Context: r.context()}
	if !out.OK() {
		n.Lines = []dr.Text{out.What}
		return n
	}
	o := out.Value
	n.Level, n.Title = dr.OK, dr.T("report.ready", "service", r.svc.Name, "region", o.Target)
	switch {
	case !o.Disaster.Allowed:
		n.Level, n.Title = dr.Fail, dr.T("report.ready.no", "service", r.svc.Name, "region", o.Target)
		n.Lines = append(n.Lines, dr.T("report.ready.disaster", "reasons", o.Disaster.Reasons))
	case !o.Planned.Allowed:
		n.Level, n.Title = dr.Warn, dr.T("report.ready.disaster-only", "service", r.svc.Name, "region", o.Target)
	}
	if !o.Planned.Allowed {
		n.Lines = append(n.Lines, dr.T("report.ready.planned", "reasons", o.Planned.Reasons))
	}
	for _, c := range o.Checks {
		if c.Level == dr.OK {
			continue
		}
		n.Lines = append(n.Lines, c.Line())
		if n.Level == dr.OK {
			n.Level = dr.Warn
		}
	}
	n.Lines = append(append(n.Lines, o.Mends...), readiness{Checks: o.Checks}.Line())
	return n
}
