package workflows

import (
	"cmp"
	"context"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// merging merges an approved change.
type merging stage

// merge merges exactly the commit drbot made, after counting once more. A base that moved
// outside of what the stacks read is the one that was planned; one that moves after this
// look is seen by what the merge came upon, before any act.
func (s merging) merge(p proposal) (steps.Merged, error) {
	s.a.tries++
	out, err := engine.Until(s.f.run, stepMerge, s.f.answer, func(ctx context.Context) (steps.Merged, error) { return s.tryMerge(ctx, p) })
	cancelled := ""
	if err == nil && (out.Kind == steps.MergeByQueue || out.Kind == steps.MergeQueued) {
		out, cancelled, err = queueing(s).through(p, out)
	}
	if err == nil && cancelled != "" && out.Kind != steps.MergeDone {
		out = steps.Merged{Kind: steps.MergeCancelled, By: cancelled} // whatever came of it: what is merged all the same is told at the end
	}
	if err != nil || out.Kind != steps.MergeDone {
		return out, err
	}
	// From here on the run holds the service; what follows may pause, not end it.
	s.f.merged, s.f.as, s.f.plannedAt = true, approvedAs{out, p.Base, p.Plans}, p.At
	if out.By != "" || out.Unlike {
		s.f.plannedAt = time.Time{} // it is planned before the first act, whatever it came upon
	}
	return out, s.confirmMerge(out, cancelled)
}

func (s merging) tryMerge(ctx context.Context, p proposal) (steps.Merged, error) {
	st, approval, err := stage(s).count(ctx, p)
	moved := ""
	if err == nil && !st.Merged && approval.Allowed && st.BaseSHA != p.Base {
		if treesMoved(ctx, s.f.Terraform, &s.f.course, p.Base, dr.Tree{Commit: s.f.change.Head, MergeInto: st.BaseSHA}) {
			moved = st.BaseSHA
		} else {
			st, approval, err = stage(s).count(ctx, p) // to read Git takes its time
		}
	}
	if err != nil {
		return steps.Merged{}, unsure(err)
	}
	self, err := s.f.Forge.Files.Self(ctx)
	if err != nil {
		return steps.Merged{}, unsure(err)
	}
	switch {
	case st.Merged:
		return s.found(ctx, p, st, approval.Allowed, self)
	case !approval.Allowed && s.a.queued:
		return queueing(s).leave(ctx, p, approval, "") // it may have got there before a restart
	case !approval.Allowed:
		return steps.Merged{Kind: steps.MergeNotApproved}, tally(s).unmeant(ctx)
	}
	q, err := s.f.Forge.Itself.Queued(ctx, s.f.svc.Repository, s.f.change.Number)
	switch {
	case err != nil:
		return steps.Merged{}, unsure(err)
	case q.In && s.a.queued:
		return steps.Merged{Kind: steps.MergeQueued}, nil
	case stage(s).late(s.f.run.Now(ctx)) && !s.a.queued:
		return steps.Merged{Kind: steps.MergeExpired}, nil
	case stage(s).late(s.f.run.Now(ctx)) && !s.a.handed: // what was handed over in time may be put there again
		return steps.Merged{Kind: steps.MergeStale}, nil // it may have got there and be merged: the wait tells
	case q.In:
		return steps.Merged{Kind: steps.MergeByQueue}, nil
	case moved != "":
		return steps.Merged{Kind: steps.MergeBaseMoved, Base: moved}, nil
	case !fresh(s.a.looked, steady(s.f.run, s.f.run.Now(ctx)), s.f.timing.Recheck): // it was cut off, or is tried again
		return steps.Merged{Kind: steps.MergeStale}, nil
	}
	// What was said since the inbox was read counts too, also before a restart.
	switch by, err := engine.CancelKept(ctx, s.f.run); {
	case err != nil:
		return steps.Merged{}, unsure(err)
	case by != "" && s.a.queued: // it may have got there before a restart
		return queueing(s).leave(ctx, p, approval, by)
	case by != "":
		return steps.Merged{Kind: steps.MergeCancelled, By: by}, nil
	case q.Demanded:
		return queueing(s).enqueue(ctx, p, approval, q)
	}
	return s.act(ctx, p, approval)
}

// act merges what may be merged.
func (s merging) act(ctx context.Context, p proposal, approval dr.Approval) (steps.Merged, error) {
	if err := s.f.run.Audit(ctx, "merge", dr.T("audit.merge", "number", s.f.change.Number, "commit", short(s.f.change.Head), "digest", shortDigest(p.Digest), "people", approval.By)); err != nil {
		return steps.Merged{}, err
	}
	if err := s.f.host.Held(ctx); err != nil {
		return steps.Merged{}, unsure(err) // whoever holds the lock goes on
	}
	if err := tally(s).mean(ctx, intended{Head: s.f.change.Head, Digest: p.Digest, By: approval.By}); err != nil {
		return steps.Merged{}, unsure(err)
	}
	sha, err := s.f.Forge.Changes.Merge(ctx, s.f.svc.Repository, s.f.change.Number, s.f.change.Head)
	if err != nil && dr.CodeOf(err) == dr.Conflict {
		return s.mergeRefused(ctx, err)
	}
	if err != nil {
		return steps.Merged{}, err
	}
	return s.afterMerge(ctx, p, sha)
}

// found takes up a merge that has been made.
func (s merging) found(ctx context.Context, p proposal, st dr.ChangeState, allowed bool, self string) (steps.Merged, error) {
	repo, number := s.f.svc.Repository, s.f.change.Number
	own, err := tally(s).own(ctx, p, st)
	switch {
	case err != nil:
		return steps.Merged{}, unsure(err)
	case st.BaseRef != repo.Base: // it was retargeted between a look and the merge
		return steps.Merged{}, &dr.Error{Code: dr.Uncertain, What: dr.T("merge.elsewhere", "number", number, "now", st.BaseRef, "base", repo.Base), Next: dr.T("merge.elsewhere.next", "number", number, "now", st.BaseRef)}
	case own: // by this run, before a restart
		return s.afterMerge(ctx, p, st.MergeSHA)
	case st.Head != s.f.change.Head || !allowed && !s.a.adopted:
		return steps.Merged{Kind: steps.MergeNotApproved}, nil
	case stage(s).tooLate(st, self, s.f.run.Now(ctx)) && !s.a.adopted: // the wait asks
		return steps.Merged{Kind: steps.MergeStale}, nil
	case stage(s).byQueue(st, self):
		return s.afterMerge(ctx, p, st.MergeSHA)
	}
	// Whether it came upon what was planned is looked at right before the first act.
	if err := s.f.run.Say(ctx, "taken-up", dr.Warn, dr.T("note.taken-up", "number", number, "who", orSomebody(st.MergedBy))); err != nil {
		return steps.Merged{}, err
	}
	out, err := s.afterMerge(ctx, p, st.MergeSHA)
	out.By = cmp.Or(st.MergedBy, "?")
	return out, err
}

// mergeRefused tells a head that moved, which is waited out, and one that is behind its
// base, which is made anew, from a forge that will not merge for reasons of its own, which a
// person must see to. What is behind may be told a moment later.
func (s merging) mergeRefused(ctx context.Context, refusal error) (steps.Merged, error) {
	for try := 1; try <= 2; try++ {
		st, err := s.f.Forge.Changes.ChangeState(ctx, s.f.svc.Repository, s.f.change.Number)
		if err == nil && !st.Merged {
			err = tally(s).unmeant(ctx)
		}
		switch {
		case err != nil:
			return steps.Merged{}, unsure(err)
		case st.Head != s.f.change.Head || !st.Open:
			return steps.Merged{Kind: steps.MergeNotApproved}, nil
		case st.Behind:
			return steps.Merged{Kind: steps.MergeBehind}, nil
		}
		if err := engine.Wait(ctx, hiccup); err != nil {
			return steps.Merged{}, unsure(err)
		}
	}
	what, _ := dr.Told(refusal)
	return steps.Merged{}, &dr.Error{Code: dr.Uncertain, What: what, Next: dr.T("merge.refused.next", "number", s.f.change.Number), Err: refusal}
}

// unsure is an error before the merge that must not end the run: the approved pull request
// stays open for when what is the matter was mended.
func unsure(err error) error {
	if dr.CodeOf(err) == dr.Temporary || dr.CodeOf(err) == dr.Uncertain {
		return err
	}
	what, next := dr.Told(err)
	return &dr.Error{Code: dr.Uncertain, What: what, Next: next, Err: err}
}

func (s merging) afterMerge(ctx context.Context, p proposal, sha string) (steps.Merged, error) {
	parents, err := s.f.Forge.Files.Parents(ctx, s.f.svc.Repository, sha)
	if err != nil {
		return steps.Merged{}, unsure(err) // it is found merged at the next look
	}
	out := steps.Merged{Kind: steps.MergeDone, SHA: sha, Plans: p.Plans, Digest: p.Digest}
	if len(parents) > 0 {
		out.Parent = parents[0]
	}
	out.Unlike = s.unlike(ctx, p, out)
	return out, s.f.run.Write(ctx, func(run *dr.Run) { run.MergeSHA = sha })
}

// unlike tells whether a merge holds something else that the stacks read than was planned,
// although it came upon the base that was planned; or whether it is not told what it came
// upon. What it came upon beside that is looked at right before the first act, and every
// apply compares its own plan: that this cannot be read now holds nobody up.
func (s merging) unlike(ctx context.Context, p proposal, m steps.Merged) bool {
	if m.Parent != p.Base {
		return m.Parent == ""
	}
	short, cancel := context.WithTimeout(ctx, glanced)
	defer cancel()
	changed, err := treesDiffer(short, s.f.Terraform, &s.f.course, p.Base, dr.Tree{Commit: m.SHA})
	if err != nil {
		s.f.run.Log().WarnContext(ctx, "what was merged could not be compared with what was planned", "error", err)
	}
	return changed && err == nil
}

// confirmMerge believes a merge when the base branch says so. A cancel that came
// too late is told so.
func (s merging) confirmMerge(merged steps.Merged, cancelled string) error {
	_, err := engine.Until(s.f.run, stepMerge, s.f.answer, func(ctx context.Context) (steps.Merged, error) {
		repo := s.f.svc.Repository
		content, _, err := s.f.Forge.Files.File(ctx, repo, repo.Base)
		if err != nil {
			return steps.Merged{}, err
		}
		if active, err := s.f.Forge.Region.ActiveRegion(content); err != nil || active != s.f.req.Target {
			return steps.Merged{}, &dr.Error{Code: dr.Temporary, What: dr.T("merge.unconfirmed", "base", repo.Base, "region", s.f.req.Target), Next: dr.T("merge.unconfirmed.next", "region", s.f.req.Target), Err: err}
		}
		return merged, nil
	})
	if out, ok := s.f.run.Outcome(stepMerge); ok && out.OK() {
		s.f.sawBase = steady(s.f.run, out.At)
	}
	if by := s.f.run.Cancelled(); cmp.Or(by, cancelled) != "" {
		engine.Note(s.f.run, "too-late", func(ctx context.Context) (bool, error) {
			return true, sayTooLate(ctx, &s.f.course, "too-late")
		})
	} else if s.a.overtaken != "" {
		tellTooLate(&s.f.course, s.a.overtaken)
	}
	return err
}

// shortDigest is a digest as people read it and as an answer names it.
func shortDigest(digest string) string { return digest[:min(len(digest), 8)] }

// short is a commit as people read it.
func short(sha string) string { return sha[:min(len(sha), 7)] }
