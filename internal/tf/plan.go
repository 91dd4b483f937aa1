package tf

import (
	"context"
	"errors"
	"fmt"

	"github.com/drbot/drbot/dr"
)

// Plan makes the plan of one stack in a checkout of its own and removes all of
// it before it returns.
func (t *Terraform) Plan(ctx context.Context, req dr.PlanRequest) (dr.Plan, error) {
	limited, cancel := context.WithTimeout(ctx, t.opts.PlanTimeout)
	defer cancel()
	plan, err := t.plan(limited, req)
	switch {
	case err == nil:
		return plan, nil
	case ctx.Err() != nil:
		return dr.Plan{}, ctx.Err()
	case limited.Err() != nil:
		return dr.Plan{}, &dr.Error{
			Code: dr.Temporary,
			Msg:  fmt.Sprintf("The plan of stack %s took longer than %s.", req.Stack.Name, t.opts.PlanTimeout),
			Hint: "a Region or the state's backend may not answer",
		}
	default:
		return dr.Plan{}, forPeople(req.Stack.Name, err)
	}
}

func (t *Terraform) plan(ctx context.Context, req dr.PlanRequest) (dr.Plan, error) {
	j, err := t.job(ctx, req.Service, req.Stack, toPlan)
	if err != nil {
		return dr.Plan{}, err
	}
	dir, release, err := t.scratch(ctx)
	if err != nil {
		return dr.Plan{}, fmt.Errorf("make a plan folder: %w", err)
	}
	defer release()
	m, err := j.open(ctx, dir, req.Stack, req.Commit, req.MergeInto)
	if err != nil {
		return dr.Plan{}, err
	}
	if err := m.ready(ctx, req.Stack); err != nil {
		return dr.Plan{}, err
	}
	return m.plan(ctx, !t.opts.PlanUnlocked, req.Drift)
}

// ready is what comes before a plan. The lock file is hashed as the commit has
// it, before init, which writes one where there is none.
func (m *module) ready(ctx context.Context, stack dr.Stack) (err error) {
	if m.locks, err = hashLockFile(m.dir); err != nil {
		return err
	}
	return m.init(ctx, stack.BackendConfig)
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
		return &dr.Error{Code: dr.Temporary, Msg: "The plan of stack " + stack + " could not be made.", Err: err}
	case f.lock != "":
		return &dr.Error{Code: dr.Conflict, Msg: "Stack " + stack + ": " + f.lock, Hint: "wait for them, or ask them to stop"}
	default:
		return &dr.Error{Code: dr.Temporary, Msg: "Stack " + stack + ": " + f.Error()}
	}
}
