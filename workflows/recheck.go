package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

const (
	// plansFreshFor is how long the plans of a change that is merged count as being so still.
	plansFreshFor = 15 * time.Minute
	// heldFor is the pause before a policy that denies is asked again.
	heldFor = time.Minute
	// hiccup is the pause before what has become unknown or denied is read once more.
	hiccup = 2 * time.Second
	// unseenFor bounds the pauses in which a forge is asked before people are.
	unseenFor = 16 * time.Second
)

// fresh tells whether what was so at a time counts as being so still. What lies in the
// future is of a clock that was set back: its age is not known.
func fresh(at, now time.Time, within time.Duration) bool {
	age := now.Sub(at)
	return !at.IsZero() && age >= 0 && age < within
}

// steady is a time by a clock that nobody sets: what the host's was set by since the run
// began is taken out. By it the ages of what was read and planned are told.
func steady(r *engine.Run, at time.Time) time.Time { return at.Add(-r.Moved()) }

// rechecked is what looking once more at what people were shown has found.
type rechecked struct {
	Checks  []dr.Check `json:"checks,omitempty"` // nil where those shown are young enough
	Verdict dr.Verdict `json:"verdict,omitzero"`
	Plans   dr.Plans   `json:"plans,omitempty"`  // nil where those approved are young enough
	Base    string     `json:"base,omitempty"`   // what the plans were made against
	Worse   []dr.Text  `json:"worse,omitempty"`  // what people have to be asked again
	Graver  bool       `json:"graver,omitempty"` // some of that is of the checks
	Denied  []dr.Text  `json:"denied,omitempty"`
	At      time.Time  `json:"at"`
}

// Line is what it found, on its line of the run.
func (r rechecked) Line() dr.Text {
	switch {
	case len(r.Denied) > 0:
		return dr.T("recheck.denied", "reasons", r.Denied)
	case len(r.Worse) > 0:
		return dr.T("recheck.worse", "n", len(r.Worse))
	case r.Checks == nil && r.Plans == nil:
		return dr.T("recheck.fresh")
	default:
		return dr.T("recheck.same", "n", len(r.Plans))
	}
}

// rechecking looks right before the merge whether what people approved is still so.
type rechecking stage

// look looks when the approvals are there; or ahead, when the first one counts, so that
// the last one finds it done; or when the base has moved. What cannot be looked at ahead is
// looked at then.
func (s rechecking) look(p proposal, now seen) (rechecked, error) {
	answer := s.f.answer
	if !now.Approval.Allowed {
		answer = func(string, engine.Outcome) (string, error) { return engine.Skip, nil }
	}
	found, err := engine.Until(s.f.run, stepRecheck, answer, func(ctx context.Context) (rechecked, error) { return s.recheck(ctx, p, now.Moved) })
	if err != nil || found.At.IsZero() {
		return rechecked{}, err
	}
	if out, ok := s.f.run.Outcome(stepRecheck); ok {
		s.a.looked = steady(s.f.run, out.At) // its end: a look that takes its time is none too old
	}
	s.a.held, s.a.notBefore = found.Denied, time.Time{}
	switch {
	case len(found.Denied) > 0:
		s.a.notBefore = found.At.Add(heldFor)
	case found.Checks != nil:
		s.f.checkedAt = found.At
	}
	return found, nil
}

func (s rechecking) recheck(ctx context.Context, p proposal, moved bool) (rechecked, error) {
	now := steady(s.f.run, s.f.run.Now(ctx))
	out := rechecked{At: now}
	if !fresh(s.f.checkedAt, now, s.f.timing.Recheck) {
		if err := s.readAgain(ctx, &out); err != nil {
			return rechecked{}, unsure(err)
		}
	}
	if len(out.Denied) == 0 && (moved || !fresh(p.At, now, s.f.timing.Recheck)) {
		read := len(out.Worse)
		if err := s.planAgain(ctx, p, &out); err != nil {
			return rechecked{}, unsure(err)
		}
		if err := s.readAfter(ctx, &out, slices.Clone(out.Worse[read:])); err != nil {
			return rechecked{}, unsure(err)
		}
	}
	if len(out.Denied) > 0 {
		why := dr.T("recheck.held", "reasons", out.Denied)
		s.f.run.Update(ctx, func(run *dr.Run) { run.Outcome = why })
	}
	return out, nil
}

// readAfter reads the checks once more where they have become old while it was planned.
func (s rechecking) readAfter(ctx context.Context, out *rechecked, wider []dr.Text) error {
	now, read := steady(s.f.run, s.f.run.Now(ctx)), s.f.checkedAt
	if out.Checks != nil {
		read = out.At
	}
	if len(out.Denied) > 0 || fresh(read, now, s.f.timing.Recheck) {
		return nil
	}
	out.At = now
	err := s.readAgain(ctx, out)
	out.Worse = append(out.Worse, wider...)
	return err
}

