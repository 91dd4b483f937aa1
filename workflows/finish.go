package workflows

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// actionEnd is the action of the audit entry of a run's end, and itself who it is by.
const (
	actionEnd = "end"
	itself    = "drbot"
)

// finish writes how a run ended, cleans up what has not been merged, and tells.
func (f *failover) finish(err error) dr.RunState {
	end := &ending{State: dr.RunSucceeded}
	if err != nil {
		end = endingOf(err)
	}
	if end.State != dr.RunSucceeded {
		leadOn(f, end)
		if !f.merged {
			f.abandonChange(end)
		}
	}
	engine.Note(f.run, "finish", func(ctx context.Context) (bool, error) {
		now := f.host.Now()
		if end.State != dr.RunSucceeded && f.merged {
			end = whereGitIs(ctx, f, end)
		}
		if err := f.run.Write(ctx, func(run *dr.Run) {
			run.State, run.Ended, run.Question, run.Progress = end.State, now, nil, nil
			for i := range run.Steps {
				if st := &run.Steps[i]; st.State == dr.StepRunning { // nothing of it goes on
					st.State, st.Ended, st.Detail = dr.StepFailed, now, dr.T("step.not-over")
				}
			}
			if end.State != dr.RunSucceeded || !end.Outcome.Empty() {
				run.Outcome, run.Next = end.Outcome, end.Next
			}
		}); err != nil {
			return false, err
		}
		if err := f.run.Audit(ctx, actionEnd, dr.T("audit.end", "state", end.State.Text(), "outcome", end.Outcome)); err != nil {
			return false, err
		}
		level := dr.Warn
		if end.State == dr.RunSucceeded {
			if end.Outcome.Empty() {
				return true, nil // close-out has told the result
			}
			level = dr.OK
		}
		return true, f.run.Say(ctx, "end", level, dr.T("note.ended", "state", end.State.Text()), end.Outcome, end.Next)
	})
	return end.State
}

// leadOn gives an end a command where its words have none: what an edge, the policy or a
// count of approvals says to mend does not know by which run it is asked.
func leadOn(f *failover, end *ending) {
	for _, c := range slices.Concat(end.Outcome.Commands(), end.Next.Commands()) {
		if c.Verb != "status" { // that shows, and leads nowhere
			return
		}
	}
	command := f.again()
	if f.merged {
		command = toResume(f.req)
	}
	if end.Next.Empty() {
		end.Next = dr.T("run.type", "command", command)
		return
	}
	end.Next = dr.T("run.next-type", "next", end.Next, "command", command)
}

// abandonChange closes the pull requests of a run that ends before the merge, as far as
// there are any, and looks where that leaves Git. It is tried for a while; a pull request
// that stays open can be merged by nobody but its people, and no run follows it any more.
func (f *failover) abandonChange(end *ending) {
	if f.change.Number == 0 && f.svc.Name == "" {
		return // it never began
	}
	left := engine.Note(f.run, "close-change", func(ctx context.Context) (leftBehind, error) {
		var out leftBehind
		var err error
		if branch := perhapsOpened(f); branch != "" {
			err = f.Forge.Changes.CloseChange(ctx, f.svc.Repository, dr.Change{Branch: branch})
		}
		out.Seen = true
		for _, change := range changesOfRun(f) {
			// Closing what is merged does nothing. A merge whose answer was lost is a merge.
			err = cmp.Or(err, f.Forge.Changes.CloseChange(ctx, f.svc.Repository, change))
			st, unread := f.Forge.Changes.ChangeState(ctx, f.svc.Repository, change.Number)
			if unread != nil {
				out.Seen, err = false, cmp.Or(err, unread)
			}
			if st.Merged {
				out.Merged, out.Number = true, change.Number
			}
		}
		if out.Merged {
			// Who goes on from there is told by it whose word does not count.
			err = cmp.Or(err, f.run.Write(ctx, func(run *dr.Run) { run.MergedApart = true }))
		}
		if out.Merged || asksAnew(f, end) {
			out.Base = baseSays(ctx, f)
		}
		if f.change.Number == 0 {
			return out, err
		}
		told := end.leftBy(f, out)
		body := f.Forge.Pages.Comment(told.State.Text(), []dr.Text{told.Outcome, told.Next})
		return out, cmp.Or(f.Forge.Publish.Comment(ctx, f.svc.Repository, f.change.Number, resultMarker(f.req.Run), body), err)
	})
	found := left.Value
	if found.Merged && found.Number == 0 {
		found.Number = f.change.Number
	}
	*end = *end.leftBy(f, found)
	if f.change.Number != 0 && !left.OK() && !found.Seen {
		end.Outcome = dr.T("run.change-unknown", "outcome", end.Outcome, "number", f.change.Number)
	}
	if branch := perhapsOpened(f); branch != "" && left.OK() {
		end.Outcome = dr.T("run.change-closed", "outcome", end.Outcome, "branch", branch)
	} else if branch != "" {
		end.Outcome = dr.T("run.change-perhaps", "outcome", end.Outcome, "branch", branch)
	}
}

