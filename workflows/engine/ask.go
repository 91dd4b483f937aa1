package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// The answers of a question.
const (
	Retry = "retry"
	Skip  = "skip"
	Stop  = "stop"
)

// askAgain is how often a paused run reminds its channel.
const askAgain = 30 * time.Minute

// putAgain is when a question is put again that could not be written down.
const putAgain = time.Minute

// Question is what a run asks when a step did not go well.
type Question struct {
	Means   dr.Text
	Answers []string
	Needed  int    // people that skip takes
	Without string // the person whose word does not count for a skip
	Over    string // the kind of message that ends the run: Cancel or Abandon
}

// Ask pauses the run and waits for an answer to what a step left behind.
func (r *Run) Ask(step string, out Outcome, q Question) (verb, by string) {
	r.questions++
	asked := dr.Question{Number: r.questions, Step: step, What: out.What, Means: q.Means, Answers: q.Answers, Needed: q.Needed}
	put := Note(r, "ask/"+step, func(ctx context.Context) (bool, error) {
		if err := r.Write(ctx, func(run *dr.Run) {
			run.State, run.Question = dr.RunPaused, &asked
			run.Outcome, run.Next = out.What, out.Next
			run.Progress = nil
		}); err != nil {
			return false, err
		}
		return true, r.Say(ctx, fmt.Sprintf("paused/%d", asked.Number), dr.Fail, dr.T("note.paused", "step", step),
			out.What, q.Means, out.Next,
			dr.T("note.answer", "command", dr.Cmd("answer", "run", r.ID, "answer", strings.Join(q.Answers, "|"))))
	})
	verb, by = r.answer(asked, q, put.OK())
	Note(r, "answered/"+step, func(ctx context.Context) (bool, error) {
		r.Update(ctx, func(run *dr.Run) {
			run.State, run.Question, run.Outcome, run.Next = dr.RunRunning, nil, dr.Text{}, dr.Text{}
			if i := run.StepIndex(step); i >= 0 && verb == Skip {
				run.Steps[i].State = dr.StepSkipped
				run.Steps[i].Detail = dr.T("step.skipped", "who", by)
			}
		})
		if err := r.Audit(ctx, "answer "+verb, dr.T("audit.answer", "step", step, "who", by)); err != nil {
			return false, err
		}
		return true, r.Say(ctx, fmt.Sprintf("answered/%d", asked.Number), dr.OK, dr.T("note.answered", "step", step, "answer", verb, "who", by))
	})
	if verb == Skip {
		r.skipped[step] = true
	}
	return verb, by
}

// answer waits for a message that answers this question. Who may say what was
// checked when it was said; here the votes are counted.
func (r *Run) answer(asked dr.Question, q Question, put bool) (verb, by string) {
	var votes []string
	for reminder := 1; ; {
		wait := askAgain
		if !put {
			wait = putAgain
		}
		m, ok := r.Receive(wait)
		if !ok {
			told := Note(r, "remind/"+asked.Step, func(ctx context.Context) (bool, error) {
				if !put {
					// Nobody can answer what is in no record.
					if err := r.Write(ctx, func(run *dr.Run) { run.State, run.Question = dr.RunPaused, &asked }); err != nil {
						return false, err
					}
				}
				return true, r.Say(ctx, fmt.Sprintf("remind/%d/%d", asked.Number, reminder), dr.Warn, dr.T("note.still-paused", "step", asked.Step))
			})
			put = put || told.OK()
			reminder++
			continue
		}
		if m.Kind == q.Over {
			return Stop, m.By
		}
		if m.Kind != Answer || m.Question != asked.Number || !slices.Contains(q.Answers, m.Answer) {
			continue // said to an older question, or too late
		}
		if m.Answer != Skip || q.Needed <= 1 {
			return m.Answer, m.By
		}
		if m.By == q.Without || slices.Contains(votes, m.By) {
			continue
		}
		votes = append(votes, m.By)
		if len(votes) >= q.Needed {
			return Skip, strings.Join(votes, " and ")
		}
		r.counted(asked.Step, slices.Clone(votes))
	}
}

func (r *Run) counted(step string, votes []string) {
	Note(r, "vote/"+step, func(ctx context.Context) (bool, error) {
		r.Update(ctx, func(run *dr.Run) {
			if run.Question != nil {
				run.Question.Votes = votes
			}
		})
		return true, nil
	})
}
