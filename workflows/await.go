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
type waiting stage

// await waits until the change has its approvals, or the first where that is asked for, or
// until the base has moved in what the stacks read, so that nobody approves what is old
// already. It reads the reviews at every nudge and every few seconds. A webhook or a button
// is only a nudge: what counts is what GitHub says when asked.
func (s waiting) await(p proposal, first bool) (seen, error) {
	if err := s.beginWait(); err != nil {
		return seen{}, err
	}
	for {
		look := s.look(p)
		switch {
		case !look.Ended.Empty():
			end := s.f.cancelled(look.Ended)
			if !look.ByHand {
				return look, end
			}
			if !look.Foreign && s.adopt(p, look) {
				look.Merged, look.Approval.Allowed, look.Approval.Broken = true, true, dr.Text{}
				s.endAdopted()
				return look, nil
			}
			end.Next = revertOrResume(&s.f.course)
			return look, end
		case !look.At.Before(look.Expires) && !look.Merged:
			return look, stage(s).expired(look.Approval)
		case look.Approval.Allowed && !steady(s.f.run, look.At).Before(s.a.notBefore), !look.Approval.Broken.Empty():
			// A cancel that came before this moment counts, also behind many nudges.
			if by := s.f.run.Cancelled(); by != "" {
				if !look.Merged {
					return look, s.f.cancelled(dr.T("run.cancelled", "who", by))
				}
				s.a.overtaken = by
			}
			s.endWait(look)
			return look, nil
		case !look.Approval.Allowed && (look.Moved || first && len(look.Approval.By) > 0):
			return look, nil
		}
		s.remind(look)
		m, ok := s.f.run.Receive(min(s.f.timing.Review, look.Expires.Sub(look.At)))
		if !ok {
			continue
		}
		by := s.f.run.Cancelled()
		if m.Kind == engine.Cancel {
			by = m.By.First()
		}
		if by != "" {
			return look, s.f.cancelled(dr.T("run.cancelled", "who", by))
		}
	}
}

// adopt asks whether the run goes on with a merge that somebody made without the
// approvals it takes.
func (s waiting) adopt(p proposal, look seen) bool {
	verb, by := s.f.run.Ask(stepMerge, engine.Outcome{Code: dr.Uncertain, What: look.Ended, Next: dr.T("adopt.next", "next", revertOrResume(&s.f.course))}, engine.Question{
		Answers: []string{engine.Accept, engine.Stop}, Takes: map[string]int{engine.Accept: s.f.svc.Quorum}, Without: []string{s.f.req.Requester},
		Over: engine.Cancel, Digest: p.Digest[:8], Means: dr.T("question.adopt", "needed", needed(s.f), "without", s.f.req.Requester, "plan", p.Counts, "number", s.f.change.Number),
	})
	s.a.adopted = verb == engine.Accept
	if s.a.adopted {
		s.f.taken = append(s.f.taken, taking{By: by, Step: stepMerge, Digest: p.Digest[:8]})
	}
	return s.a.adopted
}

// beginWait shows that the run waits. The request expires a set time after its first wait.
func (s waiting) beginWait() error {
	if s.a.deadline.IsZero() {
		s.a.blind = blind{}
	}
	began := engine.Note(s.f.run, stepAwait, func(ctx context.Context) (time.Time, error) {
		deadline := s.a.deadline
		if deadline.IsZero() {
			deadline = s.f.run.Now(ctx).Add(s.f.svc.Expiry - s.f.run.Moved())
		}
		if err := s.f.run.Write(ctx, func(run *dr.Run) {
			run.State, run.Expires = dr.RunWaiting, deadline.Add(s.f.run.Moved()).Add(s.a.blind.past)
		}); err != nil {
			return deadline, err
		}
		s.f.run.Mark(ctx, stepAwait, running)
		return deadline, nil
	})
	if !began.OK() {
		return &ending{State: dr.RunStopped, Outcome: dr.T("await.not-begun", "why", began.What), Next: s.f.startAgain()}
	}
	s.a.deadline = began.Value
	return nil
}

func (c *course) cancelled(why dr.Text) *ending {
	return &ending{State: dr.RunCancelled, Outcome: why, Next: c.startAgain()}
}

func (s stage) expired(last dr.Approval) *ending {
	why := dr.T("run.expired", "reasons", orNothing(last.Reasons))
	switch {
	case len(s.a.held) > 0:
		why = dr.T("run.expired.held", "reasons", s.a.held)
	case last.Allowed:
		why = dr.T("run.expired.held", "reasons", orNothing(last.Reasons))
	}
	return &ending{State: dr.RunExpired, Outcome: why, Next: s.f.startAgain()}
}

