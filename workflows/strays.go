package workflows

import (
	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// strays are runs that this version cannot take up, because its steps are others.
type strays struct{ *parts }

// Stands says what leads on from one: the version that it was begun with, or its end and
// what goes on from there.
func (b strays) Stands(run dr.Run) (what, next dr.Text) {
	what, end := dr.T("run.other-steps"), dr.Cmd("cancel", "run", run.Run)
	if run.PastMerge() {
		return what, dr.T("run.other-steps.merged.next", "end", end, "n", dr.AbandonedBy, "command", toResume(run.Request))
	}
	return what, dr.T("run.other-steps.next", "end", end, "command", asked(run).again())
}

// asked is the request of a run alone, for the commands that it leads to.
func asked(run dr.Run) *course { return &course{req: run.Request} }

// Leave ends one as its own runbook would have: its pull request is closed where that is not
// merged, and the source has its tasks again where the writer stayed. The service is that of
// now.
func (b strays) Leave(r *engine.Run, run dr.Run, by dr.Voices) string {
	svc := b.Team.Services[run.Service]
	f := &failover{parts: b.parts, anew: map[string]bool{}, course: course{
		run: r, req: run.Request, svc: svc, source: run.Source, change: run.Change, merged: run.PastMerge(), there: map[string]bool{},
	}}
	r.Service, r.Channel, r.Approvers, r.Quorum = run.Service, svc.Channel, svc.Approvers, needed(f)
	if run.GoneOn != nil {
		f.gone = &steps.Gone{}
	}
	f.list, _ = Steps(b.Kinds, svc, f.req) // what cannot be made any more is not looked for
	why := dr.T("run.other-steps.ended", "who", by)
	if !f.merged {
		return string(f.finish(f.cancelled(why)))
	}
	return string(f.finish(f.withSource(f.stopped(why))))
}
