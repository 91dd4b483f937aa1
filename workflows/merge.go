package workflows

import (
	"context"
	"fmt"

	"github.com/drbot/drbot/dr"
)

// The ends of one try to merge.
const (
	mergeDone        = "done"
	mergeBaseMoved   = "base-moved"
	mergeNotApproved = "not-approved"
	mergeExpired     = "expired"
)

type mergeOutcome struct {
	Kind string `json:"kind"`
	SHA  string `json:"sha,omitempty"`
	Base string `json:"base,omitempty"`
}

func (m mergeOutcome) detail() string {
	switch m.Kind {
	case mergeDone:
		return short(m.SHA)
	case mergeBaseMoved:
		return "the base moved to " + short(m.Base)
	case mergeExpired:
		return "the request has expired"
	default:
		return "not approved any more"
	}
}

// merge merges exactly the commit drbot made, after counting once more.
func (r *runbook) merge(change dr.Change, p planned) (mergeOutcome, error) {
	out, _, err := must(r, "merge", func(ctx context.Context, _ int) (mergeOutcome, error) {
		st, approval, err := r.count(ctx, change, p)
		if err != nil {
			return mergeOutcome{}, err
		}
		self, err := r.deps.Change.Self(ctx)
		if err != nil {
			return mergeOutcome{}, err
		}
		switch {
		case st.Merged && st.MergedBy == self:
			return r.afterMerge(ctx, st.MergeSHA) // by this run, before a restart
		case !approval.Allowed:
			return mergeOutcome{Kind: mergeNotApproved}, nil
		case r.hasExpired(ctx):
			return mergeOutcome{Kind: mergeExpired}, nil
		case st.BaseSHA != p.Base:
			return mergeOutcome{Kind: mergeBaseMoved, Base: st.BaseSHA}, nil
		}
		if err := r.audit(ctx, "merge", fmt.Sprintf("#%d at %s, digest %s, approved by %s", change.Number, short(change.Head), short(p.Digest), list(approval.By))); err != nil {
			return mergeOutcome{}, err
		}
		sha, err := r.deps.Change.Merge(ctx, r.svc.Repository, change.Number, change.Head)
		if dr.CodeOf(err) == dr.Conflict && err != nil {
			return r.mergeRefused(ctx, change, err)
		}
		if err != nil {
			return mergeOutcome{}, err
		}
		return r.afterMerge(ctx, sha)
	})
	if err != nil || out.Kind != mergeDone {
		return out, err
	}
	// From here on the run holds the service; what follows may pause, not end it.
	r.mergeSHA = out.SHA
	return out, r.confirmMerge(out.SHA)
}

func (r *runbook) hasExpired(ctx context.Context) bool {
	now := r.now(ctx)
	run, err := r.deps.Runs.Run(ctx, r.req.Run)
	return err == nil && !run.Expires.IsZero() && !now.Before(run.Expires)
}

// mergeRefused tells a head that moved, which is waited out, from a forge that
// will not merge for reasons of its own, which a person must see to.
func (r *runbook) mergeRefused(ctx context.Context, change dr.Change, refusal error) (mergeOutcome, error) {
	st, err := r.deps.Change.ChangeState(ctx, r.svc.Repository, change.Number)
	if err != nil {
		return mergeOutcome{}, err
	}
	if st.Head != change.Head || !st.Open {
		return mergeOutcome{Kind: mergeNotApproved}, nil
	}
	msg, _ := dr.Public(refusal, "GitHub refuses to merge.")
	return mergeOutcome{}, &dr.Error{Code: dr.Uncertain, Msg: msg, Hint: "look at the branch protection and the required checks of #" + fmt.Sprint(change.Number), Err: refusal}
}

func (r *runbook) afterMerge(ctx context.Context, sha string) (mergeOutcome, error) {
	return mergeOutcome{Kind: mergeDone, SHA: sha}, r.updated(ctx, func(run *dr.Run) { run.MergeSHA = sha })
}

// confirmMerge believes a merge when the base branch says so. A cancel that came
// too late is told so.
func (r *runbook) confirmMerge(sha string) error {
	_, _, err := must(r, "merge", func(ctx context.Context, _ int) (mergeOutcome, error) {
		repo := r.svc.Repository
		content, _, err := r.deps.Change.File(ctx, repo, repo.Base)
		if err != nil {
			return mergeOutcome{}, err
		}
		if active, err := r.deps.File.ActiveRegion(content); err != nil || active != r.req.Target {
			return mergeOutcome{}, &dr.Error{Code: dr.Temporary, Msg: fmt.Sprintf("GitHub says that it merged, but %s does not say %s.", repo.Base, r.req.Target), Hint: "look at the branch; when it says " + string(r.req.Target) + ", answer retry", Err: err}
		}
		return mergeOutcome{Kind: mergeDone, SHA: sha}, nil
	})
	if by := r.drainInbox(); by != "" {
		record(r, "too-late", func(ctx context.Context) (bool, error) {
			return true, r.say(ctx, "too-late", dr.Warn, "The cancel came after the merge", "The run goes on. To abandon it takes two people: `/dr cancel "+r.req.Run+"`; nothing is rolled back by that.")
		})
	}
	return err
}
