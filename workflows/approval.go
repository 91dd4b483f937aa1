package workflows

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/policies"
)

// seen is one look at a change.
type seen struct {
	Approval dr.Approval `json:"approval"`
	At       time.Time   `json:"at"`
	Ended    string      `json:"ended,omitempty"`  // why there is nothing to wait for any more
	Merged   bool        `json:"merged"`           // by this bot
	Expires  time.Time   `json:"expires,omitzero"` // as it is by now: it goes along with a clock that jumped
}

// reminders are the ages of a wait at which its channel is told what is left.
var reminders = []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute}

// awaitApproval waits until the change has its approvals, reading the reviews at
// every nudge and every few seconds. A webhook or a button is only a nudge: what
// counts is what GitHub says when asked.
func (r *runbook) awaitApproval(change dr.Change, p planned) (seen, error) {
	began := record(r, "await-approval", func(ctx context.Context) (time.Time, error) {
		var expires time.Time
		err := r.updated(ctx, func(run *dr.Run) {
			if run.Expires.IsZero() {
				run.Expires = r.deps.Now().Add(r.svc.Expiry)
			}
			run.State, expires = dr.RunWaiting, run.Expires
		})
		if err != nil {
			return expires, err
		}
		r.mark(ctx, "await-approval", func(s *dr.Step, now time.Time) {
			s.State, s.Ended = dr.StepRunning, time.Time{}
			if s.Started.IsZero() {
				s.Started = now
			}
		})
		return expires, nil
	})
	if !began.ok() {
		return seen{}, &ending{State: dr.RunStopped, Outcome: "the wait for approval could not be begun: " + began.Msg, Hint: r.startAgain()}
	}
	expires := began.Value
	told := 0
	for {
		look := r.look(change, p)
		if !look.Expires.IsZero() {
			expires = look.Expires
		}
		switch {
		case look.Ended != "":
			return look, r.cancelled(look.Ended)
		case !look.At.Before(expires) && !look.Merged:
			return look, r.expired(look.Approval)
		case look.Approval.Allowed, look.Approval.Broken != "":
			// A cancel that came before this moment counts, also behind many nudges.
			if by := r.drainInbox(); by != "" && !look.Merged {
				return look, r.cancelled("cancelled by " + by + ".")
			}
			r.endWait(look)
			return look, nil
		}
		told = r.remind(look, expires, told)
		m, ok := r.receive(min(r.deps.Timing.Review, expires.Sub(look.At)))
		if !ok {
			continue
		}
		by := r.drainInbox()
		if m.Kind == "cancel" {
			by = m.By
		}
		if by != "" {
			return look, r.cancelled("cancelled by " + by + ".")
		}
	}
}

func (r *runbook) cancelled(why string) *ending {
	return &ending{State: dr.RunCancelled, Outcome: why, Hint: r.startAgain()}
}

func (r *runbook) expired(a dr.Approval) *ending {
	return &ending{State: dr.RunExpired, Outcome: fmt.Sprintf("nobody approved in time: %s.", orNothing(a.Reasons)), Hint: r.startAgain()}
}

func (r *runbook) startAgain() string {
	return fmt.Sprintf("start again: /dr %s %s %s %s REASON", r.req.Kind, r.req.Service, r.req.Target, r.req.Mode)
}

// look reads the change and counts its approvals.
func (r *runbook) look(change dr.Change, p planned) seen {
	out := record(r, "look", func(ctx context.Context) (seen, error) {
		r.nudged.Delete(r.req.Run)
		s := seen{At: r.now(ctx)}
		if run, err := r.deps.Runs.Run(ctx, r.req.Run); err == nil {
			s.Expires = run.Expires
		}
		st, a, err := r.count(ctx, change, p)
		if err != nil {
			// A look that fails denies; the next one is soon.
			msg, _ := dr.Public(err, "GitHub could not be read")
			s.Approval = dr.Approval{Needed: r.svc.Quorum, Decision: dr.Decision{Reasons: []string{msg}}}
			r.deps.Log.WarnContext(ctx, "the reviews could not be read", "run", r.req.Run, "error", err)
			r.showApproval(ctx, s.Approval)
			return s, nil
		}
		s.Approval = a
		self, err := r.deps.Change.Self(ctx)
		switch {
		case err != nil:
			s.Approval.Allowed = false
		case st.Merged && st.MergedBy != self:
			s.Ended = fmt.Sprintf("#%d was merged by %s by hand, not by drbot. Git says %s now, and nothing else has been done.", change.Number, orSomebody(st.MergedBy), r.req.Target)
		case st.Merged:
			s.Merged, s.Approval.Allowed, s.Approval.Broken = true, true, "" // by this run, before a restart: the merge step finds it
		case !st.Open:
			s.Ended = fmt.Sprintf("#%d was closed.", change.Number)
		}
		r.showApproval(ctx, s.Approval)
		return s, nil
	})
	return out.Value
}

