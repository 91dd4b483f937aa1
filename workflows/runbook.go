package workflows

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/drbot/drbot/dr"
)

// runbook is one execution under way: the engine's context and what was asked for.
type runbook struct {
	*Engine
	ctx    dbos.Context
	req    dr.Request
	svc    dr.Service
	source dr.Region

	// What follows is derived from the outcomes of steps, so a run that is taken
	// up again gets the same values.
	accept    string // what approvers accept besides the policy's list
	mergeSHA  string
	quiet     bool // the source was scaled to zero and no promotion has followed
	questions int  // asked so far; numbers each question of the run

	clock jumps // of this process alone
}

func (r *runbook) merged() bool { return r.mergeSHA != "" }

// ending is how a runbook leaves before its last step: a decision, not a fault.
type ending struct {
	State   dr.RunState
	Outcome string
	Hint    string
}

func (e *ending) Error() string { return string(e.State) + ": " + e.Outcome }

// outcome is what a step leaves behind. Runbooks branch on it and never on an
// error: after a restart the engine gives back an error without its type.
type outcome[T any] struct {
	Value T         `json:"value"`
	Code  dr.Code   `json:"code,omitempty"` // empty when it went well
	Msg   string    `json:"msg,omitempty"`
	Hint  string    `json:"hint,omitempty"`
	At    time.Time `json:"at"`
}

func (o outcome[T]) ok() bool { return o.Code == "" }

// step runs one named step of the runbook, shown as a line of the run. The
// function may run twice, so it looks before it acts. What is temporary is tried
// again here; everything else comes back as the outcome.
func step[T any](r *runbook, name string, fn func(context.Context) (T, error)) outcome[T] {
	return durable(r, name, func(ctx context.Context) (outcome[T], error) {
		r.mark(ctx, name, func(s *dr.Step, now time.Time) {
			if s.Started.IsZero() || s.State == dr.StepDone {
				s.Started = now // a step that a crash cut off keeps its beginning
			}
			s.State, s.Ended, s.Detail = dr.StepRunning, time.Time{}, ""
		})
		out := attempt(ctx, r, name, fn)
		r.mark(ctx, name, func(s *dr.Step, now time.Time) {
			s.State, s.Ended = dr.StepDone, now
			if d, ok := any(out.Value).(detailed); ok {
				s.Detail = d.detail()
			}
			if !out.ok() {
				s.State, s.Detail = dr.StepFailed, out.Msg
			}
		})
		return out, nil
	})
}

// detailed is a step's value that has a line to show.
type detailed interface{ detail() string }

// record runs a step that only keeps the run's record up to date and is not a
// line of its own.
func record[T any](r *runbook, name string, fn func(context.Context) (T, error)) outcome[T] {
	return durable(r, name, func(ctx context.Context) (outcome[T], error) {
		return attempt(ctx, r, name, fn), nil
	})
}

// durable is the one place that meets the engine's errors. The engine errs when
// it cannot write or is shutting down; in both cases the run must neither fail
// nor go on, so it stands still until the process ends and is then taken up again.
func durable[T any](r *runbook, name string, fn func(context.Context) (T, error)) T {
	v, err := dbos.RunAsStep(r.ctx, func(ctx context.Context) (T, error) {
		var zero T
		if err := r.drain.enter(ctx); err != nil {
			return zero, err
		}
		defer r.drain.leave()
		return fn(ctx)
	}, dbos.WithStepName(name))
	if err != nil {
		r.halt(name, err)
	}
	return v
}

// halt ends this goroutine's part in the run without telling the engine an end.
func (r *runbook) halt(name string, err error) {
	var engine *dbos.Error
	switch {
	case r.ctx.Err() != nil: // shutting down
	case errors.As(err, &engine) && engine.Code == dbos.ErrorCodeUnexpectedStep:
		// This run's steps are not those it was begun with. That is its own trouble, not
		// that of the other runs.
		r.deps.Log.ErrorContext(r.ctx, "the run cannot be taken up: its steps have changed", "run", r.req.Run, "step", name, "error", err)
		r.update(context.WithoutCancel(r.ctx), func(run *dr.Run) {
			run.State, run.Outcome = dr.RunPaused, "this version of drbot cannot go on with this run: its steps are others."
			run.Hint = "start the version it was begun with; nothing is done meanwhile"
		})
	default:
		r.deps.Log.ErrorContext(r.ctx, "the workflow engine failed", "run", r.req.Run, "step", name, "error", err)
		r.deps.Fatal(fmt.Errorf("workflow engine in step %s of %s: %w", name, r.req.Run, err))
	}
	<-r.ctx.Done()
	panic(halted{err}) // unwinds to the runbook's top, which gives it to the engine
}

// halted carries an engine error through a runbook to its top.
type halted struct{ err error }

// attempt calls a function until it went well, failed for good, or was temporary
// too often.
func attempt[T any](ctx context.Context, r *runbook, name string, fn func(context.Context) (T, error)) outcome[T] {
	pause := r.deps.Timing.Retry
	for try := 1; ; try++ {
		v, err := guarded(ctx, fn)
		if err == nil {
			return outcome[T]{Value: v, At: r.deps.Now()}
		}
		code := dr.CodeOf(err)
		r.deps.Log.WarnContext(ctx, "step failed", "run", r.req.Run, "step", name, "try", try, "code", code, "error", err)
		if code != dr.Temporary || try >= r.deps.Timing.Tries || ctx.Err() != nil {
			msg, hint := dr.Public(err, "something outside did not answer as expected; the log has the cause.")
			return outcome[T]{Value: v, Code: code, Msg: msg, Hint: hint, At: r.deps.Now()}
		}
		if wait(ctx, pause) != nil {
			continue // the next try sees the cancelled context and gives up
		}
		pause = min(2*pause, 30*time.Second)
	}
}

