package steps

import (
	"context"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// A global cluster that shows no writer, in a disaster. The target can be promoted then, once
// people have accepted just that; never where an earlier request of this run may take effect
// still, and never on a glimpse: a writer that moves is shown nowhere for a moment.

// noWriterWait is for how long no writer has to be shown.
const noWriterWait = time.Minute

func writerless(st dr.DatabaseState) bool { return st.Writer == "" && st.Failover == "" }

// steady is the state after no writer was shown for a while; the newest where one is, or
// something goes on.
func steady(ctx context.Context, s promoteStep, st dr.DatabaseState) (dr.DatabaseState, error) {
	if s.job.Request.Mode != dr.Disaster {
		return st, nil
	}
	until := s.world.Now().Add(noWriterWait)
	var unread error
	for writerless(st) && s.world.Now().Before(until) {
		if err := engine.Wait(ctx, s.world.Timing.Poll); err != nil {
			return st, err
		}
		var now dr.DatabaseState
		if now, unread = s.state(ctx); unread == nil {
			st = now
		}
	}
	return st, unread
}

// fromNowhere lets a promotion go on where the writer is not in the source: where there is
// none, in a disaster, the target is a member, nothing this run has asked for is undecided,
// and people have accepted it.
func fromNowhere(ctx context.Context, s promoteStep, r *engine.Run, st dr.DatabaseState) (engine.Outcome, error) {
	member := slices.ContainsFunc(st.Members, func(m dr.DatabaseMember) bool { return m.Region == s.target() })
	if !writerless(st) || s.job.Request.Mode != dr.Disaster || !member {
		return engine.Outcome{}, &dr.Error{Code: dr.Conflict, What: dr.T("promote.writer-elsewhere", "writer", OrNowhere(st.Writer), "source", s.job.Source), Next: dr.T("promote.writer-elsewhere.next", "database", s.db.Name)}
	}
	open, err := unanswered(ctx, s, r)
	if err != nil {
		return engine.Outcome{}, err
	}
	if open {
		return engine.Outcome{}, &dr.Error{Code: dr.Uncertain, What: dr.T("promote.no-writer-asked", "database", s.db.Name), Next: dr.T("promote.no-writer-asked.next", "database", s.db.Name, "target", s.target())}
	}
	none := dr.T("promote.no-writer", "database", s.db.Name, "target", s.target())
	offer, err := Beyond(nil, nil, []dr.Text{none})
	if err != nil {
		return engine.Outcome{}, err
	}
	if _, accepted := engine.Granted[bool](r, acceptedKey(s.Name(), offer)); accepted {
		return engine.Outcome{}, nil
	}
	return offer.Outcome(&dr.Error{Code: dr.Conflict, What: none, Next: dr.T("promote.no-writer.next", "target", s.target())})
}

// stillNowhere refuses where, right before the call, a writer is shown or something goes on.
func stillNowhere(ctx context.Context, s promoteStep) error {
	st, err := s.state(ctx)
	if err != nil || writerless(st) {
		return err
	}
	return &dr.Error{Code: dr.Conflict, What: dr.T("promote.writer-back", "database", s.db.Name, "writer", OrNowhere(st.Writer)), Next: dr.T("promote.writer-back.next")}
}

// refusedKey is where it is kept that a promotion which was asked for was refused for certain.
func refusedKey(run, act string) string { return key(run, "refused", act) }

// unanswered tells whether this run has ever asked for the promotion and it is not known that
// it was refused.
func unanswered(ctx context.Context, s promoteStep, r *engine.Run) (bool, error) {
	for n := engine.Attempt(ctx); n >= 1; n-- {
		act := intentsOf(s.db) + number(n)
		intent, meant, err := s.world.Ledger.LastIntent(ctx, r.ID, act)
		if err != nil {
			return false, err
		}
		if !meant || intent.Act != act {
			continue
		}
		unasked, err := s.world.Ledger.Get(ctx, unaskedKey(r.ID, act))
		if err != nil {
			return false, err
		}
		refused, err := s.world.Ledger.Get(ctx, refusedKey(r.ID, act))
		if err != nil || unasked == "" && refused == "" {
			return err == nil, err
		}
	}
	return false, nil
}

// acceptedKey is under which it is granted that people have accepted what a step offered.
func acceptedKey(step string, o Offer) string { return key("accepted", step, o.Digest) }

// Accept grants a step what it has offered.
func Accept(r *engine.Run, step string, o Offer) { r.Grant(acceptedKey(step, o), true) }
