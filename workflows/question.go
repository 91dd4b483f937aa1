package workflows

import (
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// answer asks people what becomes of a step that did not go well. Before the merge,
// where nothing has been changed, waiting helps only what may pass or must be looked at.
func (f *failover) answer(step string, out engine.Outcome) (string, error) {
	if !f.merged && out.Code != dr.Temporary && out.Code != dr.Uncertain {
		return "", refused(&f.course, out)
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
		steps.Accept(f.run, step, o)
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
		q.More[engine.Skip], q.More[engine.Stop] = missed(&f.course, step), givenBack(&f.course, s)
		if steps.AskedFor(out) {
			q.More[engine.Skip], q.More[engine.Stop] = pending(&f.course, step, q.More[engine.Stop])
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
func missed(c *course, step string) (out dr.Text) {
	for _, s := range c.list {
		if t, ok := s.(steps.Teller); ok && s.Name() == step {
			_, out = t.Tell()
		}
	}
	return out
}

// pending is what skipping and stopping lead to where a promotion was asked for that may take
// effect still: nobody knows where the writer will be.
func pending(c *course, step string, stop dr.Text) (skipped, stopped dr.Text) {
	db := strings.TrimPrefix(step, steps.Promotion.Name("")) // its step is named by it
	skipped = dr.T("missed.promote.asked", "database", db, "source", c.source, "target", c.req.Target)
	if stop.ID == "question.at-zero" || stop.ID == "question.at-zero.perhaps" {
		return skipped, dr.T("question.at-zero.asked", "source", c.source, "command", toResume(c.req))
	}
	return skipped, dr.T("question.stop.asked", "command", toResume(c.req))
}

// givenBack is what stopping a merged run undoes: in a planned one that has promoted nothing
// the tasks of the source, without which users are down. Where they are given back already,
// users are not.
func givenBack(c *course, s since) dr.Text {
	if planned(c.svc, c.req) && hasDatabase(c.svc, c.req) && !c.moved(engine.Ran) {
		for _, step := range c.list {
			if _, stops := step.(steps.Stopper); !stops {
				continue
			}
			if out, tried := c.run.Outcome(step.Name()); tried {
				return atZero(c.source, s, out, true)
			}
		}
	}
	if c.gone != nil && !c.moved(engine.Ran) { // its list has no step any more that stops it
		if out, tried := c.run.Outcome(steps.Quieting.Name(string(c.source))); tried {
			return atZero(c.source, s, out, false)
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
