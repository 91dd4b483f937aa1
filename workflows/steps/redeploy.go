package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

const redeploy = "redeploy"

// redeployKind starts new tasks in the target, because pools opened before the
// promotion hold connections to the old writer and never ask DNS again.
func redeployKind(w *World) Kind {
	return Kind{ID: redeploy, Skip: AsTheChange, Act: &dr.ActInfo{On: dr.ECSService, After: promote}, Make: func(j Job) ([]engine.Step, error) {
		if _, ok := j.Service.Resource(j.Which); j.Which != "" && !ok {
			return nil, &dr.Error{Code: dr.Invalid, What: dr.T("redeploy.no-workload", "name", j.Which)}
		}
		return []engine.Step{redeployStep{w, j}}, nil
	}}
}

type redeployStep struct {
	world *World
	job   Job
}

func (s redeployStep) Name() string {
	name := key(redeploy, string(s.job.Request.Target))
	if s.job.Which != "" {
		name = key(name, s.job.Which)
	}
	return name
}

func (s redeployStep) Do(ctx context.Context, r *engine.Run) (engine.Outcome, error) {
	ctx, cancel := budget(ctx, s.world.Timing.Quiesce)
	defer cancel()
	started := 0
	for _, w := range s.job.Service.ResourcesOf(dr.ECSService) {
		if s.job.Which != "" && s.job.Which != w.Name {
			continue
		}
		fresh := false
		if err := patiently(ctx, s.world, r, s.Name(), func() (err error) { fresh, err = s.renew(ctx, r, w); return err }); err != nil {
			return engine.Outcome{}, err
		}
		if fresh {
			started++
		}
	}
	if started == 0 {
		return engine.Done(nil, dr.T("redeploy.since"))
	}
	return engine.Done(nil, dr.T("redeploy.done", "n", started))
}

// renew deploys one workload anew unless it was deployed since the promotion. That is
// compared by the platform's clock alone: by this host's, if that is behind, tasks from
// before the promotion would pass for new ones.
func (s redeployStep) renew(ctx context.Context, r *engine.Run, w dr.Resource) (bool, error) {
	target := s.job.Request.Target
	st, err := s.world.Workloads.State(ctx, s.job.Service, w, target)
	if err != nil {
		return false, err
	}
	// What an earlier run has stopped when the target was the source, and left so, Terraform
	// may not start: its code may leave to others how many tasks there are.
	if _, _, err := (idle{s.world, r.ID, s.job, target}).start(ctx, w, st.Desired, anyRun); err != nil {
		return false, err
	}
	before := st.DeployedAt
	if err := keep(ctx, s.world.Ledger, deployedKey(r.ID, target, w, s.Name()), &before); err != nil {
		return false, err
	}
	// What was there when the last promotion had taken effect is older than this step's
	// first look, or the same.
	then, err := s.atPromotion(ctx, r, w)
	if err != nil {
		return false, err
	}
	if !then.IsZero() {
		before = then
	}
	// What the platform answered a process that died with need not show yet.
	made, err := deployed(ctx, s.world.Ledger, awaitedKey(r.ID, target, w))
	if err != nil {
		return false, err
	}
	switch {
	case st.DeployedAt.After(before) && !failed(st):
		if st.DeployedAt.After(made.At) {
			err = await(ctx, s.world, r.ID, target, w, dr.Deployment{ID: st.Deployment, At: st.DeployedAt})
		}
		return false, err
	case made.At.After(before) && st.Failed.ID != made.ID:
		return false, nil
	default:
		return true, startTasks(ctx, s.world, r.ID, s.job, w)
	}
}

// atPromotion is the newest deployment of a workload when the last promotion had taken
// effect; zero when none was asked for, or it could not be read then.
func (s redeployStep) atPromotion(ctx context.Context, r *engine.Run, w dr.Resource) (time.Time, error) {
	var last time.Time
	for _, db := range s.job.Service.ResourcesOf(dr.AuroraGlobal) {
		intent, found, err := s.world.Ledger.LastIntent(ctx, r.ID, intentsOf(db))
		if err != nil {
			return last, err
		}
		if !found {
			continue
		}
		kept, err := s.world.Ledger.Get(ctx, deployedKey(r.ID, s.job.Request.Target, w, intent.Act))
		if err != nil {
			return last, err
		}
		if kept == "" {
			return time.Time{}, nil
		}
		var at time.Time
		if err := json.Unmarshal([]byte(kept), &at); err != nil {
			return last, fmt.Errorf("decode the deployment kept at %s: %w", intent.Act, err)
		}
		if at.After(last) {
			last = at
		}
	}
	return last, nil
}

// Tell implements Teller.
func (s redeployStep) Tell() (does, missed dr.Text) {
	target := s.job.Request.Target
	return dr.T("does.redeploy", "target", target), dr.T("missed.redeploy", "target", target)
}
