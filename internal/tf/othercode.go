package tf

import (
	"context"
	"fmt"
	"time"

	"github.com/drbot/drbot/dr"
)

// otherCode is that other code, or another provider, would run than the approved one. It is
// found before anything of it has run.
type otherCode struct{ wider []dr.Text }

// Error is for the log.
func (o otherCode) Error() string { return fmt.Sprint(o.wider) }

// sameCode compares what would run with what was approved.
func (s *supervisor) sameCode(m *module) error {
	was := dr.Plan{Code: s.request.Approved.Code, LockFile: s.request.Approved.LockFile}
	if wider := dr.Wider(dr.Plan{Code: m.code, LockFile: m.locks}, was); len(wider) > 0 {
		return otherCode{wider}
	}
	return nil
}

// unplanned tells whether an apply was refused for its code, before a plan.
func unplanned(r *dr.ApplyResult) bool { return r != nil && r.Kind == dr.ApplyWider && r.Plan == nil }

// widerBy completes the result of an apply that was refused for its code, so that people can
// be asked about what it would do. The plan is made as that of a change that nobody has
// approved: by the user, with the environment and with the session of plans. Where there is
// none, the result stands as it is.
func (t *Terraform) widerBy(ctx context.Context, f folder, req request, svc dr.Service, r *dr.ApplyResult) error {
	if err := t.gone(ctx, f); err != nil {
		return err
	}
	give, err := t.places.take(ctx, req.Run, anApply)
	if err != nil {
		return err
	}
	defer give()
	limited, cancel := context.WithTimeout(ctx, t.opts.PlanTimeout)
	defer cancel()
	plan, known, err := t.anew(limited, f, req, svc)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		t.opts.Logger.WarnContext(ctx, "cannot plan what other code would do", "run", req.Run, "stack", req.Stack.Name, "error", err)
		return nil
	}
	wider := known.Wider(plan, req.Approved)
	if len(wider) == 0 {
		return nil // what moved has moved back; nothing was applied all the same
	}
	r.Wider, r.Plan = wider, &plan
	return f.write(resultFile, r)
}

// gone waits until the supervisor, which has the stack, has tidied up and ended.
func (t *Terraform) gone(ctx context.Context, f folder) error {
	for {
		if alive, err := held(f.file(aliveLock)); !alive || err != nil {
			return err
		}
		select {
		case <-time.After(t.opts.ApplyPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// anew plans what an apply would do, and tells what is known beside that plan.
func (t *Terraform) anew(ctx context.Context, f folder, req request, svc dr.Service) (_ dr.Plan, _ dr.Known, err error) {
	j, err := t.job(ctx, svc, req.Stack, toPlan)
	if err != nil {
		return dr.Plan{}, dr.Known{}, err
	}
	defer func() { err = j.scrubber().cleaned(err) }()
	dir, release, err := t.disk.scratch(ctx)
	if err != nil {
		return dr.Plan{}, dr.Known{}, fmt.Errorf("make a plan folder: %w", err)
	}
	defer release()
	m, err := j.open(ctx, dir, req.Stack, req.Commit, "", sitter{For: req.Run})
	if err != nil {
		return dr.Plan{}, dr.Known{}, err
	}
	defer m.close()
	m.unstable, m.rules, m.service = req.Unstable, req.Code, req.Service
	if err := m.ready(ctx, req.Stack); err != nil {
		return dr.Plan{}, dr.Known{}, err
	}
	plan, err := m.plan(ctx, false, false)
	if err != nil {
		return dr.Plan{}, dr.Known{}, err
	}
	known, err := (&supervisor{folder: f, request: req, job: j}).known(plan)
	return plan.Plan, known, err
}