// guarded turns a panic into an error for a person: a defect in one step must end
// neither the run without a word nor the process.
func guarded[T any](ctx context.Context, fn func(context.Context) (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &dr.Error{Code: dr.Uncertain, Msg: "drbot itself failed in this step; how far it came is not known.", Hint: "the log has the cause; look at the world before you answer retry", Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	return fn(ctx)
}

// wait pauses inside a step.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// mark changes one line of the run's record. The record is a picture of the run
// for people: when it cannot be written the run goes on and the log says so.
func (r *runbook) mark(ctx context.Context, name string, change func(*dr.Step, time.Time)) {
	now := r.now(ctx)
	r.update(ctx, func(run *dr.Run) {
		i := run.StepIndex(name)
		if i < 0 {
			run.Steps = insertStep(run.Steps, dr.Step{Name: name, State: dr.StepPending})
			i = run.StepIndex(name)
		}
		change(&run.Steps[i], now)
	})
}

// insertStep puts a step nobody planned behind the last one that has begun.
func insertStep(steps []dr.Step, s dr.Step) []dr.Step {
	at := 0
	for i, o := range steps {
		if o.State != dr.StepPending {
			at = i + 1
		}
	}
	steps = append(steps, dr.Step{})
	copy(steps[at+1:], steps[at:])
	steps[at] = s
	return steps
}

func (r *runbook) update(ctx context.Context, change func(*dr.Run)) {
	if _, err := r.deps.Runs.UpdateRun(ctx, r.req.Run, change); err != nil {
		r.deps.Log.ErrorContext(ctx, "the run's record was not written", "run", r.req.Run, "error", err)
	}
	r.deps.Notify.Changed(r.req.Run)
}

// updated is update for what the run itself depends on: it must be written.
func (r *runbook) updated(ctx context.Context, change func(*dr.Run)) error {
	_, err := r.deps.Runs.UpdateRun(ctx, r.req.Run, change)
	r.deps.Notify.Changed(r.req.Run)
	return err
}

// say puts a reply into the run's thread, once for its key.
func (r *runbook) say(ctx context.Context, key string, level dr.Level, title string, lines ...string) error {
	return r.deps.say(ctx, dr.Note{
		Key: r.req.Run + "/" + key, Run: r.req.Run, Channel: r.svc.Channel,
		Level: level, Title: title, Lines: lines,
	})
}

func (r *runbook) audit(ctx context.Context, action, detail string) error {
	return r.deps.Ledger.Audit(ctx, dr.AuditEntry{
		At: r.deps.Now(), Who: "drbot", Via: "run", Action: action,
		Service: r.req.Service, Run: r.req.Run, Granted: true, Detail: detail,
	})
}

// message is what people and webhooks send to a run under way.
type message struct {
	// Kind is nudge, cancel (counts before the merge), abandon (counts after it) or
	// answer (counts for one question).
	Kind     string `json:"kind"`
	By       string `json:"by,omitempty"`
	Answer   string `json:"answer,omitempty"`
	Question int    `json:"question,omitempty"`
}

const inbox = "inbox"

// receive waits for a message, durably; none when the time is over.
func (r *runbook) receive(timeout time.Duration) (message, bool) {
	m, err := dbos.Recv[message](r.ctx, inbox, timeout)
	switch {
	case err == nil:
		return m, true
	case errors.Is(err, dbos.ErrTimeout):
		return message{}, false
	default:
		r.halt("receive", err)
		return message{}, false
	}
}

// drainInbox reads what has arrived, so that many nudges cost one look and a
// cancel is not kept waiting behind them.
func (r *runbook) drainInbox() (cancelledBy string) {
	for {
		m, ok := r.receive(time.Millisecond)
		if !ok {
			return cancelledBy
		}
		if m.Kind == "cancel" && cancelledBy == "" {
			cancelledBy = m.By
		}
	}
}

// must runs a step until it has gone well. When it does not, the run pauses and
// asks a person. skipped is true when people decided to go on without it.
func must[T any](r *runbook, name string, fn func(context.Context, int) (T, error)) (value T, skipped bool, err error) {
	for n := 1; ; n++ {
		out := step(r, name, func(ctx context.Context) (T, error) { return fn(ctx, n) })
		if out.ok() {
			return out.Value, false, nil
		}
		if !r.merged() && out.Code != dr.Temporary && out.Code != dr.Uncertain {
			return out.Value, false, refuse(out) // nothing has been changed and waiting would not help
		}
		verb, err := r.ask(name, out.Msg, out.Hint)
		if err != nil {
			return out.Value, false, err
		}
		if verb == "skip" {
			return out.Value, true, nil
		}
	}
}

// short is a commit as people read it.
func short(sha string) string {
	if len(sha) > 7 {
		return sha[:7]
	}
	return sha
}

func sentence(parts ...string) string {
	return strings.TrimSpace(strings.Join(parts, " "))
}
