package workflows

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// course is a run as it was asked for and how far it has come: what its ends, its questions
// and the commands that lead on from it are made of. It holds no port.
type course struct {
	run    *engine.Run
	req    dr.Request
	svc    dr.Service
	source dr.Region
	list   []engine.Step // what follows the merge

	// What follows is derived from the outcomes of steps, so a run that is taken up
	// again gets the same values.
	change dr.Change // the pull request that is open now, or was last
	merged bool
	there  map[string]bool // promotions that were made before this run, which resumes
	gone   *steps.Gone     // the source, without which a run that was begun as planned goes on
}

// shown is what people were shown, and what of it they approved; when that was last looked
// at. It is derived from the outcomes of steps.
type shown struct {
	checks    []dr.Check // as people were shown them
	checkedAt time.Time  // when they were last read, these or as good ones
	accepts   []dr.Text  // what an approval accepts
	rules     []dr.Check // those among the checks that are rules of the repository

	as        approvedAs // what was approved when it was merged, and accepted since
	plannedAt time.Time  // when those plans were last made
	sawBase   time.Time  // when the run, having merged, saw the base say the target
	unseen    bool       // people go on although nobody knows what Git says by now
	agreed    time.Time  // when the base was last seen at a commit of it that people have accepted, until the first act there
}

// failover is one run of the runbook of a failover or a failback: what it works with, how
// far it has come, and what people were shown.
type failover struct {
	*parts
	course
	shown

	// This too is derived from the outcomes of steps.
	others     []string        // whose accept does not count either, of a run that resumes
	overridden dr.Text         // the cooldown that approvers accept to be overridden
	taken      []taking        // what was accepted, by those whose word made it so; when, the record has
	retried    string          // the step that people have just answered retry to
	anew       map[string]bool // applies that are to be done once more, at a newer commit
	served     time.Time       // when users were first seen to reach the target, where that was looked at again
}

// ending is how a runbook leaves before its last step: a decision, not a fault.
type ending struct {
	State   dr.RunState
	Outcome dr.Text
	Next    dr.Text
}

func (e *ending) Error() string { return string(e.State) + ": " + e.Outcome.String() }

// endingOf is how an error ends a run, whatever it is.
func endingOf(err error) *ending {
	end := &ending{}
	if !errors.As(err, &end) {
		what, next := dr.Told(err)
		end = &ending{State: dr.RunStopped, Outcome: dr.T("run.cannot-go-on", "why", what), Next: next}
	}
	return end
}

// failover plays a run to its end. Every end of a run is in its record.
func (b *Runbooks) failover(r *engine.Run, req dr.Request) string {
	f := &failover{parts: b.parts, course: course{run: r, req: req, there: map[string]bool{}}, anew: map[string]bool{}}
	r.Service = req.Service
	// The service as it was when the run began: a changed configuration must not
	// change the order or the names of the steps of a run under way.
	began := engine.Note(r, "begin", func(ctx context.Context) (dr.Service, error) {
		svc, ok := b.Team.Services[req.Service]
		if err := requested(ctx, b.parts, r, req); err != nil {
			return svc, err
		}
		if !ok {
			return svc, &dr.Error{Code: dr.NotFound, What: dr.T("run.no-service", "service", req.Service)}
		}
		return svc, nil
	})
	f.svc, f.source = began.Value, began.Value.Other(req.Target)
	if began.What.ID == wasEnded().ID {
		return string(dr.RunRefused) // its end stands
	}
	if !began.OK() {
		r.Channel = cmp.Or(f.svc.Channel, req.Channel) // of a service that is not known any more
		return string(f.finish(&ending{State: dr.RunRefused, Outcome: began.What}))
	}
	// Who may approve, where it is told and what the code may do are those of now; they
	// decide within steps alone, which are not done again.
	if now, ok := b.Team.Services[req.Service]; ok {
		f.svc.Requesters, f.svc.Approvers, f.svc.Channel, f.svc.Code = now.Requesters, now.Approvers, now.Channel, now.Code
	}
	r.Channel, r.Approvers, r.Quorum = f.svc.Channel, f.svc.Approvers, needed(f)
	return string(f.finish(f.play()))
}

