package tf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/drbot/drbot/dr"
)

// stacks knows who in this process works on which state. Runs never wait for each
// other here, since the state's own lock parts them; drift keeps away from a stack
// that a run works on, and gives way to a run that comes: what it sees in the middle
// of an apply is no drift, and its lock must not refuse an apply.
type stacks struct {
	mu sync.Mutex
	of map[string]*usage
}

// usage is who works on one state.
type usage struct {
	runs  []string // one entry a job
	drift *drift
}

// drift is a look at what differs that is being taken.
type drift struct {
	giveWay context.CancelCauseFunc
	gone    chan struct{} // closed at its end
}

func newStacks() *stacks { return &stacks{of: make(map[string]*usage)} }

// stateOf names the state that a stack of a repository writes.
func stateOf(gitURL string, stack dr.Stack) string {
	name := gitURL + "\x00" + stack.Dir
	for _, k := range slices.Sorted(maps.Keys(stack.BackendConfig)) {
		name += "\x00" + k + "=" + stack.BackendConfig[k]
	}
	if stack.Workspace != "" {
		name += "\x00\x00" + stack.Workspace
	}
	return name
}

func (s *stacks) at(state string) *usage {
	u := s.of[state]
	if u == nil {
		u = &usage{}
		s.of[state] = u
	}
	return u
}

func (s *stacks) tidy(state string) {
	if u := s.of[state]; u != nil && len(u.runs) == 0 && u.drift == nil {
		delete(s.of, state)
	}
}

// work notes that a run works on a state and asks a drift to give way. gone is
// closed when that has ended; nil when there is none.
func (s *stacks) work(state, stack, run string) (leave func(), gone <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.at(state)
	u.runs = append(u.runs, run)
	if u.drift != nil {
		gone = u.drift.gone
		u.drift.giveWay(busy(stack, run))
	}
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		i := slices.Index(u.runs, run)
		u.runs = slices.Delete(u.runs, i, i+1)
		s.tidy(state)
	}), gone
}

// look notes that drift looks at a state, or says who works on it. The context ends
// with the reason as its cause when a run comes.
func (s *stacks) look(ctx context.Context, state, stack string) (context.Context, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.at(state)
	switch {
	case len(u.runs) > 0:
		return nil, nil, busy(stack, u.runs[0])
	case u.drift != nil:
		return nil, nil, &dr.Error{Code: dr.Conflict, What: dr.T("tf.drift.twice", "stack", stack)}
	}
	ctx, giveWay := context.WithCancelCause(ctx)
	d := &drift{giveWay: giveWay, gone: make(chan struct{})}
	u.drift = d
	return ctx, sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		giveWay(nil)
		close(d.gone)
		u.drift = nil
		s.tidy(state)
	}), nil
}

// busy is why a stack's drift was not looked at. It is no failure that trying again
// at once would help.
func busy(stack, run string) error {
	by := dr.T("tf.in-use.run", "run", run)
	if run == "" {
		by = dr.T("tf.in-use.another")
	}
	return &dr.Error{
		Code: dr.Conflict,
		What: dr.T("tf.in-use", "stack", stack, "by", by),
		Next: dr.T("tf.in-use.next"),
	}
}

// turn waits until a plan may be made. The context it gives is the one to plan with.
func (t *Terraform) turn(ctx context.Context, req dr.PlanRequest) (_ context.Context, leave func(), err error) {
	url, err := checkGitURL(t.opts.GitURL(req.Service.Repository))
	if err != nil {
		return nil, nil, err
	}
	state, as := stateOf(url, req.Stack), aPlan
	var unused func()
	if req.Drift {
		as = aDrift
		ctx, unused, err = t.look(ctx, state, req.Stack.Name)
	} else {
		unused, err = t.work(ctx, state, req.Stack.Name, req.Run)
	}
	if err != nil {
		return nil, nil, err
	}
	give, err := t.places.take(ctx, req.Run, as)
	if err != nil {
		unused()
		return nil, nil, gaveWay(ctx, err)
	}
	return ctx, func() {
		give()
		unused()
	}, nil
}

// look is the use of a stack by drift, which no run works on.
func (t *Terraform) look(ctx context.Context, state, stack string) (context.Context, func(), error) {
	ctx, unused, err := t.stacks.look(ctx, state, stack)
	if err != nil {
		return nil, nil, err
	}
	if err := t.noApplyRuns(state, stack); err != nil {
		unused()
		return nil, nil, err
	}
	return ctx, unused, nil
}

// work is the use of a stack by a run. Where plans lock the state, it waits for a
// drift that gives way.
func (t *Terraform) work(ctx context.Context, state, stack, run string) (leave func(), err error) {
	leave, gone := t.stacks.work(state, stack, run)
	if gone == nil || t.opts.PlanUnlocked {
		return leave, nil
	}
	select {
	case <-gone:
		return leave, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// gaveWay gives the reason for which a drift was ended, where there is one.
func gaveWay(ctx context.Context, err error) error {
	var known *dr.Error
	if errors.As(context.Cause(ctx), &known) {
		return known
	}
	return err
}

// noApplyRuns refuses when an apply of the state runs that nobody in this process
// follows: its bot was restarted, or is another one.
func (t *Terraform) noApplyRuns(state, stack string) error {
	entries, err := os.ReadDir(t.disk.appliesDir())
	if err != nil {
		return fmt.Errorf("look for applies that run: %w", err)
	}
	for _, e := range entries {
		f := folder(filepath.Join(t.disk.appliesDir(), e.Name()))
		if !e.IsDir() {
			continue
		}
		alive, err := held(f.file(aliveLock))
		if err != nil {
			return fmt.Errorf("look for applies that run: %w", err)
		}
		// What has a result has ended; its supervisor is still removing the checkout.
		if !alive || f.has(resultFile) {
			continue
		}
		var req request
		if _, err := f.read(requestFile, &req); err != nil {
			return err
		}
		if stateOf(req.Place.GitURL, req.Stack) == state {
			return busy(stack, cmp.Or(req.Run, strings.TrimSpace(req.Key)))
		}
	}
	return nil
}
