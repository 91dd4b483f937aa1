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
func (a waiting) glance(ctx context.Context, p proposal) (dr.ChangeState, dr.Approval, error) {
	if a.Forge.Watch == nil {
		return a.count(ctx, p)
	}
	st, approval, err := a.countBy(ctx, p, a.Forge.Watch.Look)
	if err != nil || st.Open && !approval.Allowed && approval.Broken.Empty() {
		return st, approval, err
	}
	return a.count(ctx, p)
}

// count reads everything fresh and applies the fixed rules.
func (a *approval) count(ctx context.Context, p proposal) (dr.ChangeState, dr.Approval, error) {
	return a.countBy(ctx, p, a.Forge.Changes.ChangeState)
}

func (a *approval) countBy(ctx context.Context, p proposal, read reading) (dr.ChangeState, dr.Approval, error) {
	st, err := read(ctx, a.svc.Repository, a.change.Number)
	if err != nil {
		return st, dr.Approval{}, err
	}
	if st, err = (posting{a}).heed(ctx, st, read); err != nil {
		return st, dr.Approval{}, err
	}
	if err := (accounts{a.Store.Keeper, a.Team.People}).mark(ctx, &st); err != nil {
		return st, dr.Approval{}, err
	}
	rules, err := tally{a}.countedBy(ctx, p, st)
	if err != nil {
		return st, dr.Approval{}, err
	}
	own, err := tally{a}.own(ctx, p, st)
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
func (a tally) countedBy(ctx context.Context, p proposal, st dr.ChangeState) (policies.ApprovalRules, error) {
	self, err := a.Forge.Files.Self(ctx)
	if err != nil {
		return policies.ApprovalRules{}, err
	}
	want, err := a.Forge.Region.SetActiveRegion(st.BaseFile, a.req.Target)
	if err != nil {
		return policies.ApprovalRules{}, err
	}
	b, err := posting(a).read(ctx)
	if err != nil {
		return policies.ApprovalRules{}, err
	}
	return policies.ApprovalRules{
		People: a.Team.People, Approvers: a.svc.Approvers, Requester: a.req.Requester, Asked: a.req.Person, Quorum: needed(a.failover),
		Head: a.change.Head, BaseRef: a.svc.Repository.Base, File: a.svc.Repository.File,
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
func (a *approval) expires(at time.Time) time.Time {
	return a.deadline.Add(a.run.Moved()).Add(a.blind.by(steady(a.run, at)))
}

// late tells whether the request has expired by a time.
func (a *approval) late(now time.Time) bool { return !now.Before(a.expires(now)) }

// tooLate tells whether a merge that this run has not made is seen too late: nobody waits for
// it any more. What was put into a queue in time is followed.
func (a *approval) tooLate(st dr.ChangeState, self string, now time.Time) bool {
	return a.late(now) && !a.handed && !a.byQueue(st, self)
}

// byQueue tells whether the queue has merged what this run has put there, or was about to.
func (a *approval) byQueue(st dr.ChangeState, self string) bool {
	return a.queued && (st.ByQueue || st.MergedBy == self)
}
