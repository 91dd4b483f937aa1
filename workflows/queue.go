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
type queueing stage

// through puts the change into the queue, if it is not there, and follows it until there is
// something to do. Where a cancel has taken it out, or came too late for that, it is said
// who cancelled.
func (s queueing) through(p proposal, out steps.Merged) (left steps.Merged, cancelled string, err error) {
	s.a.queued = true
	for {
		s.a.tries++
		if out.Kind != steps.MergeQueued {
			out, err = engine.Until(s.f.run, stepMerge, s.f.answer, func(ctx context.Context) (steps.Merged, error) { return merging(s).tryMerge(ctx, p) })
			if err != nil || out.Kind != steps.MergeQueued {
				return out, "", err
			}
		}
		s.a.handed = true
		cancelled = s.follow(p)
		settle := func(ctx context.Context) (steps.Merged, error) { return s.settle(ctx, p, cancelled) }
		if cancelled != "" { // it counts, however often it has to be tried
			out, err = engine.Until(s.f.run, stepMerge, s.f.answer, settle)
			return out, cancelled, err
		}
		found := engine.Do(s.f.run, stepMerge, settle)
		switch out = found.Value; {
		case !found.OK():
			// They retry: what people approved is looked at again before it is put there anew.
			_, err = s.f.answer(stepMerge, found.Outcome)
			return steps.Merged{Kind: steps.MergeNotApproved}, "", err
		case out.Kind != steps.MergeQueued:
			return out, "", nil
		}
	}
}

// enqueue hands exactly the approved head over to the queue, once that is known to be its
// way.
func (s queueing) enqueue(ctx context.Context, p proposal, approval dr.Approval, q dr.Queued) (steps.Merged, error) {
	if !s.a.queued {
		return steps.Merged{Kind: steps.MergeByQueue}, nil
	}
	repo, number := s.f.svc.Repository, s.f.change.Number
	if err := s.f.run.Audit(ctx, "enqueue", dr.T("audit.enqueue", "number", number, "commit", short(s.f.change.Head), "digest", shortDigest(p.Digest), "people", approval.By)); err != nil {
		return steps.Merged{}, err
	}
	if err := s.f.host.Held(ctx); err != nil {
		return steps.Merged{}, unsure(err)
	}
	if err := s.f.Forge.Itself.Enqueue(ctx, repo, number, s.f.change.Head); err != nil {
		if dr.CodeOf(err) == dr.Conflict {
			return merging(s).mergeRefused(ctx, err)
		}
		return steps.Merged{}, unsure(err)
	}
	title := dr.T("note.queued", "number", number, "base", repo.Base)
	if q.Out != "" {
		title = dr.T("note.queued.again", "number", number, "base", repo.Base)
	}
	return steps.Merged{Kind: steps.MergeQueued}, s.f.run.Say(ctx, fmt.Sprintf("queued/%d/%d", number, s.a.tries), dr.OK, title, dr.T("note.queued.line", "every", s.f.timing.Review))
}

// follow looks at the queue every while until the change is there no more, does not have
// its approvals any more, or somebody cancels.
func (s queueing) follow(p proposal) (cancelled string) {
	var shown dr.Text
	for {
		if by := s.f.run.Cancelled(); by != "" {
			return by
		}
		over := engine.Note(s.f.run, "look", func(ctx context.Context) (bool, error) {
			s.f.run.Looked()
			reading, done := engine.Hurried(ctx, s.f.run)
			defer done()
			over, line := s.over(reading, p)
			if !line.Same(shown) {
				shown = line
				s.f.run.Mark(ctx, stepMerge, running)
				s.f.run.Waits(ctx, stepMerge, line)
			}
			return over, nil
		})
		if over.OK() && over.Value {
			return ""
		}
		if m, ok := s.f.run.Receive(s.f.timing.Review); ok && m.Kind == engine.Cancel {
			return m.By.First()
		}
	}
}

// over tells whether there is something to do, and how it stands. What cannot be read is
// looked at again: the queue has what it was given.
func (s queueing) over(ctx context.Context, p proposal) (bool, dr.Text) {
	q, err := s.f.Forge.Itself.Queued(ctx, s.f.svc.Repository, s.f.change.Number)
	if err == nil && !q.In || err != nil && dr.CodeOf(err) != dr.Temporary { // what a person must mend is asked
		return true, dr.T("merge.queued")
	}
	read := s.f.Forge.Changes.ChangeState
	if s.f.Forge.Watch != nil {
		read = s.f.Forge.Watch.Look // what it leads to is counted whole
	}
	var approval dr.Approval
	if err == nil {
		_, approval, err = stage(s).countBy(ctx, p, read)
	}
	switch {
	case err != nil:
		s.f.run.Log().WarnContext(ctx, "the merge queue could not be looked at", "error", err)
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
func (s queueing) settle(ctx context.Context, p proposal, cancelled string) (steps.Merged, error) {
	for try := 1; ; try++ {
		q, unread := s.f.Forge.Itself.Queued(ctx, s.f.svc.Repository, s.f.change.Number)
		st, approval, err := stage(s).count(ctx, p)
		if err != nil {
			return steps.Merged{}, unsure(err)
		}
		switch {
		case st.Merged: // whatever is told of the queue
			self, err := s.f.Forge.Files.Self(ctx)
			if err != nil {
				return steps.Merged{}, unsure(err)
			}
			return merging(s).found(ctx, p, st, approval.Allowed, self)
		case unread != nil:
			return steps.Merged{}, unsure(unread)
		case cancelled != "" || !approval.Allowed:
			return s.leave(ctx, p, approval, cancelled)
		case q.In:
			return steps.Merged{Kind: steps.MergeQueued}, nil
		case !q.Demanded:
			return steps.Merged{Kind: steps.MergeNotApproved}, nil // it goes around, and on without a queue
		case try == 2:
			return steps.Merged{}, &dr.Error{Code: dr.Uncertain, What: dr.T("merge.thrown-out", "number", s.f.change.Number, "why", orUntold(q.Out)), Next: dr.T("merge.thrown-out.next", "number", s.f.change.Number)}
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
func (s queueing) leave(ctx context.Context, p proposal, approval dr.Approval, cancelled string) (steps.Merged, error) {
	repo, number := s.f.svc.Repository, s.f.change.Number
	if err := s.f.Forge.Itself.Dequeue(ctx, repo, number); err != nil {
		return steps.Merged{}, unsure(err)
	}
	st, now, err := stage(s).count(ctx, p)
	if err != nil {
		return steps.Merged{}, unsure(err)
	}
	if st.Merged {
		self, err := s.f.Forge.Files.Self(ctx)
		if err != nil {
			return steps.Merged{}, unsure(err)
		}
		return merging(s).found(ctx, p, st, now.Allowed, self)
	}
	out := steps.Merged{Kind: steps.MergeNotApproved}
	why, said := dr.T("await.status", "reasons", approval.Reasons), dr.T("note.dequeued", "number", number, "reasons", orNothing(approval.Reasons))
	if cancelled != "" {
		out = steps.Merged{Kind: steps.MergeCancelled, By: cancelled}
		why, said = dr.T("run.cancelled", "who", cancelled), dr.T("note.dequeued.cancelled", "number", number, "who", cancelled)
	}
	if err := s.f.run.Audit(ctx, "dequeue", dr.T("audit.dequeue", "number", number, "why", why)); err != nil {
		return steps.Merged{}, err
	}
	return out, s.f.run.Say(ctx, fmt.Sprintf("dequeued/%d/%d", number, s.a.tries), dr.Warn, said)
}
