package workflows

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// goingOn is how a planned run whose source dies goes on: as a disaster, when as many say so
// as the change took. The program never turns the one into the other by itself.
//
// Who said so and what they were shown is stored before anything is done by it. The run's
// mode is that of its request, which is another from there on; so whatever asks for the mode,
// or makes a step, has that of now.
type goingOn struct{ f *failover }

// goneLook bounds the look at a source that may be gone.
const goneLook = 10 * time.Second

// offered puts beside what a step left behind that the source is gone, where that is why a
// planned run cannot go on and a disaster could. While a promotion is under way, or has taken
// effect, there is no other to be asked for.
func (s goingOn) offered(ctx context.Context, step string, out engine.Outcome) engine.Outcome {
	kind := steps.KindOf(step)
	if s.f.req.Mode != dr.Planned || !hasDatabase(s.f.svc, s.f.req) || kind != steps.Quiesce && kind != string(steps.Promotion) {
		return out
	}
	seen := s.f.run.Now(ctx)
	why, alive := s.silence(ctx)
	if !alive.Empty() {
		return out
	}
	as := *s.f
	as.req.Mode = dr.Disaster
	found, err := judgeLeft(ctx, &as, s.f.rules)
	if err != nil || !found.Verdict.Allowed {
		s.f.run.Log().WarnContext(ctx, "the source does not answer, and a disaster is not to be", "step", step, "reasons", fmt.Sprint(found.Verdict.Reasons), "error", err)
		return out
	}
	gone := steps.Gone{Why: why, Seen: seen, Checks: found.Checks, Accepts: found.Verdict.Accepts}
	gone.Lag, gone.LagAt = lastLag(s.f.checks, found.Checks)
	return steps.Without(out, gone)
}

// answersAgain is why a run does not go on without its source.
func answersAgain(source dr.Region) dr.Text { return dr.T("gone-on.not.answers", "source", source) }

// silence looks whether the source of what is left to be moved is gone: it says why it counts
// as that, or else why not.
func (s goingOn) silence(ctx context.Context) (why, alive dr.Text) {
	ctx, cancel := context.WithTimeout(ctx, goneLook)
	defer cancel()
	alive = answersAgain(s.f.source)
	for _, db := range s.f.svc.ResourcesOf(dr.AuroraGlobal) {
		if _, found := steps.Promotion.Of(s.f.run, db.Name); found != engine.Never || s.f.there[steps.Promotion.Name(db.Name)] {
			continue
		}
		st, err := s.f.Cloud.Databases.State(ctx, s.f.svc, db, s.f.req.Target)
		if err != nil || st.Failover != "" || st.Writer != s.f.source {
			return dr.Text{}, dr.T("gone-on.not.pending", "database", db.Name, "source", s.f.source)
		}
		st, err = s.f.Cloud.Databases.State(ctx, s.f.svc, db, s.f.source)
		switch code := dr.CodeOf(err); {
		case err == nil && st.Writer == s.f.source && !st.WriterReady && !st.WriterBusy:
			why, alive = dr.T("gone.writer", "detail", st.WriterDetail), dr.Text{}
		case err != nil && (code == dr.Temporary || code == dr.Uncertain):
			why, _ = dr.Told(err)
			alive = dr.Text{}
		}
	}
	return why, alive
}

// lastLag is the worst of the lags as each was last read, now or when people were shown it;
// none where one never was.
func lastLag(shown, now []dr.Check) (lag *float64, at time.Time) {
	for _, c := range dr.LastRead(shown, now) {
		if c.Role != dr.RoleLag {
			continue
		}
		read, ok := c.Seconds()
		if !ok {
			return nil, time.Time{}
		}
		if lag == nil || read > *lag {
			lag = &read
		}
		if at.IsZero() || c.At.Before(at) {
			at = c.At
		}
	}
	return lag, at
}

// question offers to go on without the source, and says what that leads to.
func (s goingOn) question(q engine.Question, gone steps.Gone) engine.Question {
	q.Answers = slices.Insert(q.Answers, slices.Index(q.Answers, engine.Skip), engine.Disaster)
	q.Takes[engine.Disaster], q.Loses = s.f.svc.Quorum, gone.Loses()
	q.Means = dr.T("question.disaster", "means", q.Means, "source", s.f.source, "why", gone.Why, "loses", q.Loses,
		"needed", s.f.svc.Quorum, "without", q.Without)
	if len(gone.Accepts) > 0 {
		q.Means = dr.T("question.disaster.accepts", "means", q.Means, "accepts", gone.Accepts)
	}
	return q
}