// count reads everything fresh and applies the fixed rules.
func (r *runbook) count(ctx context.Context, change dr.Change, p planned) (dr.ChangeState, dr.Approval, error) {
	st, err := r.deps.Change.ChangeState(ctx, r.svc.Repository, change.Number)
	if err != nil {
		return st, dr.Approval{}, err
	}
	self, err := r.deps.Change.Self(ctx)
	if err != nil {
		return st, dr.Approval{}, err
	}
	want, err := r.deps.File.SetActiveRegion(st.BaseFile, r.req.Target)
	if err != nil {
		return st, dr.Approval{}, err
	}
	return st, policies.Count(st, policies.ApprovalRules{
		People: r.deps.People, Approvers: r.svc.Approvers, Requester: r.req.Requester, Quorum: r.svc.Quorum,
		Head: change.Head, BaseRef: r.svc.Repository.Base, File: r.svc.Repository.File,
		Recorded: p.Recorded, BotLogin: self, WantFile: want,
	}), nil
}

// showApproval updates the status and the record when there is something new to
// show. The status comes first: a record that is up to date says that it was set.
func (r *runbook) showApproval(ctx context.Context, a dr.Approval) {
	run, err := r.deps.Runs.Run(ctx, r.req.Run)
	if err == nil && sameApproval(run.Approval, a) {
		return
	}
	if err := r.approvalStatus(ctx, run.Change.Head, a); err != nil {
		r.deps.Log.WarnContext(ctx, "the approval status was not set", "run", r.req.Run, "error", err)
	}
	r.update(ctx, func(run *dr.Run) { run.Approval = a })
	r.mark(ctx, "await-approval", func(s *dr.Step, _ time.Time) { s.Detail = fmt.Sprintf("%d of %d", len(a.By), a.Needed) })
}

func (r *runbook) approvalStatus(ctx context.Context, head string, a dr.Approval) error {
	if head == "" {
		return nil
	}
	state := dr.StatePending
	if a.Allowed {
		state = dr.StateSuccess
	}
	return r.deps.Publish.Status(ctx, r.svc.Repository, head, "drbot/approval", state, list(a.Reasons), "")
}

func sameApproval(a, b dr.Approval) bool {
	return a.Allowed == b.Allowed && a.Broken == b.Broken && a.Needed == b.Needed && slices.Equal(a.By, b.By) &&
		slices.Equal(a.Blocked, b.Blocked) && slices.Equal(a.Ignored, b.Ignored) && slices.Equal(a.Reasons, b.Reasons)
}

func (r *runbook) endWait(look seen) {
	record(r, "approved", func(ctx context.Context) (bool, error) {
		r.update(ctx, func(run *dr.Run) { run.State, run.Outcome = dr.RunRunning, "" })
		r.mark(ctx, "await-approval", func(s *dr.Step, now time.Time) {
			s.Ended = now
			s.State, s.Detail = dr.StepDone, "by "+list(look.Approval.By)
			if look.Approval.Broken != "" {
				s.State, s.Detail = dr.StepFailed, look.Approval.Broken
			}
		})
		return true, r.audit(ctx, "approval", sentence(list(look.Approval.By), list(look.Approval.Reasons)))
	})
	if !look.Approval.Allowed {
		return
	}
	// Set once more, because branch protection may wait for it: a look that is over
	// does not come back to a status that was not set.
	record(r, "approval-status", func(ctx context.Context) (bool, error) {
		run, err := r.deps.Runs.Run(ctx, r.req.Run)
		if err != nil {
			return false, err
		}
		return true, r.approvalStatus(ctx, run.Change.Head, look.Approval)
	})
}

// remind tells the channel at set ages of the wait what is left of the objective.
func (r *runbook) remind(look seen, expires time.Time, told int) int {
	age := r.svc.Expiry - expires.Sub(look.At)
	if told >= len(reminders) || age < reminders[told] {
		return told
	}
	for told < len(reminders) && age >= reminders[told] {
		told++
	}
	n := told
	record(r, "remind/await-approval", func(ctx context.Context) (bool, error) {
		run, err := r.deps.Runs.Run(ctx, r.req.Run)
		if err != nil {
			return false, err
		}
		left := r.svc.Objectives.RTO - look.At.Sub(run.Began())
		return true, r.say(ctx, fmt.Sprintf("remind/await/%d", n), dr.Warn, "Waiting for approval",
			dr.Capital(list(look.Approval.Reasons))+".",
			fmt.Sprintf("%s left of the RTO of %s; this request expires in %s.", dr.Human(left), dr.Human(r.svc.Objectives.RTO), dr.Human(expires.Sub(look.At))))
	})
	return told
}

func orSomebody(login string) string {
	if login == "" {
		return "somebody"
	}
	return login
}
