package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
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
	Kind     string `json:"kind"`
	By       string `json:"by,omitempty"`
	Answer   string `json:"answer,omitempty"`
	Question int    `json:"question,omitempty"`
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
	if err := dbos.Send(e.ctx, run, m, inbox); err != nil {
		return fmt.Errorf("send %s to %s: %w", m.Kind, run, err)
	}
	return nil
}

// Looked says that a run looks at the world now: another nudge is worth sending.
func (r *Run) Looked() {
	r.engine.nudged.Delete(r.ID)
	r.engine.nudges.looked(r.ID)
}

// Receive waits for a message, durably; none when the time is over.
func (r *Run) Receive(timeout time.Duration) (Message, bool) {
	// The engine keeps the end of a wait in whole milliseconds: a shorter one is over at
	// once, and a wait that is nearly over would be looked at again and again until it is.
	m, err := dbos.Recv[Message](r.ctx, inbox, max(timeout, time.Millisecond))
	switch {
	case err == nil:
		return m, true
	case errors.Is(err, dbos.ErrTimeout):
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
			by = m.By
		case m.Kind == Abandon:
			r.abandoned = m.By
		}
	}
}

// Abandoned reads what has arrived and gives who abandoned the run, now or while nobody
// looked for it.
func (r *Run) Abandoned() (by string) {
	r.Cancelled()
	return r.abandoned
}
