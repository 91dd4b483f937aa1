package steps

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// ECS's words for a deployment that is complete, and for one that its circuit breaker ended:
// then nothing more is started.
const (
	rolledOut     = "COMPLETED"
	circuitBroken = "FAILED"
)

// failed tells whether the newest deployment is one that its circuit breaker ended: what is
// the primary one now is that itself, or one from before that ECS went back to.
func failed(st dr.WorkloadState) bool {
	return st.Failed.ID != "" && !st.DeployedAt.After(st.Failed.At)
}

// failure is a deployment of a workload that failed.
type failure struct {
	workload   dr.Resource
	deployment dr.Deployment
}

// failureKey is where it is kept that a deployment failed in an attempt: the next one starts
// another.
func (s healthStep) failureKey(r *engine.Run, w dr.Resource, attempt int) string {
	return key(r.ID, "failed", string(s.job.Request.Target), w.Name, s.name, number(attempt))
}

// failed tells people at once, in the platform's own words: that deployment will not come up
// however long it is waited for.
func (s healthStep) failed(ctx context.Context, r *engine.Run, all []failure) error {
	target := s.job.Request.Target
	var said []dr.Text
	for _, f := range all {
		doc, err := json.Marshal(f.deployment)
		if err != nil {
			return err
		}
		if err := s.world.Ledger.Put(ctx, s.failureKey(r, f.workload, engine.Attempt(ctx)), string(doc)); err != nil {
			return err
		}
		why, err := s.world.Workloads.Reasons(ctx, s.job.Service, f.workload, target)
		switch {
		case err != nil:
			what, _ := dr.Told(err)
			said = append(said, dr.T("gate.failed.unread", "workload", f.workload.Name, "why", what))
		case len(why) == 0:
			said = append(said, dr.T("gate.failed.unsaid", "workload", f.workload.Name))
		default:
			said = append(said, dr.T("gate.failed.one", "workload", f.workload.Name, "why", why))
		}
	}
	return &dr.Error{Code: dr.Conflict, What: dr.T("gate.failed", "region", target, "failed", said), Next: dr.T("gate.failed.next")}
}

// startAnew starts another deployment in the place of each that failed in the attempt before,
// which people have answered with retry, unless that has been done since.
func (s healthStep) startAnew(ctx context.Context, r *engine.Run) error {
	target := s.job.Request.Target
	for _, w := range s.job.Service.ResourcesOf(dr.ECSService) {
		kept, err := s.world.Ledger.Get(ctx, s.failureKey(r, w, engine.Attempt(ctx)-1))
		if err != nil {
			return err
		}
		if kept == "" {
			continue
		}
		var was dr.Deployment
		if err := json.Unmarshal([]byte(kept), &was); err != nil {
			return fmt.Errorf("decode the deployment of %s that failed: %w", w.Name, err)
		}
		st, err := s.world.Workloads.State(ctx, s.job.Service, w, target)
		if err != nil {
			return err
		}
		if st.DeployedAt.After(was.At) { // by hand, or before this process died
			continue
		}
		if err := s.world.Held(ctx); err != nil {
			return err
		}
		if _, err := s.world.Workloads.Redeploy(ctx, s.job.Service, w, target); err != nil {
			return again(err)
		}
	}
	return nil
}
