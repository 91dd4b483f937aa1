package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// askAgain is how often a paused run reminds its channel.
const askAgain = 30 * time.Minute

// ask pauses the run and waits for retry, skip or stop. Stop comes back as an
// ending. Skipping what proves that the service is safe needs the same quorum as
// the change itself.
func (r *runbook) ask(step string, what, hint string) (string, error) {
	r.questions++
	q := r.question(step, what)
	record(r, "ask/"+step, func(ctx context.Context) (bool, error) {
		if err := r.updated(ctx, func(run *dr.Run) {
			run.State, run.Question = dr.RunPaused, &q
			run.Outcome, run.Hint = what, hint
			run.Progress = nil
		}); err != nil {
			return false, err
		}
		key := fmt.Sprintf("paused/%d", q.Number)
		lines := []string{what, q.Means, hint, "Type: `drbot answer " + r.req.Run + " " + strings.Join(q.Answers, "|") + "`, or use the buttons above."}
		return true, r.say(ctx, key, dr.Fail, "Paused at "+step, slices.DeleteFunc(lines, func(s string) bool { return s == "" })...)
	})
	verb, by := r.answer(q)
	record(r, "answered/"+step, func(ctx context.Context) (bool, error) {
		r.update(ctx, func(run *dr.Run) {
			run.State, run.Question, run.Outcome, run.Hint = dr.RunRunning, nil, "", ""
			if i := run.StepIndex(step); i >= 0 && verb == "skip" {
				run.Steps[i].State = dr.StepSkipped
				run.Steps[i].Detail = "skipped by " + by
			}
		})
		if err := r.audit(ctx, "answer "+verb, step+", by "+by); err != nil {
			return false, err
		}
		return true, r.say(ctx, fmt.Sprintf("answered/%d", q.Number), dr.OK, fmt.Sprintf("%s: %s, says %s", step, verb, by))
	})
	if verb != "stop" {
		return verb, nil
	}
	return "", r.stopped(fmt.Sprintf("stopped by %s at %s: %s", by, step, what))
}

func (r *runbook) question(step, what string) dr.Question {
	q := dr.Question{Number: r.questions, Step: step, What: what, Answers: []string{"retry", "stop"}, Needed: 1}
	act, _, _ := strings.Cut(step, "/")
	switch {
	case r.merged() && act == "merge":
		q.Means = "GitHub has merged the change. Until this is answered " + r.req.Service + " is held by this run."
	case r.merged():
		q.Answers = []string{"retry", "skip", "stop"}
		q.Means = "The change is merged; nothing is rolled back by itself. Until this is answered " + r.req.Service + " is held by this run."
	case act == "merge":
		q.Means = "The change may have been merged: look at it before you stop. Nothing else has been done."
	default:
		q.Means = "Nothing has been changed yet. Stopping closes the pull request."
	}
	if act == "promote" || act == "gate" || act == "verify" {
		q.Needed = r.svc.Quorum
	}
	return q
}

// answer waits for a message that answers this question. Who may say what was
// checked when it was said; here the votes are counted.
func (r *runbook) answer(q dr.Question) (verb, by string) {
	var votes []string
	for reminder := 1; ; {
		m, ok := r.receive(askAgain)
		if !ok {
			record(r, "remind/"+q.Step, func(ctx context.Context) (bool, error) {
				return true, r.say(ctx, fmt.Sprintf("remind/%d/%d", q.Number, reminder), dr.Warn, "Still paused at "+q.Step)
			})
			reminder++
			continue
		}
		if m.Kind == "abandon" && r.merged() || m.Kind == "cancel" && !r.merged() {
			return "stop", m.By
		}
		if m.Kind != "answer" || m.Question != q.Number || !slices.Contains(q.Answers, m.Answer) {
			continue // said to an older question, or too late
		}
		if m.Answer != "skip" || q.Needed <= 1 {
			return m.Answer, m.By
		}
		if m.By == r.req.Requester || slices.Contains(votes, m.By) {
			continue
		}
		votes = append(votes, m.By)
		if len(votes) >= q.Needed {
			return "skip", strings.Join(votes, " and ")
		}
		counted := slices.Clone(votes)
		record(r, "vote/"+q.Step, func(ctx context.Context) (bool, error) {
			r.update(ctx, func(run *dr.Run) {
				if run.Question != nil {
					run.Question.Votes = counted
				}
			})
			return true, nil
		})
	}
}

// stopped is the ending of a run that a person stopped, in the words that fit
// how far it had come.
func (r *runbook) stopped(why string) *ending {
	e := &ending{State: dr.RunStopped, Outcome: why, Hint: r.startAgain()}
	if r.merged() {
		e.Hint = fmt.Sprintf("Git says %s, and nothing is rolled back by itself. To go back: /dr failback %s %s planned REASON", r.req.Target, r.req.Service, r.source)
		if r.req.Mode == dr.Planned {
			e.Hint += fmt.Sprintf(". If %s is lost: revert the pull request by hand, then /dr %s %s %s disaster REASON", r.source, r.req.Kind, r.req.Service, r.req.Target)
		}
	}
	return e
}
