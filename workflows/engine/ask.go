package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// The answers of a question.
const (
	Retry  = "retry"
	Accept = "accept" // what the step found and would not do without being told to
	Skip   = "skip"
	Stop   = "stop"
	// Disaster goes on without a source that does not answer any more.
	Disaster = "disaster"
)

// askAgain is how often a paused run reminds its channel.
const askAgain = 30 * time.Minute

// putAgain is when a question is put again that could not be written down.
const putAgain = time.Minute

// Question is what a run asks when a step did not go well.
type Question struct {
	Means   dr.Text
	Answers []string
	Takes   map[string]int // people that an answer takes, where that is more than one
	Without []string       // the persons whose word does not count for those
	Digest  string         // of what accept accepts
	All     []dr.Text      // of that, in words
	Loses   dr.Text        // what the answer disaster leads to
	Late    Late           // what is done when nobody has answered for a while
	Look    Look           // how it is put right now, where that changes while nobody answers
	Over    string         // the kind of message that ends the run: Cancel or Abandon
	More    map[string]dr.Text
}

// Late is what a question leads to that nobody answers, beside the reminder of then and of
// later.
type Late struct {
	After time.Duration // at most as long as until the first reminder
	Do    func(context.Context) (dr.Text, error)
}

// Look looks how a question is put as of now: right before it is put, and, again, before each
// reminder. False where that is not known.
type Look func(ctx context.Context, again bool) (Question, bool)

// asked is a question in the form that people see.
func (q Question) asked(number int, step string, what dr.Text) dr.Question {
	return dr.Question{Number: number, Step: step, What: what, Means: q.Means, Answers: q.Answers, Takes: q.Takes, Without: q.Without, Digest: q.Digest, More: q.More, Loses: q.Loses}
}

// put is how it is stored that a question was put, or people reminded of it: a plain yes, or
// the question, where that is another than the run had in mind.
type put struct{ as *dr.Question }

// MarshalJSON writes nothing as yes.
func (p put) MarshalJSON() ([]byte, error) {
	if p.as == nil {
		return json.Marshal(true)
	}
	return json.Marshal(p.as)
}

// UnmarshalJSON reads a yes, or no, as nothing.
func (p *put) UnmarshalJSON(doc []byte) error {
	*p = put{}
	if plain := false; json.Unmarshal(doc, &plain) == nil {
		return nil
	}
	return json.Unmarshal(doc, &p.as)
}

// look gives the question as it is put now, where that is another.
func (p *poll) look(ctx context.Context, what dr.Text, again bool) (put, Question) {
	if p.q.Look == nil {
		return put{}, p.q
	}
	q, known := p.q.Look(ctx, again)
	if !known || q.Means.Same(p.asked.Means) && slices.Equal(q.Answers, p.asked.Answers) {
		return put{}, p.q
	}
	now := q.asked(p.asked.Number, p.asked.Step, what)
	return put{&now}, q
}

// takes makes a question the one that is asked. One that was put before under another number
// is void, and what was said to it.
func (p *poll) takes(as *dr.Question) {
	if as == nil {
		return
	}
	if as.Number != p.asked.Number {
		p.voices, p.reminder = map[string][]string{}, 1
	}
	p.asked = *as
	p.q.Answers, p.q.Takes, p.q.Without, p.q.Digest = as.Answers, as.Takes, as.Without, as.Digest
}

// line does what is late, and says what that was. It holds up no reminder.
func (l Late) line(ctx context.Context, r *Run) dr.Text {
	if l.Do == nil {
		return dr.Text{}
	}
	said, err := l.Do(ctx)
	if err != nil {
		r.Log().WarnContext(ctx, "what a late answer leads to was not done", "error", err)
		said, _ = dr.Told(err)
	}
	return said
}

