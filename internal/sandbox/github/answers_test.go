package github_test

import (
	"testing"

	gh "github.com/google/go-github/v60/github"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

func TestAllowedMerges(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	n := w.openChange(bot).GetNumber()
	told := func() []bool {
		t.Helper()
		r, _, err := bot.Repositories.Get(w.ctx, owner, repo)
		w.must(err)
		var out []bool
		for _, b := range []*bool{r.AllowMergeCommit, r.AllowSquashMerge, r.AllowRebaseMerge} {
			if b != nil {
				out = append(out, *b)
			}
		}
		return out
	}
	if got := told(); len(got) != 3 || !got[0] || !got[1] || !got[2] {
		t.Errorf("by default %v", got)
	}
	for _, none := range [][]string{nil, {"octopus"}} {
		if err := w.AllowMerges(none...); err == nil {
			t.Errorf("%q was taken", none)
		}
	}
	w.must(w.AllowMerges("rebase"))
	if got := told(); len(got) != 3 || got[0] || got[1] || !got[2] {
		t.Errorf("of rebase alone %v", got)
	}
	for method, says := range map[string]string{
		"": "Merge commits are not allowed", "merge": "Merge commits are not allowed", "squash": "Squash merges are not allowed",
	} {
		_, _, err := bot.PullRequests.Merge(w.ctx, owner, repo, n, "", &gh.PullRequestOptions{MergeMethod: method})
		refused(t, err, 405, says)
	}
	w.SetLies(sandbox.Lies{MethodsHidden: true})
	if got := told(); len(got) != 0 {
		t.Errorf("hidden, and told %v", got)
	}
	_, err := w.Merge(w.ctx, "alice", n) // the button offers what is allowed
	w.must(err)
}

func TestAnswered(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	n := w.openChange(bot).GetNumber()
	for status, says := range map[int]string{401: "Bad credentials", 405: "", 422: "Validation Failed", 502: "", 503: "", 504: ""} {
		w.Inject(sandbox.Fault{Kind: sandbox.Answered, Status: status, Message: says, Method: "PUT", Times: 1})
		_, _, err := bot.PullRequests.Merge(w.ctx, owner, repo, n, "", nil)
		refused(t, err, status, says)
	}
	p, err := w.Pull(n)
	w.must(err)
	if p.Merged {
		t.Error("a refused merge was done")
	}
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	n := w.openChange(bot).GetNumber()
	r, err := w.Review(w.ctx, "bob", n, sandbox.ChangesRequested, "wait", "")
	w.must(err)
	w.must(w.SetDraft(w.ctx, "alice", n, true))
	w.must(w.Dismiss(w.ctx, "alice", n, r.ID, "settled by phone"))
	w.must(w.ClosePull(w.ctx, "alice", n))
	w.must(w.DeleteAccount("alice"))
	events, _, err := bot.Issues.ListIssueEvents(w.ctx, owner, repo, n, nil)
	w.must(err)
	if len(events) != 3 || events[0].GetEvent() != "convert_to_draft" || events[2].GetEvent() != "closed" {
		t.Fatalf("events %v", events)
	}
	e := events[1]
	if e.GetEvent() != "review_dismissed" || e.Actor != nil || e.DismissedReview.GetReviewID() != r.ID ||
		e.DismissedReview.GetState() != "changes_requested" || e.DismissedReview.GetDismissalMessage() != "settled by phone" {
		t.Errorf("the dismissal is %v", e)
	}
	if events[0].DismissedReview != nil {
		t.Errorf("no dismissal: %v", events[0])
	}
}

func TestWhomNobodyKnows(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	n := w.openChange(bot).GetNumber()
	w.SetLies(sandbox.Lies{Strangers: []string{"Bob"}, NobodysMail: []string{botLogin}})
	_, _, err := bot.Repositories.GetPermissionLevel(w.ctx, owner, repo, "bob")
	refused(t, err, 404, "Not Found")
	commits, _, err := bot.PullRequests.ListCommits(w.ctx, owner, repo, n, nil)
	w.must(err)
	if commits[0].Author != nil || commits[0].GetCommit().GetAuthor().GetEmail() == "" {
		t.Errorf("the bot's commit is by %v", commits[0].Author)
	}
}
