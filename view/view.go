package view

import (
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
)

// View is a run as people see it. What is empty is not shown.
type View struct {
	Run      string
	State    dr.RunState
	Headline dr.Text   // what the run does
	Standing dr.Text   // the state in a word
	Route    dr.Text   // from where to where
	Asked    dr.Text   // by whom, and why
	Clock    []dr.Text // how long it has taken, and what is left of the promise
	Change   Change
	Plan     dr.Text   // what the plans change, counted
	Accepts  []dr.Text // what approving accepts, or what was accepted
	Accepted bool      // it was
	NotOK    []dr.Text // the checks that were not ok, but for those that are accepted
	Approval *Approval
	Steps    []Step
	Progress *dr.Progress
	Verdict  Verdict
	Question *Question
	Votes    []dr.Text // who gave an answer that takes more than one, or wants it ended, and how many more it takes
	Next     dr.Text   // what to do now, in words
	Do       []Do      // what can be typed now
	Result   []dr.Text // what it took against what was promised, line by line
	Foot     dr.Text
}

// Change is where the change of a run is reviewed.
type Change struct {
	Number int
	URL    string
	Review bool // it still waits for people
}

// Verdict is how a run stands or ended: its lead in a sentence, and what belongs to it.
type Verdict struct {
	Lead  dr.Text
	Lines []dr.Text
}

// Approval is who approved and who is still needed.
type Approval struct {
	Count   dr.Text // so many of so many
	By      []string
	Blocked dr.Text   // who requests changes
	Reasons []dr.Text // what is missing
	Waiting dr.Text   // who may still approve
	Ignored []dr.Text // whose review does not count, and why
	Expires dr.Text
}

// Step is one line of the runbook as it goes.
type Step struct {
	Name     string
	State    dr.StepState
	Standing dr.Text // the state in a word
	Started  time.Time
	Took     time.Duration // until now; zero when it has not begun
	Detail   dr.Text
}

// Question is what a paused run asks.
type Question struct {
	Number  int
	Step    string
	Means   dr.Text
	Answers []Answer
}

// Answer is one of the answers a question takes.
type Answer struct {
	Verb    string
	Name    dr.Text
	Leads   dr.Text // what it leads to, said before it is given
	Beside  dr.Text // the same beside what the question is about, which it does not say again
	Command dr.Command
}

// Do is something that can be typed now, and what for.
type Do struct {
	What    dr.Text
	Command dr.Command
}

// Run is a run as it is shown at a time.
func Run(run dr.Run, now time.Time) View {
	if run.State.Final() && !run.Ended.IsZero() {
		now = run.Ended // what is over grows no older
	}
	return View{
		Run: run.Run, State: run.State, Headline: run.Title(), Standing: run.State.Text(),
		Route:  dr.T("run.route", "source", run.Source, "target", run.Target),
		Asked:  dr.T("run.asked", "who", run.Requester, "reason", run.Reason),
		Clock:  clock(run, now),
		Change: Change{Number: run.Change.Number, URL: run.Change.URL, Review: !run.State.Final() && !run.PastMerge()},
		Plan:   planned(run), Accepts: accepts(run), Accepted: run.PastMerge(), NotOK: notOK(run), Approval: approval(run), Steps: steps(run, now),
		Progress: run.Progress, Verdict: verdict(run), Question: question(run), Votes: Votes(run),
		Next: run.Next, Do: do(run), Result: run.ResultBesideSteps(),
		Foot: dr.T("run.foot", "run", run.Run, "requested", run.At),
	}
}

func clock(run dr.Run, now time.Time) []dr.Text {
	out := []dr.Text{dr.T("run.elapsed", "time", now.Sub(run.Requested()))}
	if rto := run.Objective.RTO; !run.State.Final() && rto > 0 {
		out = append(out, dr.T("run.left", "left", rto-now.Sub(run.Began()), "rto", rto))
	}
	return out
}

func accepts(run dr.Run) []dr.Text {
	if run.State.Final() && run.State != dr.RunSucceeded && !run.PastMerge() {
		return nil // nobody accepted it, and nobody can any more
	}
	var out []dr.Text
	for _, a := range run.Accepts {
		if run.PastMerge() {
			out = append(out, dr.T("run.accepted", "what", a))
		} else {
			out = append(out, dr.T("run.accepts", "what", a))
		}
	}
	return out
}

// notOK are the checks that a count of those that are ok leaves unnamed.
func notOK(run dr.Run) []dr.Text {
	var out []dr.Text
	for _, c := range run.Checks {
		if c.Level != dr.OK && !slices.ContainsFunc(run.Accepts, func(t dr.Text) bool { return names(t, c) }) {
			out = append(out, dr.T("run.not-ok", "check", c.Line()))
		}
	}
	return out
}

