package contract

import (
	"fmt"
	"testing"

	"github.com/drbot/drbot/dr"
)

// scaling is one test of workloads.
type scaling struct {
	*testing.T
	WorkloadsWorld
}

// ScaledWorkloads is the contract of workloads.
func ScaledWorkloads(t *testing.T, fresh NewWorkloads, in ...In) {
	each(t, map[string]func(scaling){
		"up and down":                     scaling.upAndDown,
		"what is so already is not asked": scaling.already,
		"a new deployment":                scaling.redeployed,
		"a deployment that fails":         scaling.failed,
		"tasks that never start":          scaling.never,
		"targets that are not healthy":    scaling.sick,
		"a Region that is lost":           scaling.lost,
		"what cannot be scaled":           scaling.invalid,
	}, func(t *testing.T) scaling { return scaling{t, fresh(t)} }, in)
}

func (w scaling) state(in dr.Region) dr.WorkloadState {
	w.Helper()
	st, err := w.Workloads.State(w.Context(), w.Service, w.Resource, in)
	wellDone(w.T, err)
	return st
}

func (w scaling) scale(in dr.Region, tasks int) {
	w.Helper()
	wellDone(w.T, w.Workloads.Scale(w.Context(), w.Service, w.Resource, in, tasks))
}

// runs scales and waits until all of it stands.
func (w scaling) runs(in dr.Region, tasks int) dr.WorkloadState {
	w.Helper()
	w.scale(in, tasks)
	var st dr.WorkloadState
	w.Await(w.T, fmt.Sprintf("%d tasks run in %s", tasks, in), func() bool {
		st = w.state(in)
		return st.Desired == tasks && st.Running == tasks && st.Pending == 0 && st.Healthy == tasks && st.Targets == tasks
	})
	return st
}

func (w scaling) upAndDown() {
	for _, tasks := range []int{2, 0, 1} {
		st := w.runs(w.Target, tasks)
		if st.Status != "ACTIVE" || st.Deployment == "" || st.DeployedAt.IsZero() {
			w.Errorf("state %+v", st)
		}
	}
}

func (w scaling) already() {
	w.runs(w.Target, 2)
	before := w.Cloud.Changes(w.Target)
	w.scale(w.Target, 2)
	if n := w.Cloud.Changes(w.Target) - before; n != 0 {
		w.Errorf("%d calls for a count that is so already", n)
	}
}

func (w scaling) redeployed() {
	before := w.runs(w.Target, 2)
	made := w.redeploy()
	w.Await(w.T, "the new deployment stands", func() bool {
		st := w.state(w.Target)
		return st.Deployment == made.ID && st.DeployedAt.Equal(made.At) && st.Deployment != before.Deployment && st.DeployedAt.After(before.DeployedAt) && st.Running == 2 && st.Healthy == 2
	})
}

func (w scaling) redeploy() dr.Deployment {
	w.Helper()
	made, err := w.Workloads.Redeploy(w.Context(), w.Service, w.Resource, w.Target)
	wellDone(w.T, err)
	if made.ID == "" || made.At.IsZero() {
		w.Errorf("the answer tells of %+v", made)
	}
	return made
}

// failed says why, and the tasks of the deployment before go on.
func (w scaling) failed() {
	w.runs(w.Target, 2)
	w.Cloud.Trips(w.Target)
	made := w.redeploy()
	w.Await(w.T, "the new deployment has failed", func() bool {
		st := w.state(w.Target)
		return st.Rollout == "FAILED" && st.Deployment == made.ID && st.Running == 2
	})
	why, err := w.Workloads.Reasons(w.Context(), w.Service, w.Resource, w.Target)
	wellDone(w.T, err)
	if len(why) < 2 {
		w.Errorf("the reasons are %v", why)
	}
}

func (w scaling) never() {
	w.runs(w.Target, 0)
	w.Cloud.Never(w.Target)
	w.scale(w.Target, 2)
	if st := w.state(w.Target); st.Desired != 2 || st.Running != 0 || st.Healthy != 0 {
		w.Errorf("state %+v", st)
	}
}

func (w scaling) sick() {
	w.runs(w.Target, 2)
	w.Cloud.Sick(w.Target)
	w.Await(w.T, "the targets are not healthy", func() bool {
		st := w.state(w.Target)
		return st.Running == 2 && st.Targets == 2 && st.Healthy == 0
	})
}

func (w scaling) lost() {
	w.Cloud.Lose(w.Source)
	_, err := w.Workloads.State(w.Context(), w.Service, w.Resource, w.Source)
	fails(w.T, err, dr.Temporary)
	fails(w.T, w.Workloads.Scale(w.Context(), w.Service, w.Resource, w.Source, 0), dr.Temporary, dr.Uncertain)
	_, err = w.Workloads.Redeploy(w.Context(), w.Service, w.Resource, w.Source)
	fails(w.T, err, dr.Temporary, dr.Uncertain)
	_, err = w.Workloads.Reasons(w.Context(), w.Service, w.Resource, w.Source)
	fails(w.T, err, dr.Temporary)
	w.state(w.Target)
}

func (w scaling) invalid() {
	fails(w.T, w.Workloads.Scale(w.Context(), w.Service, w.Resource, w.Target, -1), dr.Invalid)
	const third = dr.Region("eu-central-1")
	_, err := w.Workloads.State(w.Context(), w.Service, w.Resource, third)
	fails(w.T, err, dr.Invalid)
	fails(w.T, w.Workloads.Scale(w.Context(), w.Service, w.Resource, third, 1), dr.Invalid)
	_, err = w.Workloads.Redeploy(w.Context(), w.Service, w.Resource, third)
	fails(w.T, err, dr.Invalid)
}
