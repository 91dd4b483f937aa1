package workflows

import (
	"context"
	"fmt"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// queueing has an approved change merged by the queue of its base. That it is the queue's
// is an outcome of its own before it is put there: a merge of the queue is the run's own by
// nothing else.
type queueing struct{ merging }

// through puts the change into the queue, if it is not there, and follows it until there is
// something to do. Where a cancel has taken it out, or came too late for that, it is said
// who cancelled.
func (a queueing) through(p proposal, out steps.Merged) (left steps.Merged, cancelled string, err error) {
	a.queued = true
	for {
		a.tries++
		if out.Kind != steps.MergeQueued {
			out, err = engine.Until(a.run, stepMerge, a.answer, func(ctx context.Context) (steps.Merged, error) { return a.tryMerge(ctx, p) })
			if err != nil || out.Kind != steps.MergeQueued {
				return out, "", err
			}
		}
		a.handed = true
		cancelled = a.follow(p)
		settle := func(ctx context.Context) (steps.Merged, error) { return a.settle(ctx, p, cancelled) }
		if cancelled != "" { // it counts, however often it has to be tried
			out, err = engine.Until(a.run, stepMerge, a.answer, settle)
			return out, cancelled, err
		}
		found := engine.Do(a.run, stepMerge, settle)
		switch out = found.Value; {
		case !found.OK():
			// They retry: what people approved is looked at again before it is put there anew.
			_, err = a.answer(stepMerge, found.Outcome)
			return steps.Merged{Kind: steps.MergeNotApproved}, "", err
		case out.Kind != steps.MergeQueued:
			return out, "", nil
		}
	}
}

// enqueue hands exactly the approved head over to the queue, once that is known to be its
// way.
func (a queueing) enqueue(ctx context.Context, p proposal, approval dr.Approval, q dr.Queued) (steps.Merged, error) {
	if !a.queued {
		return steps.Merged{Kind: steps.MergeByQueue}, nil
	}
	repo, number := a.svc.Repository, a.change.Number
	if err := a.run.Audit(ctx, "enqueue", dr.T("audit.enqueue", "number", number, "commit", short(a.change.Head), "digest", shortDigest(p.Digest), "people", approval.By)); err != nil {
		return steps.Merged{}, err
	}
	if err := a.host.Held(ctx); err != nil {
		return steps.Merged{}, unsure(err)
	}
	if err := a.Forge.Itself.Enqueue(ctx, repo, number, a.change.Head); err != nil {
		if dr.CodeOf(err) == dr.Conflict {
			return a.mergeRefused(ctx, err)
		}
		return steps.Merged{}, unsure(err)
	}
	title := dr.T("note.queued", "number", number, "base", repo.Base)
	if q.Out != "" {
		title = dr.T("note.queued.again", "number", number, "base", repo.Base)
	}
	return steps.Merged{Kind: steps.MergeQueued}, a.run.Say(ctx, fmt.Sprintf("queued/%d/%d", number, a.tries), dr.OK, title, dr.T("note.queued.line", "every", a.timing.Review))
}

// follow looks at the queue every while until the change is there no more, does not have
// its approvals any more, or somebody cancels.
func (a queueing) follow(p proposal) (cancelled string) {
	var shown dr.Text
	for {
		if by := a.run.Cancelled(); by != "" {
			return by
		}
		over := engine.Note(a.run, "look", func(ctx context.Context) (bool, error) {
			a.run.Looked()
			reading, done := engine.Hurried(ctx, a.run)
			defer done()
			over, line := a.over(reading, p)
			if !line.Same(shown) {
				shown = line
				a.run.Mark(ctx, stepMerge, running)
				a.run.Waits(ctx, stepMerge, line)
			}
			return over, nil
		})
		if over.OK() && over.Value {
			return ""
		}
		if m, ok := a.run.Receive(a.timing.Review); ok && m.Kind == engine.Cancel {
			return m.By.First()
		}
	}
}

// over tells whether there is something to do, and how it stands. What cannot be read is
// looked at again: the queue has what it was given.
func (a queueing) over(ctx context.Context, p proposal) (bool, dr.Text) {
	q, err := a.Forge.Itself.Queued(ctx, a.svc.Repository, a.change.Number)
	if err == nil && !q.In || err != nil && dr.CodeOf(err) != dr.Temporary { // what a person must mend is asked
		return true, dr.T("merge.queued")
	}
	read := a.Forge.Changes.ChangeState
	if a.Forge.Watch != nil {
		read = a.Forge.Watch.Look // what it leads to is counted whole
	}
	var approval dr.Approval
	if err == nil {
		_, approval, err = a.countBy(ctx, p, read)
	}
	switch {
	case err != nil:
		a.run.Log().WarnContext(ctx, "the merge queue could not be looked at", "error", err)
		what, _ := dr.Told(err)
		return false, dr.T("merge.queued.unread", "why", what)
	case q.Position > 0:
		return !approval.Allowed, dr.T("merge.queued.at", "position", q.Position)
	default:
		return !approval.Allowed, dr.T("merge.queued")
	}
}

// settle does what is to be done about a change that was in the queue. That it is not there
// and not merged counts when it has been seen twice.
func (a queueing) settle(ctx context.Context, p proposal, cancelled string) (steps.Merged, error) {
	for try := 1; ; try++ {
		q, unread := a.Forge.Itself.Queued(ctx, a.svc.Repository, a.change.Number)
		st, approval, err := a.count(ctx, p)
		if err != nil {
			return steps.Merged{}, unsure(err)
		}
		switch {
		case st.Merged: // whatever is told of the queue
			self, err := a.Forge.Files.Self(ctx)
			if err != nil {
				return steps.Merged{}, unsure(err)
			}
			return a.found(ctx, p, st, approval.Allowed, self)
		case unread != nil:
			return steps.Merged{}, unsure(unread)
		case cancelled != "" || !approval.Allowed:
			return a.leave(ctx, p, approval, cancelled)
		case q.In:
			return steps.Merged{Kind: steps.MergeQueued}, nil
		case !q.Demanded:
			return steps.Merged{Kind: steps.MergeNotApproved}, nil // it goes around, and on without a queue
		case try == 2:
			return steps.Merged{}, &dr.Error{Code: dr.Uncertain, What: dr.T("merge.thrown-out", "number", a.change.Number, "why", orUntold(q.Out)), Next: dr.T("merge.thrown-out.next", "number", a.change.Number)}
		}
		if err := engine.Wait(ctx, hiccup); err != nil {
			return steps.Merged{}, unsure(err)
		}
	}
}

func orUntold(why string) dr.Arg {
	if why == "" {
		return dr.ArgOf(dr.T("merge.thrown-out.untold"))
	}
	return dr.ArgOf(dr.Foreign(why))
}

// leave takes the change out of the queue, and looks whether that was in time.
func (a queueing) leave(ctx context.Context, p proposal, approval dr.Approval, cancelled string) (steps.Merged, error) {
	repo, number := a.svc.Repository, a.change.Number
	if err := a.Forge.Itself.Dequeue(ctx, repo, number); err != nil {
		return steps.Merged{}, unsure(err)
	}
	st, now, err := a.count(ctx, p)
	if err != nil {
		return steps.Merged{}, unsure(err)
	}
	if st.Merged {
		self, err := a.Forge.Files.Self(ctx)
		if err != nil {
			return steps.Merged{}, unsure(err)
		}
		return a.found(ctx, p, st, now.Allowed, self)
	}
	out := steps.Merged{Kind: steps.MergeNotApproved}
	why, said := dr.T("await.status", "reasons", approval.Reasons), dr.T("note.dequeued", "number", number, "reasons", orNothing(approval.Reasons))
	if cancelled != "" {
		out = steps.Merged{Kind: steps.MergeCancelled, By: cancelled}
		why, said = dr.T("run.cancelled", "who", cancelled), dr.T("note.dequeued.cancelled", "number", number, "who", cancelled)
	}
	if err := a.run.Audit(ctx, "dequeue", dr.T("audit.dequeue", "number", number, "why", why)); err != nil {
		return steps.Merged{}, err
	}
	return out, a.run.Say(ctx, fmt.Sprintf("dequeued/%d/%d", number, a.tries), dr.Warn, said)
}
