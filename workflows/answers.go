package workflows

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// Cancel asks a run to end. Before the merge its requester and those who may
// approve it can; past the merge two of these must say so, and nothing is rolled back.
func (b Commands) Cancel(ctx context.Context, c Caller, id string) (dr.Run, dr.Text, error) {
	run, who, err := b.voice(ctx, c, "cancel", id)
	if err != nil {
		return run, dr.Text{}, err
	}
	if err := b.heard(ctx, c, who, "cancel", run, dr.Text{}); err != nil {
		return run, dr.Text{}, err
	}
	// It may have been merged, or have ended, while that was written down.
	if run, err = b.Store.Records.Run(ctx, run.Run); err == nil {
		err = stillOpen(run)
	}
	if err != nil {
		return run, dr.Text{}, err
	}
	if !run.PastMerge() {
		return run, cancelling(run), b.engine.End(ctx, run.Run, engine.Cancel, who.Name)
	}
	return b.abandon(ctx, run, who)
}

// cancelling is what a cancel leads to, as far as it is known now.
func cancelling(run dr.Run) dr.Text {
	switch {
	case run.Kind == dr.Resume:
		return dr.T("said.cancelling.resume")
	case run.Question != nil && run.Question.Step == stepMerge:
		return dr.T("said.cancelling.merged")
	}
	return dr.T("said.cancelling")
}

// abandon counts who wants a run past its merge to end; it does at its pause, or before
// its next step, when there are enough.
func (b Commands) abandon(ctx context.Context, run dr.Run, who dr.Person) (dr.Run, dr.Text, error) {
	approvers, name := b.Team.Services[run.Service].Approvers, who.Name
	if run.AskedBy(who, b.Team.People) {
		name = run.Requester // who is called something else by now is one person still
	}
	again := false
	run, err := b.Store.Book.UpdateRun(ctx, run.Run, func(r *dr.Run) {
		again = slices.Contains(r.Abandon, name)
		// Who has left since has no say any more.
		r.Abandon = slices.DeleteFunc(r.Abandon, func(name string) bool { return name != r.Requester && !slices.Contains(approvers, name) })
		if !slices.Contains(r.Abandon, name) {
			r.Abandon = append(r.Abandon, name)
		}
	})
	if err != nil {
		return run, dr.Text{}, err
	}
	b.host.Changed(run.Run)
	left := dr.T("said.left")
	if run.Mode == dr.Planned && !promoted(run) {
		left = dr.T("said.left.planned", "source", run.Source)
	}
	if len(run.Abandon) < dr.AbandonedBy {
		said := dr.T("said.abandon-takes-two", "left", left)
		if again {
			said = dr.T("said.abandon-again", "left", left)
		}
		return run, said, nil
	}
	return run, dr.T("said.abandoned", "left", left), b.engine.End(ctx, run.Run, engine.Abandon, run.Abandon...)
}

// promoted tells whether the run has moved a writer, so that nothing of the source comes back.
func promoted(run dr.Run) bool {
	return slices.ContainsFunc(run.Steps, func(s dr.Step) bool {
		return s.State == dr.StepDone && strings.HasPrefix(s.Name, steps.Promotion.Name(""))
	})
}

// Reply is an answer to a question.
type Reply struct {
	Number int // of the question; that which the run asks now when 0
	Verb   string
	Digest string // of what was read, where no number says which question that was
}

