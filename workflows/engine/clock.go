package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/drbot/drbot/dr"
)

// leastJump is what a clock is set by before anything is made of it: less than that is
// how clocks are kept right.
const leastJump = 2 * time.Second

// jumps sees a clock that is set while the process runs, because Go's times carry
// the time since the boot as well. What a clock does while no process looks is not seen.
type jumps struct {
	mu   sync.Mutex
	last time.Time
}

// since is how far the clock was set since the last look.
func (j *jumps) since(now time.Time) time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	last := j.last
	j.last = now
	if last.IsZero() {
		return 0
	}
	by := now.Round(0).Sub(last.Round(0)) - now.Sub(last)
	if by.Abs() < leastJump {
		return 0
	}
	return by
}

// Now reads the clock inside a step. When it has jumped, what is still being measured by
// it goes along: a request does not expire at once, or an hour late, because somebody
// set the host's clock, and the RTA stays the time that has passed. The jump becomes
// part of the step's outcome.
func (r *Record) Now(ctx context.Context) time.Time {
	now := r.opts.Now()
	if by := r.clock.since(now); by != 0 {
		r.opts.Log.WarnContext(ctx, "the clock has jumped", "run", r.ID, "by", by.String())
		r.mu.Lock()
		r.pending += by
		total := r.jumped + r.pending
		r.mu.Unlock()
		// This step may not live to leave an outcome; what is still being measured must not
		// lose the jump with it.
		if err := r.opts.Memory.Put(ctx, r.clockKey(), total.String()); err != nil {
			r.opts.Log.ErrorContext(ctx, "the clock's jump was not kept", "run", r.ID, "error", err)
		}
		r.Update(ctx, func(run *dr.Run) { moveAlong(run, by) })
	}
	return now
}

func (r *Record) clockKey() string { return r.ID + "/clock" }

// recall reads, before the first step of a process, the jumps that a former one saw in a
// step that left no outcome.
func (r *Record) recall(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recalled {
		return nil
	}
	kept, err := r.opts.Memory.Get(ctx, r.clockKey())
	if err != nil && !errors.Is(err, dr.ErrUnsealed) { // nobody's jump is none
		return err
	}
	r.recalled = true
	if total, err := time.ParseDuration(kept); err == nil {
		r.pending += total - r.jumped
	}
	return nil
}

// Moved is what the clock was set by since the run began, the step in hand included.
func (r *Record) Moved() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.jumped + r.pending
}

// takeJump gives what the clock was set by in the step that ends.
func (r *Record) takeJump() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	by := r.pending
	r.pending = 0
	return by
}

// jumpedBy counts what a step saw, also one of a former process.
func (r *Record) jumpedBy(by time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.jumped += by
}

// moveAlong moves the times that are still in use.
func moveAlong(run *dr.Run, by time.Duration) {
	run.ClockJump += by
	if !run.Expires.IsZero() {
		run.Expires = run.Expires.Add(by)
	}
	for i, s := range run.Steps {
		if s.State == dr.StepRunning && !s.Started.IsZero() {
			run.Steps[i].Started = s.Started.Add(by)
		}
	}
}
