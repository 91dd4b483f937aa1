package github_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

// The whole life of a change, with the client production uses and the Git everybody uses.
func TestLifeOfAChange(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	pr := w.openChange(bot)
	n := pr.GetNumber()
	if pr.GetState() != "open" || pr.GetUser().GetLogin() != botLogin || pr.GetUser().GetType() != "Bot" {
		t.Fatalf("opened %v", pr)
	}
	if pr.GetChangedFiles() != 1 || pr.GetAdditions() != 1 || pr.GetDeletions() != 1 || pr.GetCommits() != 1 {
		t.Errorf("size of the change: %d files +%d -%d, %d commits", pr.GetChangedFiles(), pr.GetAdditions(), pr.GetDeletions(), pr.GetCommits())
	}
	if !pr.GetMergeable() || pr.GetMergeableState() != "clean" {
		t.Errorf("mergeable %v %s", pr.GetMergeable(), pr.GetMergeableState())
	}
	checkDuplicates(t, w, bot)
	checkComment(t, w, bot, n)
	head := pr.GetHead().GetSHA()
	checkReviews(t, w, n, head)
	checkMerging(t, w, bot, n, head)
}

func checkDuplicates(t *testing.T, w *world, bot *gh.Client) {
	open := func(title, head, base string) error {
		_, _, err := bot.PullRequests.Create(w.ctx, owner, repo, &gh.NewPullRequest{
			Title: gh.String(title), Head: gh.String(head), Base: gh.String(base),
		})
		return err
	}
	refused(t, open("again", branch, "main"), 422, "A pull request already exists for acme:"+branch+".")
	refused(t, open("again", owner+":"+branch, "main"), 422, "A pull request already exists")
	refused(t, open("nothing", "main", "main"), 422, "No commits between main and main")
	refused(t, open("missing", "no-such", "main"), 422, "head invalid")
	refused(t, open("missing", branch, "no-such"), 422, "base invalid")
	refused(t, open("", branch, "main"), 422, "title missing_field")

	found, _, err := bot.PullRequests.List(w.ctx, owner, repo, &gh.PullRequestListOptions{State: "all", Head: owner + ":" + branch, Base: "main"})
	w.must(err)
	none, _, err := bot.PullRequests.List(w.ctx, owner, repo, &gh.PullRequestListOptions{Head: owner + ":other"})
	w.must(err)
	if len(found) != 1 || len(none) != 0 {
		t.Errorf("found %d and %d pull requests, want 1 and 0", len(found), len(none))
	}
}

func checkComment(t *testing.T, w *world, bot *gh.Client, n int) {
	c, _, err := bot.Issues.CreateComment(w.ctx, owner, repo, n, &gh.IssueComment{Body: gh.String("plan: 1 to change")})
	w.must(err)
	_, _, err = bot.Issues.EditComment(w.ctx, owner, repo, c.GetID(), &gh.IssueComment{Body: gh.String("plan: 2 to change")})
	w.must(err)
	all, _, err := bot.Issues.ListComments(w.ctx, owner, repo, n, nil)
	w.must(err)
	if len(all) != 1 || all[0].GetBody() != "plan: 2 to change" || all[0].GetUser().GetLogin() != botLogin {
		t.Errorf("comments %v", all)
	}
	long := strings.Repeat("é", 65536)
	if _, _, err := bot.Issues.EditComment(w.ctx, owner, repo, c.GetID(), &gh.IssueComment{Body: &long}); err != nil {
		t.Errorf("a comment of exactly the limit: %v", err)
	}
	long += "é"
	_, _, err = bot.Issues.EditComment(w.ctx, owner, repo, c.GetID(), &gh.IssueComment{Body: &long})
	refused(t, err, 422, "Body is too long (maximum is 65536 characters)")
	_, _, err = w.client("t-dave").Issues.EditComment(w.ctx, owner, repo, c.GetID(), &gh.IssueComment{Body: gh.String("x")})
	refused(t, err, 403, "push access")
}

func checkReviews(t *testing.T, w *world, n int, head string) {
	submit := func(token, event, body string) (*gh.PullRequestReview, error) {
		r, _, err := w.client(token).PullRequests.CreateReview(w.ctx, owner, repo, n, &gh.PullRequestReviewRequest{
			Event: gh.String(event), Body: gh.String(body),
		})
		return r, err
	}
	_, err := submit("bot-token", "APPROVE", "")
	refused(t, err, 422, "Can not approve your own pull request")
	_, err = submit("t-bob", "REQUEST_CHANGES", "")
	refused(t, err, 422, "Body can't be blank")
	first, err := submit("t-bob", "REQUEST_CHANGES", "not yet")
	w.must(err)
	second, err := submit("t-bob", "APPROVE", "")
	w.must(err)
	if second.GetState() != "APPROVED" || second.GetCommitID() != head || second.GetID() <= first.GetID() {
		t.Errorf("review %v after %v, head %s", second, first, head)
	}
	dismissed, _, err := w.bot().PullRequests.DismissReview(w.ctx, owner, repo, n, first.GetID(), &gh.PullRequestReviewDismissalRequest{Message: gh.String("old")})
	w.must(err)
	if dismissed.GetState() != "DISMISSED" {
		t.Errorf("state %s after dismissal", dismissed.GetState())
	}
	_, _, err = w.bot().PullRequests.DismissReview(w.ctx, owner, repo, n, first.GetID(), &gh.PullRequestReviewDismissalRequest{Message: gh.String("old")})
	refused(t, err, 422, "Can not dismiss")
	all, _, err := w.bot().PullRequests.ListReviews(w.ctx, owner, repo, n, nil)
	w.must(err)
	if len(all) != 2 || all[0].GetState() != "DISMISSED" || all[1].GetState() != "APPROVED" {
		t.Errorf("reviews %v", all)
	}
}

