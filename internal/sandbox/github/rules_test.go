package github_test

import (
	"fmt"
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

func TestPagingOverReviews(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	n := w.openChange(bot).GetNumber()
	const total = 213
	for i := range total {
		_, err := w.Review(w.ctx, "bob", n, sandbox.Commented, fmt.Sprintf("note %d", i), "")
		w.must(err)
	}
	var got []*gh.PullRequestReview
	opts, pages := &gh.ListOptions{PerPage: 100}, 0
	for {
		page, resp, err := bot.PullRequests.ListReviews(w.ctx, owner, repo, n, opts)
		w.must(err)
		got, pages = append(got, page...), pages+1
		if resp.NextPage == 0 {
			break
		}
		opts.Page = resp.NextPage
	}
	if len(got) != total || pages != 3 {
		t.Fatalf("%d reviews on %d pages", len(got), pages)
	}
	for i, r := range got {
		if r.GetBody() != fmt.Sprintf("note %d", i) || i > 0 && r.GetID() <= got[i-1].GetID() {
			t.Fatalf("review %d is %v", i, r)
		}
	}
	first, resp, err := bot.PullRequests.ListReviews(w.ctx, owner, repo, n, nil)
	w.must(err)
	if len(first) != 30 || resp.LastPage != 8 || resp.Rate.Limit != 5000 || resp.Rate.Remaining <= 0 {
		t.Errorf("by default %d a page, last %d, rate %v", len(first), resp.LastPage, resp.Rate)
	}
}

func TestReviewsStayWithTheirCommit(t *testing.T) {
	w := newWorld(t)
	pr := w.openChange(w.bot())
	n, head := pr.GetNumber(), pr.GetHead().GetSHA()
	old, err := w.Review(w.ctx, "alice", n, sandbox.Approved, "", "")
	w.must(err)
	moved, err := w.Push(w.ctx, sandbox.Push{By: "bob", Branch: branch, Path: "x.txt", Content: "x", AuthorEmail: "nobody@nowhere.example"})
	w.must(err)
	late, err := w.Review(w.ctx, "carol", n, sandbox.Approved, "", head)
	w.must(err)
	fresh, err := w.Review(w.ctx, "carol", n, sandbox.Approved, "", "")
	w.must(err)
	if old.CommitID != head || late.CommitID != head || fresh.CommitID != moved {
		t.Errorf("commits %s %s %s, heads %s %s", old.CommitID, late.CommitID, fresh.CommitID, head, moved)
	}
	if _, err := w.Review(w.ctx, "carol", n, sandbox.Approved, "", strings.Repeat("1", 40)); err == nil {
		t.Error("a review on a foreign commit was taken")
	}
	commits, _, err := w.bot().PullRequests.ListCommits(w.ctx, owner, repo, n, nil)
	w.must(err)
	if commits[1].Author != nil || commits[1].GetCommitter().GetLogin() != "bob" {
		t.Errorf("the author of an unknown address is %v, its committer %v", commits[1].Author, commits[1].Committer)
	}
	w.must(w.ForcePush(w.ctx, "bob", branch, head))
	w.must(w.DeleteAccount("alice"))
	reviews, _, err := w.bot().PullRequests.ListReviews(w.ctx, owner, repo, n, nil)
	w.must(err)
	if reviews[0].User != nil || reviews[1].GetUser().GetLogin() != "carol" {
		t.Errorf("the deleted user is %v", reviews[0].User)
	}
	p, err := w.Pull(n)
	w.must(err)
	if p.HeadSHA != head || len(p.Heads) != 2 || p.Reviews[0].User != "" {
		t.Errorf("after the force push: %+v", p)
	}
}

func TestPendingReview(t *testing.T) {
	w := newWorld(t)
	n := w.openChange(w.bot()).GetNumber()
	bob := w.client("t-bob")
	pending, _, err := bob.PullRequests.CreateReview(w.ctx, owner, repo, n, &gh.PullRequestReviewRequest{Body: gh.String("draft")})
	w.must(err)
	others, _, err := w.bot().PullRequests.ListReviews(w.ctx, owner, repo, n, nil)
	w.must(err)
	if pending.GetState() != "PENDING" || len(others) != 0 {
		t.Errorf("a pending review: %v, seen by others: %v", pending, others)
	}
	done, _, err := bob.PullRequests.SubmitReview(w.ctx, owner, repo, n, pending.GetID(), &gh.PullRequestReviewRequest{Event: gh.String("APPROVE")})
	w.must(err)
	if done.GetState() != "APPROVED" {
		t.Errorf("submitted: %v", done)
	}
}

func TestRefs(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	main, err := w.HeadOf(w.ctx, "main")
	w.must(err)
	ref := func(name, sha string) *gh.Reference {
		return &gh.Reference{Ref: gh.String("refs/heads/" + name), Object: &gh.GitObject{SHA: gh.String(sha)}}
	}
	_, _, err = bot.Git.CreateRef(w.ctx, owner, repo, ref("a/b", main))
	w.must(err)
	_, _, err = bot.Git.CreateRef(w.ctx, owner, repo, ref("a/b", main))
	refused(t, err, 422, "Reference already exists")
	_, _, err = bot.Git.CreateRef(w.ctx, owner, repo, ref("c", strings.Repeat("2", 40)))
	refused(t, err, 422, "Object does not exist")
	ahead := commitByAPI(t, w, bot, main)
	_, _, err = bot.Git.UpdateRef(w.ctx, owner, repo, ref("a/b", ahead), false)
	w.must(err)
	_, _, err = bot.Git.UpdateRef(w.ctx, owner, repo, ref("a/b", main), false)
	refused(t, err, 422, "Update is not a fast forward")
	_, _, err = bot.Git.UpdateRef(w.ctx, owner, repo, ref("a/b", main), true)
	w.must(err)
	_, err = bot.Git.DeleteRef(w.ctx, owner, repo, "refs/heads/a/b")
	w.must(err)
	_, _, err = bot.Git.GetRef(w.ctx, owner, repo, "refs/heads/a/b")
	refused(t, err, 404, "Not Found")
	_, err = bot.Git.DeleteRef(w.ctx, owner, repo, "refs/heads/a/b")
	refused(t, err, 422, "Reference does not exist")
	_, _, err = bot.Repositories.GetBranch(w.ctx, owner, repo, "a/b", 0)
	if err == nil {
		t.Error("the deleted branch is still there")
	}
}

// commitByAPI goes the long way: blob, tree, commit.
func commitByAPI(t *testing.T, w *world, bot *gh.Client, parent string) string {
	t.Helper()
	blob, _, err := bot.Git.CreateBlob(w.ctx, owner, repo, &gh.Blob{Content: gh.String("hello\n"), Encoding: gh.String("utf-8")})
	w.must(err)
	base, _, err := bot.Git.GetCommit(w.ctx, owner, repo, parent)
	w.must(err)
	tree, _, err := bot.Git.CreateTree(w.ctx, owner, repo, base.Tree.GetSHA(), []*gh.TreeEntry{
		{Path: gh.String("docs/hello.txt"), Mode: gh.String("100644"), Type: gh.String("blob"), SHA: blob.SHA},
		{Path: gh.String("README.md"), Mode: gh.String("100644"), Type: gh.String("blob")}, // SHA null: it goes
	})
	w.must(err)
	c, _, err := bot.Git.CreateCommit(w.ctx, owner, repo, &gh.Commit{
		Message: gh.String("by the API"), Tree: tree, Parents: []*gh.Commit{{SHA: gh.String(parent)}},
	}, nil)
	w.must(err)
	diff, _, err := bot.Repositories.CompareCommits(w.ctx, owner, repo, "main", c.GetSHA(), nil)
	w.must(err)
	status := map[string]string{}
	for _, f := range diff.Files {
		status[f.GetFilename()] = f.GetStatus()
	}
	if diff.GetAheadBy() != 1 || diff.GetBehindBy() != 0 || diff.GetStatus() != "ahead" ||
		status["docs/hello.txt"] != "added" || status["README.md"] != "removed" || len(status) != 2 ||
		diff.GetMergeBaseCommit().GetSHA() != parent {
		t.Errorf("comparison %v, files %v", diff, status)
	}
	return c.GetSHA()
}

func TestContentsLock(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	file, _, _, err := bot.Repositories.GetContents(w.ctx, owner, repo, tfvars, nil)
	w.must(err)
	_, err = w.MoveBase(w.ctx, "alice", tfvars, "active_region = \"us-east-1\"\n", "somebody was faster")
	w.must(err)
	put := func(sha *string, path string) error {
		_, _, err := bot.Repositories.UpdateFile(w.ctx, owner, repo, path, &gh.RepositoryContentFileOptions{
			Message: gh.String("flip"), Content: []byte(tokyo), SHA: sha, Branch: gh.String("main"),
		})
		return err
	}
	refused(t, put(file.SHA, tfvars), 409, "does not match")
	refused(t, put(nil, tfvars), 422, "\"sha\" wasn't supplied")
	w.must(put(nil, "new.txt"))
	_, _, _, err = bot.Repositories.GetContents(w.ctx, owner, repo, "nothing/here", nil)
	refused(t, err, 404, "Not Found")
	_, dir, _, err := bot.Repositories.GetContents(w.ctx, owner, repo, "terraform/live/portal", nil)
	w.must(err)
	if len(dir) != 1 || dir[0].GetPath() != tfvars {
		t.Errorf("folder %v", dir)
	}
}

func TestStatuses(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	sha := w.openChange(bot).GetHead().GetSHA()
	set := func(state, context, description string) error {
		_, _, err := bot.Repositories.CreateStatus(w.ctx, owner, repo, sha, &gh.RepoStatus{
			State: &state, Context: &context, Description: &description,
		})
		return err
	}
	w.must(set("pending", "drbot/plan", "planning"))
	w.must(set("success", "drbot/plan", strings.Repeat("x", 140)))
	w.must(set("pending", "drbot/approval", "0 of 2"))
	refused(t, set("success", "drbot/plan", strings.Repeat("x", 141)), 422, "description is too long (maximum is 140 characters)")
	refused(t, set("green", "drbot/plan", ""), 422, "state is not included in the list")
	all, _, err := bot.Repositories.GetCombinedStatus(w.ctx, owner, repo, branch, nil)
	w.must(err)
	if all.GetState() != "pending" || all.GetTotalCount() != 2 || all.GetSHA() != sha {
		t.Errorf("combined %v", all)
	}
	w.must(set("failure", "drbot/approval", "expired"))
	all, _, err = bot.Repositories.GetCombinedStatus(w.ctx, owner, repo, sha, nil)
	w.must(err)
	history, _, err := bot.Repositories.ListStatuses(w.ctx, owner, repo, sha, nil)
	w.must(err)
	if all.GetState() != "failure" || len(history) != 4 || history[0].GetState() != "failure" || len(w.Statuses(sha)) != 4 {
		t.Errorf("combined %s, history %v", all.GetState(), history)
	}
	pr, _, err := bot.PullRequests.Get(w.ctx, owner, repo, 1)
	w.must(err)
	if pr.GetMergeableState() != "unstable" {
		t.Errorf("mergeable_state %s", pr.GetMergeableState())
	}
}

func TestWhoMay(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	for login, want := range map[string]string{"ALICE": "admin", "bob": "write", "carol": "write", "dave": "read", "mallory": "none"} {
		level, _, err := bot.Repositories.GetPermissionLevel(w.ctx, owner, repo, login)
		w.must(err)
		if level.GetPermission() != want || !strings.EqualFold(level.GetUser().GetLogin(), login) {
			t.Errorf("%s has %v", login, level)
		}
	}
	_, _, err := bot.Repositories.GetPermissionLevel(w.ctx, owner, repo, "nobody")
	refused(t, err, 404, "Not Found")
	_, _, err = w.client("wrong").Users.Get(w.ctx, "")
	refused(t, err, 401, "Bad credentials")
	_, _, err = w.client("t-mallory").PullRequests.List(w.ctx, owner, repo, nil)
	refused(t, err, 404, "Not Found")
	_, _, err = bot.Repositories.Get(w.ctx, "other", repo)
	refused(t, err, 404, "Not Found")
	me, _, err := bot.Users.Get(w.ctx, "")
	w.must(err)
	if me.GetLogin() != botLogin || me.GetType() != "Bot" || me.GetID() < 1<<31 {
		t.Errorf("the bot is %v", me)
	}
	req, err := bot.NewRequest("POST", "repos/acme/infra/forks", nil)
	w.must(err)
	_, err = bot.Do(w.ctx, req, nil)
	refused(t, err, 404, "Not Found")
}
