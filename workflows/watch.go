package workflows

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// Watchman looks after runs that nothing plays any more.
type Watchman struct {
	*parts
	engine *engine.Engine
}

// Watch looks every minute, and at once, for runs that the engine has ended while
// their record says otherwise (given up after too many crashes), and says so: such
// a run does nothing any more and holds nobody's service. Every ten minutes it looks what the
// database service has reported since the promotions of the last hours.
func (b Watchman) Watch(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	events := time.NewTicker(aftermathEvery)
	defer events.Stop()
	// What happened while nobody listened is looked at now, not at the next look.
	if err := b.nudgeAll(ctx); err != nil {
		b.host.Log.WarnContext(ctx, "the waiting runs were not nudged; their next look is soon", "error", err)
	}
	for {
		if err := b.settleEnded(ctx); err != nil && ctx.Err() == nil {
			b.host.Log.ErrorContext(ctx, "the open runs were not compared with the engine's", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-events.C:
			if err := b.follow(ctx); err != nil && ctx.Err() == nil {
				b.host.Log.WarnContext(ctx, "the events after a promotion were not told; they are looked at again", "error", err)
			}
		}
	}
}

func (b Watchman) nudgeAll(ctx context.Context) error {
	runs, err := b.Store.Records.OpenRuns(ctx)
	if err != nil {
		return err
	}
	var lost []error
	for _, run := range runs {
		if run.State == dr.RunWaiting {
			lost = append(lost, b.engine.Send(run.Run, engine.Message{Kind: engine.Nudge}))
		}
	}
	return errors.Join(lost...)
}

func (b Watchman) settleEnded(ctx context.Context) error {
	runs, err := b.Store.Records.OpenRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range runs {
		state, word, err := b.engine.State(run.Run)
		if err != nil {
			return err
		}
		switch state {
		case engine.Dead:
			err = b.over(ctx, run, "engine-ended", &ending{State: dr.RunStopped, Outcome: dr.T("run.engine-ended", "word", dr.Foreign(word)), Next: lookFirst(run)})
		case engine.Ended:
			// What ended by its own runbook has written its own end, between these two reads;
			// unless it could not.
			if now, unread := b.Store.Records.Run(ctx, run.Run); unread == nil && !now.State.Final() {
				err = b.over(ctx, run, "end-unwritten", unwritten(run, dr.RunState(word)))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unwritten is the end of a run that has ended in this state and could not write so.
func unwritten(run dr.Run, state dr.RunState) *ending {
	switch {
	case state == dr.RunSucceeded:
		return &ending{State: state, Outcome: dr.T("run.end-unwritten.succeeded")}
	case state == "" || !state.Final(): // of an engine that does not tell
		state = dr.RunStopped
	}
	return &ending{State: state, Outcome: dr.T("run.end-unwritten", "state", state.Text()), Next: lookFirst(run)}
}

// lookFirst leads on from a run of which only the record tells how far it had come.
func lookFirst(run dr.Run) dr.Text {
	return dr.T("run.engine-ended.next", "region", run.Target, "resume", toResume(run.Request), "command", asked(run).again())
}

// over ends the record of a run that nothing plays any more.
func (b Watchman) over(ctx context.Context, run dr.Run, key string, end *ending) error {
	now, err := b.Store.Book.UpdateRun(ctx, run.Run, func(r *dr.Run) {
		if !r.State.Final() {
			r.State, r.Outcome, r.Next, r.Ended, r.Question = end.State, end.Outcome, end.Next, b.host.Now(), nil
		}
	})
	if err != nil || !now.Outcome.Same(end.Outcome) {
		return err
	}
	level := dr.Fail
	if end.State == dr.RunSucceeded {
		level = dr.OK
	}
	s := b.Team.Services[run.Service]
	if err := b.Store.Book.Audit(ctx, dr.AuditEntry{
		At: b.host.Now(), Who: itself, Via: "run", Action: actionEnd, Service: run.Service, Run: run.Run, Granted: true,
		Detail: dr.T("audit.end", "state", now.State.Text(), "outcome", end.Outcome), Once: run.Run + "/" + key,
	}); err != nil {
		return err
	}
	lines := slices.DeleteFunc([]dr.Text{end.Outcome, end.Next}, dr.Text.Empty)
	err = b.Store.Book.Say(ctx, dr.Note{Key: run.Run + "/" + key, Run: run.Run, Channel: s.Channel, Level: level, Title: dr.T("note.over"), Lines: lines})
	b.host.Changed(run.Run)
	return err
}

// mayHaveMerged tells whether a run of an earlier generation has merged its change, or
// was about to: from then on only its own edition knows how to go on.
func mayHaveMerged(recorded []string) bool {
	may := false
	for _, name := range recorded {
		kind, _, _ := strings.Cut(name, "-")
		switch {
		case name == "approved", name == stepMerge:
			may = true
		case kind == "open", name == stepPlan, name == stepAwait: // it went around
			may = false
		}
	}
	return may
}

// finishedBy names the edition that can finish runs of the generation before.
const finishedBy = "0.1"

// missing refuses to go on with a merged run whose service the configuration no longer
// has: nobody could answer what it asks, and nothing would lead on from there. One that
// has merged nothing can be cancelled by its requester, or expires.
func (b Watchman) missing(ctx context.Context) error {
	runs, err := b.Store.Records.OpenRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if _, ok := b.Team.Services[run.Service]; !ok && run.PastMerge() {
			return &dr.Error{Code: dr.Conflict, What: dr.T("missing.past-merge", "run", run.Run, "service", run.Service), Next: dr.T("missing.past-merge.next", "run", run.Run, "service", run.Service)}
		}
	}
	return nil
}

// withoutGone takes the votes of those who have left the configuration out of what is shown,
// and has it say how many people it takes by now. The runs themselves count so.
func (b Watchman) withoutGone(ctx context.Context) error {
	runs, err := b.Store.Records.OpenRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range runs {
		s, ok := b.Team.Services[run.Service]
		if !ok {
			continue
		}
		left := func(who string) bool { return !slices.Contains(s.Approvers, who) }
		over := func(who string) bool { return who != run.Requester && left(who) }
		some := slices.ContainsFunc(run.Abandon, over)
		if q := run.Question; q != nil {
			for _, by := range q.Voices {
				some = some || slices.ContainsFunc(by, left)
			}
		}
		if !some && run.Quorum >= s.Quorum {
			continue
		}
		if _, err := b.Store.Book.UpdateRun(ctx, run.Run, func(r *dr.Run) {
			r.Abandon, r.Quorum = slices.DeleteFunc(r.Abandon, over), max(r.Quorum, s.Quorum)
			if r.Question == nil {
				return
			}
			r.Question.Raise(r.Quorum)
			for verb, by := range r.Question.Voices {
				r.Question.Voices[verb] = slices.DeleteFunc(by, left)
			}
		}); err != nil {
			return err
		}
	}
	return nil
}

// configured writes down that the runs under way go on under another configuration.
func (b Watchman) configured(ctx context.Context) error {
	runs, err := b.Store.Records.OpenRuns(ctx)
	if err != nil || b.host.Config == "" {
		return err
	}
	for _, run := range runs {
		if n := len(run.Configs); n > 0 && run.Configs[n-1] == b.host.Config {
			continue
		}
		if _, err := b.Store.Book.UpdateRun(ctx, run.Run, func(r *dr.Run) { r.Configs = append(r.Configs, b.host.Config) }); err != nil {
			return err
		}
	}
	return nil
}

// begunByNewer tells whether a run of another generation is one of a newer edition, as after
// a downgrade: what it has done cannot be told by its steps here. A report holds nothing and
// is none.
func (b Watchman) begunByNewer(ctx context.Context, f engine.Former) (bool, error) {
	ours, err := strconv.Atoi(generation)
	if err != nil {
		return false, err
	}
	if g, err := strconv.Atoi(f.Generation); err == nil && g < ours {
		return false, nil // every earlier generation was a number
	}
	_, err = b.Store.Records.Run(ctx, f.ID)
	if err != nil && dr.CodeOf(err) == dr.NotFound {
		return false, nil
	}
	return err == nil, err
}

// settleFormer looks, before anything is launched, at the runs that another
// generation left open: the engine would let them wait for ever without a word. An earlier
// one that has merged nothing is ended, with its pull request named; with one that may have
// merged, or that is of a newer generation, the program does not start.
func (b Watchman) settleFormer(ctx context.Context) error {
	former, err := b.engine.FormerRuns()
	if err != nil {
		return err
	}
	for _, f := range former {
		newer, err := b.begunByNewer(ctx, f)
		if err != nil {
			return err
		}
		if newer {
			return &dr.Error{Code: dr.Conflict, What: dr.T("former.newer", "run", f.ID), Next: dr.T("former.newer.next", "run", f.ID)}
		}
		if mayHaveMerged(f.Steps) {
			return &dr.Error{Code: dr.Conflict, What: dr.T("former.past-merge", "run", f.ID), Next: dr.T("former.past-merge.next", "edition", finishedBy, "run", f.ID)}
		}
	}
	for _, f := range former {
		if err := b.engine.Forsake(f.ID); err != nil {
			return err
		}
		run, err := b.Store.Records.Run(ctx, f.ID)
		if dr.CodeOf(err) == dr.NotFound && err != nil {
			continue // a report: the next one is of this generation
		}
		if err != nil {
			return err
		}
		next := dr.T("former.ended.next")
		if run.Change.Number != 0 {
			next = dr.T("former.ended.change.next", "number", run.Change.Number, "url", dr.Foreign(run.Change.URL))
		}
		if err := b.over(ctx, run, "former", &ending{State: dr.RunStopped, Outcome: dr.T("former.ended"), Next: next}); err != nil {
			return err
		}
	}
	return nil
}

// Prune removes the engine's history of runs that ended before a time, and gives how many
// runs that were. Their records stay, and with them their ids.
func (b *Runbooks) Prune(ctx context.Context, before time.Time) (int, error) {
	all := 0
	for ctx.Err() == nil {
		n, err := b.engine.Prune(before)
		if all += n; err != nil || n == 0 {
			return all, err
		}
	}
	return all, ctx.Err()
}
