package workflows

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// newer is what leads on when an act fails because of the repository: people mend it by a
// pull request of their own and answer retry, and the run goes on at the newest commit of
// the base, as far as what was approved, or is accepted now, covers it.
//
// The look and what is done by it are two rows of the engine. The commit that a look has
// found is left behind by the step, as an offer beside its error; the next attempt acts on
// that commit, wherever the base is by then.
type newer struct{ f *failover }

// look looks whether the base has moved in what the stacks read, and leaves an offer behind
// where it has: once for every retry, and once more right before the first act at a commit
// that people have accepted. What has begun goes on with the commit it began with.
func (s newer) look(ctx context.Context, of judged) (engine.Outcome, error) {
	b, acts := of.Step.(steps.Beginner)
	if s.f.retried != of.Name() && (!acts || s.f.agreed.IsZero()) {
		return engine.Outcome{}, nil
	}
	if acts {
		if begun, err := b.Begun(ctx, s.f.run); err != nil || begun {
			return engine.Outcome{}, err
		}
	}
	tip, unread, err := s.tip(ctx)
	switch {
	case unread != nil:
		return s.without(ctx, of, unread)
	case err != nil || tip == "":
		return engine.Outcome{}, err
	}
	offer, err := s.offer(ctx, of, tip)
	if err != nil {
		return engine.Outcome{}, err
	}
	args := []any{"base", s.f.svc.Repository.Base, "newer", short(tip), "commit", short(s.f.as.merged.SHA)}
	if len(offer.Worse) == 0 {
		return offer.Outcome(&dr.Error{Code: dr.Conflict, What: dr.T("newer.covered", args...)})
	}
	return offer.Outcome(&dr.Error{Code: dr.Conflict, What: dr.T("newer.wider", append(args, "worse", offer.Worse)...), Next: dr.T("newer.wider.next", "base", s.f.svc.Repository.Base)})
}

// tip is the newest commit of the base where it holds something else that the stacks read
// than the commit in use; empty where it does not. Apart from that it gives why it could not
// be read.
func (s newer) tip(ctx context.Context) (tip string, unread, err error) {
	repo := s.f.svc.Repository
	content, tip, err := s.f.Forge.Files.File(ctx, repo, repo.Base)
	if err != nil && engine.Wait(ctx, hiccup) == nil {
		content, tip, err = preflight(s).baseFile(ctx, s.needed(ctx))
	}
	switch {
	case err != nil:
		return "", err, nil
	case tip == s.f.as.merged.SHA:
		return "", nil, nil
	}
	if err := preflight(s).unreverted(content); err != nil {
		return "", nil, err
	}
	moved, err := s.f.Terraform.Changed(ctx, dr.TreesRequest{
		Service: s.f.svc, Stacks: steps.StacksOf(s.f.list), From: dr.Tree{Commit: s.f.as.merged.SHA}, To: dr.Tree{Commit: tip},
	})
	if err != nil || !moved {
		return "", err, nil
	}
	return tip, nil, nil
}

// needed tells whether the base has to be read: people have accepted a commit of it, and it
// is a while since it was seen there.
func (s newer) needed(ctx context.Context) bool {
	return !s.f.agreed.IsZero() && !s.f.unseen && !fresh(s.f.agreed, steady(s.f.run, s.f.run.Now(ctx)), s.f.timing.Recheck)
}

// without goes on where the base cannot be read: a retry of what was approved is held up by
// nobody who does not answer, and that is said. What people have accepted a while ago asks
// whether it goes on; a planned first act or promotion waits.
func (s newer) without(ctx context.Context, of judged, why error) (engine.Outcome, error) {
	what, _ := dr.Told(why)
	base := s.f.svc.Repository.Base
	if !s.needed(ctx) {
		return engine.Outcome{}, s.f.run.Say(ctx, fmt.Sprintf("newer-unread/%s/%d", of.Name(), engine.Attempt(ctx)), dr.Warn,
			dr.T("note.newer.unread", "base", base), dr.T("note.newer.unread.line", "commit", short(s.f.as.merged.SHA), "why", what))
	}
	if b, acts := of.Step.(thinking); acts && b.whole && s.f.req.Mode != dr.Disaster || dr.CodeOf(why) != dr.Temporary {
		return engine.Outcome{}, why
	}
	worse := []dr.Text{dr.T("preflight.unread", "base", base, "region", s.f.req.Target, "why", what)}
	offer, err := steps.Beyond(nil, nil, worse)
	if err != nil {
		return engine.Outcome{}, err
	}
	offer.Blind = true
	return offer.Outcome(&dr.Error{Code: dr.Conflict, What: dr.T("preflight.worse", "worse", worse), Next: dr.T("preflight.worse.next")})
}

