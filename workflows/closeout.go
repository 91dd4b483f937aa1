package workflows

import (
	"context"
	"slices"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// account tells what a run took.
type account struct{ f *failover }

// closeOut measures what the run took against what was promised and tells it in
// the thread, on the pull request and in the record. Telling must not undo a
// failover that went well: what cannot be told is skipped and named.
func (s account) closeOut() error {
	out := engine.Do(s.f.run, stepCloseOut, func(ctx context.Context) (closed, error) {
		res := s.result(ctx)
		run, err := s.told(ctx, &res)
		if err != nil {
			return closed{}, err
		}
		if err := s.onChange(ctx, run); err != nil {
			s.f.run.Log().WarnContext(ctx, "the result was not written on the pull request", "error", err)
			res.Left = append(res.Left, dr.T("left.untold"))
			if run, err = s.told(ctx, &res); err != nil {
				return closed{}, err
			}
		}
		if away := s.writersAway(ctx); len(away) > 0 && len(res.Away) > 0 {
			return closed{Result: res, Away: run.Unproven()}, nil // the end says so
		}
		level := dr.OK
		if slices.ContainsFunc(s.f.list, func(step engine.Step) bool { return s.f.run.Skipped(step.Name()) }) {
			level = dr.Warn
		}
		return closed{Result: res}, s.f.run.Say(ctx, "result", level, s.headline(run), run.ResultLines()...)
	})
	switch {
	case !out.OK():
		s.f.run.Log().Error("the run ended well but its result was not told", "why", out.What.String())
	case !out.Value.Away.Empty(): // all that would have moved it was skipped
		return &ending{State: dr.RunStopped, Outcome: out.Value.Away, Next: dr.T("run.not-there.next", "command", toResume(s.f.req), "back", backOrOut(&s.f.course))}
	}
	return nil
}

// writersAway lists the databases whose writer is known not to be in the target although the
// run is over. Where it was verified they are there.
func (s account) writersAway(ctx context.Context) (out []string) {
	if !s.f.run.Skipped(steps.Verify) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, placesLimit)
	defer cancel()
	for _, db := range s.f.svc.ResourcesOf(dr.AuroraGlobal) {
		if st, err := s.f.Cloud.Databases.State(ctx, s.f.svc, db, s.f.req.Target); err == nil && st.Writer != "" && st.Writer != s.f.req.Target {
			out = append(out, db.Name)
		}
	}
	return out
}

// headline says where the service is by the end of the run, as far as that was seen.
func (s account) headline(run dr.Run) dr.Text {
	if said := run.Unproven(); !said.Empty() {
		return said
	}
	return dr.T("note.active", "service", s.f.req.Service, "region", s.f.req.Target)
}

// onChange writes the result on the pull request, where the run had one.
func (s account) onChange(ctx context.Context, run dr.Run) error {
	if s.f.change.Number == 0 {
		return nil
	}
	page := s.f.Forge.Pages.Comment(s.headline(run), run.ResultLines())
	return s.f.Forge.Publish.Comment(ctx, s.f.svc.Repository, s.f.change.Number, resultMarker(s.f.req.Run), page)
}

// told writes the result into the record and gives what it became, for showing alone.
func (s account) told(ctx context.Context, res *dr.Result) (dr.Run, error) {
	var now dr.Run
	err := s.f.run.Write(ctx, func(run *dr.Run) {
		res.Accepted = counted(run.Accepting, s.f.taken)
		run.Result = res
		now = *run
	})
	return now, err
}

// taking is what was accepted, and by whom together.
type taking struct {
	By           dr.Voices
	Step, Digest string
}

// counted are the words of those who made something accepted.
func counted(said []dr.Acceptance, taken []taking) []dr.Acceptance {
	var out []dr.Acceptance
	for _, a := range said {
		if slices.ContainsFunc(taken, func(t taking) bool {
			return t.Step == a.Step && t.Digest == a.Digest && slices.Contains(t.By, a.By)
		}) && !slices.ContainsFunc(out, func(o dr.Acceptance) bool { return o.By == a.By && o.Step == a.Step && o.Digest == a.Digest }) {
			out = append(out, a)
		}
	}
	return out
}

type closed struct {
	Result dr.Result `json:"result"`
	Away   dr.Text   `json:"away,omitzero"` // the run ends without having moved the service
}

// Line is the time it took.
func (c closed) Line() dr.Text {
	if c.Result.RTA < 0 {
		return dr.T("close-out.unknown", "rto", c.Result.RTO)
	}
	return dr.T("close-out.line", "rta", c.Result.RTA, "rto", c.Result.RTO)
}