// Answer answers a question of a paused run.
func (b Commands) Answer(ctx context.Context, c Caller, id string, reply Reply) (dr.Run, dr.Text, error) {
	number, verb := reply.Number, reply.Verb
	action := "answer-" + clip(verb, 10)
	run, who, err := b.voice(ctx, c, action, id)
	if err != nil {
		return run, dr.Text{}, err
	}
	refused := func(e *dr.Error) error {
		b.denied(ctx, who.Name, c.Via, action, run.Service, e.What)
		return e
	}
	status := dr.T("command.try", "command", dr.Cmd("status", "service", run.Service))
	if run.Question == nil {
		return run, dr.Text{}, refused(&dr.Error{Code: dr.Conflict, What: dr.T("answer.no-question", "run", run.Run), Next: status})
	}
	s := b.Team.Services[run.Service]
	ends := verb == engine.Stop && run.PastMerge() // as cancel does: whoever asked for it has a say
	if !ends && !slices.Contains(s.Approvers, who.Name) {
		b.denied(ctx, who.Name, c.Via, "answer", run.Service, dr.T("audit.no-approver"))
		return run, dr.Text{}, &dr.Error{Code: dr.Denied, What: dr.T("answer.no-approver"), Next: dr.T("ask-one-of", "people", s.Approvers)}
	}
	q := *run.Question
	if number == 0 {
		number = q.Number
	}
	takes := q.Takes[verb]
	if verb == engine.Stop {
		takes = 1 // or as many as abandon a run, whoever asked for it among them
	}
	switch {
	case !slices.Contains(q.Answers, verb):
		return run, dr.Text{}, refused(&dr.Error{Code: dr.Invalid, What: dr.T("answer.none", "answer", dr.Foreign(clip(verb, 20))), Next: dr.T("answer.none.next", "commands", answers(run.Run, q))})
	case number != q.Number:
		return run, dr.Text{}, refused(&dr.Error{Code: dr.Conflict, What: dr.T("answer.old", "step", q.Step), Next: status})
	case takes > 1 && (slices.Contains(q.Without, who.Name) || run.AskedBy(who, b.Team.People) || askedBefore(ctx, b, run, who)):
		return run, dr.Text{}, refused(&dr.Error{Code: dr.Denied, What: dr.T("answer.requester", "who", who.Name, "answer", verb, "step", q.Step), Next: dr.T("answer.requester.next", "n", takes, "answer", verb)})
	case reply.Number == 0 && !names(reply.Digest, q.Names(run.Run, verb)):
		// Who types it names what they have read: it may be another by now.
		what := dr.T("answer.digest", "answer", verb, "what", asking(q, verb))
		if reply.Digest != "" {
			what = dr.T("answer.digest.wrong", "answer", verb, "typed", dr.Foreign(clip(reply.Digest, 20)), "step", q.Step, "status", dr.Cmd("status", "service", run.Service), "what", asking(q, verb))
		}
		return run, dr.Text{}, refused(&dr.Error{Code: dr.Conflict, What: what, Next: dr.T("command.try", "command", q.Answer(run.Run, verb))})
	}
	var detail dr.Text
	if verb == engine.Accept {
		detail = dr.T("audit.accept", "step", q.Step, "digest", q.Digest)
	}
	if err := b.heard(ctx, c, who, action, run, detail); err != nil {
		return run, dr.Text{}, err
	}
	if ends {
		return b.abandon(ctx, run, who)
	}
	said := dr.T("said.answer", "answer", verb)
	if takes > 1 {
		more := 0
		// It is counted at once: who says it a moment later is told what that leaves.
		if run, err = b.Store.Book.UpdateRun(ctx, run.Run, func(r *dr.Run) {
			if verb == engine.Accept {
				r.Accepting = append(r.Accepting, dr.Acceptance{By: who.Name, Step: q.Step, Digest: q.Digest, At: b.host.Now()})
			}
			if now := r.Question; now != nil && now.Number == number {
				if now.Voices == nil {
					now.Voices = map[string][]string{}
				}
				if !slices.Contains(now.Voices[verb], who.Name) {
					now.Voices[verb] = append(now.Voices[verb], who.Name)
				}
				more = takes - len(now.Voices[verb])
			}
		}); err != nil {
			return run, dr.Text{}, err
		}
		b.host.Changed(run.Run)
		if more > 0 {
			said = dr.T("said.noted", "answer", verb, "step", q.Step, "n", more)
		}
	}
	return run, said, b.engine.Send(run.Run, engine.Message{Kind: engine.Answer, By: dr.Voices{who.Name}, Answer: verb, Question: number})
}

// names tells whether what was typed names what is asked: by all of it, or more; nothing where
// nothing has to be named.
func names(typed, asked string) bool {
	return asked == "" || len(typed) >= len(asked) && strings.HasPrefix(typed, asked)
}

