package github_test

import (
	"testing"

	gh "github.com/google/go-github/v60/github"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

// What a branch asks is told, to those who may read it, and enforced at the merge in
// GitHub's words.
func TestDemands(t *testing.T) {
	for name, c := range map[string]struct {
		asked  sandbox.Demands
		method string
		meet   func(*world, *gh.PullRequest)
		says   string // empty where it is merged
	}{
		"queue":                            {asked: sandbox.Demands{Queue: true}, says: "Changes must be made through the merge queue"},
		"a queue that is bypassed":         {asked: sandbox.Demands{Queue: true, Bypass: []string{botLogin}}},
		"admins are free, but not the bot": {asked: sandbox.Demands{Protection: true, AdminsFree: true, Linear: true}, says: "must not contain merge commits"},
		"signatures":                       {asked: sandbox.Demands{Signatures: true}, says: "Commits must have verified signatures."},
		"linear, a merge commit":           {asked: sandbox.Demands{Linear: true}, says: "This branch must not contain merge commits."},
		"linear, squashed":                 {asked: sandbox.Demands{Linear: true}, method: "squash"},
		"a method of the ruleset":          {asked: sandbox.Demands{Methods: []string{"rebase"}}, says: "Merge commits are not allowed"},
		"locked":                           {asked: sandbox.Demands{Protection: true, Locked: true}, says: "locked branch"},
		"a check":                          {asked: sandbox.Demands{Checks: []string{"ci"}}, says: `Required status check "ci" is expected.`},
		"two checks":                       {asked: sandbox.Demands{Protection: true, Checks: []string{"ci", "lint"}}, says: "2 of 2 required status checks are expected."},
		"a check that passed":              {asked: sandbox.Demands{Checks: []string{"ci"}}, meet: green},
		"strict, and behind":               {asked: sandbox.Demands{Checks: []string{"ci"}, Strict: true}, meet: behind, says: `"ci" is expected.`},
		"strict without a check":           {asked: sandbox.Demands{Strict: true}, meet: behind},
		"strict, and brought up":           {asked: sandbox.Demands{Checks: []string{"ci"}, Strict: true}, meet: broughtUp},
		"a review":                         {asked: sandbox.Demands{Reviews: 1}, says: "At least 1 approving review is required by reviewers with write access."},
		"a review of one who writes":       {asked: sandbox.Demands{Reviews: 1}, meet: reviewed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			bot := w.bot()
			pr := w.openChange(bot)
			if c.meet != nil {
				c.meet(w, pr)
			}
			w.Demand("main", c.asked)
			_, _, err := bot.PullRequests.Merge(w.ctx, owner, repo, pr.GetNumber(), "", &gh.PullRequestOptions{MergeMethod: c.method})
			if c.says == "" {
				w.must(err)
				return
			}
			refused(t, err, 405, c.says)
		})
	}
}

func green(w *world, pr *gh.PullRequest) {
	p, err := w.Pull(pr.GetNumber())
	w.must(err)
	_, _, err = w.client("t-bob").Repositories.CreateStatus(w.ctx, owner, repo, p.HeadSHA, &gh.RepoStatus{State: gh.String("success"), Context: gh.String("ci")})
	w.must(err)
}

func behind(w *world, pr *gh.PullRequest) {
	_, err := w.MoveBase(w.ctx, "alice", "other.txt", "x\n", "other work")
	w.must(err)
	green(w, pr)
}

func broughtUp(w *world, pr *gh.PullRequest) {
	behind(w, pr)
	w.must(w.UpdateBranch(w.ctx, "bob", pr.GetNumber()))
	green(w, pr)
}

func reviewed(w *world, pr *gh.PullRequest) {
	_, err := w.Review(w.ctx, "bob", pr.GetNumber(), sandbox.Approved, "", "")
	w.must(err)
}

func TestDemandsAreTold(t *testing.T) {
	w := newWorld(t)
	bot, admin := w.bot(), w.client("t-alice")
	_, _, err := admin.Repositories.GetBranchProtection(w.ctx, owner, repo, "main")
	if err != gh.ErrBranchNotProtected {
		t.Errorf("of a branch that is not protected: %v", err)
	}
	w.Demand("main", sandbox.Demands{Protection: true, Linear: true, Checks: []string{"ci"}, Strict: true, Reviews: 2, Owners: true, Pushers: []string{"alice"}})
	p, _, err := admin.Repositories.GetBranchProtection(w.ctx, owner, repo, "main")
	w.must(err)
	if !p.RequiredStatusChecks.Strict || !p.RequireLinearHistory.Enabled || p.RequiredPullRequestReviews.RequiredApprovingReviewCount != 2 ||
		!p.RequiredPullRequestReviews.RequireCodeOwnerReviews || p.Restrictions.Users[0].GetLogin() != "alice" {
		t.Errorf("the protection is %+v", p)
	}
	_, _, err = bot.Repositories.GetBranchProtection(w.ctx, owner, repo, "main")
	refused(t, err, 404, "Not Found")
	b, _, err := bot.Repositories.GetBranch(w.ctx, owner, repo, "main", 0)
	w.must(err)
	if !b.GetProtected() {
		t.Error("the branch is not protected")
	}
	w.Demand("main", sandbox.Demands{Queue: true, Signatures: true, Deployments: []string{"prod"}, Conversations: true})
	var rules []struct{ Type string }
	req, err := bot.NewRequest("GET", "repos/"+owner+"/"+repo+"/rules/branches/main", nil)
	w.must(err)
	_, err = bot.Do(w.ctx, req, &rules) // go-github 60 does not know every kind of rule
	w.must(err)
	if len(rules) != 4 || rules[0].Type != "merge_queue" {
		t.Errorf("the rules are %v", rules)
	}
}
