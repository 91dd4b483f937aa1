package world

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// Call is one line of the journal: which port was asked what, and what it said.
type Call struct {
	At   time.Time
	Name string // the port's method and its subject: "Plan tokyo"
	Err  error
}

// Rule is what befalls some calls of a port.
type Rule struct {
	call          string
	skip, times   int // how many calls pass before it, and how many it takes; less than none: all
	before, after func()
	err           error // instead of acting
	lost          error // after acting
	boom          bool
	block         chan struct{}
}

// Skip lets n calls pass first.
func (r *Rule) Skip(n int) *Rule {
	r.skip = n
	return r
}

// matches takes a method's name alone for all its subjects, "Plan" for "Plan tokyo".
func (r *Rule) matches(call string) bool {
	return call == r.call || strings.HasPrefix(call, r.call+" ")
}

func (w *World) rule(r *Rule) *Rule {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rules = append(w.rules, r)
	return r
}

// Fail makes the next calls fail without acting: a temporary fault when err is nil.
func (w *World) Fail(call string, times int, err error) *Rule {
	if err == nil {
		err = refused(dr.Temporary, "%s did not answer.", call)
	}
	return w.rule(&Rule{call: call, times: times, err: err})
}

// Lose lets the next calls act and loses their answers.
func (w *World) Lose(call string, times int) *Rule {
	return w.rule(&Rule{call: call, times: times, lost: refused(dr.Uncertain, "the answer to %s was lost.", call)})
}

// Panic makes the next calls panic.
func (w *World) Panic(call string, times int) *Rule {
	return w.rule(&Rule{call: call, times: times, boom: true})
}

// Block holds the next call until release, or until its caller gives up.
func (w *World) Block(call string) (release func()) {
	r := w.rule(&Rule{call: call, times: 1, block: make(chan struct{})})
	return func() { close(r.block) }
}

// Before does something right before the next call acts: the world moves between a
// look and the act that relied on it.
func (w *World) Before(call string, do func()) *Rule {
	return w.rule(&Rule{call: call, times: 1, before: do})
}

// After does something right after the next call has acted.
func (w *World) After(call string, do func()) *Rule {
	return w.rule(&Rule{call: call, times: 1, after: do})
}

// Heal takes every rule away.
func (w *World) Heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rules = nil
}

// Calls counts the calls of a port so far.
func (w *World) Calls(call string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.journal {
		if (&Rule{call: call}).matches(c.Name) {
			n++
		}
	}
	return n
}

// Journal is every call so far, a line each.
func (w *World) Journal() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]string, len(w.journal))
	for i, c := range w.journal {
		out[i] = c.At.UTC().Format("15:04:05.000 ") + c.Name
		if c.Err != nil {
			out[i] += ": " + c.Err.Error()
		}
	}
	return out
}

// take finds the rules for a call and counts them down.
func (w *World) take(call string) []*Rule {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*Rule
	for _, r := range w.rules {
		switch {
		case !r.matches(call) || r.times == 0:
		case r.skip > 0:
			r.skip--
		default:
			if r.times > 0 {
				r.times--
			}
			out = append(out, r)
		}
	}
	return out
}

// live ends the goroutine of a process that was killed: it is not there any more, and
// what it would have done next is not done.
func (p *ports) live() {
	select {
	case <-p.gone:
		runtime.Goexit()
	default:
	}
}

// ask is every call of every port: the journal, the rules, then the world.
func ask[T any](ctx context.Context, p *ports, name, subject string, do func() (T, error)) (v T, err error) {
	var zero T
	call := strings.TrimSpace(name + " " + subject)
	p.live()
	defer func() {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		p.w.journal = append(p.w.journal, Call{At: time.Now(), Name: call, Err: err})
	}()
	if watch := p.w.watch.Load(); watch != nil {
		(*watch)(call)
	}
	if err := ctx.Err(); err != nil {
		return zero, &dr.Error{Code: dr.Temporary, What: said(call + " was given up."), Err: err}
	}
	rules := p.w.take(call)
	for _, r := range rules {
		if err := r.enter(ctx, p, call); err != nil {
			return zero, err
		}
	}
	p.live() // it may have been killed right before it acted
	v, err = do()
	for _, r := range rules {
		if r.after != nil {
			r.after()
		}
		if r.lost != nil && err == nil {
			v, err = zero, r.lost
		}
	}
	p.live() // and right after
	return v, err
}

func (r *Rule) enter(ctx context.Context, p *ports, call string) error {
	if r.before != nil {
		r.before()
	}
	if r.block != nil {
		select {
		case <-r.block:
		case <-p.gone:
			p.live()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if r.boom {
		panic(fmt.Sprintf("%s met a defect", call))
	}
	return r.err
}

// tell is ask for what gives nothing but an error.
func tell(ctx context.Context, p *ports, name, subject string, do func() error) error {
	_, err := ask(ctx, p, name, subject, func() (struct{}, error) { return struct{}{}, do() })
	return err
}
