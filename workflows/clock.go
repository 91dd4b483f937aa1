package workflows

import (
	"context"
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

// now reads the clock. When it has jumped, what is still being measured by it goes
// along: a request does not expire at once, or an hour late, because somebody set the
// host's clock, and the RTA stays the time that has passed.
func (r *runbook) now(ctx context.Context) time.Time {
	now := r.deps.Now()
	if by := r.clock.since(now); by != 0 {
		r.deps.Log.WarnContext(ctx, "the clock has jumped", "run", r.req.Run, "by", by.String())
		r.update(ctx, func(run *dr.Run) { moveAlong(run, by) })
	}
	return now
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