// perhapsOpened is the branch of a pull request that may have been opened although the run
// knows of none: the answer was lost.
func perhapsOpened(f *failover) string {
	for n := maxChanges; n >= 1; n-- {
		if out, tried := f.run.Outcome(numbered(stepOpen, n)); tried {
			if out.Code == dr.Uncertain || out.Code == dr.Temporary {
				return numbered(Branches+f.req.Run, n)
			}
			return ""
		}
	}
	return ""
}

// revertOrResume leads on where Git has moved and the run that asked for it does not go on.
func revertOrResume(f *failover) dr.Text {
	return dr.T("run.stopped.resume", "next", f.revertFirst(), "command", toResume(f.req))
}

func resultMarker(run string) string { return "drbot:result:" + run }

// answer asks people what becomes of a step that did not go well. Before the merge,
// where nothing has been changed, waiting helps only what may pass or must be looked at.
func (f *failover) answer(step string, out engine.Outcome) (string, error) {
	if !f.merged && out.Code != dr.Temporary && out.Code != dr.Uncertain {
		return "", refused(f, out)
	}
	o, offered := steps.Offered(out)
	if offered && o.Commit != "" && len(o.Worse) == 0 { // nothing that was not approved
		preflight{f}.accepted(out)
		return engine.Retry, newer{f}.goOn(step, o, out.At)
	}
	if f.merged { // who does not want it to go on is not asked how
		if by := f.run.Abandoned(); len(by) > 0 {
			return "", f.stopped(dr.T("run.abandoned", "who", by, "step", step))
		}
	}
	if offered && len(o.Worse) > mostOffered { // the step's own words lead to accept
		out.Next = dr.T("offered.too-much.next", "differences", len(o.Worse), "most", mostOffered, "base", f.svc.Repository.Base)
	}
	q := f.question(step, out, asLeft)
	q.Late, q.Look = goingOn{f}.late(step, out), goingOn{f}.look(step, out)
	verb, by := f.run.Ask(step, out, q)
	f.retried = ""
	switch verb {
	case engine.Stop:
		return verb, f.stopped(dr.T("run.stopped", "who", by, "step", step, "what", out.What))
	case engine.Retry:
		f.retried = step
	case engine.Disaster:
		return goingOn{f}.decide(step, by, out), nil
	case engine.Accept:
		preflight{f}.accepted(out)
		f.taken = append(f.taken, taking{By: by, Step: step, Digest: o.Digest[:8]})
		if o.Commit != "" {
			return verb, newer{f}.goOn(step, o, out.At)
		}
	}
	return verb, nil
}

// mostOffered bounds what people can be asked to accept at once: nobody reads more of it
// in a thread. What is more is mended, or put into a change.
const mostOffered = 60

// since is what has become of the source since a step left behind what is asked about.
type since struct {
	relieved bool // it has its tasks again
	answers  bool // it is not gone any more
}

