package aws

// When a hook runs.
type When int

const (
	Before When = iota // Moto has not seen the call
	After              // Moto has acted and answered, the client does not know yet
)

// Hook is what runs at a call. When it returns true the call ends there, without
// an answer: before, nothing has happened; after, the client does not hear of it.
type Hook func(Call) (drop bool)

type armedHook struct {
	match Matcher
	when  When
	k     int
	seen  int
	run   Hook
}

// Hook runs a function at the k-th matching call from now, counted from 1, or at
// every one when k is 0. A call counts when it passes the point in question, so
// one that an outage or a fault answered never counts for After. The returned
// function takes the hook away.
func (p *Proxy) Hook(m Matcher, when When, k int, run Hook) (remove func()) {
	armed := &armedHook{match: m, when: when, k: k, run: run}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks = append(p.hooks, armed)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hooks = without(p.hooks, armed)
	}
}

// runHooks runs those that are due, unlocked, as they may take their time or use the proxy.
func (p *Proxy) runHooks(when When, call Call) (drop bool) {
	for _, run := range p.dueHooks(when, call) {
		drop = run(call) || drop
	}
	return drop
}

func (p *Proxy) dueHooks(when When, call Call) []Hook {
	p.mu.Lock()
	defer p.mu.Unlock()
	var due []Hook
	for _, armed := range p.hooks {
		if armed.when != when || !armed.match.matches(call) {
			continue
		}
		armed.seen++
		if armed.k == 0 || armed.seen == armed.k {
			due = append(due, armed.run)
		}
	}
	return due
}
