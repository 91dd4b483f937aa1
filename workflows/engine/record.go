package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/drbot/drbot/dr"
)

// Record is a run as it is written down for people, and the clock it is measured by.
// Its methods are for steps.
type Record struct {
	ID      string
	Service string // what it is about, for the audit
	Channel string // where it speaks
	// Approvers are those whose answers count, as the configuration is now: for steps alone.
	Approvers []string
	// Quorum is how many people it takes at least, of what takes several, as the configuration
	// is now: for steps alone.
	Quorum int

	opts  *Options
	clock jumps // of this process alone

	mu      sync.Mutex
	jumped  time.Duration // what the clock was set by, as the steps saw it
	pending time.Duration // the same in the step in hand

	recalled bool
}

// Mark changes one line of the run's record. The record is a picture of the run
// for people: when it cannot be written the run goes on and the log says so.
func (r *Record) Mark(ctx context.Context, name string, change func(*dr.Step, time.Time)) {
	now := r.Now(ctx)
	r.Update(ctx, func(run *dr.Run) {
		i := run.StepIndex(name)
		if i < 0 {
			run.Steps = insertStep(run.Steps, dr.Step{Name: name, State: dr.StepPending})
			i = run.StepIndex(name)
		}
		change(&run.Steps[i], now)
	})
}

// Waits shows what a step waits for.
func (r *Record) Waits(ctx context.Context, name string, line dr.Text) {
	r.Mark(ctx, name, func(s *dr.Step, _ time.Time) { s.Detail = line })
}

// insertStep puts a step nobody planned behind the last one that has begun.
func insertStep(steps []dr.Step, s dr.Step) []dr.Step {
	at := 0
	for i, o := range steps {
		if o.State != dr.StepPending {
			at = i + 1
		}
	}
	return slices.Insert(steps, at, s)
}

// Update changes the record, as well as it goes: no step reads it back as truth.
func (r *Record) Update(ctx context.Context, change func(*dr.Run)) {
	if err := r.Write(ctx, change); err != nil {
		r.opts.Log.ErrorContext(ctx, "the run's record was not written", "run", r.ID, "error", err)
	}
}

// Write is Update for what people must be shown before the run goes on.
func (r *Record) Write(ctx context.Context, change func(*dr.Run)) error {
	_, err := r.opts.Book.UpdateRun(ctx, r.ID, change)
	r.opts.Changed(r.ID)
	return err
}

// Say puts a reply into the run's thread, once for its key.
func (r *Record) Say(ctx context.Context, key string, level dr.Level, title dr.Text, lines ...dr.Text) error {
	return r.Post(ctx, dr.Note{
		Key: r.ID + "/" + key, Run: r.ID, Channel: r.Channel, Level: level, Title: title,
		Lines: slices.DeleteFunc(lines, dr.Text.Empty),
	})
}

// Post puts a note into the outbox and has it posted now rather than at the poster's
// next round.
func (r *Record) Post(ctx context.Context, n dr.Note) error {
	err := r.opts.Book.Say(ctx, n)
	r.opts.Changed(n.Run)
	return err
}

// Audit writes down what the run did, once however often its step is played.
func (r *Record) Audit(ctx context.Context, action string, detail dr.Text) error {
	return r.opts.Book.Audit(ctx, dr.AuditEntry{
		At: r.opts.Now(), Who: "drbot", Via: "run", Action: action,
		Service: r.Service, Run: r.ID, Granted: true, Detail: detail, Once: onceOf(ctx, r.ID, action, detail),
	})
}
