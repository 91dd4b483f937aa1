package slack

import (
	"math"
	"time"
)

// bucket is a token bucket on the server's clock.
type bucket struct {
	tokens float64
	last   time.Time
}

// allow takes one call from the budget of key. When there is none it returns
// the whole seconds to wait, as Retry-After does. The caller holds mu.
func (s *Server) allow(key string, rate Rate) (ok bool, retryAfter int) {
	if rate.Burst < 0 || rate.Every <= 0 {
		return true, 0
	}
	now := s.opts.Clock()
	b := s.buckets[key]
	if b == nil {
		b = &bucket{tokens: float64(rate.Burst), last: now}
		s.buckets[key] = b
	}
	// A clock set back must not take tokens away.
	if gone := now.Sub(b.last); gone > 0 {
		b.tokens = min(float64(rate.Burst), b.tokens+float64(gone)/float64(rate.Every))
		b.last = now
	}
	if b.tokens >= 1 {
		b.tokens--
		return true, 0
	}
	wait := time.Duration((1 - b.tokens) * float64(rate.Every))
	return false, max(1, int(math.Ceil(wait.Seconds())))
}

// rateOf returns the limit of a method and what it counts by.
func (s *Server) rateOf(method, channel string) (key string, rate Rate) {
	l := s.opts.Limits
	switch method {
	case "chat.postMessage":
		return method + " " + channel, l.Post
	case "chat.update":
		return method, l.Update
	case "conversations.history", "conversations.replies":
		return method, l.Read
	default:
		return method, l.Other
	}
}