// decide goes on as a disaster unless the source answers by now, or a promotion is seen: then
// the step is done once more as it was.
func (s goingOn) decide(step string, by dr.Voices, out engine.Outcome) string {
	gone, ok := steps.GoneOf(out)
	if !ok {
		return engine.Retry
	}
	on := dr.GoneOn{Step: step, By: by, Loses: gone.Loses()}
	decided := engine.Note(s.f.run, "disaster/"+step, func(ctx context.Context) (bool, error) {
		if _, alive := s.silence(ctx); !alive.Empty() {
			return false, s.f.run.Say(ctx, fmt.Sprintf("not-gone-on/%s/%d", step, gone.Seen.Unix()), dr.Warn, dr.T("gone-on.not"), alive)
		}
		on.At = s.f.run.Now(ctx)
		if err := s.f.run.Audit(ctx, "disaster", dr.T("audit.gone-on", "step", step, "who", by, "loses", on.Loses)); err != nil {
			return false, err
		}
		return true, s.tell(ctx, on, gone)
	})
	if !decided.OK() || !decided.Value {
		return engine.Retry
	}
	s.f.req.Mode, s.f.gone = dr.Disaster, &gone
	s.f.checks, s.f.checkedAt = dr.LastRead(s.f.checks, gone.Checks), steady(s.f.run, out.At)
	if list, err := Steps(s.f.Kinds, s.f.svc, s.f.req); err == nil { // as it was when the run began
		s.f.list = list
	}
	return engine.Skip // of the step as it was made; next has what takes its place
}

// tell writes into the record that the run goes on as a disaster, and tells it in the thread
// and on the pull request: the forge may be gone, and holds up nothing.
func (s goingOn) tell(ctx context.Context, on dr.GoneOn, gone steps.Gone) error {
	req := s.f.req
	req.Mode = dr.Disaster
	list, err := Steps(s.f.Kinds, s.f.svc, req)
	if err != nil {
		return err
	}
	left := StepNames(req.Kind, list)
	if err := s.f.run.Write(ctx, func(run *dr.Run) {
		run.Mode, run.GoneOn = dr.Disaster, &on
		run.Checks, run.Accepts = gone.Checks, append(s.f.acceptsOf(dr.Verdict{Accepts: gone.Accepts}), on.Line())
		for i := range run.Steps {
			if st := &run.Steps[i]; st.State != dr.StepDone && !slices.Contains(left, st.Name) {
				st.State, st.Detail = dr.StepSkipped, dr.T("gone-on.step")
			}
		}
	}); err != nil {
		return err
	}
	title := dr.T("gone-on.title")
	if s.f.change.Number != 0 {
		page := s.f.Forge.Pages.Comment(title, []dr.Text{on.Line()})
		if err := s.f.Forge.Publish.Comment(ctx, s.f.svc.Repository, s.f.change.Number, "drbot:disaster:"+s.f.req.Run, page); err != nil {
			s.f.run.Log().WarnContext(ctx, "that the run goes on as a disaster was not written on the pull request", "error", err)
		}
	}
	return s.f.run.Say(ctx, "gone-on", dr.Warn, title, on.Line())
}

// next is where the list goes on after a step: behind it, or, where the list is another by
// now, with what stands there in its place.
func (s goingOn) next(step string) int {
	i := slices.IndexFunc(s.f.list, func(of engine.Step) bool { return of.Name() == step })
	if out, _ := s.f.run.Outcome(step); i >= 0 && (out.OK() || s.f.run.Skipped(step)) {
		return i + 1
	}
	return max(i, 0) // what is not in it any more was its first
}

// loss is the lag at the outage of a run that has gone on without its source.
func (s goingOn) loss() (time.Duration, bool) {
	if s.f.gone == nil {
		return 0, false
	}
	return s.f.gone.Loss()
}

// late gives the source the tasks back that quiesce has stopped, when the promotion was
// refused and nobody has answered for timing.outage_limit: nothing is pending, and every writer
// is still there. The next attempt stops them again.
func (s goingOn) late(step string, out engine.Outcome) engine.Late {
	if !s.relieves(step) {
		return engine.Late{}
	}
	return engine.Late{After: s.f.timing.OutageLimit, Do: func(ctx context.Context) (dr.Text, error) {
		// Where the question itself could not be put, its first reminder comes earlier.
		if s.f.run.Now(ctx).Sub(out.At) < s.f.timing.OutageLimit-time.Second {
			return dr.Text{}, nil
		}
		restore, err := restoring(s.f)
		if err != nil {
			return dr.Text{}, err
		}
		given, err := restore.Do(ctx, s.f.run)
		return given.Line, err
	}}
}

// relieves tells whether the question of a step gives the source its tasks back.
func (s goingOn) relieves(step string) bool {
	return s.f.merged && steps.KindOf(step) == string(steps.Promotion) && (planned(s.f.svc, s.f.req) || s.f.gone != nil)
}

// look puts a question as of now: the source may have its tasks back, and one that answers
// again is not gone on without. What people have said to go on without it was said of another
// outage than the next.
func (s goingOn) look(step string, out engine.Outcome) engine.Look {
	_, offered := steps.GoneOf(out)
	if !offered && !s.relieves(step) {
		return nil
	}
	return func(ctx context.Context, again bool) (engine.Question, bool) {
		var now since
		if restore, err := restoring(s.f); err != nil {
			return engine.Question{}, false
		} else if r, ok := restore.(steps.Reliever); ok {
			if now.relieved, err = r.Relieved(ctx, s.f.run); err != nil {
				s.f.run.Log().WarnContext(ctx, "it is not known whether the source has its tasks back", "error", err)
				return engine.Question{}, false
			}
		}
		if offered && again { // it has just been seen to be gone, when the question is put
			_, alive := s.silence(ctx)
			now.answers = alive.Same(answersAgain(s.f.source))
		}
		return s.f.question(step, out, now), true
	}
}