func orNothing(reasons []dr.Text) dr.Arg {
	if len(reasons) == 0 {
		return dr.ArgOf(dr.T("word.nothing"))
	}
	return dr.ArgOf(reasons)
}

func (c *course) startAgain() dr.Text { return dr.T("run.start-again", "command", c.again()) }

// revertFirst leads on where Git has moved and nothing else: asked again without that, a
// run would be told that the service is there already.
func (c *course) revertFirst() dr.Text {
	return dr.T("run.revert-first", "number", c.change.Number, "region", c.source, "command", c.again())
}

// look reads the change and counts its approvals. One that fails denies. It is as old as
// every other, unless the forge could not be read: then the expiry stands still.
func (s waiting) look(p proposal) seen {
	out := engine.Note(s.f.run, "look", func(ctx context.Context) (seen, error) {
		s.f.run.Looked()
		now := seen{At: s.f.run.Now(ctx)}
		now.Expires = stage(s).expires(now.At)
		reading, done := engine.Hurried(ctx, s.f.run)
		defer done()
		st, approval, err := s.glance(reading, p)
		if err != nil {
			what, _ := dr.Told(err)
			now.Approval = dr.Approval{Needed: needed(s.f), Decision: dr.Decision{Reasons: []dr.Text{what}}}
			if now.Unread = dr.CodeOf(err) == dr.Temporary; now.Unread {
				now.Approval.Reasons = append(now.Approval.Reasons, dr.T("await.stands-still"))
			}
			s.f.run.Log().WarnContext(ctx, "the reviews could not be read", "error", err)
			now.Told = s.showApproval(ctx, reading, now)
			return now, nil
		}
		now.Approval = approval
		self, err := s.f.Forge.Files.Self(ctx)
		own := false
		if err == nil {
			own, err = tally(s).own(ctx, p, st)
		}
		switch {
		case err != nil:
			now.Approval.Allowed = false
		case st.Merged && !own && (!approval.Allowed || stage(s).tooLate(st, self, now.At)):
			now.ByHand, now.Foreign = true, st.Head != s.f.change.Head
			now.Ended = dr.T("change.merged-by-hand", "number", s.f.change.Number, "who", orSomebody(st.MergedBy), "region", s.f.req.Target)
			if approval.Allowed {
				now.Ended = dr.T("change.merged-late", "number", s.f.change.Number, "who", orSomebody(st.MergedBy), "region", s.f.req.Target, "expired", now.Expires)
			}
		case st.Merged:
			// By this run, before a restart; or by somebody else when it had its approvals, in
			// time. The merge step finds it.
			now.Merged, now.Approval.Allowed, now.Approval.Broken = true, true, dr.Text{}
		case !st.Open:
			now.Ended = dr.T("change.closed-by-hand", "number", s.f.change.Number, "who", orSomebody(st.ClosedBy))
		case st.BaseSHA != p.Base && st.BaseSHA != s.a.compared:
			now.Base, now.Moved = st.BaseSHA, s.outdated(reading, p, st.BaseSHA)
		}
		if st.Open {
			s.notElsewhere(reading, st, now.Approval)
		}
		now.Told = s.showApproval(ctx, reading, now)
		return now, nil
	})
	look := out.Value
	if !out.OK() {
		look = seen{At: out.At, Expires: stage(s).expires(out.At), Approval: dr.Approval{Needed: needed(s.f), Decision: dr.Decision{Reasons: []dr.Text{out.What}}}}
	}
	if look.Told {
		s.a.shown = look.Approval
	}
	if look.Base != "" {
		s.a.compared = look.Base
	}
	s.a.blind = s.a.blind.after(steady(s.f.run, look.At), look.Unread)
	return look
}

// notElsewhere has nobody but the run merge the change, as far as it can, and says what it
// has done for that.
func (s waiting) notElsewhere(ctx context.Context, st dr.ChangeState, approval dr.Approval) {
	off := owing{s.f, s.a, owedAutoMerge}.pay
	if st.AutoMerge {
		off = stage(s).notByItself
	}
	if err := off(ctx); err != nil {
		s.f.run.Log().WarnContext(ctx, "auto-merge was not looked at; it is at the next look", "error", err)
	}
	if err := unqueueing(s).notByQueue(ctx, approval.Allowed && len(s.a.held) == 0); err != nil {
		s.f.run.Log().WarnContext(ctx, "the merge queue was not looked at; it is at the next look", "error", err)
	}
}

