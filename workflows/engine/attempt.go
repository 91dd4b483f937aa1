package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/drbot/drbot/dr"
)

// longestPause bounds the pause between two tries of what is temporary.
const longestPause = 30 * time.Second

// attempt calls a function until it went well, failed for good, or was temporary
// too often.
func (r *Run) attempt(ctx context.Context, name string, fn func(context.Context) (Outcome, error)) Outcome {
	timing, now := r.engine.opts.Timing, r.engine.opts.Now
	pause := timing.Retry
	for try := 1; ; try++ {
		anotherTry(ctx)
		out, err := guarded(ctx, func(ctx context.Context) (Outcome, error) {
			if err := r.recall(ctx); err != nil {
				return Outcome{}, err
			}
			return fn(ctx)
		})
		out.At = now()
		if err == nil {
			return out
		}
		code := dr.CodeOf(err)
		r.engine.opts.Log.WarnContext(ctx, "step failed", "run", r.ID, "step", name, "try", try, "code", code, "error", err)
		if code != dr.Temporary || try >= timing.Tries || ctx.Err() != nil {
			out.Code = code
			out.What, out.Next = dr.Told(err)
			return out
		}
		if Wait(ctx, pause) != nil {
			continue // the next try sees the cancelled context and gives up
		}
		pause = min(2*pause, longestPause)
	}
}

// guarded turns a panic into an error for a person: a defect in one step must end
// neither the run without a word nor the process.
func guarded[T any](ctx context.Context, fn func(context.Context) (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &dr.Error{Code: dr.Uncertain, What: dr.T("step.panic"), Next: dr.T("step.panic.next"), Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	return fn(ctx)
}

// Each calls a function for every number below n side by side, and waits for all. A
// panic in one is that one's error, as it is for a step.
func Each(ctx context.Context, n int, fn func(ctx context.Context, i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			_, errs[i] = guarded(ctx, func(ctx context.Context) (bool, error) { return true, fn(ctx, i) })
		})
	}
	wg.Wait()
	return errs
}

// Wait pauses inside a step.
func Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
