package steps

import (
	"context"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// GiveBack is the kind that gives the source the tasks back that it had.
const GiveBack = "give-back"

// giveBackKind gives the source the tasks back that it had before the writer moved.
// Where the plan that was approved, or accepted last, leaves the source's stack alone, as with both Regions active,
// Git says that they are to run on; Terraform would find their absence and be refused to
// mend what nobody approved. With both active a plan may change something else of the
// stack, and the tasks are given back all the same.
func giveBackKind(w *World) Kind {
	return Kind{ID: GiveBack, Skip: AsTheChange, Make: one(func(j Job) engine.Step { return giveBackStep{w, j} })}
}

type giveBackStep struct {
	world *World
	job   Job
}

func (s giveBackStep) Name() string { return key(GiveBack, string(s.job.Source)) }

func (s giveBackStep) idle(r *engine.Run) idle { return idle{s.world, r.ID, s.job, s.job.Source} }

func (s giveBackStep) Do(ctx context.Context, r *engine.Run) (engine.Outcome, error) {
	merged, _ := Merge.Of(r)
	if st, ok := s.job.Service.RegionStack(s.job.Source); ok && s.job.Service.Strategy != dr.ActiveActive {
		if approved, ok := approvedOf(r, merged, st); ok && approved.Counts() != (dr.Counts{}) {
			for _, w := range s.job.Service.ResourcesOf(dr.ECSService) {
				if err := s.idle(r).forget(ctx, w); err != nil {
					return engine.Outcome{}, err
				}
			}
			return engine.Done(nil, dr.T("give-back.by-apply", "stack", st.Name))
		}
	}
	// Where a resumption has found the source at zero, so did its plan, which leaves it so:
	// with both active alone it is known that Git says otherwise.
	by := thisRun
	if s.job.Service.Strategy == dr.ActiveActive {
		by = anyRun
	}
	n, err := s.idle(r).startAll(ctx, by)
	if err != nil {
		return engine.Outcome{}, err
	}
	if n <= 0 {
		return engine.Done(nil, dr.T("give-back.none"))
	}
	return engine.Done(nil, dr.T("give-back.done", "n", n, "target", s.job.Request.Target))
}

// Restore is the kind that puts the source back when a planned run ends before its
// promotion. It stands in no list.
const Restore = "restore"

// restoreKind gives the tasks back unless the writer has moved: then they would write to
// a database that is not there any more. Its line says how the source is left.
func restoreKind(w *World) Kind {
	return Kind{ID: Restore, Skip: AnyApprover, Make: one(func(j Job) engine.Step { return restoreStep{w, j} })}
}

type restoreStep struct {
	world *World
	job   Job
}

func (s restoreStep) Name() string { return key(Restore, string(s.job.Source)) }

func (s restoreStep) Do(ctx context.Context, r *engine.Run) (engine.Outcome, error) {
	for _, db := range s.job.Service.ResourcesOf(dr.AuroraGlobal) {
		st, err := s.world.Databases.State(ctx, s.job.Service, db, s.job.Request.Target)
		if err != nil {
			return engine.Outcome{}, err
		}
		if st.Writer != s.job.Source || st.Failover != "" {
			return engine.Done(nil, dr.T("restore.moved", "source", s.job.Source, "database", db.Name, "writer", OrNowhere(st.Writer)))
		}
	}
	given, err := s.world.Ledger.Get(ctx, relievedKey(r))
	if err != nil {
		return engine.Outcome{}, err
	}
	if given != "" && given != stopsAgain { // what people have made of it since is theirs
		return engine.Done(nil, dr.T("restore.before", "source", s.job.Source))
	}
	n, err := idle{s.world, r.ID, s.job, s.job.Source}.startAll(ctx, anyRun)
	if err != nil {
		return engine.Outcome{}, err
	}
	if n < 0 {
		return engine.Done(nil, dr.T("restore.none", "source", s.job.Source))
	}
	if err := s.world.Ledger.Put(ctx, relievedKey(r), number(n)); err != nil {
		return engine.Outcome{}, err
	}
	return engine.Done(nil, dr.T("restore.done", "source", s.job.Source, "n", n))
}

// Reliever is the step that gives the source its tasks back while people are asked.
type Reliever interface {
	// Relieved tells whether it has, because nobody answered, and nothing of this run has
	// stopped them again.
	Relieved(ctx context.Context, r *engine.Run) (bool, error)
}

// Relieved implements Reliever.
func (s restoreStep) Relieved(ctx context.Context, r *engine.Run) (bool, error) {
	given, err := s.world.Ledger.Get(ctx, relievedKey(r))
	return given != "" && given != stopsAgain, err
}

// OrNowhere is a Region as it is told, which may be none.
func OrNowhere(r dr.Region) dr.Arg {
	if r == "" {
		return dr.ArgOf(dr.T("word.nowhere"))
	}
	return dr.ArgOf(r)
}

// Tell implements Teller.
func (s giveBackStep) Tell() (does, missed dr.Text) {
	return dr.Text{}, dr.T("missed.give-back", "source", s.job.Source)
}
