package web

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// State is what a process is at the moment, as those see it who ask over HTTP.
type State int

// The states, in the order a process passes through them. It may be no standby.
const (
	Starting State = iota // requests wait until it is something else
	Standby               // another process serves: healthy, and does nothing
	Serving
	Ending // takes nothing new, on whatever connection it comes
)

// startWait is how long a request waits for a process that starts.
const startWait = 10 * time.Second

// Front stands before the handlers of a process for as long as it lives, so that its
// listener need not change hands when a standby takes over.
type Front struct {
	mu      sync.Mutex
	state   State
	serving http.Handler
	changed chan struct{} // closed with every change
}

// NewFront makes a front that is Starting.
func NewFront() *Front { return &Front{changed: make(chan struct{})} }

// Become changes the state.
func (f *Front) Become(s State) { f.set(s, nil) }

// Serve becomes Serving, by a handler.
func (f *Front) Serve(h http.Handler) { f.set(Serving, h) }

func (f *Front) set(s State, h http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state, f.serving = s, h
	close(f.changed)
	f.changed = make(chan struct{})
}

// now is the state once it is not Starting any more, or Starting when it stays so.
func (f *Front) now(ctx context.Context) (State, http.Handler) {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for {
		f.mu.Lock()
		state, h, changed := f.state, f.serving, f.changed
		f.mu.Unlock()
		if state != Starting {
			return state, h
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Starting, nil
		}
	}
}

// ServeHTTP answers as the process is. Only one that serves does what it is asked for;
// of the others a standby is healthy, since it does what it is there for.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	state, h := f.now(r.Context())
	switch {
	case state == Serving:
		h.ServeHTTP(w, r)
	case state == Standby && r.URL.Path == "/healthz":
		_, _ = io.WriteString(w, "standby\n") // a prober that hung up does not mind
	case state == Standby:
		away(w, "this server is a standby; another one serves")
	case state == Ending:
		away(w, "this server is ending; another one serves soon")
	default:
		away(w, "this server is starting; try again in a moment")
	}
}

// away refuses a request on a connection that is not worth keeping: another process
// is to be asked.
func away(w http.ResponseWriter, why string) {
	w.Header().Set("Connection", "close")
	w.Header().Set("Retry-After", "5")
	http.Error(w, why, http.StatusServiceUnavailable)
}