// Ask pauses the run and waits for an answer to what a step left behind.
func (r *Run) Ask(step string, out Outcome, q Question) (verb string, by dr.Voices) {
	r.questions++
	p := &poll{asked: q.asked(r.questions, step, out.What), q: q, voices: map[string][]string{}, reminder: 1}
	first := Note(r, "ask/"+step, func(ctx context.Context) (put, error) {
		now, q := p.look(ctx, out.What, false)
		asked := p.asked
		if now.as != nil {
			asked = *now.as
		}
		if err := r.Write(ctx, func(run *dr.Run) {
			run.State, run.Question = dr.RunPaused, shown(asked, r.Quorum)
			run.Outcome, run.Next = out.What, out.Next
			run.Progress = nil
		}); err != nil {
			return put{}, err
		}
		if len(q.All) > 0 {
			if err := r.Say(ctx, fmt.Sprintf("offered/%d", asked.Number), dr.Warn, dr.T("note.offered", "step", step, "n", len(q.All), "digest", q.Digest), q.All...); err != nil {
				return put{}, err
			}
		}
		return now, sayPaused(ctx, r, asked, out)
	})
	p.takes(first.Value.as)
	p.put = first.OK()
	for {
		var counting []string
		verb, by, counting = r.answer(p, out)
		told := Note(r, "answered/"+step, func(ctx context.Context) (recount, error) {
			left := goneOf(counting, r.Approvers)
			short := p.q.Takes[verb] > 1 && len(counting)-len(left) < r.Quorum
			if len(left) > 0 || short {
				r.Update(ctx, func(run *dr.Run) {
					if run.Question == nil { // a process that died here counted them still
						run.State, run.Question = dr.RunPaused, shown(p.asked, r.Quorum)
					}
				})
				return recount{left, short}, nil
			}
			return recount{}, answered(ctx, r, p.asked, verb, by)
		})
		if told.Value.enough() {
			break
		}
		for verb, by := range p.voices {
			p.voices[verb] = slices.DeleteFunc(by, func(who string) bool { return slices.Contains(told.Value.gone, who) })
		}
		r.counted(p.asked, p.voices)
	}
	if verb == Skip {
		r.skipped[step] = true
	}
	return verb, by
}

// sayPaused tells what a run asks, and how that is answered.
func sayPaused(ctx context.Context, r *Run, asked dr.Question, out Outcome) error {
	alone, several := commands(r.ID, asked)
	lines := []dr.Text{out.What, asked.Means, out.Next, dr.T("note.answer", "command", dr.Cmd("answer", "run", r.ID, "answer", strings.Join(alone, "|")))}
	return r.Say(ctx, fmt.Sprintf("paused/%d", asked.Number), dr.Fail, dr.T("note.paused", "step", asked.Step), append(lines, several...)...)
}

// answered writes down what people have answered, and tells it.
func answered(ctx context.Context, r *Run, asked dr.Question, verb string, by dr.Voices) error {
	var unheard dr.Text
	r.Update(ctx, func(run *dr.Run) {
		run.State, run.Question, run.Outcome, run.Next = dr.RunRunning, nil, dr.Text{}, dr.Text{}
		if verb != Stop && len(run.Abandon) > 0 {
			unheard = dr.T("note.unheard", "who", run.Abandon, "command", dr.Cmd("cancel", "run", r.ID))
			run.Abandon = nil // it goes on: who still wants it to end says so anew
		}
		if i := run.StepIndex(asked.Step); i >= 0 && verb == Skip {
			run.Steps[i].State = dr.StepSkipped
			run.Steps[i].Detail = dr.T("step.skipped", "who", by)
		}
	})
	if err := r.Audit(ctx, "answer-"+verb, dr.T("audit.answer", "step", asked.Step, "who", by)); err != nil {
		return err
	}
	return r.Say(ctx, fmt.Sprintf("answered/%d", asked.Number), dr.OK, dr.T("note.answered", "step", asked.Step, "answer", verb, "who", by), unheard)
}

// recount is what the configuration of now has against an answer that was counted: those who
// have no say any more, or else that it takes more people by now. It is stored in the place
// of a plain yes, which is what it still is where there is neither.
type recount struct {
	gone  []string
	short bool
}

func (c recount) enough() bool { return len(c.gone) == 0 && !c.short }

// tooFew is how it is stored that it takes more people.
const tooFew = "short"

// MarshalJSON writes nothing as yes.
func (c recount) MarshalJSON() ([]byte, error) {
	switch {
	case len(c.gone) > 0:
		return json.Marshal(c.gone)
	case c.short:
		return json.Marshal(tooFew)
	}
	return json.Marshal(true)
}

// UnmarshalJSON reads a yes, or no, as nothing.
func (c *recount) UnmarshalJSON(doc []byte) error {
	*c = recount{}
	var plain bool
	var word string
	switch {
	case json.Unmarshal(doc, &plain) == nil:
		return nil
	case json.Unmarshal(doc, &word) == nil:
		c.short = word == tooFew
		return nil
	}
	return json.Unmarshal(doc, &c.gone)
}

// shown is a question as people see it: what takes several takes the quorum of now, where
// that is larger.
func shown(q dr.Question, quorum int) *dr.Question {
	q.Takes = maps.Clone(q.Takes)
	q.Raise(quorum)
	return &q
}