// names tells whether a text is about a check.
func names(t dr.Text, c dr.Check) bool {
	check, region := t.Args["check"], t.Args["region"]
	if region.Word != "" && region.Word != string(c.Region) {
		return false
	}
	if of := check.Text; of != nil {
		return of.Args["check"].Word == c.Name && of.Args["resource"].Word == c.Resource
	}
	return check.Word == c.Name
}

func approval(run dr.Run) *Approval {
	a := run.Approval
	if a.Needed == 0 {
		return nil
	}
	out := &Approval{Count: dr.T("run.approvals", "have", len(a.By), "needed", a.Needed), By: a.By}
	if len(a.By) > a.Needed {
		out.Count = dr.T("run.approvals.more", "have", len(a.By), "needed", a.Needed)
	}
	if run.State != dr.RunWaiting {
		return out
	}
	out.Reasons = a.Reasons
	if len(a.Blocked) > 0 {
		out.Blocked = dr.T("run.blocked", "who", a.Blocked)
	}
	if len(a.Waiting) > 0 {
		out.Waiting = dr.T("run.waiting", "who", a.Waiting)
	}
	for _, v := range a.Ignored {
		if slices.ContainsFunc(a.Reasons, func(r dr.Text) bool { return v.By != "" && r.Args["who"].Word == v.By }) {
			continue // among what is missing, in a sentence
		}
		out.Ignored = append(out.Ignored, dr.T("run.ignored", "who", v.By, "reason", v.Reason))
	}
	if !run.Expires.IsZero() {
		out.Expires = dr.T("run.expires", "expires", run.Expires)
	}
	return out
}

// steps leaves out what a run that is over will not do any more.
func steps(run dr.Run, now time.Time) []Step {
	var out []Step
	for _, s := range run.Steps {
		if s.State == dr.StepPending && run.State.Final() {
			continue
		}
		if s.Name == dr.MergeStep && s.State == dr.StepDone && !run.PastMerge() && !run.MergedApart {
			// A try that ended with nothing merged: there is another, or there is not.
			s.State = dr.StepPending
			if run.State.Final() {
				s.State = dr.StepFailed
			}
		}
		st := Step{Name: s.Name, State: s.State, Standing: dr.T(dr.TextID("step-state." + string(s.State))), Detail: s.Detail}
		if s.State != dr.StepPending {
			st.Started, st.Took = s.Started, s.Took(now)
		}
		out = append(out, st)
	}
	return out
}

func verdict(run dr.Run) Verdict {
	switch {
	case run.State == dr.RunSucceeded && run.Result != nil:
		lead := run.Unproven()
		if lead.Empty() {
			lead = dr.T("run.active", "service", run.Service, "region", run.Target)
		}
		return Verdict{lead, []dr.Text{run.RTALine(), run.RPALine()}}
	case run.Outcome.Empty():
		return Verdict{}
	case run.Question != nil:
		return Verdict{dr.T("run.paused", "step", run.Question.Step), []dr.Text{run.Outcome}}
	default:
		return Verdict{Lines: []dr.Text{run.Outcome}}
	}
}

func question(run dr.Run) *Question {
	q := run.Question
	if q == nil {
		return nil
	}
	out := &Question{Number: q.Number, Step: q.Step, Means: q.Means}
	for _, verb := range q.Answers {
		a := Answer{Verb: verb, Name: dr.T(dr.TextID("choice." + verb)), Leads: leads(run, verb), Command: q.Answer(run.Run, verb)}
		a.Beside = a.Leads
		if verb == accept {
			a.Beside = dr.T("run.leads.accept.beside", "step", q.Step, "run", run.Run, "needed", q.Takes[verb], "without", without(run))
			if run.Kind == dr.Resume && !run.PastMerge() {
				a.Beside = dr.T("run.leads.accept-resume.beside", "run", run.Run, "needed", q.Takes[verb], "without", without(run))
			}
		}
		out.Answers = append(out.Answers, a)
	}
	return out
}

// Votes are who gave an answer that takes more than one, or wants a run past its merge
// ended, and how many more it takes.
func Votes(run dr.Run) []dr.Text {
	var out []dr.Text
	said := func(verb string, by []string, needed int) {
		if more := needed - len(by); len(by) > 0 && more > 0 && !run.State.Final() {
			out = append(out, dr.T("run.votes", "who", by, "answer", verb, "n", more))
		}
	}
	if q := run.Question; q != nil {
		for _, verb := range q.Answers {
			if verb != stop || !run.PastMerge() {
				said(verb, q.Voices[verb], q.Takes[verb])
			}
		}
	}
	if run.PastMerge() {
		said(stop, run.Abandon, dr.AbandonedBy)
	}
	return out
}

