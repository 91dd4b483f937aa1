package workflows

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// seen is one look at a change.
type seen struct {
	Approval dr.Approval `json:"approval"`
	At       time.Time   `json:"at"`
	Ended    dr.Text     `json:"ended,omitzero"`   // why there is nothing to wait for any more
	ByHand   bool        `json:"by_hand,omitzero"` // merged by somebody else
	Foreign  bool        `json:"foreign,omitzero"` // and with another head than drbot's
	Merged   bool        `json:"merged"`           // by this bot
	Expires  time.Time   `json:"expires"`          // as it is by now: it goes along with a clock that jumped
	Told     bool        `json:"told,omitempty"`   // the record and the status say so
	Unread   bool        `json:"unread,omitempty"` // the forge could not be read: no time of the wait
	Base     string      `json:"base,omitempty"`   // another base than was planned on, which this look was the first to see
	Moved    bool        `json:"moved,omitempty"`  // what the stacks read is another there
}

// reminders are the ages of a wait at which its channel is told what is left.
var reminders = []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute}

// waiting is the wait for the approvals of a change.
type waiting struct{ *approval }

// await waits until the change has its approvals, or the first where that is asked for, or
// until the base has moved in what the stacks read, so that nobody approves what is old
// already. It reads the reviews at every nudge and every few seconds. A webhook or a button
// is only a nudge: what counts is what GitHub says when asked.
func (a waiting) await(p proposal, first bool) (seen, error) {
	if err := a.beginWait(); err != nil {
		return seen{}, err
	}
	for {
		look := a.look(p)
		switch {
		case !look.Ended.Empty():
			end := a.cancelled(look.Ended)
			if !look.ByHand {
				return look, end
			}
			if !look.Foreign && a.adopt(p, look) {
				look.Merged, look.Approval.Allowed, look.Approval.Broken = true, true, dr.Text{}
				a.endAdopted()
				return look, nil
			}
			end.Next = revertOrResume(a.failover)
			return look, end
		case !look.At.Before(look.Expires) && !look.Merged:
			return look, a.expired(look.Approval)
		case look.Approval.Allowed && !steady(a.run, look.At).Before(a.notBefore), !look.Approval.Broken.Empty():
			// A cancel that came before this moment counts, also behind many nudges.
			if by := a.run.Cancelled(); by != "" {
				if !look.Merged {
					return look, a.cancelled(dr.T("run.cancelled", "who", by))
				}
				a.overtaken = by
			}
			a.endWait(look)
			return look, nil
		case !look.Approval.Allowed && (look.Moved || first && len(look.Approval.By) > 0):
			return look, nil
		}
		a.remind(look)
		m, ok := a.run.Receive(min(a.timing.Review, look.Expires.Sub(look.At)))
		if !ok {
			continue
		}
		by := a.run.Cancelled()
		if m.Kind == engine.Cancel {
			by = m.By.First()
		}
		if by != "" {
			return look, a.cancelled(dr.T("run.cancelled", "who", by))
		}
	}
}

// adopt asks whether the run goes on with a merge that somebody made without the
// approvals it takes.
func (a waiting) adopt(p proposal, look seen) bool {
	verb, by := a.run.Ask(stepMerge, engine.Outcome{Code: dr.Uncertain, What: look.Ended, Next: dr.T("adopt.next", "next", revertOrResume(a.failover))}, engine.Question{
		Answers: []string{engine.Accept, engine.Stop}, Takes: map[string]int{engine.Accept: a.svc.Quorum}, Without: []string{a.req.Requester},
		Over: engine.Cancel, Digest: p.Digest[:8], Means: dr.T("question.adopt", "needed", needed(a.failover), "without", a.req.Requester, "plan", p.Counts, "number", a.change.Number),
	})
	a.adopted = verb == engine.Accept
	if a.adopted {
		a.taken = append(a.taken, taking{By: by, Step: stepMerge, Digest: p.Digest[:8]})
	}
	return a.adopted
}

// beginWait shows that the run waits. The request expires a set time after its first wait.
func (a waiting) beginWait() error {
	if a.deadline.IsZero() {
		a.blind = blind{}
	}
	began := engine.Note(a.run, stepAwait, func(ctx context.Context) (time.Time, error) {
		deadline := a.deadline
		if deadline.IsZero() {
			deadline = a.run.Now(ctx).Add(a.svc.Expiry - a.run.Moved())
		}
		if err := a.run.Write(ctx, func(run *dr.Run) {
			run.State, run.Expires = dr.RunWaiting, deadline.Add(a.run.Moved()).Add(a.blind.past)
		}); err != nil {
			return deadline, err
		}
		a.run.Mark(ctx, stepAwait, running)
		return deadline, nil
	})
	if !began.OK() {
		return &ending{State: dr.RunStopped, Outcome: dr.T("await.not-begun", "why", began.What), Next: a.startAgain()}
	}
	a.deadline = began.Value
	return nil
}

