package slack

import (
	"context"
	"slices"
	"sync"
	"time"
)

// FaultKind is a way Slack can fail its caller.
type FaultKind string

// The faults. Those marked "done" happen after the call took effect.
const (
	FaultRateLimited  FaultKind = "rate-limited"  // 429 with Retry-After, nothing done
	FaultServerError  FaultKind = "server-error"  // 500, nothing done
	FaultHang         FaultKind = "hang"          // silence until released or For is over, then as usual
	FaultHalfBody     FaultKind = "half-body"     // done, but the connection breaks in the middle of the answer
	FaultLostReply    FaultKind = "lost-reply"    // done, but the answer is 500
	FaultDropUpdate   FaultKind = "drop-update"   // chat.update answers ok and changes nothing
	FaultHideMetadata FaultKind = "hide-metadata" // history and replies leave metadata out
)

// Fault says which calls go wrong and how.
type Fault struct {
	Kind    FaultKind
	Method  string // "chat.postMessage"; "response" for response URLs; empty for every method
	Channel string // empty for every channel; response URLs have none
	Skip    int    // matching calls let through first
	Times   int    // how many calls it spoils; 0 for ever

	RetryAfter int           // FaultRateLimited: seconds; default 1
	For        time.Duration // FaultHang: 0 means until released
}

// Injected is a fault in force.
type Injected struct {
	fault    Fault
	server   *Server
	seen     int
	hits     int
	released chan struct{}
	once     sync.Once
}

// Inject puts a fault in force. Of several that match a call, the oldest
// that has calls left spoils it.
func (s *Server) Inject(f Fault) *Injected {
	in := &Injected{fault: f, server: s, released: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, in)
	return in
}

// Release ends the fault and lets go of the calls it holds.
func (in *Injected) Release() {
	in.once.Do(func() { close(in.released) })
	s := in.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.DeleteFunc(s.faults, func(x *Injected) bool { return x == in })
}

// Hits is how many calls the fault has spoiled so far.
func (in *Injected) Hits() int {
	in.server.mu.Lock()
	defer in.server.mu.Unlock()
	return in.hits
}

// ClearFaults ends every fault, user rewrites included.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	active := slices.Clone(s.faults)
	s.rewrites = nil
	s.mu.Unlock()
	for _, in := range active {
		in.Release()
	}
}

// matches reports whether the fault means this call. A fault that only some
// methods can have passes over the others.
func (f Fault) matches(method, channel string) bool {
	switch f.Kind {
	case FaultDropUpdate:
		if method != "chat.update" {
			return false
		}
	case FaultHideMetadata:
		if method != "conversations.history" && method != "conversations.replies" {
			return false
		}
	}
	return (f.Method == "" || f.Method == method) && (f.Channel == "" || f.Channel == channel)
}

// takeFault returns the fault that spoils this call, or nil.
func (s *Server) takeFault(method, channel string) *Injected {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range s.faults {
		f := in.fault
		if !f.matches(method, channel) || f.Times > 0 && in.hits >= f.Times {
			continue
		}
		in.seen++
		if in.seen <= f.Skip {
			continue
		}
		in.hits++
		// Whoever waits for the fault to strike learns of it at once.
		s.bump()
		return in
	}
	return nil
}

// is reports whether a fault of that kind spoils the call; nil spoils nothing.
func (in *Injected) is(kind FaultKind) bool { return in != nil && in.fault.Kind == kind }

func (in *Injected) name() string {
	if in == nil {
		return ""
	}
	return string(in.fault.Kind)
}

// hold blocks as the fault says. It is false when the caller hung up, or the
// server closed, before the wait was over: then the call never takes place.
func (in *Injected) hold(ctx context.Context) bool {
	var over <-chan time.Time
	if in.fault.For > 0 {
		ch, stop := after(in.fault.For)
		defer stop()
		over = ch
	}
	select {
	case <-in.released:
	case <-over:
	case <-in.server.closed:
		return false
	case <-ctx.Done():
		return false
	}
	return true
}

// rewrite changes who a command or click claims to come from.
type rewrite struct {
	from, to string
	left     int // calls left; negative for ever
}

// RewriteUser makes the next `times` commands and clicks of user from carry
// the id to; times 0 is for ever.
func (s *Server) RewriteUser(from, to string, times int) {
	if times == 0 {
		times = -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rewrites = append(s.rewrites, &rewrite{from: from, to: to, left: times})
}

// claimedUser is the id an outgoing request carries for user. The caller holds mu.
func (s *Server) claimedUser(user string) string {
	for _, rw := range s.rewrites {
		if rw.from == user && rw.left != 0 {
			if rw.left > 0 {
				rw.left--
			}
			return rw.to
		}
	}
	return user
}
