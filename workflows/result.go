package workflows

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// result is what the run took, made of what its steps left behind.
func (s account) result(ctx context.Context) dr.Result {
	res := dr.Result{RTO: s.f.svc.Objectives.RTO, RPO: s.f.svc.Objectives.RPO, RTA: -1}
	if at := cmp.Or(s.f.served, steps.Verification.At(s.f.run)); !at.IsZero() {
		// What was stored before a jump is of the old clock; the end is of the new one.
		res.RTA = at.Sub(began(&s.f.course))
	}
	res.RPA, res.RPAKnown, res.RPATold = s.loss()
	if s.f.run.Skipped(steps.Verify) {
		res.Away = elsewhere(ctx, s.f.Kinds, s.f.svc, s.f.req.Target)
	}
	var failed []unread
	res.Events, failed = eventsOf(ctx, s.f.Cloud.Databases, s.f.svc, s.f.req.At, s.f.source, s.f.req.Target)
	for _, u := range failed {
		res.Left = append(res.Left, dr.T("left.events", "database", u.database, "region", u.in))
	}
	for _, db := range s.f.svc.ResourcesOf(dr.AuroraGlobal) {
		if p, found := steps.Promotion.Of(s.f.run, db.Name); found == engine.Ran && p.Rebuilding != "" {
			res.Left = append(res.Left, dr.T("left.rebuilding", "database", db.Name, "state", dr.Foreign(p.Rebuilding)))
		}
	}
	if s.f.req.Mode == dr.Disaster {
		source := dr.T("left.source", "source", s.f.source)
		if _, found := steps.Quieting.Of(s.f.run, string(s.f.source)); found == engine.Ran { // before the run went on as a disaster
			source = dr.T("left.source.at-zero", "source", s.f.source)
		}
		res.Left = append(res.Left, source)
		if s.hasPromoted() {
			res.Left = append(res.Left, dr.T("left.snapshot"))
		}
		if len(res.Away) == 0 {
			res.Left = append(res.Left, dr.T("left.way-back", "command", toMove(s.f.req.Service, dr.Failback, s.f.source, dr.Planned, s.f.svc.Cooldown > 0)))
		}
	}
	for _, step := range s.f.list {
		switch {
		case s.f.run.Skipped(step.Name()) && steps.KindOf(step.Name()) == steps.GiveBack:
			res.Left = append(res.Left, dr.T("left.at-zero", "step", step.Name(), "source", s.f.source, "command", toResume(s.f.req)))
		case s.f.run.Skipped(step.Name()):
			res.Left = append(res.Left, dr.T("left.skipped", "step", step.Name()))
		}
	}
	if s.f.run.Skipped(steps.Verify) {
		res.Left = append(res.Left, dr.T("left.unproven", "region", s.f.req.Target, "command", toResume(s.f.req)))
	}
	return res
}

// hasPromoted tells whether this run has moved the writer of a database.
func (s account) hasPromoted() bool {
	return slices.ContainsFunc(s.f.svc.ResourcesOf(dr.AuroraGlobal), func(db dr.Resource) bool {
		p, found := steps.Promotion.Of(s.f.run, db.Name)
		return found == engine.Ran && !p.Already
	})
}

// loss is the data that the promotions of this run lost, as far as is known: the worst of all
// databases, and unknown when one of them is. It is told in words where it is none of this
// run's: what others have moved, nobody here knows how, was no switchover of the run's.
func (s account) loss() (worst time.Duration, known bool, told dr.Text) {
	rpo := s.f.svc.Objectives.RPO
	dbs := s.f.svc.ResourcesOf(dr.AuroraGlobal)
	if s.f.req.Kind == dr.Resume && len(dbs) > 0 && !s.hasPromoted() {
		return 0, false, dr.T("result.rpa.not-here", "rpo", rpo)
	}
	for _, db := range dbs {
		p, found := steps.Promotion.Of(s.f.run, db.Name)
		switch {
		case found == engine.Skipped:
			return 0, false, dr.T("result.rpa.skipped", "rpo", rpo, "step", steps.Promotion.Name(db.Name))
		case found != engine.Ran:
			return 0, false, dr.Text{} // nothing is known of this database
		case p.Already && s.f.req.Kind == dr.Resume: // before this run, which tells of its own
		case p.Already:
			return 0, false, dr.T("result.rpa.others", "rpo", rpo, "database", db.Name)
		case cmp.Or(p.Mode, s.f.req.Mode) == dr.Planned: // a switchover waits until the target has everything
		case p.Lag == nil:
			lost, known := goingOn(s).loss()
			if !known {
				return 0, false, dr.Text{}
			}
			worst = max(worst, lost)
		default:
			// A reading that seems younger than the promotion was made by another clock.
			worst = max(worst, time.Duration(*p.Lag*float64(time.Second))+max(0, p.At.Sub(p.LagAt)))
		}
	}
	return worst, true, dr.Text{}
}