// stop is the answer that ends a run; past its merge a cancel says the same. accept is
// the one that names the digest of what was read.
const (
	stop   = "stop"
	accept = "accept"
)

// leads is what an answer leads to.
func leads(run dr.Run, verb string) dr.Text {
	q := run.Question
	switch {
	case verb == "retry" && slices.Contains(q.Answers, "skip"): // past the merge
		return dr.T("run.leads.retry-merged", "step", q.Step, "run", run.Run)
	case verb == "retry":
		return dr.T("run.leads.retry", "step", q.Step, "run", run.Run)
	case verb == accept && run.Kind == dr.Resume && !run.PastMerge():
		return dr.T("run.leads.accept-resume", "run", run.Run, "needed", q.Takes[verb], "without", without(run), "what", q.What)
	case verb == accept:
		return dr.T("run.leads.accept", "step", q.Step, "run", run.Run, "needed", q.Takes[verb], "without", without(run), "what", q.What)
	case verb == "disaster":
		return dr.T("run.leads.disaster", "run", run.Run, "without", without(run), "source", run.Source, "needed", q.Takes[verb], "loses", q.Loses)
	case verb == "skip" && q.Takes[verb] > 1:
		return more(run, verb, dr.T("run.leads.skip-quorum", "step", q.Step, "run", run.Run, "needed", q.Takes[verb], "without", without(run)))
	case verb == "skip":
		return more(run, verb, dr.T("run.leads.skip", "step", q.Step, "run", run.Run))
	case run.PastMerge() && !q.More[verb].Empty():
		return more(run, verb, dr.T("run.leads.stop-merged.more", "run", run.Run, "step", q.Step, "needed", dr.AbandonedBy))
	case run.PastMerge():
		return dr.T("run.leads.stop-merged", "run", run.Run, "step", q.Step, "needed", dr.AbandonedBy)
	case run.Kind != dr.Resume && slices.Contains(q.Answers, accept): // somebody else has merged it
		return dr.T("run.leads.stop-by-hand", "run", run.Run)
	case run.Kind == dr.Resume:
		return dr.T("run.leads.stop-resume", "run", run.Run, "step", q.Step)
	default:
		return dr.T("run.leads.stop", "run", run.Run, "step", q.Step)
	}
}

// more is what an answer leads to, with what is so of this question alone.
func more(run dr.Run, verb string, leads dr.Text) dr.Text {
	if m := run.Question.More[verb]; !m.Empty() {
		return dr.T("run.leads.more", "leads", leads, "more", m)
	}
	return leads
}

// without are those whose word does not count for what takes more than one.
func without(run dr.Run) []string {
	if q := run.Question; len(q.Without) > 0 {
		return q.Without
	}
	return []string{run.Requester}
}

// do is what can be typed now, apart from the answers to a question, which have their
// own: whoever reads a run never has to look up how to go on.
func do(run dr.Run) []Do {
	if run.Question == nil && run.State == dr.RunWaiting {
		return []Do{{dr.T("run.do.cancel"), dr.Cmd("cancel", "run", run.Run)}}
	}
	return nil
}

// Line is a run in the list of runs: what it does, how it stands, and why.
func Line(run dr.Run, now time.Time) (line, why dr.Text) {
	if run.State.Final() {
		return dr.T("run.line.ended", "run", run.Run, "title", run.Title(), "state", run.State.Text(), "time", now.Sub(run.Ended)), run.Outcome
	}
	return dr.T("run.line.open", "run", run.Run, "title", run.Title(), "state", run.State.Text(), "time", now.Sub(run.Requested())), run.Outcome
}

// Report is a note as people see it: a reply in a run's thread, or a scheduled report.
type Report struct {
	Headline dr.Text
	Level    dr.Level
	Lines    []dr.Text
	Foot     dr.Text
	Mention  []string // persons whose attention is wanted
	Link     string
	Open     dr.Text // what the link says
}

// Note is a note as it is shown.
func Note(n dr.Note) Report {
	out := Report{Headline: n.Title, Level: n.Level, Foot: n.Context, Mention: n.Mention, Link: n.Link}
	for _, l := range n.Lines {
		if !l.Empty() {
			out.Lines = append(out.Lines, l)
		}
	}
	if n.Link != "" {
		out.Open = dr.T("note.open")
	}
	return out
}

// planned is what is planned and its digest, as the status of the pull request has them: what
// somebody else writes there is not what stands here.
func planned(run dr.Run) dr.Text {
	if run.Digest == "" || run.PlanLine.Empty() {
		return run.PlanLine
	}
	return dr.T("plan.status", "digest", run.Digest[:min(len(run.Digest), 8)], "plan", run.PlanLine)
}
