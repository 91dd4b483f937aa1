package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/drbot/drbot/dr"
)

// Run is one execution of a runbook under way. Its own methods are for the runbook's
// goroutine, those of its Record for steps.
type Run struct {
	*Record
	engine *Engine
	ctx    dbos.Context
	strays Strays

	// What follows is derived from the outcomes of steps, so a run that is taken up again
	// gets the same values.
	outcomes  map[string]Outcome
	skipped   map[string]bool
	abandoned dr.Voices      // by whom, once that was read
	late      string         // who cancelled it when that did not count any more, until it is told
	granted   map[string]any // by step: what people allowed beyond what was approved
	begun     map[string]int // how often each step was
	played    map[string]int // the same of whatever is stored, by its name
	questions int            // asked so far; numbers each question of the run
	unheard   int            // messages that were of nobody who has the key
	keyed     bool           // it takes nothing that has no seal
	sealed    bool           // by the key of this process

	// What follows is of this process alone, and nothing but the way of waiting hangs on it.
	bell  bell
	live  bool // a step has been done here: what comes now is stored nowhere yet
	empty bool // the inbox was, when it was last looked into here

	former bool // no former process knew that the run is abandoned
	loose  bool // its steps are in no order that is stored: it is only brought to its end
}

// Log is for what goes to the log alone.
func (r *Run) Log() *slog.Logger { return r.engine.opts.Log.With("run", r.ID) }

// Outcome gives what a step of the run left behind.
func (r *Run) Outcome(name string) (Outcome, bool) {
	o, ok := r.outcomes[name]
	return o, ok
}

// Skipped tells whether people decided to go on without a step.
func (r *Run) Skipped(name string) bool { return r.skipped[name] }

// Do runs one named step of the runbook, shown as a line of the run. The function may
// run twice, so it looks before it acts. What is temporary is tried again here;
// everything else comes back as the outcome.
func Do[T any](r *Run, name string, fn func(context.Context) (T, error)) Result[T] {
	return result[T](r, name, r.shown(name, asOutcome(fn)))
}

// Note runs a step that only keeps the books and is not a line of its own.
func Note[T any](r *Run, name string, fn func(context.Context) (T, error)) Result[T] {
	return result[T](r, name, r.durable(name, func(ctx context.Context) Outcome {
		return r.attempt(ctx, name, asOutcome(fn))
	}))
}

func asOutcome[T any](fn func(context.Context) (T, error)) func(context.Context) (Outcome, error) {
	return func(ctx context.Context) (Outcome, error) {
		v, err := fn(ctx)
		doc, encode := json.Marshal(v)
		if encode != nil {
			return Outcome{}, errors.Join(err, fmt.Errorf("encode the outcome: %w", encode))
		}
		o := Outcome{Value: doc}
		if l, ok := any(v).(Lined); ok {
			o.Line = l.Line()
		}
		return o, err
	}
}

func result[T any](r *Run, name string, o Outcome) Result[T] {
	v, err := decode[T](o)
	if err != nil {
		r.halt(name, errors.Join(errUnreadable, err))
	}
	return Result[T]{Outcome: o, Value: v}
}

// shown tries a step and keeps its line of the record up to date.
func (r *Run) shown(name string, fn func(context.Context) (Outcome, error)) Outcome {
	return lined(r, name, func(ctx context.Context) Outcome { return r.attempt(ctx, name, fn) })
}

// lined runs a step and keeps its line of the record up to date.
func lined(r *Run, name string, fn func(context.Context) Outcome) Outcome {
	out := r.durable(name, func(ctx context.Context) Outcome {
		r.Mark(ctx, name, func(s *dr.Step, now time.Time) {
			if s.Started.IsZero() || s.State == dr.StepDone {
				s.Started = now // a step that a crash cut off keeps its beginning
			}
			s.State, s.Ended, s.Detail = dr.StepRunning, time.Time{}, dr.Text{}
		})
		out := fn(ctx)
		r.Mark(ctx, name, func(s *dr.Step, now time.Time) {
			s.State, s.Ended, s.Detail = dr.StepDone, now, out.Line
			if !out.OK() {
				s.State, s.Detail = dr.StepFailed, out.What
			}
		})
		return out
	})
	r.outcomes[name] = out
	return out
}

// durable is the one place that meets the engine's errors. The engine errs when
// it cannot write or is shutting down; in both cases the run must neither fail
// nor go on, so it stands still until the process ends and is then taken up again.
func (r *Run) durable(name string, fn func(context.Context) Outcome) Outcome {
	said := linesOf(r, name)
	do := func(ctx context.Context) (Outcome, error) {
		if err := r.engine.drain.enter(ctx); err != nil {
			return Outcome{}, err
		}
		defer r.engine.drain.leave()
		r.live = true
		out := fn(context.WithValue(ctx, linesKey{}, said))
		out.Jump = r.takeJump()
		return out, nil
	}
	var out Outcome
	var err error
	if r.loose {
		out, err = do(r.ctx)
	} else {
		out, err = dbos.RunAsStep(r.ctx, do, dbos.WithStepName(name))
	}
	if err != nil {
		r.halt(name, err)
	}
	r.jumpedBy(out.Jump)
	return out
}

// halt ends this goroutine's part in the run without telling the engine an end.
func (r *Run) halt(name string, err error) {
	log := r.engine.opts.Log
	switch {
	case r.ctx.Err() != nil: // shutting down
	case !r.loose && (errors.Is(err, &dbos.Error{Code: dbos.ErrorCodeUnexpectedStep}) || unreadable(err)):
		// This run's steps are not those it was begun with, or leave behind what cannot be
		// read. That is its own trouble, not that of the other runs.
		log.ErrorContext(r.ctx, "the run cannot be taken up: its steps have changed", "run", r.ID, "step", name, "error", err)
		if by := standStill(r); len(by) > 0 {
			panic(left{by})
		}
	default:
		log.ErrorContext(r.ctx, "the workflow engine failed", "run", r.ID, "step", name, "error", err)
		r.engine.opts.Fatal(fmt.Errorf("workflow engine in step %s of %s: %w", name, r.ID, err))
	}
	<-r.ctx.Done()
	panic(halted{err}) // unwinds to the runbook's top, which gives it to the engine
}

// errUnreadable marks what was stored of a run and is not what this program stores.
var errUnreadable = errors.New("what is stored cannot be read")

// unreadable tells whether an error is of what was stored, and not of the storing.
func unreadable(err error) bool {
	var letters base64.CorruptInputError
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	return errors.Is(err, errUnreadable) || errors.As(err, &letters) || errors.As(err, &syntax) || errors.As(err, &kind)
}

// halted carries an engine error through a runbook to its top.
type halted struct{ err error }
