package workflows

import (
	"context"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// resumption goes on where a service was left: Git says the target already, after a run
// that was stopped, a merge by hand or a move of the database by hand. There is no change
// to open; what is left to do is planned on the base as it is, and people accept that.
type resumption struct{ f *failover }

// shownChanges bounds the changes of a plan that stand in the question.
const shownChanges = 10

// getApproved plans what is left and asks for it. What becomes old meanwhile is looked at
// again right before the first act.
func (s resumption) getApproved() error {
	p, err := s.plan()
	if err != nil {
		return err
	}
	if p.Nothing {
		return &ending{State: dr.RunSucceeded, Outcome: dr.T("resume.nothing-left", "service", s.f.req.Service, "region", s.f.req.Target)}
	}
	if err := s.ask(p); err != nil {
		return err
	}
	out, err := engine.Until(s.f.run, stepMerge, s.f.answer, func(ctx context.Context) (steps.Merged, error) {
		// What was said since it was accepted counts: nothing has been done yet.
		if by, err := engine.CancelKept(ctx, s.f.run); err != nil || by != "" {
			return steps.Merged{Kind: steps.MergeCancelled, By: by}, err
		}
		out := steps.Merged{Kind: steps.MergeDone, SHA: p.Base, Plans: p.Plans, Digest: p.Digest}
		return out, s.f.run.Write(ctx, func(run *dr.Run) { run.MergeSHA = p.Base })
	})
	if err != nil {
		return err
	}
	if out.Kind == steps.MergeCancelled {
		return s.f.cancelled(dr.T("run.cancelled", "who", out.By))
	}
	s.f.merged, s.f.as, s.f.plannedAt = true, approvedAs{merged: out, plans: p.Plans}, p.At
	s.f.agreed = p.At // people took their time over it: right before the first act the base is looked at once more
	return nil
}

// plan plans every stack of the run on the base branch as it is.
func (s resumption) plan() (proposal, error) {
	return engine.Until(s.f.run, stepPlan, s.f.answer, func(ctx context.Context) (proposal, error) {
		repo := s.f.svc.Repository
		content, base, err := s.f.Forge.Files.File(ctx, repo, repo.Base)
		if err != nil {
			return proposal{}, err
		}
		if active, err := s.f.Forge.Region.ActiveRegion(content); err != nil || active != s.f.req.Target {
			return proposal{}, &dr.Error{Code: dr.Conflict, What: dr.T("resume.git-elsewhere", "base", repo.Base, "region", s.f.req.Target), Next: s.failoverInstead(ctx), Err: err}
		}
		plans, err := plansAt(ctx, s.f, dr.PlanRequest{Commit: base})
		if err != nil {
			return proposal{}, err
		}
		if plans, err = twice(ctx, s.f.run, plans, s.f.run.Now(ctx), func(ctx context.Context) (dr.Plans, error) {
			return plansAt(ctx, s.f, dr.PlanRequest{Commit: base, AsApply: true})
		}); err != nil {
			return proposal{}, err
		}
		decision, err := s.f.Policy.Plans(ctx, s.f.svc, s.f.source, plans)
		if err != nil {
			return proposal{}, err
		}
		p := proposal{Plans: plans, Digest: plans.Digest(), Base: base, Counts: plans.Line(), At: steady(s.f.run, s.f.run.Now(ctx)), Named: decision.Reasons, Acts: s.acts()}
		if p.Asks, err = asksOf(p); err != nil {
			return proposal{}, err
		}
		if p.Nothing, err = s.nothingLeft(ctx, plans); err != nil {
			return proposal{}, err
		}
		if err := s.f.run.Write(ctx, func(run *dr.Run) {
			run.PlanLine, run.Digest = p.Counts, p.Digest
			run.Decide(stepPlan, decision)
		}); err != nil {
			return proposal{}, err
		}
		if !decision.Allowed {
			return proposal{}, &dr.Error{Code: dr.Denied, What: dr.T("plan.denied", "reasons", decision.Reasons), Next: dr.T("plan.denied.next", "base", repo.Base)}
		}
		return p, nil
	})
}

// acts is what is left to be done, whatever the plans say of it.
func (s resumption) acts() []dr.Text {
	var out []dr.Text
	for _, step := range s.f.list {
		t, tells := step.(steps.Teller)
		_, stops := step.(steps.Stopper)
		if !tells || s.f.there[step.Name()] || stops && allThere(&s.f.course) {
			continue
		}
		if does, _ := t.Tell(); !does.Empty() {
			out = append(out, does)
		}
	}
	return out
}

// allThere tells whether every writer was in the target when the run began to resume.
func allThere(c *course) bool {
	return !slices.ContainsFunc(c.svc.ResourcesOf(dr.AuroraGlobal), func(db dr.Resource) bool { return !c.there[steps.Promotion.Name(db.Name)] })
}

// nothingLeft tells whether all of the service is where Git says: a run has brought it there
// to the end, every plan is empty, and its writers, tasks and name are there still.
func (s resumption) nothingLeft(ctx context.Context, plans dr.Plans) (bool, error) {
	if !allThere(&s.f.course) || slices.ContainsFunc(plans, func(p dr.Plan) bool { return len(p.Changes) > 0 }) {
		return false, nil
	}
	runs, err := s.f.Store.Records.Runs(ctx, s.f.req.Service, 1000)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(runs, func(r dr.Run) bool { return r.Run != s.f.req.Run && (r.PastMerge() || r.MergedApart) })
	if i < 0 || runs[i].State != dr.RunSucceeded || runs[i].Target != s.f.req.Target || runs[i].Mode != dr.Planned && s.f.req.Mode == dr.Planned ||
		slices.ContainsFunc(runs[i].Steps, func(step dr.Step) bool { return step.State == dr.StepSkipped }) {
		return false, nil // tasks may hold the old writer, or are owed to the source
	}
	return len(elsewhere(ctx, s.f.Kinds, s.f.svc, s.f.req.Target)) == 0, nil
}

// ask has people accept what is left: as many as a change takes, neither who asked for
// this run nor who asked for those it goes on with.
func (s resumption) ask(p proposal) error {
	began := engine.Note(s.f.run, stepAwait, func(ctx context.Context) ([]string, error) {
		s.f.run.Mark(ctx, stepAwait, running)
		return s.without(ctx)
	})
	if !began.OK() {
		return &ending{State: dr.RunStopped, Outcome: dr.T("await.not-begun", "why", began.What), Next: s.f.startAgain()}
	}
	s.f.others = began.Value
	what := dr.T("resume.asks", "region", s.f.req.Target, "acts", orNothing(p.Acts), "plan", p.Counts, "changes", changesOf(p.Plans))
	if accepts := slices.Concat(p.Named, s.f.accepts); len(accepts) > 0 {
		what = dr.T("resume.asks.accepting", "region", s.f.req.Target, "acts", orNothing(p.Acts), "plan", p.Counts, "changes", changesOf(p.Plans), "accepts", accepts)
	}
	verb, by := s.f.run.Ask(stepAwait, engine.Outcome{Code: dr.Conflict, What: what}, engine.Question{
		Answers: []string{engine.Accept, engine.Stop}, Takes: map[string]int{engine.Accept: s.f.svc.Quorum}, Without: began.Value,
		Over: engine.Cancel, Digest: p.asked(), All: s.all(p), Means: dr.T("question.resume", "needed", needed(s.f), "without", began.Value),
	})
	if verb == engine.Stop {
		return &ending{State: dr.RunCancelled, Outcome: dr.T("run.cancelled", "who", by), Next: s.f.startAgain()}
	}
	s.f.taken = append(s.f.taken, taking{By: by, Step: stepAwait, Digest: p.asked()})
	engine.Note(s.f.run, "approved", func(ctx context.Context) (bool, error) {
		s.f.run.Mark(ctx, stepAwait, done(dr.T("await.done", "people", by)))
		return true, s.f.run.Audit(ctx, "approval", dr.T("audit.approval", "people", by, "reasons", []dr.Text{p.Counts}))
	})
	return nil
}

// all is the whole of what is left to do, and what the policy lets pass only by its name.
func (s resumption) all(p proposal) []dr.Text {
	out := append(slices.Clone(p.Acts), p.Named...)
	for _, plan := range p.Plans {
		for _, c := range plan.Changes {
			out = append(out, change(plan.Stack, c))
		}
	}
	return out
}

func change(stack string, c dr.ResourceChange) dr.Text {
	return dr.T("resume.change", "stack", stack, "address", dr.Foreign(c.Address), "actions", c.Shown())
}

// without lists whose accept does not count: who asked for this run, and for those that it
// goes on with.
func (s resumption) without(ctx context.Context) ([]string, error) {
	out := s.names(s.f.req)
	runs, err := s.f.Store.Records.Runs(ctx, s.f.req.Service, 1000)
	for _, r := range runs {
		merged := r.PastMerge() || r.MergedApart
		if !merged && r.Run != s.f.req.Run && r.Target == s.f.req.Target {
			var unread error
			if merged, unread = s.mergedSince(ctx, r); unread != nil {
				return out, unread
			}
		}
		switch {
		case r.Run == s.f.req.Run || !merged:
		case r.State == dr.RunSucceeded || r.Target != s.f.req.Target:
			return out, err // what it goes on with began after that one
		default:
			out = append(out, slices.DeleteFunc(s.names(r.Request), func(name string) bool { return slices.Contains(out, name) })...)
		}
	}
	return out, err
}

// mergedSince tells whether somebody has merged the change of a run that had ended without:
// it may have stayed open, or was opened again.
func (s resumption) mergedSince(ctx context.Context, r dr.Run) (bool, error) {
	if r.Change.Number == 0 {
		return false, nil
	}
	st, err := s.f.Forge.Changes.ChangeState(ctx, s.f.svc.Repository, r.Change.Number)
	if err != nil && dr.CodeOf(err) == dr.NotFound {
		return false, nil
	}
	return st.Merged, err
}

// names are those of who asked for a run: as it was then, and what the configuration has for
// the same person by now.
func (s resumption) names(req dr.Request) []string {
	out := []string{req.Requester}
	for _, p := range s.f.Team.People {
		if p.Name != req.Requester && req.AskedBy(p, s.f.Team.People) {
			out = append(out, p.Name)
		}
	}
	return out
}

// enough sees that there are people left who may accept: otherwise somebody else has to
// ask, who was left out already.
func (s resumption) enough(ctx context.Context) error {
	without, err := s.without(ctx)
	if err != nil {
		return err
	}
	left := 0
	for _, who := range s.f.svc.Approvers {
		if !slices.Contains(without, who) {
			left++
		}
	}
	if left >= needed(s.f) {
		return nil
	}
	return &dr.Error{Code: dr.Denied, What: dr.T("resume.too-few", "without", without, "have", left, "needed", needed(s.f)), Next: dr.T("resume.too-few.next", "who", without[len(without)-1])}
}

// changesOf names what plans would change, the first of it.
func changesOf(plans dr.Plans) dr.Lines {
	var out dr.Lines
	n := 0
	for _, p := range plans {
		for _, c := range p.Changes {
			if n++; n <= shownChanges {
				out = append(out, change(p.Stack, c))
			}
		}
	}
	if n > shownChanges {
		out = append(out, dr.T("resume.more", "n", n-shownChanges))
	}
	return out
}

// toResume is the command that goes on with what a run left.
func toResume(req dr.Request) dr.Command {
	// What it took counts from when the trouble began, not from the second command.
	return dr.Cmd(string(dr.Resume), "service", req.Service, "region", string(req.Target), "mode", string(req.Mode), "since", req.Since.UTC().Format(time.RFC3339))
}

func (s resumption) failoverInstead(ctx context.Context) dr.Text {
	return dr.T("run.start-again", "command", toMove(s.f.req.Service, dr.Failover, s.f.req.Target, s.f.req.Mode, preparation(s).cooling(ctx)))
}

// lockHere is the lock of a resumption: Git says the target, and the writer tells whether
// there is a promotion left to make.
func (s resumption) lockHere(ctx context.Context, active dr.Region) (locked, error) {
	if active != s.f.req.Target {
		return locked{}, &dr.Error{Code: dr.Conflict, What: dr.T("resume.git-elsewhere", "base", s.f.svc.Repository.Base, "region", s.f.req.Target), Next: s.failoverInstead(ctx)}
	}
	if err := s.enough(ctx); err != nil {
		return locked{}, err
	}
	var out locked
	for _, db := range s.f.svc.ResourcesOf(dr.AuroraGlobal) {
		st, err := s.f.Cloud.Databases.State(ctx, s.f.svc, db, s.f.req.Target)
		if err != nil {
			return locked{}, err
		}
		if st.Writer == s.f.req.Target {
			out.There = append(out.There, steps.Promotion.Name(db.Name))
		} else if out.Text.Empty() {
			out.Text = dr.T("resume.unmoved", "region", s.f.req.Target, "database", db.Name, "writer", steps.OrNowhere(st.Writer))
		}
	}
	if out.Text.Empty() {
		out.Text = dr.T("resume.moved", "region", s.f.req.Target)
	}
	return out, nil
}
