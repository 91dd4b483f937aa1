package workflows

import (
	"context"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/policies"
)

// reading is a way to read a pull request.
type reading func(ctx context.Context, repo dr.Repository, number int) (dr.ChangeState, error)

// glance counts what the forge's watcher sees. Whatever leads on from there is read whole
// first; without a watcher everything is, every time.
func (s waiting) glance(ctx context.Context, p proposal) (dr.ChangeState, dr.Approval, error) {
	if s.f.Forge.Watch == nil {
		return stage(s).count(ctx, p)
	}
	st, approval, err := stage(s).countBy(ctx, p, s.f.Forge.Watch.Look)
	if err != nil || st.Open && !approval.Allowed && approval.Broken.Empty() {
		return st, approval, err
	}
	return stage(s).count(ctx, p)
}

// count reads everything fresh and applies the fixed rules.
func (s stage) count(ctx context.Context, p proposal) (dr.ChangeState, dr.Approval, error) {
	return s.countBy(ctx, p, s.f.Forge.Changes.ChangeState)
}

func (s stage) countBy(ctx context.Context, p proposal, read reading) (dr.ChangeState, dr.Approval, error) {
	st, err := read(ctx, s.f.svc.Repository, s.f.change.Number)
	if err != nil {
		return st, dr.Approval{}, err
	}
	if st, err = posting(s).heed(ctx, st, read); err != nil {
		return st, dr.Approval{}, err
	}
	if err := (accounts{s.f.Store.Keeper, s.f.Team.People}).mark(ctx, &st); err != nil {
		return st, dr.Approval{}, err
	}
	rules, err := tally(s).countedBy(ctx, p, st)
	if err != nil {
		return st, dr.Approval{}, err
	}
	own, err := tally(s).own(ctx, p, st)
	if err != nil {
		return st, dr.Approval{}, err
	}
	count := policies.Count
	if st.Merged && !own {
		count = policies.CountMerged
	}
	return st, count(st, rules), nil
}

// countedBy are the rules that a change's approvals are counted by.
func (s tally) countedBy(ctx context.Context, p proposal, st dr.ChangeState) (policies.ApprovalRules, error) {
	self, err := s.f.Forge.Files.Self(ctx)
	if err != nil {
		return policies.ApprovalRules{}, err
	}
	want, err := s.f.Forge.Region.SetActiveRegion(st.BaseFile, s.f.req.Target)
	if err != nil {
		return policies.ApprovalRules{}, err
	}
	b, err := posting(s).read(ctx)
	if err != nil {
		return policies.ApprovalRules{}, err
	}
	return policies.ApprovalRules{
		People: s.f.Team.People, Approvers: s.f.svc.Approvers, Requester: s.f.req.Requester, Asked: s.f.req.Person, Quorum: needed(s.f),
		Head: s.f.change.Head, BaseRef: s.f.svc.Repository.Base, File: s.f.svc.Repository.File,
		Recorded: p.recorded(st.Reviews), Misled: b.Void, BotLogin: self, WantFile: want,
	}, nil
}

// recorded are the reviews that were given before people were told what they are asked: those
// that were seen then, and those that the list did not show yet. Both times are the forge's.
func (p proposal) recorded(reviews []dr.Review) []int64 {
	out := slices.Clone(p.Recorded)
	for _, r := range reviews {
		if r.At.Before(p.Told) && !slices.Contains(out, r.ID) {
			out = append(out, r.ID)
		}
	}
	return out
}

// blind is how long the forge could not be read while a run waited. The request does not
// expire by that time: nobody's approval could be seen.
type blind struct {
	past  time.Duration // the stretches that are over
	since time.Time     // of the one in hand, by the clock as it was at the run's begin
}

// by is all of it, up to a time of that clock.
func (b blind) by(at time.Time) time.Duration {
	if b.since.IsZero() {
		return b.past
	}
	return b.past + max(0, at.Sub(b.since))
}

// after is what a look that began then makes of it.
func (b blind) after(at time.Time, unread bool) blind {
	switch {
	case !unread:
		return blind{past: b.by(at)}
	case b.since.IsZero():
		return blind{b.past, at}
	}
	return b
}

// expires is when the request does, by the clock as it is at a time: what that was set by
// counts as little as what nobody could see.
func (s stage) expires(at time.Time) time.Time {
	return s.a.deadline.Add(s.f.run.Moved()).Add(s.a.blind.by(steady(s.f.run, at)))
}

// late tells whether the request has expired by a time.
func (s stage) late(now time.Time) bool { return !now.Before(s.expires(now)) }

// tooLate tells whether a merge that this run has not made is seen too late: nobody waits for
// it any more. What was put into a queue in time is followed.
func (s stage) tooLate(st dr.ChangeState, self string, now time.Time) bool {
	return s.late(now) && !s.a.handed && !s.byQueue(st, self)
}

// byQueue tells whether the queue has merged what this run has put there, or was about to.
func (s stage) byQueue(st dr.ChangeState, self string) bool {
	return s.a.queued && (st.ByQueue || st.MergedBy == self)
}
