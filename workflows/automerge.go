package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drbot/drbot/dr"
)

// notByItself has the change not merge by itself where somebody has set it to, and says so:
// before a status that could set it off, and as soon as it is seen. Where that is refused,
// or comes too late, the merge is somebody else's and taken up as such.
func (a *approval) notByItself(ctx context.Context) error {
	number := a.change.Number
	owed := owing{a, "auto-merge"}
	by, err := a.Forge.Itself.StopAutoMerge(ctx, a.svc.Repository, number, func(by string) error {
		return owed.keep(ctx, debt{
			Key: fmt.Sprintf("auto-merge/%d/%d", number, a.run.Now(ctx).Unix()), Action: "stop-auto-merge", Detail: dr.T("audit.auto-merge", "number", number, "who", by),
			Title: dr.T("note.auto-merge", "number", number, "who", by), Line: dr.T("note.auto-merge.line"),
		})
	})
	switch {
	case err != nil && (by == "" || dr.CodeOf(err) == dr.Temporary): // it is not known to be on, or is tried again
		return err
	case err != nil:
		if err := owed.drop(ctx); err != nil {
			return err
		}
		a.run.Log().WarnContext(ctx, "auto-merge could not be switched off", "number", number, "error", err)
		what, _ := dr.Told(err)
		return a.run.Say(ctx, fmt.Sprintf("auto-merge/%d", number), dr.Warn, dr.T("note.auto-merge.stays", "number", number), what, dr.T("note.auto-merge.stays.line"))
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
type unqueueing struct{ *approval }

// notByQueue takes the change out of the merge queue where it is there before it may be
// merged, and says so; where that is refused, that is said. What may be merged is left there:
// the run goes on with it. It is a look of its own, and not made at every other.
func (a unqueueing) notByQueue(ctx context.Context, may bool, reasons []dr.Text) error {
	now, owed := steady(a.run, a.run.Now(ctx)), owing{a.approval, "queue"}
	kept, err := owed.kept(ctx)
	if err != nil || may && kept == "" || now.Before(a.unqueued) {
		return err
	}
	repo, number := a.svc.Repository, a.change.Number
	q, err := a.Forge.Itself.Queued(ctx, repo, number)
	switch {
	case err != nil:
		return err
	case !q.In:
		err = owed.pay(ctx)
	case may:
		err = owed.drop(ctx) // a former process meant to, and did not
	default:
		err = a.dequeue(ctx, owed, reasons)
	}
	if err != nil {
		return err
	}
	if a.unqueued = now.Add(noQueueEvery); q.Demanded {
		a.unqueued = now.Add(queueEvery)
	}
	return nil
}

func (a unqueueing) dequeue(ctx context.Context, owed owing, reasons []dr.Text) error {
	number := a.change.Number
	if err := owed.keep(ctx, debt{
		Key: fmt.Sprintf("unqueued/%d/%d", number, a.run.Now(ctx).Unix()), Action: "dequeue", Detail: dr.T("audit.dequeue", "number", number, "why", dr.T("await.status", "reasons", reasons)),
		Title: dr.T("note.unqueued", "number", number), Line: dr.T("note.unqueued.line"),
	}); err != nil {
		return err
	}
	err := a.Forge.Itself.Dequeue(ctx, a.svc.Repository, number)
	switch {
	case err == nil:
		return owed.pay(ctx)
	case dr.CodeOf(err) == dr.Temporary:
		return err
	default:
		return a.staysQueued(ctx, owed, err)
	}
}

// staysQueued says that the change stays in the queue, unless it does not.
func (a unqueueing) staysQueued(ctx context.Context, owed owing, why error) error {
	number := a.change.Number
	switch q, err := a.Forge.Itself.Queued(ctx, a.svc.Repository, number); {
	case err != nil:
		return err
	case !q.In:
		return owed.pay(ctx)
	}
	if err := owed.drop(ctx); err != nil {
		return err
	}
	what, next := dr.Told(why)
	return a.run.Say(ctx, fmt.Sprintf("unqueued/%d", number), dr.Warn, dr.T("note.unqueued.stays", "number", number), what, next, dr.T("note.auto-merge.stays.line"))
}

// owing is what has been done to the change and is still to be told. It is kept before it is
// done, because the bot may die right after; then there is nothing more to be seen of it.
type owing struct {
	*approval
	what string
}

// debt is the audit line and the note of it.
type debt struct {
	Key    string  `json:"key"`
	Action string  `json:"action"`
	Detail dr.Text `json:"detail"`
	Title  dr.Text `json:"title"`
	Line   dr.Text `json:"line"`
}

func (o owing) key() string { return fmt.Sprintf("%s/owed/%s/%d", o.req.Run, o.what, o.change.Number) }

func (o owing) keep(ctx context.Context, d debt) error {
	doc, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return o.Store.Memory.Put(ctx, o.key(), string(doc))
}

func (o owing) kept(ctx context.Context) (string, error) { return o.Store.Memory.Get(ctx, o.key()) }

func (o owing) drop(ctx context.Context) error { return o.Store.Memory.Put(ctx, o.key(), "") }

// pay tells what is owed, where it is seen to be done: also in a run that is cancelled meanwhile.
func (o owing) pay(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	kept, err := o.kept(ctx)
	if err != nil || kept == "" {
		return err
	}
	var d debt
	if err := json.Unmarshal([]byte(kept), &d); err != nil {
		return fmt.Errorf("decode what is owed: %w", err)
	}
	if err := o.run.Audit(ctx, d.Action, d.Detail); err != nil {
		return err
	}
	if err := o.run.Say(ctx, d.Key, dr.Warn, d.Title, d.Line); err != nil {
		return err
	}
	return o.drop(ctx)
}