// asLeft is that nothing has.
var asLeft = since{}

// question says what an answer about a step leads to. Skipping what proves that the
// service is safe needs the same quorum as the change itself.
func (f *failover) question(step string, out engine.Outcome, s since) engine.Question {
	q := engine.Question{Answers: []string{engine.Retry, engine.Stop}, Takes: map[string]int{}, More: map[string]dr.Text{}, Without: without(f), Over: engine.Cancel}
	if f.merged {
		q.Over = engine.Abandon
	}
	service := f.req.Service
	switch {
	case f.merged && step == stepMerge:
		q.Means = dr.T("question.merged", "service", service)
	case f.merged:
		q.Answers = []string{engine.Retry, engine.Skip, engine.Stop}
		q.More[engine.Skip], q.More[engine.Stop] = missed(f, step), givenBack(f, s)
		if steps.AskedFor(out) {
			q.More[engine.Skip], q.More[engine.Stop] = pending(f, step, q.More[engine.Stop])
		}
		q.Means = dr.T("question.after-merge", "service", service, "base", f.svc.Repository.Base, "missed", q.More[engine.Skip], "stop", q.More[engine.Stop])
	case step == stepMerge:
		q.Means = dr.T("question.merge")
	default:
		q.Means = dr.T("question.before-merge")
	}
	if kind, ok := steps.Named(f.Kinds, steps.KindOf(step)); ok && kind.Skip == steps.AsTheChange &&
		(kind.ID != steps.GiveBack || engine.Patched(f.run, "give-back-takes-the-quorum")) { // one person skipped it once
		q.Takes[engine.Skip] = f.svc.Quorum
	}
	if o, ok := steps.Offered(out); ok && len(o.Worse) <= mostOffered {
		q.All = o.Worse
		q.Answers = slices.Insert(q.Answers, 1, engine.Accept)
		q.Takes[engine.Accept], q.Digest = f.svc.Quorum, o.Digest[:8]
	}
	switch gone, ok := steps.GoneOf(out); {
	case ok && s.answers:
		q.Means = dr.T("question.disaster.void", "means", q.Means, "source", f.source)
	case ok:
		q = goingOn{f}.question(q, gone)
	}
	return q
}

// without are those who asked for this run and for those that it goes on with.
func without(f *failover) []string {
	out := []string{f.req.Requester}
	for _, who := range f.others {
		if !slices.Contains(out, who) {
			out = append(out, who)
		}
	}
	return out
}

// missed is what cannot work where a step is skipped; empty where it does not say.
func missed(f *failover, step string) (out dr.Text) {
	for _, s := range f.list {
		if t, ok := s.(steps.Teller); ok && s.Name() == step {
			_, out = t.Tell()
		}
	}
	return out
}

// pending is what skipping and stopping lead to where a promotion was asked for that may take
// effect still: nobody knows where the writer will be.
func pending(f *failover, step string, stop dr.Text) (skipped, stopped dr.Text) {
	db := strings.TrimPrefix(step, steps.Promotion.Name("")) // its step is named by it
	skipped = dr.T("missed.promote.asked", "database", db, "source", f.source, "target", f.req.Target)
	if stop.ID == "question.at-zero" || stop.ID == "question.at-zero.perhaps" {
		return skipped, dr.T("question.at-zero.asked", "source", f.source, "command", toResume(f.req))
	}
	return skipped, dr.T("question.stop.asked", "command", toResume(f.req))
}

// givenBack is what stopping a merged run undoes: in a planned one that has promoted nothing
// the tasks of the source, without which users are down. Where they are given back already,
// users are not.
func givenBack(f *failover, s since) dr.Text {
	if planned(f.svc, f.req) && hasDatabase(f.svc, f.req) && !f.moved(engine.Ran) {
		for _, step := range f.list {
			if _, stops := step.(steps.Stopper); !stops {
				continue
			}
			if out, tried := f.run.Outcome(step.Name()); tried {
				return atZero(f.source, s, out, true)
			}
		}
	}
	if f.gone != nil && !f.moved(engine.Ran) { // its list has no step any more that stops it
		if out, tried := f.run.Outcome(steps.Quieting.Name(string(f.source))); tried {
			return atZero(f.source, s, out, false)
		}
	}
	return dr.T("question.stop.plain")
}

