package aws

import (
	"sync"
	"time"
)

// Served is a question to the name servers or the application, and when they were at it:
// both ask Moto themselves, which is nobody's time but the emulator's.
type Served struct {
	What       string
	Start, End time.Time
}

// servedMost is how many are remembered.
const servedMost = 10_000

// servings are the latest of them.
type servings struct {
	mu  sync.Mutex
	all []Served
}

// serve begins one, and gives what ends it.
func (s *servings) serve(what string) (done func()) {
	start := time.Now()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.all) == servedMost {
			s.all = s.all[1:]
		}
		s.all = append(s.all, Served{what, start, time.Now()})
	}
}

// Served returns the latest questions that were answered, in the order of their answers.
func (c *Cloud) Served() []Served {
	c.served.mu.Lock()
	defer c.served.mu.Unlock()
	return append([]Served(nil), c.served.all...)
}
