package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// ECS's words for a deployment that is complete, and for one that its circuit breaker ended:
// then nothing more is started.
const (
	rolledOut     = "COMPLETED"
	circuitBroken = "FAILED"
)

// shownAfter bounds how long ECS may go on showing the deployment before, after it has answered
// with a new one.
const shownAfter = time.Minute

// awaitedKey is where it is kept which deployment of a workload a run waits for: the one that
// the platform answered with, which it need not show yet to whoever asks next.
func awaitedKey(run string, in dr.Region, w dr.Resource) string {
	return key(run, "awaited", string(in), w.Name)
}

// startTasks makes a new deployment of a workload, and keeps which.
func startTasks(ctx context.Context, world *World, run string, j Job, w dr.Resource) error {
	if err := world.Held(ctx); err != nil {
		return err
	}
	made, err := world.Workloads.Redeploy(ctx, j.Service, w, j.Request.Target)
	if err != nil {
		return again(err)
	}
	return await(ctx, world, run, j.Request.Target, w, made)
}

// await keeps which deployment is waited for.
func await(ctx context.Context, world *World, run string, in dr.Region, w dr.Resource, made dr.Deployment) error {
	doc, err := json.Marshal(made)
	if err != nil {
		return err
	}
	return world.Ledger.Put(ctx, awaitedKey(run, in, w), string(doc))
}

// deployed gives a deployment that is kept under a key; none where nothing is.
func deployed(ctx context.Context, l Ledger, key string) (d dr.Deployment, err error) {
	kept, err := l.Get(ctx, key)
	if err != nil || kept == "" {
		return d, err
	}
	if err := json.Unmarshal([]byte(kept), &d); err != nil {
		return d, fmt.Errorf("decode %s: %w", key, err)
	}
	return d, nil
}

// rollout is what became of the deployment that is waited for.
type rollout string

const (
	shown   rollout = "shown" // or none is waited for, or one that is newer still is there
	unshown rollout = "unshown"
	broken  rollout = "broken" // its circuit breaker ended it
)

// rolloutOf tells that of a workload, and which deployment it is.
func rolloutOf(st dr.WorkloadState, awaited dr.Deployment) (rollout, dr.Deployment) {
	older := awaited.ID != "" && st.Deployment != awaited.ID && !st.DeployedAt.After(awaited.At)
	switch {
	case older && st.Failed.ID != awaited.ID:
		return unshown, awaited
	case failed(st):
		return broken, st.Failed
	default:
		return shown, awaited
	}
}

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
		was, err := deployed(ctx, s.world.Ledger, s.failureKey(r, w, engine.Attempt(ctx)-1))
		if err != nil {
			return err
		}
		awaited, err := deployed(ctx, s.world.Ledger, awaitedKey(r.ID, target, w))
		if err != nil {
			return err
		}
		if was.ID == "" || awaited.At.After(was.At) { // done before this process died
			continue
		}
		st, err := s.world.Workloads.State(ctx, s.job.Service, w, target)
		if err != nil {
			return err
		}
		if st.DeployedAt.After(was.At) { // by hand, or the answer was lost
			err = await(ctx, s.world, r.ID, target, w, dr.Deployment{ID: st.Deployment, At: st.DeployedAt})
		} else {
			err = startTasks(ctx, s.world, r.ID, s.job, w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// awaited are the deployments that are waited for, by their workload.
func (s healthStep) awaited(ctx context.Context, r *engine.Run) (map[string]dr.Deployment, error) {
	out := map[string]dr.Deployment{}
	for _, w := range s.job.Service.ResourcesOf(dr.ECSService) {
		d, err := deployed(ctx, s.world.Ledger, awaitedKey(r.ID, s.job.Request.Target, w))
		if err != nil {
			return nil, err
		}
		out[w.Name] = d
	}
	return out, nil
}
