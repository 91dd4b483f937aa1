package engine

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/drbot/drbot/dr"
)

// sayAfter is after how long it is said what a reading waits for.
const sayAfter = 30 * time.Second

// hurries knows which runs were cancelled or abandoned, and how to end what they read meanwhile. It is
// of this process alone: the cancel itself is a message like any other.
type hurries struct {
	mu   sync.Mutex
	runs map[string]*hurry
}

// hurry is one run: cancelled, or reading, or both.
type hurry struct {
	cancelled bool
	by        dr.Voices
	stop      context.CancelFunc
}

func (h *hurries) of(run string) *hurry {
	if h.runs == nil {
		h.runs = map[string]*hurry{}
	}
	if h.runs[run] == nil {
		h.runs[run] = &hurry{}
	}
	return h.runs[run]
}

func (h *hurries) begin(run string, stop context.CancelFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.of(run)
	if one.stop = stop; one.cancelled {
		stop()
	}
}

func (h *hurries) cancel(run string, by dr.Voices) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.of(run)
	one.by = by
	if one.cancelled = true; one.stop != nil {
		one.stop()
	}
}

// who is by whom a run was; nobody where it was not.
func (h *hurries) who(run string) dr.Voices {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.runs[run]; one != nil {
		return one.by
	}
	return nil
}

func (h *hurries) end(run string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.runs, run)
}

// End asks a run to end: Cancel before its merge, Abandon past it. What it only reads at that
// moment, or only waits for to be well, is not waited for any longer.
func (e *Engine) End(ctx context.Context, run, kind string, by ...string) error {
	err := e.Send(run, Message{Kind: kind, By: by})
	if err != nil {
		return err
	}
	key, ended := abandonedKey(run), &e.leaving
	if kind == Cancel {
		key, ended = cancelledKey(run), &e.hurries
	}
	// It counts by its message; a step under way is to know of it, also in the next process.
	if err := keep(context.WithoutCancel(ctx), e, run, key, by); err != nil {
		e.opts.Log.ErrorContext(ctx, "that the run is to end was not kept", "run", run, "kind", kind, "error", err)
	}
	ended.cancel(run, by)
	return nil
}

func abandonedKey(run string) string { return run + "/abandoned" }

// UnlessAbandoned is an error where people have abandoned the run, and what a step leaves
// behind then. It is for steps, before they act: the message is in the inbox, or was lost with
// a wait that did not look for it.
func UnlessAbandoned(ctx context.Context, r *Run) (Outcome, error) {
	by := r.engine.leaving.who(r.ID)
	if len(by) == 0 && !r.former { // what is said in this process is known without asking
		kept, err := kept(ctx, r, abandonedKey(r.ID))
		if err != nil {
			return Outcome{}, err
		}
		by, r.former = kept, len(kept) == 0
	}
	if len(by) == 0 {
		return Outcome{}, nil
	}
	doc, err := json.Marshal(by)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Value: doc, Cancelled: true}, &dr.Error{Code: dr.Conflict, What: dr.T("step.abandoned", "who", by)}
}

// abandonedIn takes from a step's outcome by whom it was kept from acting, and is otherwise
// what was known before.
func abandonedIn(out Outcome, before dr.Voices) dr.Voices {
	var by dr.Voices
	if !out.Cancelled || json.Unmarshal(out.Value, &by) != nil {
		return before
	}
	return by
}

func cancelledKey(run string) string { return run + "/cancelled" }

// CancelKept gives who has cancelled the run by now, to a step under way: the inbox is not
// read within one.
func CancelKept(ctx context.Context, r *Run) (by string, err error) {
	who, err := kept(ctx, r, cancelledKey(r.ID))
	return who.First(), err
}

// Watching is a context for waiting past the merge: it ends when the run is abandoned, and
// is over where it was in a former process.
func Watching(ctx context.Context, r *Run) (context.Context, context.CancelFunc, error) {
	by, err := kept(ctx, r, abandonedKey(r.ID))
	if err != nil {
		return ctx, func() {}, err
	}
	ctx, stop := context.WithCancel(ctx)
	if len(by) > 0 {
		stop()
	}
	r.engine.leaving.begin(r.ID, stop)
	return ctx, stop, nil
}

// Hurried is a context for reading: it ends when the run is cancelled.
func Hurried(ctx context.Context, r *Run) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(ctx)
	r.engine.hurries.begin(r.ID, stop)
	return ctx, stop
}

// Read is Do for what only reads, before anything was changed. It says on its line what
// it waits for when that takes long, and ends when the run is cancelled: its outcome is
// then marked so, and the cancel is in the inbox.
func Read[T any](r *Run, name string, waits dr.Text, fn func(context.Context) (T, error)) Result[T] {
	return result[T](r, name, lined(r, name, func(ctx context.Context) Outcome {
		reading, done := Hurried(ctx, r)
		defer done()
		defer sayLate(ctx, r, name, waits)()
		out := r.attempt(reading, name, asOutcome(fn))
		out.Cancelled = !out.OK() && reading.Err() != nil && ctx.Err() == nil
		return out
	}))
}

// sayLate says what a step waits for if it is not done after a while.
func sayLate(ctx context.Context, r *Run, name string, waits dr.Text) (done func()) {
	over := make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() {
		late := time.NewTimer(sayAfter)
		defer late.Stop()
		select {
		case <-over:
		case <-late.C:
			_, err := guarded(ctx, func(ctx context.Context) (bool, error) {
				r.Waits(ctx, name, waits)
				return true, nil
			})
			if err != nil {
				r.Log().ErrorContext(ctx, "what is waited for was not said", "step", name, "error", err)
			}
		}
	})
	return func() {
		close(over)
		told.Wait()
	}
}
