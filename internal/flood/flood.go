// Package flood keeps what anybody can set off from filling a log or taking a place from
// others: so much of it a sender and in all, and what is beyond is told once, with its
// count, when a window of time ends.
package flood

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// firstWindow is how long is counted before the count is told, and lastWindow how long
	// at most: it doubles while the flood goes on.
	firstWindow = time.Minute
	lastWindow  = 15 * time.Minute
	// mostSenders bounds those who are told apart: addresses cost a sender nothing.
	mostSenders = 1000
	// mostNamed is how many senders a count names.
	mostNamed = 3
	// longestName bounds the name of a sender.
	longestName = 80
)

// Limit is so many at once, and one more each while.
type Limit struct {
	Burst int
	Every time.Duration
}

func (l Limit) limiter() *rate.Limiter { return rate.NewLimiter(rate.Every(l.Every), l.Burst) }

// Sender is one who has sent more than the limit, and how much more.
type Sender struct {
	Name string
	N    int
}

// Count is what came beyond the limits in one window.
type Count struct {
	N       int
	Senders int
	Most    []Sender // who sent the most of it
	Since   time.Time
}

// Meter lets through what is within the limits and counts the rest. Times are those of
// the process: a clock that is set makes no window longer.
type Meter struct {
	each, all Limit
	tell      func(context.Context, Count) // one at a time
	telling   sync.Mutex

	mu      sync.Mutex
	senders map[string]*rate.Limiter
	total   *rate.Limiter
	beyond  map[string]int
	since   time.Time
	window  time.Duration
	timer   *time.Timer
}

// NewMeter makes a meter with a limit for each sender and one for all of them. A nil tell
// tells nobody.
func NewMeter(each, all Limit, tell func(context.Context, Count)) *Meter {
	return &Meter{each: each, all: all, tell: tell, senders: map[string]*rate.Limiter{}, total: all.limiter(), beyond: map[string]int{}}
}

// Allow tells whether one more of a sender is within the limits; else it is counted.
func (m *Meter) Allow(sender string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	sender = sender[:min(len(sender), longestName)]
	// The sender's own first: who floods takes nothing from the others' share.
	if m.of(sender).Allow() && m.total.Allow() {
		return true
	}
	if len(m.beyond) >= mostSenders && m.beyond[sender] == 0 {
		sender = ""
	}
	m.beyond[sender]++
	if m.timer == nil {
		m.since, m.window = time.Now(), firstWindow
		m.timer = time.AfterFunc(m.window, m.ended)
	}
	return false
}

// of is the limit of a sender. Where there are too many to be told apart, those who have
// been quiet for long are forgotten, and else the rest share one.
func (m *Meter) of(sender string) *rate.Limiter {
	if l, known := m.senders[sender]; known {
		return l
	}
	if len(m.senders) >= mostSenders {
		maps.DeleteFunc(m.senders, func(_ string, l *rate.Limiter) bool { return l.Tokens() >= float64(m.each.Burst) })
	}
	if len(m.senders) >= mostSenders {
		sender = ""
	}
	if m.senders[sender] == nil {
		m.senders[sender] = m.each.limiter()
	}
	return m.senders[sender]
}

// ended tells the count of a window and begins another, until one has nothing to count.
func (m *Meter) ended() { m.told(false) }

// Flush tells what is counted now, for a process that ends.
func (m *Meter) Flush() { m.told(true) }

func (m *Meter) told(last bool) {
	m.telling.Lock()
	defer m.telling.Unlock()
	if count, some := m.take(last); some && m.tell != nil {
		m.tell(context.Background(), count)
	}
}

func (m *Meter) take(last bool) (Count, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	count := Count{Senders: len(m.beyond), Since: m.since}
	for name, n := range m.beyond {
		count.N += n
		count.Most = append(count.Most, Sender{name, n})
	}
	slices.SortFunc(count.Most, func(a, b Sender) int { return cmp.Or(b.N-a.N, cmp.Compare(a.Name, b.Name)) })
	count.Most = count.Most[:min(len(count.Most), mostNamed)]
	m.beyond = map[string]int{}
	switch {
	case m.timer == nil:
	case count.N == 0 || last:
		m.timer.Stop()
		m.timer = nil
	default:
		m.since, m.window = time.Now(), min(2*m.window, lastWindow)
		m.timer.Reset(m.window)
	}
	return count, count.N > 0
}
