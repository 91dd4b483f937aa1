package tf

import (
	"context"
	"runtime"
	"slices"
	"sync"
)

// rank orders who is served first when Terraform processes are scarce.
type rank int

// The ranks. An apply is what a failover waits for; drift is nobody's hurry.
const (
	anApply rank = iota
	aPlan
	aDrift
	ranks
)

// leastProcesses is how many Terraform processes run at once on the smallest host:
// one is mostly waiting, but a provider is a big process.
const leastProcesses = 2

func defaultProcesses() int { return max(leastProcesses, runtime.GOMAXPROCS(0)) }

// places bounds the Terraform processes of the whole program. A plan holds a place
// from its checkout to its end, an apply from before its supervisor starts until that
// has ended. A free place goes to the first rank that waits, and within a rank to
// the runs in turn, so that a run with many stacks does not keep one with few waiting.
// Drift leaves the last place to the runs.
type places struct {
	limit int

	mu      sync.Mutex
	taken   int // above the limit when applies of an earlier process are followed
	drifts  int // of taken
	queues  [ranks]queue
	applies map[folder]int           // who counts on the place of an apply that runs
	ends    map[folder]chan struct{} // closed when a supervisor that was started here is gone
}

func newPlaces(limit int) *places {
	return &places{limit: limit, applies: make(map[folder]int), ends: make(map[folder]chan struct{})}
}

// waiter is one job that wants a place; ready is closed when it has one.
type waiter struct {
	key   string
	ready chan struct{}
}

// take waits for a place. The run's id is the key that turns are taken by. give may
// be called more than once.
func (p *places) take(ctx context.Context, key string, as rank) (give func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &waiter{key: key, ready: make(chan struct{})}
	p.mu.Lock()
	p.queues[as].add(w)
	p.serve()
	p.mu.Unlock()
	select {
	case <-w.ready:
		return sync.OnceFunc(func() { p.give(as) }), nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	waited := p.queues[as].remove(w)
	p.mu.Unlock()
	if !waited {
		p.give(as) // the place came at the very moment
	}
	return nil, ctx.Err()
}

func (p *places) give(as rank) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if as == aDrift {
		p.drifts--
	}
	p.serve()
}

// serve hands out what is free. The lock must be held.
func (p *places) serve() {
	for p.taken < p.limit {
		w, as := p.next()
		if w == nil {
			return
		}
		p.taken++
		if as == aDrift {
			p.drifts++
		}
		close(w.ready)
	}
}

func (p *places) next() (*waiter, rank) {
	for as := range ranks {
		if as == aDrift && p.drifts >= max(1, p.limit-1) {
			continue
		}
		if w := p.queues[as].next(); w != nil {
			return w, as
		}
	}
	return nil, 0
}

// follow counts an apply that runs already, once however many follow it, and waits
// for nothing: it is there. leave ends one follower's part.
func (p *places) follow(f folder) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.applies[f] == 0 {
		p.taken++
	}
	p.applies[f]++
	return sync.OnceFunc(func() { p.leave(f) })
}

// gone is closed when the supervisor of an apply has ended; nil where another process has
// started that, or none lives.
func (p *places) gone(f folder) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ends[f]
}

// adopt makes a place that was taken that of an apply about to run, for as long as
// its supervisor lives.
func (p *places) adopt(f folder) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.applies[f] > 0 {
		p.taken-- // somebody still follows the supervisor before this one
	}
	p.applies[f]++
	gone := make(chan struct{})
	p.ends[f] = gone
	return sync.OnceFunc(func() {
		p.over(f, gone)
		p.leave(f)
	})
}

// over is that a supervisor is gone.
func (p *places) over(f folder, gone chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(gone)
	if p.ends[f] == gone {
		delete(p.ends, f)
	}
}

func (p *places) leave(f folder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.applies[f]--; p.applies[f] > 0 {
		return
	}
	delete(p.applies, f)
	p.taken--
	p.serve()
}

// queue is what waits in one rank: each key's jobs in order, the keys in turn.
type queue struct {
	turns []string // keys that wait, the next one first
	jobs  map[string][]*waiter
}

func (q *queue) add(w *waiter) {
	if q.jobs == nil {
		q.jobs = make(map[string][]*waiter)
	}
	if len(q.jobs[w.key]) == 0 {
		q.turns = append(q.turns, w.key)
	}
	q.jobs[w.key] = append(q.jobs[w.key], w)
}

// next takes the first job of the key whose turn it is and puts the key last.
func (q *queue) next() *waiter {
	if len(q.turns) == 0 {
		return nil
	}
	key := q.turns[0]
	w := q.jobs[key][0]
	q.turns = q.turns[1:]
	q.drop(key, 0)
	if len(q.jobs[key]) > 0 {
		q.turns = append(q.turns, key)
	}
	return w
}

// remove takes out a job that waits no more; false when it is not there.
func (q *queue) remove(w *waiter) bool {
	i := slices.Index(q.jobs[w.key], w)
	if i < 0 {
		return false
	}
	q.drop(w.key, i)
	if len(q.jobs[w.key]) == 0 {
		q.turns = slices.DeleteFunc(q.turns, func(key string) bool { return key == w.key })
	}
	return true
}

func (q *queue) drop(key string, i int) {
	if q.jobs[key] = slices.Delete(q.jobs[key], i, i+1); len(q.jobs[key]) == 0 {
		delete(q.jobs, key)
	}
}