func (f *failover) cancelled(why dr.Text) *ending {
	return &ending{State: dr.RunCancelled, Outcome: why, Next: f.startAgain()}
}

func (a *approval) expired(last dr.Approval) *ending {
	why := dr.T("run.expired", "reasons", orNothing(last.Reasons))
	switch {
	case len(a.held) > 0:
		why = dr.T("run.expired.held", "reasons", a.held)
	case last.Allowed:
		why = dr.T("run.expired.held", "reasons", orNothing(last.Reasons))
	}
	return &ending{State: dr.RunExpired, Outcome: why, Next: a.startAgain()}
}

func orNothing(reasons []dr.Text) dr.Arg {
	if len(reasons) == 0 {
		return dr.ArgOf(dr.T("word.nothing"))
	}
	return dr.ArgOf(reasons)
}

func (f *failover) startAgain() dr.Text { return dr.T("run.start-again", "command", f.again()) }

// revertFirst leads on where Git has moved and nothing else: asked again without that, a
// run would be told that the service is there already.
func (f *failover) revertFirst() dr.Text {
	return dr.T("run.revert-first", "number", f.change.Number, "region", f.source, "command", f.again())
}

// look reads the change and counts its approvals. One that fails denies. It is as old as
// every other, unless the forge could not be read: then the expiry stands still.
func (a waiting) look(p proposal) seen {
	out := engine.Note(a.run, "look", func(ctx context.Context) (seen, error) {
		a.run.Looked()
		s := seen{At: a.run.Now(ctx)}
		s.Expires = a.expires(s.At)
		reading, done := engine.Hurried(ctx, a.run)
		defer done()
		st, approval, err := a.glance(reading, p)
		if err != nil {
			what, _ := dr.Told(err)
			s.Approval = dr.Approval{Needed: needed(a.failover), Decision: dr.Decision{Reasons: []dr.Text{what}}}
			if s.Unread = dr.CodeOf(err) == dr.Temporary; s.Unread {
				s.Approval.Reasons = append(s.Approval.Reasons, dr.T("await.stands-still"))
			}
			a.run.Log().WarnContext(ctx, "the reviews could not be read", "error", err)
			s.Told = a.showApproval(ctx, reading, s)
			return s, nil
		}
		s.Approval = approval
		self, err := a.Forge.Files.Self(ctx)
		own := false
		if err == nil {
			own, err = tally(a).own(ctx, p, st)
		}
		switch {
		case err != nil:
			s.Approval.Allowed = false
		case st.Merged && !own && (!approval.Allowed || a.tooLate(st, self, s.At)):
			s.ByHand, s.Foreign = true, st.Head != a.change.Head
			s.Ended = dr.T("change.merged-by-hand", "number", a.change.Number, "who", orSomebody(st.MergedBy), "region", a.req.Target)
			if approval.Allowed {
				s.Ended = dr.T("change.merged-late", "number", a.change.Number, "who", orSomebody(st.MergedBy), "region", a.req.Target, "expired", s.Expires)
			}
		case st.Merged:
			// By this run, before a restart; or by somebody else when it had its approvals, in
			// time. The merge step finds it.
			s.Merged, s.Approval.Allowed, s.Approval.Broken = true, true, dr.Text{}
		case !st.Open:
			s.Ended = dr.T("change.closed-by-hand", "number", a.change.Number, "who", orSomebody(st.ClosedBy))
		case st.BaseSHA != p.Base && st.BaseSHA != a.compared:
			s.Base, s.Moved = st.BaseSHA, a.outdated(reading, p, st.BaseSHA)
		}
		if st.Open {
			a.notElsewhere(reading, st, s.Approval)
		}
		s.Told = a.showApproval(ctx, reading, s)
		return s, nil
	})
	look := out.Value
	if !out.OK() {
		look = seen{At: out.At, Expires: a.expires(out.At), Approval: dr.Approval{Needed: needed(a.failover), Decision: dr.Decision{Reasons: []dr.Text{out.What}}}}
	}
	if look.Told {
		a.shown = look.Approval
	}
	if look.Base != "" {
		a.compared = look.Base
	}
	a.blind = a.blind.after(steady(a.run, look.At), look.Unread)
	return look
}

// notElsewhere has nobody but the run merge the change, as far as it can, and says what it
// has done for that.
func (a waiting) notElsewhere(ctx context.Context, st dr.ChangeState, approval dr.Approval) {
	off := owing{a.approval, owedAutoMerge}.pay
	if st.AutoMerge {
		off = a.notByItself
	}
	if err := off(ctx); err != nil {
		a.run.Log().WarnContext(ctx, "auto-merge was not looked at; it is at the next look", "error", err)
	}
	if err := unqueueing(a).notByQueue(ctx, approval.Allowed && len(a.held) == 0); err != nil {
		a.run.Log().WarnContext(ctx, "the merge queue was not looked at; it is at the next look", "error", err)
	}
}