// showApproval updates the status and the record when there is something new to
// show, and tells whether they say it now. The status is not waited for when the run is
// cancelled.
func (s waiting) showApproval(ctx, reading context.Context, look seen) bool {
	now := look.Approval
	if sameApproval(s.a.shown, now) {
		return true
	}
	err := s.approvalStatus(reading, now)
	if err != nil {
		s.f.run.Log().WarnContext(ctx, "the approval status was not set", "error", err)
	}
	s.f.run.Update(ctx, func(run *dr.Run) { run.Approval, run.Expires = now, look.Expires })
	s.f.run.Waits(ctx, stepAwait, dr.T("await.line", "by", len(now.By), "needed", now.Needed))
	return err == nil
}

func (s waiting) approvalStatus(ctx context.Context, now dr.Approval) error {
	if s.f.change.Head == "" {
		return nil
	}
	state := dr.StatePending
	if now.Allowed {
		state = dr.StateSuccess
		if err := stage(s).notByItself(ctx); err != nil {
			return err
		}
	}
	return posting(s).status(ctx, dr.PostedStatus{Name: statusApproval, State: state, Text: s.f.Forge.Pages.Line(dr.T("await.status", "reasons", now.Reasons))})
}

func sameApproval(a, b dr.Approval) bool {
	return a.Allowed == b.Allowed && a.Broken.Same(b.Broken) && a.Needed == b.Needed && slices.Equal(a.By, b.By) &&
		slices.Equal(a.Blocked, b.Blocked) && slices.EqualFunc(a.Reasons, b.Reasons, dr.Text.Same) &&
		slices.EqualFunc(a.Ignored, b.Ignored, func(x, y dr.IgnoredVoice) bool { return x.By == y.By && x.Reason.Same(y.Reason) })
}

func (s waiting) endWait(look seen) {
	engine.Note(s.f.run, "approved", func(ctx context.Context) (bool, error) {
		s.f.run.Update(ctx, func(run *dr.Run) { run.State, run.Outcome = dr.RunRunning, dr.Text{} })
		s.f.run.Mark(ctx, stepAwait, func(step *dr.Step, now time.Time) {
			step.Ended = now
			step.State, step.Detail = dr.StepDone, dr.T("await.done", "people", look.Approval.By)
			if !look.Approval.Broken.Empty() {
				step.State, step.Detail = dr.StepFailed, look.Approval.Broken
			}
		})
		return true, s.f.run.Audit(ctx, "approval", dr.T("audit.approval", "people", look.Approval.By, "reasons", look.Approval.Reasons))
	})
	if !look.Approval.Allowed {
		return
	}
	// Set once more, because branch protection may wait for it: a look that is over
	// does not come back to a status that was not set.
	engine.Note(s.f.run, "approval-status", func(ctx context.Context) (bool, error) {
		return true, s.approvalStatus(ctx, look.Approval)
	})
}

// endAdopted shows that the wait is over where people accepted a merge by hand.
func (s waiting) endAdopted() {
	if !engine.Patched(s.f.run, "adopted") {
		return
	}
	by := s.f.taken[len(s.f.taken)-1].By
	engine.Note(s.f.run, "approved", func(ctx context.Context) (bool, error) {
		s.f.run.Mark(ctx, stepAwait, done(dr.T("await.done", "people", by)))
		return true, nil
	})
}

// remind tells the channel at set ages of the wait what is left of the objective.
func (s waiting) remind(look seen) {
	age := s.f.svc.Expiry - look.Expires.Sub(look.At)
	if s.a.told >= len(reminders) || age < reminders[s.a.told] {
		return
	}
	for s.a.told < len(reminders) && age >= reminders[s.a.told] {
		s.a.told++
	}
	n := s.a.told
	engine.Note(s.f.run, "remind/"+stepAwait, func(ctx context.Context) (bool, error) {
		left := s.f.svc.Objectives.RTO - look.At.Sub(began(&s.f.course))
		return true, s.f.run.Say(ctx, fmt.Sprintf("remind/await/%d/%d", s.a.round, n), dr.Warn, dr.T("note.waiting"),
			dr.T("note.waiting.reasons", "reasons", look.Approval.Reasons),
			dr.T("note.waiting.left", "left", left, "rto", s.f.svc.Objectives.RTO, "expires", look.Expires.Sub(look.At)))
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
