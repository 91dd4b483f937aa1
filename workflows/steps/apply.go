package steps

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// Apply is the kind that applies stacks.
const Apply = "apply"

// What an apply may name beside a stack.
const (
	applyTarget  = "target"  // the stack of the Region the run goes to
	applyTraffic = "traffic" // every stack that moves users

	// ApplySource is the stack of the Region the run leaves, which no configuration lists.
	ApplySource = "source"
)

// Applier applies stacks.
type Applier interface {
	// Apply plans again, refuses what is wider than approved, applies and follows.
	// It gives an error only when it could not find out how the apply ended.
	Apply(ctx context.Context, req dr.ApplyRequest, progress func(dr.Progress)) (dr.ApplyResult, error)
	// Began tells whether the apply of a key is under way, or was: one that was asked for
	// and died before it could change anything was not.
	Began(ctx context.Context, key string) (bool, error)
}

// applyKind applies stacks at the merge commit, or at a newer one that a retry has found,
// no wider than what was approved.
func applyKind(w *World) Kind {
	return Kind{ID: Apply, Skip: AsTheChange, Act: &dr.ActInfo{Which: []string{applyTarget, applyTraffic}, Needed: true}, Make: func(j Job) ([]engine.Step, error) {
		stacks, err := stacksOf(j)
		if err != nil {
			return nil, err
		}
		var out []engine.Step
		for _, st := range stacks {
			out = append(out, applyStep{w, j, st})
		}
		return out, nil
	}}
}

func stacksOf(j Job) ([]dr.Stack, error) {
	region := func(r dr.Region) []dr.Stack {
		if st, ok := j.Service.RegionStack(r); ok {
			return []dr.Stack{st}
		}
		return nil
	}
	switch j.Which {
	case applyTarget:
		return region(j.Request.Target), nil
	case ApplySource:
		return region(j.Source), nil
	case applyTraffic:
		return j.Service.StacksOf(dr.TrafficStack), nil
	default:
		return nil, &dr.Error{Code: dr.Invalid, What: dr.T("apply.which", "which", j.Which, "choices", []string{applyTarget, applyTraffic, ApplySource})}
	}
}

// StacksOf lists the stacks that a list of steps applies, in their order.
func StacksOf(list []engine.Step) []dr.Stack {
	var out []dr.Stack
	for _, s := range list {
		if a, ok := s.(applyStep); ok && !slices.ContainsFunc(out, func(o dr.Stack) bool { return o.Name == a.stack.Name }) {
			out = append(out, a.stack)
		}
	}
	return out
}

type applyStep struct {
	world *World
	job   Job
	stack dr.Stack
}

func (s applyStep) Name() string { return key(Apply, s.stack.Name) }

func (s applyStep) Do(ctx context.Context, r *engine.Run) (engine.Outcome, error) {
	n := engine.Attempt(ctx)
	ctx, cancel := budget(ctx, s.world.Timing.Apply)
	defer cancel()
	merged, found := Merge.Of(r)
	if found != engine.Ran {
		return engine.Outcome{}, &dr.Error{Code: dr.Uncertain, What: dr.T("apply.unmerged"), Next: dr.T("step.panic.next")}
	}
	approved, _ := approvedOf(r, merged, s.stack)
	at := commitOf(r, merged)
	id, err := s.keyOf(ctx, r, n)
	if err != nil {
		return engine.Outcome{}, err
	}
	if err := r.Audit(ctx, Apply, dr.T("audit.apply", "stack", s.stack.Name, "commit", commit(at), "digest", merged.Digest[:min(len(merged.Digest), 8)])); err != nil {
		return engine.Outcome{}, err
	}
	if err := s.world.Held(ctx); err != nil {
		return engine.Outcome{}, err
	}
	if _, err := s.world.Ledger.Keep(ctx, id+"/begun", strconv.Itoa(n)); err != nil {
		return engine.Outcome{}, err
	}
	res, err := s.world.Terraform.Apply(ctx, dr.ApplyRequest{
		Key: id, Run: r.ID, Service: s.job.Service, Stack: s.stack, Commit: at, Approved: approved,
	}, s.progress(ctx, r))
	r.Update(context.WithoutCancel(ctx), func(run *dr.Run) { run.Progress = nil })
	if errors.Is(err, context.DeadlineExceeded) {
		return engine.Outcome{}, &dr.Error{Code: dr.Uncertain, What: dr.T("apply.overdue", "stack", s.stack.Name, "after", s.world.Timing.Apply), Next: dr.T("apply.overdue.next"), Err: err}
	}
	if err != nil {
		return engine.Outcome{}, err
	}
	if _, err := s.world.Ledger.Keep(ctx, id+"/ended", strconv.Itoa(n)); err != nil {
		return engine.Outcome{}, err
	}
	if err := s.problem(res); err != nil {
		return s.offer(res, err)
	}
	return engine.Done(res, dr.T("apply.done", "add", res.Counts.Add, "change", res.Counts.Change, "destroy", res.Counts.Destroy))
}