// requested is an error where nobody has asked for a run: a row of the engine's queue that
// was written by hand has neither a seal nor an entry in the audit log. An earlier version
// put no seals; after a change of the key they are those of another. One that has ended was
// asked for, and is dr.Conflict: somebody has put it back into the queue.
func requested(ctx context.Context, b *parts, r *engine.Run, req dr.Request) error {
	if b.host.Audited == nil {
		return nil
	}
	if over, err := b.host.Audited(ctx, req.Run, itself, actionEnd); err != nil || over {
		return cmp.Or(err, endedBefore(ctx, b, r, req))
	}
	if engine.Sealed(r) {
		return nil
	}
	was, err := b.host.Audited(ctx, req.Run, req.Requester, string(req.Kind))
	if err == nil && !was {
		err = &dr.Error{Code: dr.Denied, What: dr.T("run.unasked"), Next: dr.T("run.unasked.next")}
	}
	return err
}

// wasEnded is what is told of a run that has ended and was put into the queue anew.
func wasEnded() dr.Text { return dr.T("run.ended-before") }

// endedBefore tells that a run that has ended was put into the queue anew.
func endedBefore(ctx context.Context, b *parts, r *engine.Run, req dr.Request) error {
	r.Log().ErrorContext(ctx, "A RUN THAT HAS ENDED IS IN THE QUEUE ANEW, and is not played")
	why := &dr.Error{Code: dr.Conflict, What: wasEnded(), Next: dr.T("run.unasked.next")}
	line := dr.AuditEntry{At: b.host.Now(), Who: itself, Via: "run", Action: "begin-anew", Service: req.Service, Run: req.Run, Once: "begin-anew/" + req.Run, Detail: why.What}
	if err := b.Store.Book.Audit(ctx, line); err != nil {
		return err
	}
	r.Channel = cmp.Or(b.Team.Services[req.Service].Channel, req.Channel)
	return cmp.Or(r.Say(ctx, "begun-anew", dr.Fail, dr.T("note.begun-anew"), why.What, why.Next), error(why))
}

// began is when the trouble began, by the clock of now.
func began(c *course) time.Time { return c.req.Since.Add(c.run.Moved()) }

// needed is how many people it takes, for steps alone: as many as when the run began, or as
// the configuration says now, whichever is more.
func needed(f *failover) int { return max(f.svc.Quorum, f.Team.Services[f.req.Service].Quorum) }

// play is the runbook.
func (f *failover) play() error {
	var err error
	if f.list, err = Steps(f.Kinds, f.svc, f.req); err != nil {
		return refusal(err)
	}
	p := preparation{f}
	approved := f.getApproved
	if f.req.Kind == dr.Resume {
		approved = resumption{f}.getApproved
	}
	for _, step := range []func() error{p.authorize, p.lock, p.checkReadiness, approved} {
		if err := step(); err != nil {
			return err
		}
	}
	look := preflight{f}
	for i := 0; i < len(f.list); {
		s := f.list[i]
		if by := f.run.Abandoned(); len(by) > 0 {
			return f.withSource(f.stopped(dr.T("run.abandoned", "who", by, "step", s.Name())))
		}
		tooLate(&f.course)
		if err := look.perform(look.thought(heeding(f.run, s))); err != nil {
			return f.withSource(err)
		}
		i = goingOn{f}.next(s.Name())
	}
	return account{f}.closeOut()
}

// refusal ends a run that was never allowed to change anything.
func refusal(err error) error {
	what, next := dr.Told(err)
	return &ending{State: dr.RunRefused, Outcome: what, Next: next}
}

