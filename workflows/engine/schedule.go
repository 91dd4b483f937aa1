package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/drbot/drbot/dr"
)

// Memory keeps when a schedule last ran.
type Memory interface {
	Get(ctx context.Context, key string) (string, error)
	Put(ctx context.Context, key, value string) error
}

// Schedule is something to be started on a cron.
type Schedule struct {
	Key   string // under which its last time is kept
	Spec  string // five fields
	Zone  string // IANA name
	Start func(Due) error
}

// Due is one time of a schedule.
type Due struct {
	At   time.Time
	Late bool // nobody was there at that time
}

// late is the delay from which a scheduled run says that it is late.
const late = time.Minute

// Clockwork starts what is due, until the context ends. The cron itself remembers
// nothing, so the last due time of each is kept: what was missed while nobody was there
// is caught up once.
type Clockwork struct {
	Memory Memory
	Now    func() time.Time
	Log    *slog.Logger
}

// Run keeps the schedules.
func (c Clockwork) Run(ctx context.Context, schedules []Schedule) error {
	cr := cron.New(cron.WithChain(cron.Recover(cron.DiscardLogger)))
	for _, s := range schedules {
		sched, err := cron.ParseStandard("CRON_TZ=" + s.Zone + " " + s.Spec)
		if err != nil {
			return fmt.Errorf("schedule %s: %w", s.Key, err)
		}
		job := func() {
			if err := c.start(ctx, s, sched); err != nil {
				c.Log.ErrorContext(ctx, "a scheduled run was not started", "schedule", s.Key, "error", err)
			}
		}
		job() // what was missed
		cr.Schedule(sched, cron.FuncJob(job))
	}
	cr.Start()
	context.AfterFunc(ctx, func() { cr.Stop() })
	return nil
}

// start starts the newest run that is due and has not been started. Older missed ones
// are left out: their answer would be about the same moment.
func (c Clockwork) start(ctx context.Context, s Schedule, sched cron.Schedule) error {
	stored, err := c.Memory.Get(ctx, s.Key)
	if err != nil && !errors.Is(err, dr.ErrUnsealed) { // nobody's time is that of the first time
		return err
	}
	now := c.Now()
	last, err := time.Parse(time.RFC3339Nano, stored)
	if err != nil || last.After(now) {
		// The first time nothing was missed. A time of the future is of a clock that was
		// set back: nothing would be due until it comes.
		return c.Memory.Put(ctx, s.Key, now.Format(time.RFC3339Nano))
	}
	due := newestDue(sched, last, now)
	if due.IsZero() {
		return nil
	}
	if err := s.Start(Due{At: due, Late: now.Sub(due) > late}); err != nil {
		return err
	}
	return c.Memory.Put(ctx, s.Key, due.Format(time.RFC3339Nano))
}

// newestDue is the newest time of a schedule after last and not after now; zero
// when there is none. A clock that was set back gives none.
func newestDue(sched cron.Schedule, last, now time.Time) time.Time {
	var due time.Time
	// A schedule of every second looked at after a month off is not worth more steps than this.
	const most = 3_000_000
	for i, t := 0, sched.Next(last); i < most && !t.IsZero() && !t.After(now); i, t = i+1, sched.Next(t) {
		due = t
	}
	return due
}