// progress shows how far an apply has come, at most every second.
func (s applyStep) progress(ctx context.Context, r *engine.Run) func(dr.Progress) {
	var shown time.Time
	return func(p dr.Progress) {
		if now := s.world.Now(); now.Sub(shown) >= time.Second || p.Done == p.Total {
			shown = now
			r.Update(ctx, func(run *dr.Run) { run.Progress = &p })
		}
	}
}

// keyOf names one apply for ever. A restart of the bot is the same apply, and so
// is a retry while nobody knows how it ended; a retry after an end is another.
func (s applyStep) keyOf(ctx context.Context, r *engine.Run, attempt int) (string, error) {
	for k := 1; ; k++ {
		id := key(r.ID, s.Name(), number(k))
		ended, err := s.world.Ledger.Get(ctx, id+"/ended")
		if err != nil {
			return "", err
		}
		if at, err := strconv.Atoi(ended); err != nil || at >= attempt {
			return id, nil // not ended, or ended in this very attempt
		}
	}
}

// offer puts a wider plan beside the error that tells of it.
func (s applyStep) offer(res dr.ApplyResult, because error) (engine.Outcome, error) {
	if res.Kind != dr.ApplyWider || res.Plan == nil {
		return engine.Outcome{}, because
	}
	o, err := Beyond(dr.Plans{*res.Plan}, nil, res.Wider)
	if err != nil {
		return engine.Outcome{}, because
	}
	return o.Outcome(because)
}

// widerShown bounds the differences told when a plan is wider.
const widerShown = 5

// problem says what an apply's end means for the run; nil when it is done.
func (s applyStep) problem(res dr.ApplyResult) error {
	name, summary := s.stack.Name, res.Summary
	switch res.Kind {
	case dr.ApplyDone:
		return nil
	case dr.ApplyWider:
		return &dr.Error{Code: dr.Conflict, What: dr.T("apply.wider", "stack", name, "n", len(res.Wider), "wider", res.Wider[:min(len(res.Wider), widerShown)]), Next: dr.T("apply.wider.next")}
	case dr.ApplyLocked:
		return &dr.Error{Code: dr.Conflict, What: dr.T("apply.locked", "stack", name, "summary", summary), Next: dr.T("apply.locked.next")}
	case dr.ApplyLost:
		return &dr.Error{Code: dr.Uncertain, What: dr.T("apply.lost", "stack", name, "summary", summary), Next: dr.T("apply.lost.next")}
	default:
		return &dr.Error{Code: dr.Conflict, What: dr.T("apply.failed", "stack", name, "summary", summary), Next: dr.T("apply.failed.next")}
	}
}

// Tell implements Teller.
func (s applyStep) Tell() (does, missed dr.Text) {
	name, source, target := s.stack.Name, s.job.Source, s.job.Request.Target
	switch {
	case s.stack.Role == dr.TrafficStack:
		return dr.T("does.apply.traffic", "stack", name, "target", target), dr.T("missed.apply.traffic", "stack", name, "source", source, "target", target)
	case s.stack.Region == source:
		return dr.T("does.apply", "stack", name), dr.T("missed.apply.source", "stack", name, "source", source)
	default:
		return dr.T("does.apply", "stack", name), dr.T("missed.apply.target", "stack", name, "target", target)
	}
}
