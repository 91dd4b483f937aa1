package workflows

import (
	"context"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// approvedAs is what the people approved when the change was merged, with its age: a
// queue, a merge by hand or a pause can put hours between that and an act.
type approvedAs struct {
	merged steps.Merged
	base   string // the commit that the merge was planned on
	plans  dr.Plans
}

// preflight is what is looked at after the merge, right before an act.
type preflight struct{ f *failover }

// thinking is a step that cannot be taken back. Right before it begins it is looked at
// once more whether all that people approved is still so.
type thinking struct {
	steps.Beginner
	f     *failover
	first bool // the first act of the run: the source is as it was
	whole bool // all is looked at, not Git alone
}

// Do looks, and then does what the step does.
func (s thinking) Do(ctx context.Context, r *engine.Run) (engine.Outcome, error) {
	begun, err := s.Begun(ctx, r)
	if err != nil {
		return engine.Outcome{}, err
	}
	if !begun && s.f.there[s.Name()] {
		return engine.Outcome{}, &dr.Error{Code: dr.Conflict, What: dr.T("resume.moved-back", "step", s.Name(), "region", s.f.req.Target), Next: dr.T("resume.moved-back.next", "region", s.f.req.Target, "command", s.f.again())}
	}
	_, stops := s.Beginner.(steps.Stopper)
	switch {
	case !begun && s.whole:
		if out, err := s.look(ctx); err != nil {
			return out, err
		}
	case !begun, stops: // what it has stopped is given back; an apply that has begun is followed
		if err := s.glance(ctx); err != nil {
			return engine.Outcome{}, err
		}
	}
	if b, ok := s.Beginner.(steps.Thinker); ok {
		return b.Thinking(s.look, !begun).Do(ctx, r)
	}
	return s.Beginner.Do(ctx, r)
}

// glanced bounds the look at Git before what follows the first act: it holds up nobody
// when the forge is gone.
const glanced = 5 * time.Second

// glance looks whether Git says another Region by now. What was approved and begun goes
// on where that cannot be read.
func (s thinking) glance(ctx context.Context) error {
	short, cancel := context.WithTimeout(ctx, glanced)
	defer cancel()
	content, _, err := s.f.Forge.Files.File(short, s.f.svc.Repository, s.f.svc.Repository.Base)
	if err != nil {
		s.f.run.Log().WarnContext(ctx, "the base was not looked at again", "error", err)
		return nil
	}
	return preflight{s.f}.unreverted(content)
}

// thought wraps the steps before which the run looks once more: its first act and every
// promotion, and at Git alone before every other act. What an apply offers is judged by the policy before people are asked.
func (s preflight) thought(step engine.Step) judged {
	first := s.firstAct(step.Name())
	if b, ok := step.(steps.Beginner); ok {
		step = thinking{b, s.f, first, first || steps.KindOf(step.Name()) == string(steps.Promotion)}
	}
	return judged{step, s.f, first}
}

// redone wraps a step that was done and is to be done once more: it is no first act.
func (s preflight) redone(step engine.Step) judged {
	if b, ok := step.(steps.Beginner); ok {
		step = thinking{Beginner: b, f: s.f}
	}
	return judged{step, s.f, false}
}

// firstAct tells whether no act comes before a step of the list: what only looks is none, and
// what people have skipped is none that was done.
func (s preflight) firstAct(step string) bool {
	for _, of := range s.f.list {
		if of.Name() == step {
			break
		}
		if _, acts := of.(steps.Beginner); acts && !s.f.run.Skipped(of.Name()) {
			return false
		}
	}
	return true
}

// perform does a step that follows the merge.
func (s preflight) perform(of judged) error {
	err := engine.Perform(s.f.run, of, s.f.answer)
	if _, acts := of.Step.(steps.Beginner); acts && err == nil && !s.f.run.Skipped(of.Name()) {
		s.f.agreed = time.Time{}
	}
	return err
}

// look looks at Git, at the checks and at the plans. To plan takes its time: what was read
// before is read again where it is old by then.
func (s thinking) look(ctx context.Context) (engine.Outcome, error) {
	read, err := s.read(ctx)
	if err != nil {
		return engine.Outcome{}, err
	}
	plans, wider, err := s.planAgain(ctx)
	if err != nil {
		return engine.Outcome{}, err
	}
	if !fresh(read.at, steady(s.f.run, s.f.run.Now(ctx)), s.f.timing.Recheck) {
		if read, err = s.read(ctx); err != nil {
			return engine.Outcome{}, err
		}
	}
	worse := append(read.worse, wider...)
	if len(worse) == 0 {
		return engine.Outcome{}, nil
	}
	offer, err := steps.Beyond(plans, read.checks, worse)
	if err != nil {
		return engine.Outcome{}, err
	}
	offer.Blind = read.blind
	return offer.Outcome(&dr.Error{Code: dr.Conflict, What: dr.T("preflight.worse", "worse", worse), Next: dr.T("preflight.worse.next")})
}

// readings is what a look finds beside the plans.
type readings struct {
	at     time.Time // of the oldest of it
	blind  bool      // what Git says could not be read, which is in worse
	checks []dr.Check
	worse  []dr.Text
}

// read reads what Git says, and the checks where those that people were shown are old.
func (s thinking) read(ctx context.Context) (readings, error) {
	worse, err := s.baseStands(ctx)
	now := steady(s.f.run, s.f.run.Now(ctx))
	out := readings{at: now, blind: len(worse) > 0, worse: worse}
	if err != nil {
		return out, err
	}
	if fresh(s.f.checkedAt, now, s.f.timing.Recheck) {
		out.at = s.f.checkedAt
		return out, nil
	}
	found, err := s.judgeSurely(ctx)
	switch {
	case err != nil:
		return out, err
	case !found.Verdict.Allowed:
		return out, &dr.Error{Code: dr.Denied, What: dr.T("preflight.denied", "reasons", found.Verdict.Reasons), Next: dr.T("preflight.denied.next")}
	}
	for _, w := range dr.Worse(s.f.checks, found.Checks, s.f.req.Mode, s.f.svc.Objectives.RPO, began(&s.f.course)) {
		out.checks, out.worse = found.Checks, append(out.worse, w.Line())
	}
	if s.f.gone != nil && dr.Back(s.f.checks, found.Checks) {
		out.checks, out.worse = found.Checks, append(out.worse, dr.T("gone-on.back", "source", s.f.source))
	}
	return out, nil
}

// judgeSurely reads the checks, and once more where what a loss is told by has fallen silent:
// a lost answer excuses no larger loss.
func (s thinking) judgeSurely(ctx context.Context) (readiness, error) {
	found, err := judgeLeft(ctx, s.f, s.f.rules)
	if err != nil || !dr.Silenced(s.f.checks, found.Checks) {
		return found, err
	}
	if err := engine.Wait(ctx, hiccup); err != nil {
		return readiness{}, err
	}
	return judgeLeft(ctx, s.f, s.f.rules)
}

// baseStands looks whether Git still says the target. A forge that does not answer holds
// up nobody who has just seen it merge, nor a disaster when people go on without it: what
// they have to accept for that is given.
func (s thinking) baseStands(ctx context.Context) ([]dr.Text, error) {
	repo := s.f.svc.Repository
	without := s.f.unseen && s.f.req.Mode == dr.Disaster || fresh(s.f.sawBase, steady(s.f.run, s.f.run.Now(ctx)), s.f.timing.Recheck)
	content, _, err := preflight{s.f}.baseFile(ctx, !without)
	if err != nil {
		if without {
			s.f.run.Log().WarnContext(ctx, "the base was not looked at again", "error", err)
			return nil, nil
		}
		if s.f.req.Mode != dr.Disaster || dr.CodeOf(err) != dr.Temporary {
			return nil, err
		}
		what, _ := dr.Told(err)
		return []dr.Text{dr.T("preflight.unread", "base", repo.Base, "region", s.f.req.Target, "why", what)}, nil
	}
	return nil, preflight{s.f}.unreverted(content)
}

// baseFile reads the file on the base, and again with growing pauses before a disaster asks
// people to go on without.
func (s preflight) baseFile(ctx context.Context, needed bool) (content, tip string, err error) {
	for pause := hiccup; ; pause *= 2 {
		content, tip, err = s.f.Forge.Files.File(ctx, s.f.svc.Repository, s.f.svc.Repository.Base)
		if err == nil || !needed || s.f.req.Mode != dr.Disaster || dr.CodeOf(err) != dr.Temporary || pause > unseenFor {
			return content, tip, err
		}
		if err := engine.Wait(ctx, pause); err != nil {
			return "", "", err
		}
	}
}

// unreverted is an error where the file on the base does not say the target any more.
func (s preflight) unreverted(content string) error {
	active, err := s.f.Forge.Region.ActiveRegion(content)
	if err == nil && active == s.f.req.Target {
		return nil
	}
	return &dr.Error{Code: dr.Conflict, What: dr.T("preflight.reverted", "base", s.f.svc.Repository.Base, "region", s.f.req.Target), Next: dr.T("preflight.reverted.next", "region", s.f.req.Target), Err: err}
}

// planAgain plans the commit in use where the plans are old, or where it came upon another
// base than was planned and holds something else that the stacks read. It gives the plans that are wider, and how.
func (s thinking) planAgain(ctx context.Context) (dr.Plans, []dr.Text, error) {
	moved := s.f.as.merged.Parent != "" && s.f.as.merged.Parent != s.f.as.base && treesMoved(ctx, s.f.Terraform, &s.f.course, s.f.as.base, dr.Tree{Commit: s.f.as.merged.SHA})
	if !moved && fresh(s.f.plannedAt, steady(s.f.run, s.f.run.Now(ctx)), plansFreshFor) {
		return nil, nil, nil
	}
	stopped, err := preflight{s.f}.stoppedSource(ctx, s.first)
	if err != nil {
		return nil, nil, err
	}
	var all, out dr.Plans
	var wider []dr.Text
	for _, st := range steps.StacksOf(s.f.list) {
		if stopped && st.Region == s.f.source {
			continue
		}
		if out, ok := s.f.run.Outcome(steps.ApplyOf(st)); ok && out.OK() {
			continue // this run has done it
		}
		plan, err := s.f.Terraform.Plan(ctx, dr.PlanRequest{Run: s.f.req.Run, Service: s.f.svc, Stack: st, Commit: s.f.as.merged.SHA, Flip: s.f.req.Target})
		if err != nil {
			return nil, nil, err
		}
		all = append(all, plan)
		if w := widerThan(dr.Plans{plan}, s.f.as.plans); len(w) > 0 {
			out, wider = append(out, plan), append(wider, w...)
		}
	}
	if denied, err := (preflight{s.f}).denied(ctx, all); err != nil {
		return nil, nil, err
	} else if len(denied) > 0 {
		return nil, nil, &dr.Error{Code: dr.Denied, What: dr.T("plan.denied", "reasons", denied), Next: dr.T("preflight.denied.next")}
	}
	return out, wider, nil
}

// stoppedSource tells whether the run may have stopped something in the source: a plan of
// its stack would then tell that as a change.
func (s preflight) stoppedSource(ctx context.Context, first bool) (bool, error) {
	if !first {
		return true, nil
	}
	for _, step := range s.f.list {
		if q, ok := step.(steps.Stopper); ok {
			return q.Stopped(ctx, s.f.run)
		}
	}
	return false, nil
}

// judgeLeft judges what is left to be moved: a database that this run has moved is not
// where it was, as it is to be. The rules of the repository are those people were shown: the
// merge itself finds what has changed of them.
func judgeLeft(ctx context.Context, f *failover, rules []dr.Check) (readiness, error) {
	left := f.svc
	left.Resources = slices.DeleteFunc(slices.Clone(f.svc.Resources), func(r dr.Resource) bool {
		_, found := steps.Promotion.Of(f.run, r.Name)
		return r.System == dr.AuroraGlobal && (found != engine.Never || f.there[steps.Promotion.Name(r.Name)])
	})
	mode := f.req.Mode
	dbs := left.ResourcesOf(dr.AuroraGlobal)
	if f.req.Kind == dr.Resume && len(dbs) == 0 {
		mode = dr.Disaster // nothing is left to be moved, and nothing is asked of the source
	}
	found, err := judge(ctx, f.parts, left, mode, f.source, f.req.Target, rules)
	if len(dbs) == 1 && len(f.svc.ResourcesOf(dr.AuroraGlobal)) > 1 {
		for i, c := range found.Checks { // told by its name among several, and by none alone
			if c.Resource == "" && slices.ContainsFunc(f.checks, func(o dr.Check) bool {
				return o.Name == c.Name && o.Region == c.Region && o.Resource == dbs[0].Name
			}) {
				found.Checks[i].Resource = dbs[0].Name
			}
		}
	}
	return found, err
}

// denied is what the policy has against plans that people would be asked to accept.
func (s preflight) denied(ctx context.Context, plans dr.Plans) ([]dr.Text, error) {
	if len(plans) == 0 {
		return nil, nil
	}
	d, err := s.f.Policy.Plans(ctx, s.f.svc, s.f.source, plans)
	if err != nil || d.Allowed {
		return nil, err
	}
	return d.Reasons, nil
}

// judged is a step whose offer the policy judges: people are asked only for what it lets
// pass.
type judged struct {
	engine.Step
	f     *failover
	first bool
}

// Do does the step, and finds out whether its trouble is that the source is gone.
func (s judged) Do(ctx context.Context, r *engine.Run) (engine.Outcome, error) {
	out, err := s.do(ctx, r)
	if err != nil {
		out = goingOn{s.f}.offered(ctx, s.Name(), out)
	}
	return out, err
}

// do does what the step does, unless people have mended the repository: what that would
// give is found out first.
func (s judged) do(ctx context.Context, r *engine.Run) (engine.Outcome, error) {
	if found, err := (newer{s.f}).look(ctx, s); err != nil {
		return found, err
	}
	out, err := s.Step.Do(ctx, r)
	if err == nil {
		return out, nil
	}
	o, ok := steps.Offered(engine.Outcome{Value: out.Value, Code: dr.CodeOf(err)})
	if !ok {
		return out, err
	}
	reasons, cause := preflight{s.f}.denied(ctx, o.Plans)
	if cause == nil && len(reasons) == 0 {
		return out, err
	}
	what, next := dr.Told(err)
	if cause == nil {
		what, next = dr.T("preflight.offer-denied", "what", what, "reasons", reasons), dr.T("preflight.denied.next")
	}
	return engine.Outcome{}, &dr.Error{Code: dr.CodeOf(err), What: what, Next: next, Err: err}
}

// accepted takes what people accepted as what was approved.
func (s preflight) accepted(out engine.Outcome) {
	o, ok := steps.Offered(out)
	if !ok {
		return
	}
	s.f.unseen = s.f.unseen || o.Blind
	if o.Checks != nil {
		s.f.checks, s.f.checkedAt = o.Checks, steady(s.f.run, out.At)
	}
	if o.Plans == nil {
		return
	}
	plans := make(dr.Plans, 0, len(s.f.as.plans))
	for _, p := range s.f.as.plans {
		if now, ok := o.Plans.Of(p.Stack); ok {
			p = now
		}
		plans = append(plans, p)
	}
	s.f.as.plans, s.f.as.base, s.f.plannedAt = plans, s.f.as.merged.Parent, steady(s.f.run, out.At)
	for _, p := range o.Plans {
		steps.Approve(s.f.run, p)
	}
}
