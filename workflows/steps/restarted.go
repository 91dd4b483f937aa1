package steps

import (
	"context"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// Tasks of the source that run again after they were stopped for a planned promotion: people
// start them, or their autoscaling does. They would write while the writer moves.

// restartedKey is where it is kept that an attempt has told people of them.
func restartedKey(s promoteStep, r *engine.Run, attempt int) string {
	return key(r.ID, "restarted", s.db.Name, number(attempt))
}

// relievedKey is where it is kept that the run itself has started them, because the promotion
// was refused and nobody answered for too long: what is tried then stops them again.
// It is stopsAgain while it does.
func relievedKey(r *engine.Run) string { return key(r.ID, "relieved") }

const stopsAgain = "stops again"

// quiet refuses where the run has stopped the source and something runs there again.
func quiet(ctx context.Context, s promoteStep, r *engine.Run, attempt int) error {
	if _, found := Quieting.Of(r, string(s.job.Source)); s.job.Request.Mode != dr.Planned || found != engine.Ran {
		return nil
	}
	n := 0
	for _, w := range s.job.Service.ResourcesOf(dr.ECSService) {
		st, err := s.world.Workloads.State(ctx, s.job.Service, w, s.job.Source)
		if err != nil {
			return err
		}
		n += max(st.Desired, st.Running+st.Pending)
	}
	if n == 0 {
		return nil
	}
	if _, err := s.world.Ledger.Keep(ctx, restartedKey(s, r, attempt), number(n)); err != nil {
		return err
	}
	return &dr.Error{Code: dr.Conflict, What: dr.T("promote.restarted", "n", n, "source", s.job.Source), Next: dr.T("promote.restarted.next", "source", s.job.Source)}
}

// quiesceAgain stops the source's tasks again where people were told of them in the attempt
// before and answered retry, or the run has started them meanwhile, until this attempt has come to its intent: what died after that
// has not just looked whether they may be stopped. It says whether it has: then that look is
// of a while ago.
func quiesceAgain(ctx context.Context, s promoteStep, r *engine.Run, attempt int) (bool, error) {
	if s.job.Request.Mode != dr.Planned { // it has gone on as a disaster since
		return false, nil
	}
	told, err := s.world.Ledger.Get(ctx, restartedKey(s, r, attempt-1))
	if err != nil {
		return false, err
	}
	relieved, err := s.world.Ledger.Get(ctx, relievedKey(r))
	if err != nil || told == "" && relieved == "" {
		return false, err
	}
	if _, meant, err := s.world.Ledger.LastIntent(ctx, r.ID, intentsOf(s.db)+number(attempt)); err != nil || meant {
		return false, err
	}
	if relieved != "" {
		if err := s.world.Ledger.Put(ctx, relievedKey(r), stopsAgain); err != nil {
			return false, err
		}
	}
	if _, err = (quiesceStep{s.world, s.job}).Do(ctx, r); err == nil && relieved != "" {
		err = s.world.Ledger.Put(ctx, relievedKey(r), "")
	}
	return true, err
}