func checkMerging(t *testing.T, w *world, bot *gh.Client, n int, head string) {
	merge := func(c *gh.Client, sha string) (*gh.PullRequestMergeResult, error) {
		res, _, err := c.PullRequests.Merge(w.ctx, owner, repo, n, "", &gh.PullRequestOptions{SHA: sha})
		return res, err
	}
	stray, err := w.Push(w.ctx, sandbox.Push{By: "carol", Branch: branch, Path: "stray.txt", Content: "hm\n", Committer: "bob"})
	w.must(err)
	_, err = merge(bot, head)
	refused(t, err, 409, "Head branch was modified. Review and try the merge again.")
	_, err = merge(w.client("t-dave"), stray)
	refused(t, err, 403, "not accessible")
	commits, _, err := bot.PullRequests.ListCommits(w.ctx, owner, repo, n, nil)
	w.must(err)
	if len(commits) != 2 || commits[0].GetAuthor().GetLogin() != botLogin ||
		commits[1].GetAuthor().GetLogin() != "carol" || commits[1].GetCommitter().GetLogin() != "bob" {
		t.Errorf("commits %v", commits)
	}
	res, err := merge(bot, stray)
	w.must(err)
	pr, _, err := bot.PullRequests.Get(w.ctx, owner, repo, n)
	w.must(err)
	if !pr.GetMerged() || pr.GetState() != "closed" || pr.GetMergeCommitSHA() != res.GetSHA() || pr.GetMergedBy().GetLogin() != botLogin {
		t.Errorf("after the merge: %v", pr)
	}
	_, err = merge(bot, stray)
	refused(t, err, 405, "not mergeable")
	checkClone(t, w, n, res.GetSHA(), stray)
}

func checkClone(t *testing.T, w *world, n int, mergeSHA, head string) {
	dir := t.TempDir()
	if out, err := w.gitClient(dir, "clone", "--quiet", w.cloneURL("bot-token"), "copy"); err != nil {
		t.Fatalf("clone: %v\n%s", err, out)
	}
	copied := filepath.Join(dir, "copy")
	if got := readFile(t, copied, tfvars); got != tokyo {
		t.Errorf("merged content %q", got)
	}
	out, err := w.gitClient(copied, "log", "-1", "--format=%H %an|%cn|%P")
	w.must(err)
	if !strings.HasPrefix(out, mergeSHA+" "+botLogin+"|GitHub|") || len(strings.Fields(strings.SplitN(out, "|", 3)[2])) != 2 {
		t.Errorf("merge commit is %q", out)
	}
	if out, err := w.gitClient(copied, "fetch", "--quiet", "origin", "refs/pull/1/head:pr", head); err != nil {
		t.Errorf("fetch the pull request and an exact commit: %v\n%s", err, out)
	}
	if out, err := w.gitClient(copied, "push", "origin", "pr:refs/heads/evil"); err == nil || !strings.Contains(out, "403") {
		t.Errorf("a push over Git was taken: %v\n%s", err, out)
	}
	for _, token := range []string{"wrong", "t-mallory"} {
		if out, err := w.gitClient(dir, "clone", "--quiet", w.cloneURL(token), "no-"+token); err == nil {
			t.Errorf("clone with %s worked: %s", token, out)
		}
	}
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.CloneURL()+"/info/refs?service=git-upload-pack", nil)
	w.must(err)
	for _, auth := range []string{"Bearer bot-token", basic("bot-token")} {
		req.Header.Set("Authorization", auth)
		resp, err := http.DefaultClient.Do(req)
		w.must(err)
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: status %d", auth, resp.StatusCode)
		}
	}
	if n != 1 {
		t.Errorf("the first pull request is number %d", n)
	}
}

func TestSeedKeepsLinksAndModes(t *testing.T) {
	seed := t.TempDir()
	write := func(name string, mode os.FileMode) {
		path := filepath.Join(seed, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(seoul), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("live/active.tfvars", 0o644)
	write("bin/plan", 0o755)
	write(".git/config", 0o644)
	write("live/.terraform/lock", 0o644)
	write("odd \"name\"\\é.txt", 0o644)
	if err := os.MkdirAll(filepath.Join(seed, "live/tokyo"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../active.tfvars", filepath.Join(seed, "live/tokyo/active.tfvars")); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *sandbox.Options) { o.SeedDir, o.SeedFiles = seed, nil })
	tree, _, err := w.bot().Git.GetTree(w.ctx, owner, repo, "main", true)
	w.must(err)
	modes := map[string]string{}
	for _, e := range tree.Entries {
		if e.GetType() == "blob" {
			modes[e.GetPath()] = e.GetMode()
		}
	}
	want := map[string]string{
		"live/active.tfvars": "100644", "bin/plan": "100755", "live/tokyo/active.tfvars": "120000", "odd \"name\"\\é.txt": "100644",
	}
	if len(modes) != len(want) {
		t.Errorf("files %v", modes)
	}
	for p, m := range want {
		if modes[p] != m {
			t.Errorf("%s has mode %q, want %s", p, modes[p], m)
		}
	}
	file, _, _, err := w.bot().Repositories.GetContents(w.ctx, owner, repo, "live/tokyo/active.tfvars", nil)
	w.must(err)
	if text, err := file.GetContent(); err != nil || text != seoul {
		t.Errorf("through the link: %q, %v", text, err)
	}
}
