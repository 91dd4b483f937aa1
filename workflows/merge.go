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
type merging struct{ *approval }

// merge merges exactly the commit drbot made, after counting once more. A base that moved
// outside of what the stacks read is the one that was planned; one that moves after this
// look is seen by what the merge came upon, before any act.
func (a merging) merge(p proposal) (steps.Merged, error) {
	a.tries++
	out, err := engine.Until(a.run, stepMerge, a.answer, func(ctx context.Context) (steps.Merged, error) { return a.tryMerge(ctx, p) })
	cancelled := ""
	if err == nil && (out.Kind == steps.MergeByQueue || out.Kind == steps.MergeQueued) {
		out, cancelled, err = queueing{a}.through(p, out)
	}
	if err == nil && cancelled != "" && out.Kind != steps.MergeDone {
		out = steps.Merged{Kind: steps.MergeCancelled, By: cancelled} // whatever came of it: what is merged all the same is told at the end
	}
	if err != nil || out.Kind != steps.MergeDone {
		return out, err
	}
	// From here on the run holds the service; what follows may pause, not end it.
	a.merged, a.as, a.plannedAt = true, approvedAs{out, p.Base, p.Plans}, p.At
	if out.By != "" || out.Unlike {
		a.plannedAt = time.Time{} // it is planned before the first act, whatever it came upon
	}
	return out, a.confirmMerge(out, cancelled)
}

func (a merging) tryMerge(ctx context.Context, p proposal) (steps.Merged, error) {
	st, approval, err := a.count(ctx, p)
	moved := ""
	if err == nil && !st.Merged && approval.Allowed && st.BaseSHA != p.Base {
		if treesMoved(ctx, a.failover, p.Base, dr.Tree{Commit: a.change.Head, MergeInto: st.BaseSHA}) {
			moved = st.BaseSHA
		} else {
			st, approval, err = a.count(ctx, p) // to read Git takes its time
		}
	}
	if err != nil {
		return steps.Merged{}, unsure(err)
	}
	self, err := a.Forge.Files.Self(ctx)
	if err != nil {
		return steps.Merged{}, unsure(err)
	}
	switch {
	case st.Merged:
		return a.found(ctx, p, st, approval.Allowed, self)
	case !approval.Allowed && a.queued:
		return queueing{a}.leave(ctx, p, approval, "") // it may have got there before a restart
	case !approval.Allowed:
		return steps.Merged{Kind: steps.MergeNotApproved}, tally(a).unmeant(ctx)
	}
	q, err := a.Forge.Itself.Queued(ctx, a.svc.Repository, a.change.Number)
	switch {
	case err != nil:
		return steps.Merged{}, unsure(err)
	case q.In && a.queued:
		return steps.Merged{Kind: steps.MergeQueued}, nil
	case a.late(a.run.Now(ctx)) && !a.queued:
		return steps.Merged{Kind: steps.MergeExpired}, nil
	case a.late(a.run.Now(ctx)) && !a.handed: // what was handed over in time may be put there again
		return steps.Merged{Kind: steps.MergeStale}, nil // it may have got there and be merged: the wait tells
	case q.In:
		return steps.Merged{Kind: steps.MergeByQueue}, nil
	case moved != "":
		return steps.Merged{Kind: steps.MergeBaseMoved, Base: moved}, nil
	case !fresh(a.looked, steady(a.run, a.run.Now(ctx)), a.timing.Recheck): // it was cut off, or is tried again
		return steps.Merged{Kind: steps.MergeStale}, nil
	}
	// What was said since the inbox was read counts too, also before a restart.
	switch by, err := engine.CancelKept(ctx, a.run); {
	case err != nil:
		return steps.Merged{}, unsure(err)
	case by != "" && a.queued: // it may have got there before a restart
		return queueing{a}.leave(ctx, p, approval, by)
	case by != "":
		return steps.Merged{Kind: steps.MergeCancelled, By: by}, nil
	case q.Demanded:
		return queueing{a}.enqueue(ctx, p, approval, q)
	}
	return a.act(ctx, p, approval)
}

// act merges what may be merged.
func (a merging) act(ctx context.Context, p proposal, approval dr.Approval) (steps.Merged, error) {
	if err := a.run.Audit(ctx, "merge", dr.T("audit.merge", "number", a.change.Number, "commit", short(a.change.Head), "digest", shortDigest(p.Digest), "people", approval.By)); err != nil {
		return steps.Merged{}, err
	}
	if err := a.host.Held(ctx); err != nil {
		return steps.Merged{}, unsure(err) // whoever holds the lock goes on
	}
	if err := tally(a).mean(ctx, intended{Head: a.change.Head, Digest: p.Digest, By: approval.By}); err != nil {
		return steps.Merged{}, unsure(err)
	}
	sha, err := a.Forge.Changes.Merge(ctx, a.svc.Repository, a.change.Number, a.change.Head)
	if err != nil && dr.CodeOf(err) == dr.Conflict {
		return a.mergeRefused(ctx, err)
	}
	if err != nil {
		return steps.Merged{}, err
	}
	return a.afterMerge(ctx, p, sha)
}

