package dr

import "slices"

// VerifyStep is the step that sees what users see: a run's RTA ends with it, and is
// known only when it was seen.
const VerifyStep = "verify"

// MergeStep is the step that merges: a try of it can end well with nothing merged, and the
// run's own MergeSHA says whether something was.
const MergeStep = "merge"

// ResultLines is what a run took against what was promised, line by line, as it is told
// in its thread and on its pull request; nil when there is no result.
func (r Run) ResultLines() []Text {
	lines := r.ResultBesideSteps()
	if lines == nil {
		return nil
	}
	return slices.Insert(lines, 2, r.stepsLine())
}

// ResultBesideSteps is the same for where the steps stand with their times already.
func (r Run) ResultBesideSteps() []Text {
	if r.Result == nil {
		return nil
	}
	lines := []Text{r.RTALine(), r.RPALine()}
	if r.GoneOn != nil {
		lines = append(lines, r.GoneOn.Line())
	}
	if r.ClockJump != 0 {
		lines = append(lines, T("result.clock", "jump", r.ClockJump))
	}
	for _, a := range r.Result.Accepted {
		lines = append(lines, T("result.accepted", "step", a.Step, "who", a.By, "at", a.At, "digest", a.Digest))
	}
	for _, e := range r.Result.Events {
		lines = append(lines, T("result.event", "at", e.At, "source", Foreign(e.Source), "event", e.Text))
	}
	for _, l := range r.Result.Left {
		lines = append(lines, T("result.left", "what", l))
	}
	return lines
}

// RTALine is the time the service was away against the promise. It claims nothing that
// nobody has seen.
func (r Run) RTALine() Text {
	if r.Result == nil {
		return Text{}
	}
	rta, rto := r.Result.RTA, r.Result.RTO
	switch i := r.StepIndex(VerifyStep); {
	case i < 0 || r.Steps[i].State != StepDone:
		return T("result.rta.unverified", "rto", rto)
	case rta < 0:
		return T("result.rta.clock", "rto", rto)
	case rta > rto:
		return T("result.rta.missed", "rta", rta, "rto", rto)
	default:
		return T("result.rta.met", "rta", rta, "rto", rto)
	}
}

// Unproven says that nobody has seen that the service is where the run was to take it, and
// what is known of that; empty where it was seen.
func (r Run) Unproven() Text {
	i := r.StepIndex(VerifyStep)
	if r.Result == nil || i >= 0 && r.Steps[i].State == StepDone {
		return Text{}
	}
	var skipped []string
	for _, s := range r.Steps {
		if s.State == StepSkipped {
			skipped = append(skipped, s.Name)
		}
	}
	if len(r.Result.Away) > 0 {
		return T("run.not-there", "service", r.Service, "region", r.Target, "skipped", skipped, "lacking", r.Result.Away)
	}
	return T("run.unproven", "service", r.Service, "region", r.Target, "skipped", skipped)
}

// RPALine is the data that was lost, counted in time, against the promise.
func (r Run) RPALine() Text {
	if r.Result == nil {
		return Text{}
	}
	res := *r.Result
	switch {
	case !res.RPATold.Empty():
		return res.RPATold
	case !res.RPAKnown:
		return T("result.rpa.unknown", "rpo", res.RPO)
	case r.Mode == Planned:
		return T("result.rpa.none", "rpo", res.RPO)
	case res.RPA > res.RPO:
		return T("result.rpa.missed", "rpa", res.RPA, "rpo", res.RPO)
	default:
		return T("result.rpa.met", "rpa", res.RPA, "rpo", res.RPO)
	}
}

func (r Run) stepsLine() Text {
	took := []Text{}
	for _, s := range r.Steps {
		if s.State == StepDone || s.State == StepSkipped {
			if s.Ended.IsZero() {
				s.Ended = s.Started // skipped before anybody saw it end
			}
			took = append(took, T("result.step", "step", s.Name, "took", s.Took(s.Ended)))
		}
	}
	return T("result.steps", "steps", took)
}

// Line is the check in one line: what was looked at, its level, its value, and why.
func (c Check) Line() Text {
	subject, line := ArgOf(c.Name), Text{}
	if c.Resource != "" {
		subject = ArgOf(T("reading.of", "check", subject, "resource", c.Resource))
	}
	if c.Region != "" {
		subject = ArgOf(T("reading.in", "subject", subject, "region", c.Region))
	}
	switch {
	case c.Value == nil:
		line = T("reading.level", "subject", subject, "level", c.Level.Text())
	case c.Threshold == nil:
		line = T("reading.value", "subject", subject, "level", c.Level.Text(), "value", *c.Value, "unit", c.Unit)
	default:
		line = T("reading.limit", "subject", subject, "level", c.Level.Text(), "value", *c.Value, "unit", c.Unit, "limit", *c.Threshold)
	}
	if c.Detail.Empty() {
		return line
	}
	return T("reading.detail", "reading", line, "detail", c.Detail)
}

// Text is the level in words.
func (l Level) Text() Text { return T(TextID("level." + string(l))) }

// Text is the state in words.
func (s RunState) Text() Text { return T(TextID("state." + string(s))) }

// Title is what a run does, in one line: the head of its message and of its pull request.
func (r Request) Title() Text {
	return T(TextID("run.title."+string(r.Kind)), "service", r.Service, "region", r.Target, "mode", r.Mode)
}

// Line counts what the plans would change.
func (ps Plans) Line() Text {
	var c Counts
	for _, p := range ps {
		n := p.Counts()
		c.Add, c.Change, c.Destroy = c.Add+n.Add, c.Change+n.Change, c.Destroy+n.Destroy
	}
	return T("plan.counts", "add", c.Add, "change", c.Change, "destroy", c.Destroy, "n", len(ps))
}
