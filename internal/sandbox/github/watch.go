package github

import (
	"context"
	"sync"
)

// watch is a condition variable that can be waited for beside a context.
type watch struct {
	mu      sync.Mutex
	version int64
	changed chan struct{}
}

func newWatch() *watch { return &watch{changed: make(chan struct{})} }

// notify wakes everyone who waits.
func (w *watch) notify() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
}

// bump is notify for a change people see on the page.
func (w *watch) bump() {
	w.mu.Lock()
	w.version++
	w.mu.Unlock()
	w.notify()
}

// state returns the version of the page and a channel that closes at the next change of anything.
func (w *watch) state() (int64, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.version, w.changed
}

// Wait returns nil as soon as predicate is true. It looks again after every change: of a pull request, a ref, a
// comment, an API call, a webhook delivery. The predicate may call any method of the server.
func (s *Server) Wait(ctx context.Context, predicate func() bool) error {
	for {
		_, changed := s.watch.state() // before the look, so that a change during it is not missed
		if predicate() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Version counts the changes a person would see on the page.
func (s *Server) Version() int64 {
	v, _ := s.watch.state()
	return v
}