// refused is refusal for a step that did not go well. What names no way on can be asked
// for again.
func refused(c *course, o engine.Outcome) error {
	if o.OK() {
		return nil
	}
	if o.Cancelled {
		if by := c.run.Cancelled(); by != "" {
			return c.cancelled(dr.T("run.cancelled", "who", by))
		}
	}
	next := o.Next
	if next.Empty() {
		next = c.startAgain()
	}
	return &ending{State: dr.RunRefused, Outcome: o.What, Next: next}
}

// withSource puts the source back when a planned run ends before its promotion, and
// says in the ending how the source is left.
func (f *failover) withSource(err error) error {
	if err == nil || !planned(f.svc, f.req) && f.gone == nil || !hasDatabase(f.svc, f.req) {
		return err
	}
	end := endingOf(err)
	left := dr.T("source.at-zero", "source", f.source)
	_, quiet := steps.Quieting.Of(f.run, string(f.source))
	switch {
	case f.moved(engine.Ran) && f.gone != nil && quiet != engine.Ran:
		return err // what it may have stopped of a source that is gone is known to the next run
	case !f.moved(engine.Ran):
		left = f.restore() // it looks where the writer is
	}
	return &ending{State: end.State, Outcome: dr.T("source.left", "outcome", end.Outcome, "left", left), Next: end.Next}
}

// moved tells whether one of these has become of the promotion of any database.
func (c *course) moved(what ...engine.Found) bool {
	for _, db := range c.svc.ResourcesOf(dr.AuroraGlobal) {
		if _, found := steps.Promotion.Of(c.run, db.Name); slices.Contains(what, found) {
			return true
		}
	}
	return false
}

// restoring is the step that gives the source its tasks back.
func restoring(f *failover) (engine.Step, error) {
	kind, _ := steps.Named(f.Kinds, steps.Restore)
	made, err := kind.Make(steps.Job{Service: f.svc, Request: f.req, Source: f.source})
	if err != nil || len(made) != 1 {
		return nil, &dr.Error{Code: dr.Invalid, What: dr.T("restore.gave-up", "source", f.source), Err: err}
	}
	return made[0], nil
}

func (f *failover) restore() dr.Text {
	step, err := restoring(f)
	if err != nil {
		what, _ := dr.Told(err)
		return what
	}
	var failed dr.Text
	_ = engine.PerformLast(f.run, step, func(_ string, out engine.Outcome) (string, error) {
		failed = dr.T("restore.failed", "source", f.source, "why", out.What, "on", toResume(f.req), "back", resumeSource(&f.course))
		return engine.Skip, nil
	})
	if !failed.Empty() {
		return failed
	}
	out, _ := f.run.Outcome(step.Name())
	return out.Line
}

// resumeSource is the command by which the source has its tasks again where it is to stay what
// Git says.
func resumeSource(c *course) dr.Command {
	return dr.Cmd(string(dr.Resume), "service", c.req.Service, "region", string(c.source), "mode", string(c.req.Mode))
}

// overriding is the parameter of a command that is taken although the last run is not
// long over. It says nothing where no cooldown holds: who types it later is not asked more.
const overriding = "override-cooldown"

// toMove is a command that moves the service, and is taken when it is typed: in the cooldown
// it overrides that, and its approvers see it.
func toMove(service string, kind dr.Kind, to dr.Region, mode dr.Mode, cooling bool) dr.Command {
	override := ""
	if cooling {
		override = "yes"
	}
	return dr.Cmd(string(kind), "service", service, "region", string(to), "mode", string(mode), overriding, override)
}

// again is the command that asked for this run, with something else about it.
func (c *course) again(change ...string) dr.Command {
	cmd := toMove(c.req.Service, c.req.Kind, c.req.Target, c.req.Mode, c.req.Override)
	if !c.req.Since.Equal(c.req.At) {
		cmd.Args["since"] = c.req.Since.UTC().Format(time.RFC3339)
	}
	for i := 0; i+1 < len(change); i += 2 {
		cmd.Args[change[i]] = change[i+1]
	}
	return cmd
}