// offer plans a commit for all that is left to be applied, and for what was applied before
// it: that is done again where the commit changes something of it.
func (s newer) offer(ctx context.Context, of judged, commit string) (steps.Offer, error) {
	stopped, err := preflight(s).stoppedSource(ctx, of.first)
	if err != nil {
		return steps.Offer{}, err
	}
	stacks := slices.DeleteFunc(steps.StacksOf(s.f.list), func(st dr.Stack) bool {
		name := steps.ApplyOf(st)
		return s.f.run.Skipped(name) || st.Region == s.f.source && stopped && name != of.Name() // its own apply looks
	})
	plans, err := plansOf(ctx, s.f.Terraform, &s.f.course, stacks, dr.PlanRequest{Commit: commit})
	if err != nil {
		return steps.Offer{}, err
	}
	var all, wide dr.Plans
	var worse []dr.Text
	var again []string
	for i, plan := range plans {
		name := steps.ApplyOf(stacks[i])
		out, tried := s.f.run.Outcome(name)
		was, _ := s.f.as.plans.Of(plan.Stack)
		switch {
		case len(plan.Changes) == 0 && len(was.Changes) > 0 && stacks[i].Region == s.f.source && !stopped && !tried:
			wide = append(wide, plan) // the source is to stay as it is: that is what its tasks are given back by
			continue
		case len(plan.Changes) == 0 && (tried || stacks[i].Region == s.f.source):
			continue // it is done; or an apply, which knows what of it was, finds what is not
		case tried && out.OK():
			again = append(again, name)
		}
		plan.Leads = plan.Leads && !tried // what its apply has done is in no plan: the next one knows what is not
		all = append(all, plan)
		if w := widerThan(dr.Plans{plan}, s.f.as.plans); len(w) > 0 {
			wide, worse = append(wide, plan), append(worse, w...)
		}
	}
	denied, err := preflight(s).denied(ctx, all)
	if err != nil {
		return steps.Offer{}, err
	}
	if len(denied) > 0 {
		return steps.Offer{}, &dr.Error{Code: dr.Denied, What: dr.T("newer.denied", "newer", short(commit), "reasons", denied), Next: dr.T("newer.denied.next", "base", s.f.svc.Repository.Base)}
	}
	return steps.Newer(commit, wide, worse, again)
}

// goOn makes the commit of an offer the one in use, says so, and does again what is to be
// done again before the step that was retried.
func (s newer) goOn(step string, o steps.Offer, at time.Time) error {
	was := s.f.as.merged.SHA
	s.f.as.merged.SHA, s.f.as.base, s.f.plannedAt, s.f.retried = o.Commit, s.f.as.merged.Parent, steady(s.f.run, at), ""
	if s.f.agreed = (time.Time{}); len(o.Worse) > 0 { // people took their time over it
		s.f.agreed = s.f.plannedAt
	}
	steps.GoOnAt(s.f.run, o.Commit)
	for _, name := range o.Again {
		s.f.anew[name] = true
	}
	told := engine.Note(s.f.run, "newer", func(ctx context.Context) (bool, error) {
		s.f.run.Mark(ctx, stepMerge, func(step *dr.Step, _ time.Time) {
			step.Detail = dr.T("newer.merged", "commit", short(s.merge()), "newer", short(o.Commit))
		})
		if err := s.f.run.Audit(ctx, "newer-commit", dr.T("audit.newer", "commit", short(was), "newer", short(o.Commit), "step", step, "digest", shortDigest(o.Digest))); err != nil {
			return false, err
		}
		return true, s.f.run.Say(ctx, "newer/"+o.Commit, dr.Warn, dr.T("note.newer", "newer", short(o.Commit), "base", s.f.svc.Repository.Base),
			dr.T("note.newer.line", "commit", short(was)), againLine(o.Again))
	})
	if !told.OK() {
		s.f.run.Log().Warn("the newer commit was not told", "commit", o.Commit, "why", told.What.String())
	}
	return s.redo(step)
}

// merge is the commit that was merged.
func (s newer) merge() string {
	merged, _ := steps.Merge.Of(s.f.run)
	return merged.SHA
}

func againLine(again []string) dr.Text {
	if len(again) == 0 {
		return dr.Text{}
	}
	return dr.T("note.newer.again", "steps", again)
}

// unlessAbandoned ends the run where people have abandoned it meanwhile.
func (s newer) unlessAbandoned(step string) error {
	if by := s.f.run.Abandoned(); len(by) > 0 {
		return s.f.stopped(dr.T("run.abandoned", "who", by, "step", step))
	}
	return nil
}

// redo applies again what a newer commit changes of what was applied before a step, and
// has the target prove itself once more where it had.
func (s newer) redo(before string) error {
	applied := false
	for _, step := range s.f.list {
		name := step.Name()
		if name == before {
			return s.unlessAbandoned(name) // to look and to apply again takes its time
		}
		out, tried := s.f.run.Outcome(name)
		proven := tried && out.OK() && steps.Proves(name) && !s.f.run.Skipped(name)
		switch {
		case s.f.anew[name]:
			applied = true
			delete(s.f.anew, name)
		case !applied || !proven:
			continue
		case s.f.served.IsZero():
			s.f.served = steps.Verification.At(s.f.run)
		}
		if err := s.unlessAbandoned(name); err != nil {
			return err
		}
		s.f.retried = ""
		if err := preflight(s).perform(preflight(s).redone(heeding(s.f.run, step))); err != nil {
			return err
		}
	}
	return nil
}