// readAgain reads the checks and has the policy judge them. What has only become
// unknown is read twice: a hiccup is no reason to wake people again, nor to take a loss for
// one that cannot have grown.
func (s rechecking) readAgain(ctx context.Context, out *rechecked) error {
	for try := 1; ; try++ {
		found, err := judgeLeft(ctx, s.f, s.f.rules)
		if err != nil {
			return err
		}
		out.Checks, out.Verdict, out.Worse, out.Denied = found.Checks, found.Verdict, nil, nil
		if !found.Verdict.Allowed {
			out.Denied = found.Verdict.Reasons
		}
		unknown := dr.Silenced(s.f.checks, found.Checks)
		for _, w := range dr.Worse(s.f.checks, found.Checks, s.f.req.Mode, s.f.svc.Objectives.RPO, began(&s.f.course)) {
			out.Worse = append(out.Worse, w.Line())
			unknown = unknown || w.Now.Level == dr.Unknown
		}
		for _, accept := range unshown(found.Verdict.Accepts, s.f.accepts) {
			out.Worse = append(out.Worse, dr.T("worse.accept", "what", accept))
		}
		out.Graver = len(out.Worse) > 0
		if try == 2 || !unknown && len(out.Denied) == 0 {
			return nil
		}
		if err := engine.Wait(ctx, hiccup); err != nil {
			return err
		}
	}
}

// unshown lists what an approval would accept now of a kind that nobody was shown. Figures
// and single checks are compared by what they say.
func unshown(now, shown []dr.Text) []dr.Text {
	return slices.DeleteFunc(slices.Clone(now), func(t dr.Text) bool {
		compared := strings.HasPrefix(string(t.ID), "policy.check") || strings.HasPrefix(string(t.ID), "policy.loss")
		return compared || slices.ContainsFunc(shown, func(o dr.Text) bool { return o.ID == t.ID })
	})
}

// planAgain plans what the merge would give now.
func (s rechecking) planAgain(ctx context.Context, p proposal, out *rechecked) error {
	_, base, err := s.f.Forge.Files.File(ctx, s.f.svc.Repository, s.f.svc.Repository.Base)
	if err != nil {
		return err
	}
	plans, err := planning(s).plans(ctx, base)
	if err != nil {
		return err
	}
	decision, err := s.f.Policy.Plans(ctx, s.f.svc, s.f.source, plans)
	if err != nil {
		return err
	}
	out.Plans, out.Base = plans, base
	if !decision.Allowed {
		out.Denied = append(out.Denied, decision.Reasons...)
		return nil
	}
	out.Worse = append(out.Worse, widerThan(plans, p.Plans)...)
	return nil
}

// stands is the proposal after a look that found nothing worse.
func (p proposal) stands(found rechecked) proposal {
	if found.Plans != nil {
		p.Base, p.At = found.Base, found.At
	}
	return p
}

// askAgain puts what has become worse before the people, on the same pull request: what
// they said before does not count for it, and the time they have begins anew.
func (s rechecking) askAgain(p proposal, found rechecked) (proposal, error) {
	again := dr.T("recheck.again")
	if !found.Graver && found.Base != p.Base {
		again = dr.T("plan.wider")
	}
	if found.Graver { // a plan alone shows nobody a new reading
		s.f.checks, s.f.accepts = found.Checks, s.f.acceptsOf(found.Verdict)
	}
	if found.Plans != nil {
		p.Plans, p.Base = found.Plans, found.Base
	}
	stage(s).waitAnew()
	return engine.Until(s.f.run, stepPlan, s.f.answer, func(ctx context.Context) (proposal, error) {
		round := p.Round + 1
		s.f.run.Update(ctx, func(run *dr.Run) {
			run.Checks, run.Accepts = s.f.checks, s.f.accepts
			run.Outcome = again
		})
		lines := append([]dr.Text{again}, found.Worse...)
		if len(s.f.accepts) > 0 {
			lines = append(lines, dr.T("run.accepts", "what", s.f.accepts))
		}
		marker := fmt.Sprintf("drbot:worse:%s:%d:%d", s.f.req.Run, s.f.change.Number, round)
		if err := posting(s).comment(ctx, marker, s.f.Forge.Pages.Comment(dr.T("note.worse"), lines)); err != nil {
			return proposal{}, err
		}
		if err := s.f.run.Say(ctx, fmt.Sprintf("worse/%d/%d", s.f.change.Number, round), dr.Warn, dr.T("note.worse"), lines...); err != nil {
			return proposal{}, err
		}
		if found.Plans == nil {
			return planning(s).publish(ctx, p.Plans, p.Base, round)
		}
		return planning(s).putBefore(ctx, p.Plans, proposed{base: p.Base, into: p.Base, round: round})
	})
}
