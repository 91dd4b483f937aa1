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

// eventsRead bounds the reading of the database's events: worth telling, not worth
// waiting for.
const eventsRead = 5 * time.Second

// result is what the run took, made of what its steps left behind.
func (f account) result(ctx context.Context) dr.Result {
	res := dr.Result{RTO: f.svc.Objectives.RTO, RPO: f.svc.Objectives.RPO, RTA: -1}
	if at := cmp.Or(f.served, steps.Verification.At(f.run)); !at.IsZero() {
		// What was stored before a jump is of the old clock; the end is of the new one.
		res.RTA = at.Sub(began(f.failover))
	}
	res.RPA, res.RPAKnown, res.RPATold = f.loss()
	if f.run.Skipped(steps.Verify) {
		res.Away = elsewhere(ctx, f.Runbooks, f.svc, f.req.Target)
	}
	for _, db := range f.svc.ResourcesOf(dr.AuroraGlobal) {
		short, cancel := context.WithTimeout(ctx, eventsRead)
		events, err := f.Cloud.Databases.Events(short, f.svc, db, f.req.Target, f.req.At)
		cancel()
		if err != nil {
			res.Left = append(res.Left, dr.T("left.events", "database", db.Name))
		}
		res.Events = append(res.Events, events...)
	}
	if f.req.Mode == dr.Disaster {
		source := dr.T("left.source", "source", f.source)
		if _, found := steps.Quieting.Of(f.run, string(f.source)); found == engine.Ran { // before the run went on as a disaster
			source = dr.T("left.source.at-zero", "source", f.source)
		}
		res.Left = append(res.Left, source)
		if f.hasPromoted() {
			res.Left = append(res.Left, dr.T("left.snapshot"))
		}
		if len(res.Away) == 0 {
			res.Left = append(res.Left, dr.T("left.way-back", "command", toMove(f.req.Service, dr.Failback, f.source, dr.Planned, f.svc.Cooldown > 0)))
		}
	}
	for _, s := range f.list {
		switch {
		case f.run.Skipped(s.Name()) && steps.KindOf(s.Name()) == steps.GiveBack:
			res.Left = append(res.Left, dr.T("left.at-zero", "step", s.Name(), "source", f.source, "command", toResume(f.req)))
		case f.run.Skipped(s.Name()):
			res.Left = append(res.Left, dr.T("left.skipped", "step", s.Name()))
		}
	}
	if f.run.Skipped(steps.Verify) {
		res.Left = append(res.Left, dr.T("left.unproven", "region", f.req.Target, "command", toResume(f.req)))
	}
	return res
}

// hasPromoted tells whether this run has moved the writer of a database.
func (f account) hasPromoted() bool {
	return slices.ContainsFunc(f.svc.ResourcesOf(dr.AuroraGlobal), func(db dr.Resource) bool {
		p, found := steps.Promotion.Of(f.run, db.Name)
		return found == engine.Ran && !p.Already
	})
}

// loss is the data that the promotions of this run lost, as far as is known: the worst of all
// databases, and unknown when one of them is. It is told in words where it is none of this
// run's: what others have moved, nobody here knows how, was no switchover of the run's.
func (f account) loss() (worst time.Duration, known bool, told dr.Text) {
	rpo := f.svc.Objectives.RPO
	dbs := f.svc.ResourcesOf(dr.AuroraGlobal)
	if f.req.Kind == dr.Resume && len(dbs) > 0 && !f.hasPromoted() {
		return 0, false, dr.T("result.rpa.not-here", "rpo", rpo)
	}
	for _, db := range dbs {
		p, found := steps.Promotion.Of(f.run, db.Name)
		switch {
		case found == engine.Skipped:
			return 0, false, dr.T("result.rpa.skipped", "rpo", rpo, "step", steps.Promotion.Name(db.Name))
		case found != engine.Ran:
			return 0, false, dr.Text{} // nothing is known of this database
		case p.Already && f.req.Kind == dr.Resume: // before this run, which tells of its own
		case p.Already:
			return 0, false, dr.T("result.rpa.others", "rpo", rpo, "database", db.Name)
		case cmp.Or(p.Mode, f.req.Mode) == dr.Planned: // a switchover waits until the target has everything
		case p.Lag == nil:
			lost, known := goingOn(f).loss()
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
