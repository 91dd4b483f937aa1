package engine

import (
	"context"
	"sync"
	"time"
)

// nudges holds the nudges of runs together: what asks for a look again and again gets
// one in a while. They are of this process alone, and what is stored of them is the
// message of a nudge that was due; a run looks by itself as well, so none is missed.
type nudges struct {
	mu   sync.Mutex
	runs map[string]*nudged
}

// nudged is one run.
type nudged struct {
	looked time.Time     // when it last began to
	grown  time.Duration // how far apart its looks have come to be while they are asked for
	timer  *time.Timer
	due    time.Time // when the timer fires; zero when none is set
}

const (
	// forgetNudged is after how long a run that has not looked is forgotten.
	forgetNudged = time.Hour
	// leastGrown is how far apart the second and the third of such looks are.
	leastGrown = 400 * time.Millisecond
	// calm is how long ago a run's last look is when it begins again with looks close together.
	calm = 10 * time.Second
)

// Apart is how far apart the looks are that nudges lead to: little at first, so that two
// people who approve in one moment are not waited for, and growing while they go on.
type Apart struct{ First, Most time.Duration }

// Nudge has a run look now, or as soon as its last look is long enough ago. Of several the
// first that is due counts; one that a look has overtaken is none.
func (e *Engine) Nudge(run string, apart Apart) error {
	if e.nudges.hold(run, apart, func() {
		_, err := guarded(e.ctx, func(context.Context) (bool, error) { return true, e.Send(run, Message{Kind: Nudge}) })
		if err != nil {
			e.opts.Log.Warn("a nudge was lost; the next look is soon", "run", run, "error", err)
		}
	}) {
		return nil
	}
	return e.Send(run, Message{Kind: Nudge})
}

// hold tells whether a nudge is held until later.
func (n *nudges) hold(run string, apart Apart, send func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.runs[run]
	if s == nil {
		return false // it has not looked yet in this process
	}
	due := s.looked.Add(min(max(s.grown, apart.First), apart.Most))
	wait := time.Until(due)
	if wait <= 0 {
		return false
	}
	if !s.due.IsZero() && !due.Before(s.due) {
		return true
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.due = due
	s.timer = time.AfterFunc(wait, func() {
		if n.fire(s, due) {
			send()
		}
	})
	return true
}

// fire tells whether a held nudge is still wanted.
func (n *nudges) fire(s *nudged, due time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !s.due.Equal(due) {
		return false // a look or an earlier one has taken its place
	}
	s.due = time.Time{}
	return true
}

// looked notes that a run looks now: what is held for it is done with.
func (n *nudges) looked(run string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	for id, s := range n.runs {
		if now.Sub(s.looked) >= forgetNudged {
			delete(n.runs, id)
		}
	}
	s := n.runs[run]
	if s == nil {
		if n.runs == nil {
			n.runs = map[string]*nudged{}
		}
		s = &nudged{}
		n.runs[run] = s
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.grown = max(2*s.grown, leastGrown); now.Sub(s.looked) >= calm {
		s.grown = 0
	}
	s.looked, s.timer, s.due = now, nil, time.Time{}
}
