package steps

import (
	"context"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// Quiesce is the kind that ends what writes in the source.
const Quiesce = "quiesce"

// Workloads is what runs in a Region.
type Workloads interface {
	State(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region) (dr.WorkloadState, error)
	Scale(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region, desired int) error
	// Redeploy starts new tasks, and gives the deployment that does.
	Redeploy(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region) (dr.Deployment, error)
	// Reasons are what the platform itself says of why the newest deployment is not complete.
	Reasons(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region) ([]dr.Text, error)
}

// quiesceKind scales the source to zero before a planned promotion, so that nobody
// writes while the writer moves. The counts are remembered: a stop before the
// promotion puts them back.
func quiesceKind(w *World) Kind {
	return Kind{ID: Quiesce, Skip: AsTheChange, Make: one(func(j Job) engine.Step { return quiesceStep{w, j} })}
}

type quiesceStep struct {
	world *World
	job   Job
}

func (s quiesceStep) Name() string { return key(Quiesce, string(s.job.Source)) }

func (s quiesceStep) Do(ctx context.Context, r *engine.Run) (engine.Outcome, error) {
	ctx, cancel := budget(ctx, s.world.Timing.Quiesce)
	defer cancel()
	moved := false
	if err := patiently(ctx, s.world, r, s.Name(), func() (err error) { moved, err = s.moved(ctx); return err }); err != nil {
		return engine.Outcome{}, err
	} else if moved {
		return engine.Done(nil, dr.T("quiesce.moved", "target", s.job.Request.Target))
	}
	workloads := s.job.Service.ResourcesOf(dr.ECSService)
	total := 0
	for _, w := range workloads {
		was := 0
		if err := patiently(ctx, s.world, r, s.Name(), func() (err error) { was, err = s.lower(ctx, r, w); return err }); err != nil {
			return engine.Outcome{}, err
		}
		total += was
	}
	var left int
	var last error
	for {
		running, err := s.running(ctx, workloads)
		switch {
		case err == nil && running == 0:
			return engine.Done(nil, dr.T("quiesce.done", "n", total))
		case ctx.Err() == nil: // a look cut off by the deadline says nothing
			left, last = running, err
		}
		if last != nil {
			r.Waits(ctx, s.Name(), dr.T("gate.waiting", "lacking", []dr.Text{why(last)}))
		}
		if engine.Wait(ctx, s.world.Timing.Poll) != nil {
			if last != nil {
				return engine.Outcome{}, &dr.Error{Code: dr.Conflict, What: dr.T("quiesce.unread", "after", s.world.Timing.Quiesce, "why", why(last)), Next: dr.T("quiesce.still-running.next")}
			}
			return engine.Outcome{}, &dr.Error{Code: dr.Conflict, What: dr.T("quiesce.still-running", "n", left, "after", s.world.Timing.Quiesce), Next: dr.T("quiesce.still-running.next")}
		}
	}
}

// moved tells whether the writer of every database is in the target when a run resumes:
// then there is nothing that the source's tasks could write to.
func (s quiesceStep) moved(ctx context.Context) (bool, error) {
	if s.job.Request.Kind != dr.Resume {
		return false, nil
	}
	for _, db := range s.job.Service.ResourcesOf(dr.AuroraGlobal) {
		st, err := s.world.Databases.State(ctx, s.job.Service, db, s.job.Request.Target)
		if err != nil || st.Writer != s.job.Request.Target {
			return false, err
		}
	}
	return true, nil
}

// lower scales one workload to zero and gives what it was before.
func (s quiesceStep) lower(ctx context.Context, r *engine.Run, w dr.Resource) (int, error) {
	st, err := s.world.Workloads.State(ctx, s.job.Service, w, s.job.Source)
	if err != nil {
		return 0, err
	}
	was, err := idle{s.world, r.ID, s.job, s.job.Source}.stop(ctx, w, st.Desired)
	if err != nil {
		return 0, err
	}
	if err := s.world.Held(ctx); err != nil {
		return 0, err
	}
	return was, again(s.world.Workloads.Scale(ctx, s.job.Service, w, s.job.Source, 0))
}

// running counts the tasks of the source that have not ended.
func (s quiesceStep) running(ctx context.Context, workloads []dr.Resource) (int, error) {
	n := 0
	for _, w := range workloads {
		st, err := s.world.Workloads.State(ctx, s.job.Service, w, s.job.Source)
		if err != nil {
			return n, err
		}
		n += st.Running + st.Pending
	}
	return n, nil
}

func countKey(run string, in dr.Region, w dr.Resource) string {
	return key(run, Quiesce, string(in), w.Name)
}

// Tell implements Teller.
func (s quiesceStep) Tell() (does, missed dr.Text) {
	return dr.T("does.quiesce", "source", s.job.Source), dr.T("missed.quiesce", "source", s.job.Source)
}
