package tf

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/drbot/drbot/dr"
)

// Plan makes the plan of one stack in a checkout of its own and removes all of
// it before it returns. It waits for its turn, which the time of a plan does not
// count. A drift of a stack that a run works on is refused as a dr.Conflict.
func (t *Terraform) Plan(ctx context.Context, req dr.PlanRequest) (dr.Plan, error) {
	ctx, leave, err := t.turn(ctx, req)
	if err != nil {
		return dr.Plan{}, forPeople(req.Stack.Name, err)
	}
	defer leave()
	limited, cancel := context.WithTimeout(ctx, t.opts.PlanTimeout)
	defer cancel()
	plan, err := t.plan(limited, req)
	switch {
	case err == nil:
		return plan, nil
	case ctx.Err() != nil:
		return dr.Plan{}, forPeople(req.Stack.Name, gaveWay(ctx, ctx.Err()))
	case limited.Err() != nil && !is[*dr.Error](err):
		return dr.Plan{}, &dr.Error{
			Code: dr.Temporary,
			What: dr.T("tf.plan.late", "stack", req.Stack.Name, "limit", t.opts.PlanTimeout),
			Next: dr.T("tf.plan.late.next"),
		}
	default:
		return dr.Plan{}, forPeople(req.Stack.Name, err)
	}
}

func (t *Terraform) plan(ctx context.Context, req dr.PlanRequest) (_ dr.Plan, err error) {
	why := toPlan
	if req.AsApply {
		why = toLook
	}
	j, err := t.job(ctx, req.Service, req.Stack, why)
	if err != nil {
		return dr.Plan{}, err
	}
	defer func() { err = j.scrubber().cleaned(err) }()
	dir, release, err := t.disk.scratch(ctx)
	if err != nil {
		return dr.Plan{}, fmt.Errorf("make a plan folder: %w", err)
	}
	defer release()
	m, err := j.open(ctx, dir, req.Stack, req.Commit, req.MergeInto, sitter{For: req.Run})
	if err != nil {
		return dr.Plan{}, err
	}
	defer m.close()
	m.unstable, m.rules, m.service = req.Service.Unstable, req.Service.Code, req.Service.Name
	if err := m.ready(ctx, req.Stack); err != nil {
		return dr.Plan{}, err
	}
	plan, err := m.plan(ctx, !t.opts.PlanUnlocked && !req.AsApply, req.Drift)
	if err != nil {
		return dr.Plan{}, err
	}
	f := flip{root: m.root, dir: filepath.ToSlash(m.inside), file: req.Service.Repository.File}
	switch {
	case req.Flip != "":
		if why := f.unreached(plan.raw, req.Flip); !why.Empty() {
			return dr.Plan{}, &dr.Error{
				Code: dr.Conflict, What: dr.T("tf.flip", "stack", req.Stack.Name, "region", req.Flip, "why", why),
				Next: dr.T("tf.flip.next", "stack", req.Stack.Name, "file", f.file),
			}
		}
	case req.Drift:
		if says := f.says(); says != "" {
			plan.Unreached = f.unreached(plan.raw, says)
		}
	}
	return plan.Plan, nil
}

// ready is what comes before a plan. Code is judged before anything of it runs. Lock file and code are hashed as the commit has
// them, before init, which writes a lock file where there is none.
func (m *module) ready(ctx context.Context, stack dr.Stack) (err error) {
	if err := m.judge(false); err != nil {
		return err
	}
	m.code = m.held.reads.codeHash()
	if m.locks, err = hashLockFile(m); err != nil {
		return err
	}
	if err := m.init(ctx, stack); err != nil {
		return m.absent.because(err)
	}
	if err := m.locked(); err != nil {
		return err
	}
	if err := m.judge(true); err != nil {
		return err
	}
	if m.code, err = m.withFetched(m.code); err != nil {
		return err
	}
	return m.whole()
}

// forPeople gives an error the words and the code it goes out with.
func forPeople(stack string, err error) error {
	var known *dr.Error
	if errors.As(err, &known) {
		return known
	}
	var f *failure
	switch {
	case !errors.As(err, &f):
		return outside(err, dr.T("tf.plan.unmade", "stack", stack), dr.Text{})
	case !f.lock.Empty():
		return &dr.Error{Code: dr.Conflict, What: dr.T("tf.of-stack", "stack", stack, "what", f.lock), Next: dr.T("tf.plan.locked.next")}
	case f.fault:
		// It is told at once, and asked about: mended in the repository, the next look finds it.
		next := dr.T("tf.fault.next")
		if !f.next.Empty() {
			next = dr.T("tf.fault.next.how", "next", f.next)
		}
		return &dr.Error{Code: dr.Uncertain, What: dr.T("tf.of-stack", "stack", stack, "what", f.Text()), Next: next}
	default:
		return &dr.Error{Code: dr.Temporary, What: dr.T("tf.of-stack", "stack", stack, "what", f.Text()), Next: f.next}
	}
}
