package engine

import (
	"context"
	"time"

	"github.com/drbot/drbot/dr"
)

// Strays is what becomes of the runs of a runbook that were begun with other steps than it
// has, or left behind what it cannot read.
type Strays interface {
	// Stands says what leads on from one that stands still.
	Stands(run dr.Run) (what, next dr.Text)
	// Leave brings one to its end that people have ended, by its record alone. It may be
	// played again after a crash.
	Leave(r *Run, run dr.Run, by dr.Voices) string
}

// left carries out of a runbook who has ended a run that stood still.
type left struct{ by dr.Voices }

// lookAgain is when the record of a run that stands still is written again, or read, that
// could not be.
const lookAgain = time.Minute

// standStill says that the run cannot be taken up and waits until people have ended it, or
// for the end of the process. One that has merged nothing is ended by one of them.
func standStill(r *Run) (by dr.Voices) {
	if r.strays == nil {
		return nil
	}
	ctx := context.WithoutCancel(r.ctx)
	var merged bool
	for {
		run, err := r.opts.Book.UpdateRun(ctx, r.ID, func(run *dr.Run) {
			run.State = dr.RunPaused
			run.Outcome, run.Next = r.strays.Stands(*run)
		})
		r.opts.Changed(r.ID)
		if merged = run.PastMerge(); err == nil {
			break
		}
		r.Log().ErrorContext(r.ctx, "that the run stands still was not written", "error", err)
		if Wait(r.ctx, lookAgain) != nil {
			return nil
		}
	}
	for r.ctx.Err() == nil {
		if by = endedBy(r, merged); len(by) > 0 {
			return by
		}
		// What is kept of a former process is read above, and may not have been readable.
		said, stop := context.WithTimeout(r.ctx, lookAgain)
		r.engine.leaving.begin(r.ID, stop)
		if !merged {
			r.engine.hurries.begin(r.ID, stop)
		}
		<-said.Done()
		stop()
	}
	return nil
}

// endedBy is who has ended the run; nobody has where that is not known.
func endedBy(r *Run, merged bool) dr.Voices {
	if by := r.engine.leaving.who(r.ID); len(by) > 0 {
		return by
	}
	keys := []string{abandonedKey(r.ID)}
	if !merged {
		if by := r.engine.hurries.who(r.ID); len(by) > 0 {
			return by
		}
		keys = append(keys, cancelledKey(r.ID))
	}
	for _, key := range keys {
		by, err := kept(r.ctx, r, key)
		if err != nil {
			r.Log().WarnContext(r.ctx, "whether the run was ended was not read", "error", err)
		}
		if len(by) > 0 {
			return by
		}
	}
	return nil
}

// leave brings the run to its end. What has become of its steps is what the record shows:
// of one that had begun nobody knows how it went.
func leave(r *Run, by dr.Voices) string {
	r.loose = true
	var run dr.Run
	for {
		var err error
		if run, err = r.opts.Book.UpdateRun(r.ctx, r.ID, func(*dr.Run) {}); err == nil {
			break
		}
		r.Log().ErrorContext(r.ctx, "the record of the run that was ended was not read", "error", err)
		if Wait(r.ctx, lookAgain) != nil {
			panic(halted{err})
		}
	}
	r.outcomes, r.skipped = map[string]Outcome{}, map[string]bool{}
	for _, s := range run.Steps {
		switch s.State {
		case dr.StepPending:
		case dr.StepSkipped:
			r.skipped[s.Name] = true
		case dr.StepDone:
			r.outcomes[s.Name] = Outcome{At: s.Ended}
		default:
			r.outcomes[s.Name] = Outcome{Code: dr.Uncertain, At: s.Ended}
		}
	}
	return r.strays.Leave(r, run, by)
}