// asking is what is asked, as far as it decides over an answer.
func asking(q dr.Question, verb string) dr.Text {
	if verb == engine.Disaster {
		return dr.T("answer.digest.loses", "what", q.What, "loses", q.Loses)
	}
	return q.What
}

// answers are the commands that answer a question.
func answers(run string, q dr.Question) []dr.Command {
	var out []dr.Command
	for _, verb := range q.Answers {
		out = append(out, q.Answer(run, verb))
	}
	return out
}

// askedBefore tells whether a person asked for a run that this one goes on with, whatever
// the name is by now. What cannot be read counts as so.
func askedBefore(ctx context.Context, b Commands, run dr.Run, who dr.Person) bool {
	if len(run.Question.Without) == 0 || run.Kind != dr.Resume {
		return false
	}
	runs, err := b.Store.Records.Runs(ctx, run.Service, 1000)
	return err != nil || slices.ContainsFunc(runs, func(r dr.Run) bool {
		return slices.Contains(run.Question.Without, r.Requester) && r.AskedBy(who, b.Team.People)
	})
}

// voice finds an open run and checks that the caller has a say in it.
func (b Commands) voice(ctx context.Context, c Caller, action, id string) (dr.Run, dr.Person, error) {
	who, err := b.person(ctx, c, action, "")
	if err != nil {
		return dr.Run{}, who, err
	}
	run, err := b.Store.Records.Run(ctx, clip(id, 120))
	if err != nil {
		return run, who, err
	}
	s := b.Team.Services[run.Service]
	if !run.AskedBy(who, b.Team.People) && !slices.Contains(s.Approvers, who.Name) {
		b.denied(ctx, who.Name, c.Via, action, run.Service, dr.T("audit.no-voice"))
		return run, who, &dr.Error{Code: dr.Denied, What: dr.T("voice.none"), Next: dr.T("ask-one-of", "people", s.Approvers)}
	}
	return run, who, stillOpen(run)
}

// stillOpen is an error where a run is over.
func stillOpen(run dr.Run) error {
	if !run.State.Final() {
		return nil
	}
	return &dr.Error{Code: dr.Conflict, What: dr.T("voice.over", "run", run.Run, "state", run.State.Text()), Next: dr.T("command.try", "command", dr.Cmd("status", "service", run.Service))}
}

// heard writes down what somebody with a say in a run has said, right before it counts.
func (b Commands) heard(ctx context.Context, c Caller, who dr.Person, action string, run dr.Run, detail dr.Text) error {
	return b.Store.Book.Audit(ctx, dr.AuditEntry{At: b.host.Now(), Who: who.Name, Via: c.Via, Action: action, Service: run.Service, Run: run.Run, Granted: true, Detail: detail})
}

// News is what a forge told of: something about a pull request, or a push to a branch.
type News struct {
	Owner, Repo string
	Number      int    // of the pull request; 0 when it names none
	Branch      string // that was pushed to
}

// How far apart the looks are that news lead to. What is pushed to the base is read as
// often as a run looks anyway.
var (
	looksByNews   = engine.Apart{First: 200 * time.Millisecond, Most: 3 * time.Second}
	looksByPushes = engine.Apart{First: 15 * time.Second, Most: 15 * time.Second}
)

// Nudge has the runs that news are about look soon. Comments and pushes to other branches
// are news of none.
func (b Commands) Nudge(ctx context.Context, n News) error {
	runs, err := b.Store.Records.OpenRuns(ctx)
	if err != nil {
		return err
	}
	var lost []error
	for _, run := range runs {
		s := b.Team.Services[run.Service]
		if run.State != dr.RunWaiting || !strings.EqualFold(s.Repository.Owner, n.Owner) || !strings.EqualFold(s.Repository.Name, n.Repo) {
			continue
		}
		apart := looksByNews
		switch {
		case n.Number != 0 && n.Number == run.Change.Number, n.Branch != "" && n.Branch == run.Change.Branch:
		case n.Branch != "" && n.Branch == s.Repository.Base:
			apart = looksByPushes
		default:
			continue
		}
		apart.Most = min(apart.Most, b.timing.Review)
		lost = append(lost, b.engine.Nudge(run.Run, apart))
	}
	return errors.Join(lost...)
}
