package policies

import (
	"time"

	"github.com/drbot/drbot/dr"
)

// CountMerged is Count for a change that somebody else has merged: by hand, by auto-merge
// or by a queue. Its head being the commit drbot made says all of what it is; its branch
// may be gone, and its files are in the base. What was approved as of its merge is counted,
// both by the forge's own clock: who says so afterwards has not approved what was merged.
func CountMerged(state dr.ChangeState, rules ApprovalRules) dr.Approval {
	state.Open, state.Merged, state.BranchGone, state.Draft = true, false, false, false
	if state.Head == rules.Head {
		state.Commits = []dr.Commit{{SHA: rules.Head, Author: rules.BotLogin, Committer: rules.BotLogin}}
		state.Files, state.HeadFile = []dr.FileChange{{Path: rules.File, Status: "modified"}}, rules.WantFile
	}
	return (&count{change: change{state, rules}, merged: true}).result()
}

// CountAsOf is CountMerged for a merge that was made right after a count, by whoever had
// counted: what was said after it, by the forge's own clock, changes nothing of it.
func CountAsOf(state dr.ChangeState, rules ApprovalRules) dr.Approval {
	after := func(at time.Time) bool { return state.MergedAt.IsZero() || at.After(state.MergedAt) }
	reviews := state.Reviews
	state.Reviews = nil
	for _, r := range reviews {
		if after(r.At) {
			continue
		}
		if r.State == dr.Dismissed && r.Was != "" && after(r.DismissedAt) {
			r.State, r.Was = r.Was, ""
		}
		state.Reviews = append(state.Reviews, r)
	}
	return CountMerged(state, rules)
}