// goneOf is for steps: the configuration is that of this process.
func goneOf(who, approvers []string) []string {
	return slices.DeleteFunc(slices.Clone(who), func(one string) bool { return slices.Contains(approvers, one) })
}

// poll is how far a question has come.
type poll struct {
	asked    dr.Question
	q        Question
	voices   map[string][]string
	put      bool // it is in the record
	reminder int
}

// answer waits for a message that answers this question, and gives whose votes count for it
// if they still have a say. Who may say what was checked when it was said; here the votes are
// counted.
func (r *Run) answer(p *poll, out Outcome) (verb string, by dr.Voices, counting []string) {
	for {
		asked, q := p.asked, p.q
		wait := askAgain
		switch {
		case !p.put:
			wait = putAgain
		case q.Late.Do != nil && p.reminder == 1:
			wait = min(wait, q.Late.After)
		}
		if len(r.abandoned) > 0 && q.Over == Abandon {
			return Stop, r.abandoned, nil
		}
		m, ok := r.Receive(wait)
		if !ok {
			told := Note(r, "remind/"+asked.Step, func(ctx context.Context) (put, error) { return p.remind(ctx, r, out) })
			p.put = p.put || told.OK()
			p.reminder++
			if as := told.Value.as; as != nil {
				r.questions = as.Number
				p.takes(as)
			}
			continue
		}
		if m.Kind == q.Over || m.Kind == Abandon { // a step may not know yet that it is past the merge
			return Stop, m.By, nil
		}
		if m.Kind == Cancel && r.late == "" {
			r.late = m.By.First()
		}
		if m.Kind != Answer || m.Question != asked.Number || !slices.Contains(q.Answers, m.Answer) {
			continue // said to an older question, or too late
		}
		if q.Takes[m.Answer] <= 1 {
			return m.Answer, m.By, m.By
		}
		if slices.Contains(q.Without, m.By.First()) {
			continue
		}
		switch by := p.voices[m.Answer]; {
		case !slices.Contains(by, m.By.First()):
			p.voices[m.Answer] = append(by, m.By.First())
		case len(by) < q.Takes[m.Answer]:
			continue
		} // whoever says it again where it once took more has it counted again
		if by := p.voices[m.Answer]; len(by) >= q.Takes[m.Answer] {
			return m.Answer, slices.Clone(by), slices.Clone(by)
		}
		r.counted(asked, p.voices)
	}
}

// remind reminds people of a question, and puts it anew where it is another by now: what was
// said to it counts for nothing then.
func (p *poll) remind(ctx context.Context, r *Run, out Outcome) (put, error) {
	late := p.q.Late.line(ctx, r)
	now, _ := p.look(ctx, out.What, true)
	if now.as != nil {
		now.as.Number = r.questions + 1
	}
	if now.as != nil || !p.put { // nobody can answer what is in no record
		asked := p.asked
		if now.as != nil {
			asked = *now.as
		}
		if err := r.Write(ctx, func(run *dr.Run) { run.State, run.Question = dr.RunPaused, shown(asked, r.Quorum) }); err != nil {
			return put{}, err
		}
	}
	if err := r.Say(ctx, fmt.Sprintf("remind/%d/%d", p.asked.Number, p.reminder), dr.Warn, dr.T("note.still-paused", "step", p.asked.Step), late); err != nil || now.as == nil {
		return put{}, err
	}
	return now, sayPaused(ctx, r, *now.as, out)
}

// commands are the answers that one person gives, and of each other the whole command, with
// how many people it takes.
func commands(run string, q dr.Question) (alone []string, several []dr.Text) {
	for _, verb := range q.Answers {
		if q.Names(run, verb) == "" {
			alone = append(alone, verb)
			continue
		}
		several = append(several, dr.T("note.answer.several", "answer", verb, "command", q.Answer(run, verb), "n", q.Takes[verb], "without", q.Without))
	}
	return alone, several
}

// counted shows the votes of those who have a say.
func (r *Run) counted(asked dr.Question, voices map[string][]string) {
	told := map[string][]string{}
	for verb, by := range voices {
		told[verb] = slices.Clone(by)
	}
	Note(r, "vote/"+asked.Step, func(ctx context.Context) (bool, error) {
		for verb, by := range told {
			left := goneOf(by, r.Approvers)
			told[verb] = slices.DeleteFunc(by, func(who string) bool { return slices.Contains(left, who) })
		}
		r.Update(ctx, func(run *dr.Run) {
			if run.Question != nil {
				run.Question.Voices = told
			}
		})
		return true, nil
	})
}