// found takes up a merge that has been made.
func (a merging) found(ctx context.Context, p proposal, st dr.ChangeState, allowed bool, self string) (steps.Merged, error) {
	repo, number := a.svc.Repository, a.change.Number
	own, err := tally(a).own(ctx, p, st)
	switch {
	case err != nil:
		return steps.Merged{}, unsure(err)
	case st.BaseRef != repo.Base: // it was retargeted between a look and the merge
		return steps.Merged{}, &dr.Error{Code: dr.Uncertain, What: dr.T("merge.elsewhere", "number", number, "now", st.BaseRef, "base", repo.Base), Next: dr.T("merge.elsewhere.next", "number", number, "now", st.BaseRef)}
	case own: // by this run, before a restart
		return a.afterMerge(ctx, p, st.MergeSHA)
	case st.Head != a.change.Head || !allowed && !a.adopted:
		return steps.Merged{Kind: steps.MergeNotApproved}, nil
	case a.tooLate(st, self, a.run.Now(ctx)) && !a.adopted: // the wait asks
		return steps.Merged{Kind: steps.MergeStale}, nil
	case a.byQueue(st, self):
		return a.afterMerge(ctx, p, st.MergeSHA)
	}
	// Whether it came upon what was planned is looked at right before the first act.
	if err := a.run.Say(ctx, "taken-up", dr.Warn, dr.T("note.taken-up", "number", number, "who", orSomebody(st.MergedBy))); err != nil {
		return steps.Merged{}, err
	}
	out, err := a.afterMerge(ctx, p, st.MergeSHA)
	out.By = cmp.Or(st.MergedBy, "?")
	return out, err
}

// mergeRefused tells a head that moved, which is waited out, and one that is behind its
// base, which is made anew, from a forge that will not merge for reasons of its own, which a
// person must see to. What is behind may be told a moment later.
func (a merging) mergeRefused(ctx context.Context, refusal error) (steps.Merged, error) {
	for try := 1; try <= 2; try++ {
		st, err := a.Forge.Changes.ChangeState(ctx, a.svc.Repository, a.change.Number)
		if err == nil && !st.Merged {
			err = tally(a).unmeant(ctx)
		}
		switch {
		case err != nil:
			return steps.Merged{}, unsure(err)
		case st.Head != a.change.Head || !st.Open:
			return steps.Merged{Kind: steps.MergeNotApproved}, nil
		case st.Behind:
			return steps.Merged{Kind: steps.MergeBehind}, nil
		}
		if err := engine.Wait(ctx, hiccup); err != nil {
			return steps.Merged{}, unsure(err)
		}
	}
	what, _ := dr.Told(refusal)
	return steps.Merged{}, &dr.Error{Code: dr.Uncertain, What: what, Next: dr.T("merge.refused.next", "number", a.change.Number), Err: refusal}
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

func (a merging) afterMerge(ctx context.Context, p proposal, sha string) (steps.Merged, error) {
	parents, err := a.Forge.Files.Parents(ctx, a.svc.Repository, sha)
	if err != nil {
		return steps.Merged{}, unsure(err) // it is found merged at the next look
	}
	out := steps.Merged{Kind: steps.MergeDone, SHA: sha, Plans: p.Plans, Digest: p.Digest}
	if len(parents) > 0 {
		out.Parent = parents[0]
	}
	out.Unlike = a.unlike(ctx, p, out)
	return out, a.run.Write(ctx, func(run *dr.Run) { run.MergeSHA = sha })
}

// unlike tells whether a merge holds something else that the stacks read than was planned,
// although it came upon the base that was planned; or whether it is not told what it came
// upon. What it came upon beside that is looked at right before the first act, and every
// apply compares its own plan: that this cannot be read now holds nobody up.
func (a merging) unlike(ctx context.Context, p proposal, m steps.Merged) bool {
	if m.Parent != p.Base {
		return m.Parent == ""
	}
	short, cancel := context.WithTimeout(ctx, glanced)
	defer cancel()
	changed, err := treesDiffer(short, a.failover, p.Base, dr.Tree{Commit: m.SHA})
	if err != nil {
		a.run.Log().WarnContext(ctx, "what was merged could not be compared with what was planned", "error", err)
	}
	return changed && err == nil
}

// confirmMerge believes a merge when the base branch says so. A cancel that came
// too late is told so.
func (a merging) confirmMerge(merged steps.Merged, cancelled string) error {
	_, err := engine.Until(a.run, stepMerge, a.answer, func(ctx context.Context) (steps.Merged, error) {
		repo := a.svc.Repository
		content, _, err := a.Forge.Files.File(ctx, repo, repo.Base)
		if err != nil {
			return steps.Merged{}, err
		}
		if active, err := a.Forge.Region.ActiveRegion(content); err != nil || active != a.req.Target {
			return steps.Merged{}, &dr.Error{Code: dr.Temporary, What: dr.T("merge.unconfirmed", "base", repo.Base, "region", a.req.Target), Next: dr.T("merge.unconfirmed.next", "region", a.req.Target), Err: err}
		}
		return merged, nil
	})
	if out, ok := a.run.Outcome(stepMerge); ok && out.OK() {
		a.sawBase = steady(a.run, out.At)
	}
	if by := a.run.Cancelled(); cmp.Or(by, cancelled) != "" {
		engine.Note(a.run, "too-late", func(ctx context.Context) (bool, error) {
			return true, sayTooLate(ctx, a.failover, "too-late")
		})
	} else if a.overtaken != "" {
		tellTooLate(a.failover, a.overtaken)
	}
	return err
}

// shortDigest is a digest as people read it and as an answer names it.
func shortDigest(digest string) string { return digest[:min(len(digest), 8)] }

// short is a commit as people read it.
func short(sha string) string { return sha[:min(len(sha), 7)] }
