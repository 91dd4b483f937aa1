package world

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
)

// Apply implements steps.Applier. An apply goes on when nobody follows it.
func (p *ports) Apply(ctx context.Context, req dr.ApplyRequest, progress func(dr.Progress)) (dr.ApplyResult, error) {
	return ask(ctx, p, "Apply", req.Stack.Name, func() (dr.ApplyResult, error) {
		a, err := p.w.startApply(req)
		if err != nil {
			return dr.ApplyResult{}, err
		}
		if progress == nil {
			progress = func(dr.Progress) {}
		}
		progress(dr.Progress{Stack: req.Stack.Name, Total: 1})
		select {
		case <-a.done:
			if n := len(a.result.Made); a.result.Kind == dr.ApplyDone && n > 0 {
				progress(dr.Progress{Stack: req.Stack.Name, Done: n, Total: n})
			}
			return a.result, nil
		case <-p.gone:
			p.live()
			return dr.ApplyResult{}, nil
		case <-ctx.Done():
			return dr.ApplyResult{}, ctx.Err()
		}
	})
}

// Began implements steps.Applier.
func (p *ports) Began(ctx context.Context, key string) (bool, error) {
	return ask(ctx, p, "Began", "", func() (bool, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		_, known := p.w.tf.applies[key]
		return known, nil
	})
}

func (w *World) startApply(req dr.ApplyRequest) (*apply, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if req.Key == "" {
		return nil, refused(dr.Invalid, "an apply needs a key.")
	}
	if a, ok := w.tf.applies[req.Key]; ok {
		if a.req.Commit != req.Commit || a.req.Stack.Name != req.Stack.Name {
			return nil, refused(dr.Conflict, "the key of this apply was used for another one.")
		}
		return a, nil
	}
	a := &apply{req: req, done: make(chan struct{}), killed: make(chan struct{})}
	w.tf.applies[req.Key] = a
	time.AfterFunc(applyTime, func() {
		a.result = w.carryOut(a)
		close(a.done)
	})
	return a, nil
}

// busy tells whether an apply of a stack is under way. It needs the lock.
func (tf *terraform) busy(stack string) bool {
	for _, a := range tf.applies {
		select {
		case <-a.done:
		default:
			if a.req.Stack.Name == stack {
				return true
			}
		}
	}
	return false
}

// carryOut applies all that is to be, and says how it ended.
func (w *World) carryOut(a *apply) dr.ApplyResult {
	result, tree, end := w.takeEffect(a.req)
	if end {
		return result
	}
	for _, ch := range w.todo(a.req, tree) {
		if kind := w.make(a, ch); kind != dr.ApplyDone {
			result.Kind, result.Summary = kind, said(ch.address+": as the test wants it")
			return result
		}
		result.Made = append(result.Made, ch.address)
		w.note(ch.address)
		switch ch.action {
		case "create":
			result.Counts.Add++
		case "update":
			result.Counts.Change++
		case "delete":
			result.Counts.Destroy++
		}
	}
	return result
}

// takeEffect plans again and makes what is made at once: tasks and records. end says
// that nothing follows.
func (w *World) takeEffect(req dr.ApplyRequest) (result dr.ApplyResult, tree map[string]string, end bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := req.Stack.Name
	if next := w.tf.next[name]; len(next) > 0 {
		w.tf.next[name] = next[1:]
		return dr.ApplyResult{Kind: next[0], Summary: said("as the test wants it"), Wider: []dr.Text{dr.T("wider.lock-file")}}, nil, true
	}
	if w.tf.locked[name] {
		return dr.ApplyResult{Kind: dr.ApplyLocked, Summary: said("somebody else locks the state.")}, nil, true
	}
	tree, err := w.checkout(req.Stack, req.Commit, "")
	var plan dr.Plan
	if err == nil {
		plan, err = w.plan(req.Service, req.Stack, tree)
	}
	if err != nil {
		return dr.ApplyResult{Kind: dr.ApplyFailed, Summary: said(err.Error())}, nil, true
	}
	if wider := w.known(req).Wider(plan, req.Approved); len(wider) > 0 {
		return dr.ApplyResult{Kind: dr.ApplyWider, Wider: wider, Plan: &plan, Summary: said("nothing was applied.")}, nil, true
	}
	result = dr.ApplyResult{Kind: dr.ApplyDone, Summary: said("applied.")}
	at := dr.Plan{Stack: name}
	for _, ch := range plan.Changes {
		if !w.tf.isThing(name, ch.Address, tree) {
			at.Changes = append(at.Changes, ch)
			result.Made = append(result.Made, ch.Address)
		}
	}
	result.Counts = at.Counts()
	w.effect(req, tree)
	return result, tree, false
}

// known finds which approved changes the world shows already. It needs the lock.
func (w *World) known(req dr.ApplyRequest) (k dr.Known) {
	st := req.Stack
	for _, c := range req.Approved.Changes {
		is, there := w.tf.state[st.Name][c.Address]
		switch c.Address {
		case loadBalancer:
			there = w.cloud.at(st.Region).wanted(req.Service) > 0
		case workload:
			is, there = fmt.Sprint(w.cloud.at(st.Region).wanted(req.Service)), true
		case publicName:
			is, there = string(w.tf.points[st.Name]), true
		}
		other := slices.ContainsFunc(c.Paths, func(p dr.PathChange) bool { return p.Value != "" && p.Value != is })
		done := there && !other
		if slices.Equal(c.Actions, []string{"delete"}) {
			done = !there
		}
		if done {
			k.Done = append(k.Done, c.Address)
		}
	}
	return k
}

// effect needs the lock.
func (w *World) effect(req dr.ApplyRequest, tree map[string]string) {
	st := req.Stack
	w.tf.Applied = append(w.tf.Applied, st.Name)
	w.tf.commits[st.Name] = append(w.tf.commits[st.Name], req.Commit)
	active, _ := (&ports{}).ActiveRegion(tree[req.Service.Repository.File]) // read by plan a moment ago
	switch st.Role {
	case dr.RegionStack:
		if want := wantsOf(req.Service, st, tree); want != w.cloud.at(st.Region).wanted(req.Service) && !w.tf.ignores[st.Name] {
			w.cloud.at(st.Region).scale(req.Service, want)
		}
	case dr.TrafficStack:
		w.tf.points[st.Name] = active
	}
}

// todo lists the things an apply has to make, in order.
func (w *World) todo(req dr.ApplyRequest, tree map[string]string) []making {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tf.makings(req.Stack.Name, tree)
}

// make makes one thing, which may have to wait, and says how that ended.
func (w *World) make(a *apply, m making) dr.ApplyKind {
	w.mu.Lock()
	w.tf.begun[m.address]++
	if m.Waits {
		w.tf.waiting++
	}
	w.mu.Unlock()
	if m.Waits {
		select {
		case <-w.tf.gate:
		case <-a.killed:
			return dr.ApplyLost
		}
	}
	if m.Fails {
		return dr.ApplyFailed
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	state := w.tf.state[a.req.Stack.Name]
	if state == nil {
		state = map[string]string{}
		w.tf.state[a.req.Stack.Name] = state
	}
	if m.action == "delete" {
		delete(state, m.address)
	} else {
		state[m.address] = m.Value
	}
	return dr.ApplyDone
}

func (w *World) note(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tf.made = append(w.tf.made, address)
}