// atZero says of a source that was stopped, or was to be, what that means now; again, that a
// retry stops it once more.
func atZero(source dr.Region, s since, stopping engine.Outcome, again bool) dr.Text {
	switch {
	case !s.relieved && !stopping.OK():
		return dr.T("question.at-zero.perhaps", "source", source)
	case !s.relieved:
		return dr.T("question.at-zero", "source", source)
	case again:
		return dr.T("question.relieved.again", "source", source)
	}
	return dr.T("question.relieved", "source", source)
}

// stopped is the ending of a run that a person stopped, in the words that fit
// how far it had come.
func (f *failover) stopped(why dr.Text) *ending {
	e := &ending{State: dr.RunStopped, Outcome: why, Next: f.startAgain()}
	if !f.merged {
		return e
	}
	e.Next = dr.T("run.stopped.resume", "next", backOrOut(f), "command", toResume(f.req))
	return e
}

// backOrOut is what leads back, or out, from where a merged run was stopped: the way back by a
// run of its own only where there is something to go back from.
func backOrOut(f *failover) dr.Text {
	moved := f.moved(engine.Ran)
	for _, db := range f.svc.ResourcesOf(dr.AuroraGlobal) {
		name := steps.Promotion.Name(db.Name)
		_, found := steps.Promotion.Of(f.run, db.Name)
		_, tried := f.run.Outcome(name)
		moved = moved || f.there[name]
		switch {
		case found == engine.Ran || f.there[name]:
		// One that was tried may still take effect, or have done so; for one that was skipped
		// people may have done it.
		case !moved && (tried || found == engine.Skipped):
			revert := toRevert(f)
			if !applied(f) && f.req.Kind != dr.Resume {
				revert = f.revertFirst()
			}
			return dr.T("run.stopped.unclear", "database", db.Name, "source", f.source, "target", f.req.Target, "revert", revert)
		}
	}
	switch {
	case !moved && !applied(f) && f.req.Kind != dr.Resume:
		if f.req.Mode == dr.Planned {
			return dr.T("run.stopped.unmoved", "revert", f.revertFirst(), "source", f.source, "disaster", f.again("mode", string(dr.Disaster)))
		}
		return f.revertFirst()
	case !moved && hasDatabase(f.svc, f.req):
		return toRevert(f)
	}
	// The cooldown of the run that a resumption goes on with may hold; an override that is
	// not needed says nothing.
	back := toMove(f.req.Service, dr.Failback, f.source, dr.Planned, f.req.Override || f.req.Kind == dr.Resume)
	return dr.T("run.stopped.merged", "target", f.req.Target, "back", back)
}

// applied tells whether the run has applied anything, or may have.
func applied(f *failover) bool {
	return slices.ContainsFunc(steps.StacksOf(f.list), func(st dr.Stack) bool {
		_, tried := f.run.Outcome(steps.ApplyOf(st))
		return tried
	})
}

// toRevert leads back to the source where no writer has left it, whatever else has moved.
func toRevert(f *failover) dr.Text {
	back := resumeSource(f)
	if f.change.Number == 0 { // it goes on with another's change
		return dr.T("run.revert.by-hand", "base", f.svc.Repository.Base, "region", f.source, "command", back)
	}
	return dr.T("run.revert", "number", f.change.Number, "region", f.source, "command", back)
}

// account tells what a run took.
type account struct{ *failover }

