package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/drbot/drbot/dr"
)

// The kinds of a message.
const (
	Nudge   = "nudge"   // look now
	Cancel  = "cancel"  // counts before the merge
	Abandon = "abandon" // counts after it
	Answer  = "answer"  // counts for one question
)

// Message is what people and webhooks send to a run under way.
type Message struct {
	Kind     string    `json:"kind"`
	By       dr.Voices `json:"by,omitempty"`
	Answer   string    `json:"answer,omitempty"`
	Question int       `json:"question,omitempty"`
	Seal     string    `json:"seal,omitempty"` // keyed hash of the rest and of the run
}

const inbox = "inbox"

// Send puts a message into a run's inbox. One nudge is enough until the run has looked:
// a busy repository must not fill its inbox.
func (e *Engine) Send(run string, m Message) error {
	if m.Kind == Nudge {
		if _, pending := e.nudged.LoadOrStore(run, true); pending {
			return nil
		}
	}
	m, err := sealer(e.opts.Key).message(run, m)
	if err != nil {
		return err
	}
	err = dbos.Send(e.ctx, run, m, inbox)
	if b, ok := e.bells.Load(run); ok {
		b.(bell).ring() // also after an error: the message may have arrived all the same
	}
	if err != nil {
		return fmt.Errorf("send %s to %s: %w", m.Kind, run, err)
	}
	return nil
}

// bell wakes a run that waits in this process, the only one that sends. On a database
// that does not call its clients the engine would look once a second.
type bell chan struct{}

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

func (b bell) quiet() {
	select {
	case <-b:
	default:
	}
}

// wait gives what is left of a time when the bell rings, or nothing.
func (b bell) wait(ctx context.Context, d time.Duration) (left time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	began := time.Now()
	select {
	case <-b:
		return d - time.Since(began)
	case <-t.C:
	case <-ctx.Done():
	}
	return 0
}

// Looked says that a run looks at the world now: another nudge is worth sending.
func (r *Run) Looked() {
	r.engine.nudged.Delete(r.ID)
	r.engine.nudges.looked(r.ID)
}

// Receive waits for a message, durably; none when the time is over. Each call is one
// entry of the engine's, taken up again or not: only the way of waiting differs. A restart
// begins the time anew where the bell was waited for.
func (r *Run) Receive(timeout time.Duration) (Message, bool) {
	if r.empty {
		timeout = r.bell.wait(r.ctx, timeout)
	} else {
		r.bell.quiet() // what has rung until now is in the inbox
	}
	// The engine keeps the end of a wait in whole milliseconds: a shorter one is over at
	// once, and a wait that is nearly over would be looked at again and again until it is.
	m, err := dbos.Recv[Message](r.ctx, inbox, max(timeout, time.Millisecond))
	switch {
	case err == nil:
		r.empty = false // there may be more
		if !genuine(r, m) {
			m = Message{} // it wakes the run, and says nothing
		}
		return m, true
	case errors.Is(err, dbos.ErrTimeout):
		r.empty = r.live
		return Message{}, false
	default:
		r.halt("receive", err)
		return Message{}, false
	}
}

// Cancelled reads what has arrived, so that many nudges cost one look and a cancel is
// not kept waiting behind them, and gives whoever cancelled.
func (r *Run) Cancelled() (by string) {
	for {
		m, ok := r.Receive(time.Millisecond)
		if !ok {
			return by
		}
		switch {
		case m.Kind == Cancel && by == "":
			by = m.By.First()
		case m.Kind == Abandon:
			r.abandoned = m.By
		}
	}
}

// Abandoned reads what has arrived and gives who abandoned the run, now or while nobody
// looked for it. A cancel does not count any more, and is kept to be told so.
func (r *Run) Abandoned() (by dr.Voices) {
	r.late = cmp.Or(r.late, r.Cancelled())
	return r.abandoned
}

// TooLate gives who has cancelled the run when that did not count any more, once.
func TooLate(r *Run) (by string) {
	by, r.late = r.late, ""
	return by
}
