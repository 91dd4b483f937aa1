package workflows

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// notByItself has the change not merge by itself where somebody has set it to, and says so:
// before a status that could set it off, and as soon as it is seen. Where that is refused,
// or comes too late, the merge is somebody else's and taken up as such.
func (s stage) notByItself(ctx context.Context) error {
	number := s.f.change.Number
	owed := owing{s.f, s.a, owedAutoMerge}
	by, err := s.f.Forge.Itself.StopAutoMerge(ctx, s.f.svc.Repository, number, func(by string) error {
		return owed.keep(ctx, debt{At: s.f.run.Now(ctx).Unix(), Who: by})
	})
	switch {
	case err != nil && (by == "" || dr.CodeOf(err) == dr.Temporary): // it is not known to be on, or is tried again
		return err
	case err != nil:
		if err := owed.drop(ctx); err != nil {
			return err
		}
		s.f.run.Log().WarnContext(ctx, "auto-merge could not be switched off", "number", number, "error", err)
		what, _ := dr.Told(err)
		return s.f.run.Say(ctx, fmt.Sprintf("auto-merge/%d", number), dr.Warn, dr.T("note.auto-merge.stays", "number", number), what, dr.T("note.auto-merge.stays.line"))
	}
	return owed.pay(ctx)
}

// How often it is looked whether somebody else has put the change into the merge queue: where
// there is one, and where there may come to be one.
const (
	queueEvery   = time.Minute
	noQueueEvery = 10 * time.Minute
)

// unqueueing undoes what somebody else has put into the merge queue.
type unqueueing stage

// notByQueue takes the change out of the merge queue where it is there before it may be
// merged, and says so; where that is refused, that is said. What may be merged is left there:
// the run goes on with it. It is a look of its own, and not made at every other.
func (s unqueueing) notByQueue(ctx context.Context, may bool) error {
	now, owed := steady(s.f.run, s.f.run.Now(ctx)), owing{s.f, s.a, owedQueue}
	kept, err := owed.kept(ctx)
	if err != nil || may && kept == "" || now.Before(s.a.unqueued) {
		return err
	}
	repo, number := s.f.svc.Repository, s.f.change.Number
	q, err := s.f.Forge.Itself.Queued(ctx, repo, number)
	switch {
	case err != nil:
		return err
	case !q.In:
		err = owed.pay(ctx)
	case may:
		err = owed.drop(ctx) // a former process meant to, and did not
	default:
		err = s.dequeue(ctx, owed)
	}
	if err != nil {
		return err
	}
	if s.a.unqueued = now.Add(noQueueEvery); q.Demanded {
		s.a.unqueued = now.Add(queueEvery)
	}
	return nil
}

func (s unqueueing) dequeue(ctx context.Context, owed owing) error {
	number := s.f.change.Number
	if err := owed.keep(ctx, debt{At: s.f.run.Now(ctx).Unix()}); err != nil {
		return err
	}
	err := s.f.Forge.Itself.Dequeue(ctx, s.f.svc.Repository, number)
	switch {
	case err == nil:
		return owed.pay(ctx)
	case dr.CodeOf(err) == dr.Temporary:
		return err
	default:
		return s.staysQueued(ctx, owed, err)
	}
}

// staysQueued says that the change stays in the queue, unless it does not.
func (s unqueueing) staysQueued(ctx context.Context, owed owing, why error) error {
	number := s.f.change.Number
	switch q, err := s.f.Forge.Itself.Queued(ctx, s.f.svc.Repository, number); {
	case err != nil:
		return err
	case !q.In:
		return owed.pay(ctx)
	}
	if err := owed.drop(ctx); err != nil {
		return err
	}
	what, next := dr.Told(why)
	return s.f.run.Say(ctx, fmt.Sprintf("unqueued/%d", number), dr.Warn, dr.T("note.unqueued.stays", "number", number), what, next, dr.T("note.auto-merge.stays.line"))
}

// owing is what has been done to the change and is still to be told. It is kept before it is
// done, because the bot may die right after; then there is nothing more to be seen of it.
type owing struct {
	f    *failover
	a    *approval
	what string
}

// What can be owed.
const (
	owedAutoMerge = "auto-merge"
	owedQueue     = "queue"
)

// debt is when it was done, and who had set what was undone: facts alone. The words and the
// audit line are made of it when it is told.
type debt struct {
	At  int64  `json:"at"`
	Who string `json:"who,omitempty"`
}

func (s owing) key() string {
	return fmt.Sprintf("%s/owed/%s/%d", s.f.req.Run, s.what, s.f.change.Number)
}

func (s owing) keep(ctx context.Context, d debt) error {
	doc, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return s.f.Store.Memory.Put(ctx, s.key(), string(doc))
}

// kept reads it. What was written by hand is told as such, and owed to nobody.
func (s owing) kept(ctx context.Context) (string, error) {
	kept, err := s.f.Store.Memory.Get(ctx, s.key())
	if errors.Is(err, dr.ErrUnsealed) {
		return "", cmp.Or(engine.TellUnsealed(ctx, s.f.run, s.key(), err), s.drop(ctx))
	}
	return kept, err
}

func (s owing) drop(ctx context.Context) error { return s.f.Store.Memory.Put(ctx, s.key(), "") }

// pay tells what is owed, where it is seen to be done: also in a run that is cancelled meanwhile.
func (s owing) pay(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	kept, err := s.kept(ctx)
	if err != nil || kept == "" {
		return err
	}
	var d debt
	if err := json.Unmarshal([]byte(kept), &d); err != nil {
		return fmt.Errorf("decode what is owed: %w", err)
	}
	number := s.f.change.Number
	key, action, detail := fmt.Sprintf("unqueued/%d/%d", number, d.At), "dequeue", dr.T("audit.dequeue", "number", number, "why", dr.T("audit.dequeue.early"))
	title, line := dr.T("note.unqueued", "number", number), dr.T("note.unqueued.line")
	if s.what == owedAutoMerge {
		key, action, detail = fmt.Sprintf("auto-merge/%d/%d", number, d.At), "stop-auto-merge", dr.T("audit.auto-merge", "number", number, "who", orSomebody(d.Who))
		title, line = dr.T("note.auto-merge", "number", number, "who", orSomebody(d.Who)), dr.T("note.auto-merge.line")
	}
	if err := s.f.run.Audit(ctx, action, detail); err != nil {
		return err
	}
	if err := s.f.run.Say(ctx, key, dr.Warn, title, line); err != nil {
		return err
	}
	return s.drop(ctx)
}