// closeOut measures what the run took against what was promised and tells it in
// the thread, on the pull request and in the record. Telling must not undo a
// failover that went well: what cannot be told is skipped and named.
func (f account) closeOut() error {
	out := engine.Do(f.run, stepCloseOut, func(ctx context.Context) (closed, error) {
		res := f.result(ctx)
		run, err := f.told(ctx, &res)
		if err != nil {
			return closed{}, err
		}
		if err := f.onChange(ctx, run); err != nil {
			f.run.Log().WarnContext(ctx, "the result was not written on the pull request", "error", err)
			res.Left = append(res.Left, dr.T("left.untold"))
			if run, err = f.told(ctx, &res); err != nil {
				return closed{}, err
			}
		}
		if away := f.writersAway(ctx); len(away) > 0 && len(res.Away) > 0 {
			return closed{Result: res, Away: run.Unproven()}, nil // the end says so
		}
		level := dr.OK
		if slices.ContainsFunc(f.list, func(s engine.Step) bool { return f.run.Skipped(s.Name()) }) {
			level = dr.Warn
		}
		return closed{Result: res}, f.run.Say(ctx, "result", level, f.headline(run), run.ResultLines()...)
	})
	switch {
	case !out.OK():
		f.run.Log().Error("the run ended well but its result was not told", "why", out.What.String())
	case !out.Value.Away.Empty(): // all that would have moved it was skipped
		return &ending{State: dr.RunStopped, Outcome: out.Value.Away, Next: dr.T("run.not-there.next", "command", toResume(f.req), "back", backOrOut(f.failover))}
	}
	return nil
}

// writersAway lists the databases whose writer is known not to be in the target although the
// run is over. Where it was verified they are there.
func (f account) writersAway(ctx context.Context) (out []string) {
	if !f.run.Skipped(steps.Verify) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, placesLimit)
	defer cancel()
	for _, db := range f.svc.ResourcesOf(dr.AuroraGlobal) {
		if st, err := f.Cloud.Databases.State(ctx, f.svc, db, f.req.Target); err == nil && st.Writer != "" && st.Writer != f.req.Target {
			out = append(out, db.Name)
		}
	}
	return out
}

// headline says where the service is by the end of the run, as far as that was seen.
func (f account) headline(run dr.Run) dr.Text {
	if said := run.Unproven(); !said.Empty() {
		return said
	}
	return dr.T("note.active", "service", f.req.Service, "region", f.req.Target)
}

// onChange writes the result on the pull request, where the run had one.
func (f account) onChange(ctx context.Context, run dr.Run) error {
	if f.change.Number == 0 {
		return nil
	}
	page := f.Forge.Pages.Comment(f.headline(run), run.ResultLines())
	return f.Forge.Publish.Comment(ctx, f.svc.Repository, f.change.Number, resultMarker(f.req.Run), page)
}

// told writes the result into the record and gives what it became, for showing alone.
func (f account) told(ctx context.Context, res *dr.Result) (dr.Run, error) {
	var now dr.Run
	err := f.run.Write(ctx, func(run *dr.Run) {
		res.Accepted = counted(run.Accepting, f.taken)
		run.Result = res
		now = *run
	})
	return now, err
}

// taking is what was accepted, and by whom together.
type taking struct {
	By           dr.Voices
	Step, Digest string
}

// counted are the words of those who made something accepted.
func counted(said []dr.Acceptance, taken []taking) []dr.Acceptance {
	var out []dr.Acceptance
	for _, a := range said {
		if slices.ContainsFunc(taken, func(t taking) bool {
			return t.Step == a.Step && t.Digest == a.Digest && slices.Contains(t.By, a.By)
		}) && !slices.ContainsFunc(out, func(o dr.Acceptance) bool { return o.By == a.By && o.Step == a.Step && o.Digest == a.Digest }) {
			out = append(out, a)
		}
	}
	return out
}

type closed struct {
	Result dr.Result `json:"result"`
	Away   dr.Text   `json:"away,omitzero"` // the run ends without having moved the service
}

// Line is the time it took.
func (c closed) Line() dr.Text {
	if c.Result.RTA < 0 {
		return dr.T("close-out.unknown", "rto", c.Result.RTO)
	}
	return dr.T("close-out.line", "rta", c.Result.RTA, "rto", c.Result.RTO)
}