// showApproval updates the status and the record when there is something new to
// show, and tells whether they say it now. The status is not waited for when the run is
// cancelled.
func (a waiting) showApproval(ctx, reading context.Context, look seen) bool {
	now := look.Approval
	if sameApproval(a.shown, now) {
		return true
	}
	err := a.approvalStatus(reading, now)
	if err != nil {
		a.run.Log().WarnContext(ctx, "the approval status was not set", "error", err)
	}
	a.run.Update(ctx, func(run *dr.Run) { run.Approval, run.Expires = now, look.Expires })
	a.run.Waits(ctx, stepAwait, dr.T("await.line", "by", len(now.By), "needed", now.Needed))
	return err == nil
}

func (a waiting) approvalStatus(ctx context.Context, now dr.Approval) error {
	if a.change.Head == "" {
		return nil
	}
	state := dr.StatePending
	if now.Allowed {
		state = dr.StateSuccess
		if err := a.notByItself(ctx); err != nil {
			return err
		}
	}
	return posting(a).status(ctx, dr.PostedStatus{Name: statusApproval, State: state, Text: a.Forge.Pages.Line(dr.T("await.status", "reasons", now.Reasons))})
}

func sameApproval(a, b dr.Approval) bool {
	return a.Allowed == b.Allowed && a.Broken.Same(b.Broken) && a.Needed == b.Needed && slices.Equal(a.By, b.By) &&
		slices.Equal(a.Blocked, b.Blocked) && slices.EqualFunc(a.Reasons, b.Reasons, dr.Text.Same) &&
		slices.EqualFunc(a.Ignored, b.Ignored, func(x, y dr.IgnoredVoice) bool { return x.By == y.By && x.Reason.Same(y.Reason) })
}

func (a waiting) endWait(look seen) {
	engine.Note(a.run, "approved", func(ctx context.Context) (bool, error) {
		a.run.Update(ctx, func(run *dr.Run) { run.State, run.Outcome = dr.RunRunning, dr.Text{} })
		a.run.Mark(ctx, stepAwait, func(s *dr.Step, now time.Time) {
			s.Ended = now
			s.State, s.Detail = dr.StepDone, dr.T("await.done", "people", look.Approval.By)
			if !look.Approval.Broken.Empty() {
				s.State, s.Detail = dr.StepFailed, look.Approval.Broken
			}
		})
		return true, a.run.Audit(ctx, "approval", dr.T("audit.approval", "people", look.Approval.By, "reasons", look.Approval.Reasons))
	})
	if !look.Approval.Allowed {
		return
	}
	// Set once more, because branch protection may wait for it: a look that is over
	// does not come back to a status that was not set.
	engine.Note(a.run, "approval-status", func(ctx context.Context) (bool, error) {
		return true, a.approvalStatus(ctx, look.Approval)
	})
}

// endAdopted shows that the wait is over where people accepted a merge by hand.
func (a waiting) endAdopted() {
	if !engine.Patched(a.run, "adopted") {
		return
	}
	by := a.taken[len(a.taken)-1].By
	engine.Note(a.run, "approved", func(ctx context.Context) (bool, error) {
		a.run.Mark(ctx, stepAwait, done(dr.T("await.done", "people", by)))
		return true, nil
	})
}

// remind tells the channel at set ages of the wait what is left of the objective.
func (a waiting) remind(look seen) {
	age := a.svc.Expiry - look.Expires.Sub(look.At)
	if a.told >= len(reminders) || age < reminders[a.told] {
		return
	}
	for a.told < len(reminders) && age >= reminders[a.told] {
		a.told++
	}
	n := a.told
	engine.Note(a.run, "remind/"+stepAwait, func(ctx context.Context) (bool, error) {
		left := a.svc.Objectives.RTO - look.At.Sub(began(a.failover))
		return true, a.run.Say(ctx, fmt.Sprintf("remind/await/%d/%d", a.round, n), dr.Warn, dr.T("note.waiting"),
			dr.T("note.waiting.reasons", "reasons", look.Approval.Reasons),
			dr.T("note.waiting.left", "left", left, "rto", a.svc.Objectives.RTO, "expires", look.Expires.Sub(look.At)))
	})
}

// running marks a step as under way again.
func running(s *dr.Step, now time.Time) {
	s.State, s.Ended = dr.StepRunning, time.Time{}
	if s.Started.IsZero() {
		s.Started = now
	}
}

// done marks a step as over.
func done(line dr.Text) func(*dr.Step, time.Time) {
	return func(s *dr.Step, now time.Time) { s.State, s.Ended, s.Detail = dr.StepDone, now, line }
}

func orSomebody(login string) dr.Arg {
	if login == "" {
		return dr.ArgOf(dr.T("word.somebody"))
	}
	return dr.ArgOf(login)
}
