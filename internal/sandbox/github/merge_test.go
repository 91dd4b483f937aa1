package github_test

import (
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

func TestMergeMethods(t *testing.T) {
	for method, want := range map[string]struct {
		parents, commits int
		author, subject  string
	}{
		"merge":  {2, 3, botLogin, "Merge pull request #1 from acme/" + branch},
		"squash": {1, 2, botLogin, "Fail portal over to Tokyo (#1)"},
		"rebase": {1, 3, "Bob", "second"},
	} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			bot := w.bot()
			w.openChange(bot)
			head, err := w.Push(w.ctx, sandbox.Push{By: "bob", Branch: branch, Path: "list.txt", Content: "one\ntwo\nthree\nfour\n5\n", Message: "second"})
			w.must(err)
			base, err := w.MoveBase(w.ctx, "alice", "list.txt", "1\ntwo\nthree\nfour\nfive\n", "meanwhile")
			w.must(err)
			res, _, err := bot.PullRequests.Merge(w.ctx, owner, repo, 1, "", &gh.PullRequestOptions{SHA: head, MergeMethod: method})
			w.must(err)
			log, err := w.Log(w.ctx, "main")
			w.must(err)
			top := log[0]
			if top.SHA != res.GetSHA() || len(top.Parents) != want.parents || top.Author.Name != want.author || top.Subject() != want.subject {
				t.Errorf("top commit %+v", top)
			}
			added := 0
			for _, c := range log {
				if c.SHA == base {
					break
				}
				added++
			}
			if method != "merge" && added != want.commits-1 || method == "merge" && len(log) != 5 {
				t.Errorf("%d commits on top of the base, %d in all", added, len(log))
			}
			both, err := w.FileAt(w.ctx, "main", "list.txt")
			w.must(err)
			if string(both) != "1\ntwo\nthree\nfour\n5\n" {
				t.Errorf("merged content %q", both)
			}
		})
	}
}

func TestConflict(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	n := w.openChange(bot).GetNumber()
	_, err := w.MoveBase(w.ctx, "alice", tfvars, "active_region = \"us-east-1\"\n", "by hand")
	w.must(err)
	pr, _, err := bot.PullRequests.Get(w.ctx, owner, repo, n)
	w.must(err)
	if pr.Mergeable == nil || pr.GetMergeable() || pr.GetMergeableState() != "dirty" {
		t.Errorf("mergeable %v %s", pr.Mergeable, pr.GetMergeableState())
	}
	before, err := w.HeadOf(w.ctx, "main")
	w.must(err)
	for _, method := range []string{"merge", "squash", "rebase"} {
		_, _, err = bot.PullRequests.Merge(w.ctx, owner, repo, n, "", &gh.PullRequestOptions{MergeMethod: method})
		refused(t, err, 405, "not mergeable")
	}
	after, err := w.HeadOf(w.ctx, "main")
	w.must(err)
	if before != after {
		t.Error("a refused merge moved the base")
	}
	if err := w.UpdateBranch(w.ctx, "bob", n); err == nil {
		t.Error("the branch was updated over a conflict")
	}
}

func TestBaseMovesAndRetarget(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	pr := w.openChange(bot)
	n := pr.GetNumber()
	w.must(w.CreateBranch(w.ctx, "alice", "release", "main"))
	base, err := w.MoveBase(w.ctx, "alice", "other.txt", "x\n", "other work")
	w.must(err)
	cmp, _, err := bot.Repositories.CompareCommits(w.ctx, owner, repo, "main", branch, nil)
	w.must(err)
	if cmp.GetStatus() != "diverged" || cmp.GetBehindBy() != 1 || cmp.GetBaseCommit().GetSHA() != base {
		t.Errorf("comparison %v", cmp)
	}
	test, err := w.gitClient(t.TempDir(), "--git-dir", w.GitDir(), "log", "-1", "--format=%P", "refs/pull/1/merge")
	w.must(err)
	if test != base+" "+pr.GetHead().GetSHA()+"\n" {
		t.Errorf("the test merge has the parents %q", test)
	}
	w.must(w.UpdateBranch(w.ctx, "bob", n))
	p, err := w.Pull(n)
	w.must(err)
	if p.HeadSHA == pr.GetHead().GetSHA() || p.BaseSHA != base {
		t.Errorf("after the update: %+v", p)
	}
	w.must(w.Retarget(w.ctx, "bob", n, "release"))
	got, _, err := bot.PullRequests.Get(w.ctx, owner, repo, n)
	w.must(err)
	if got.GetBase().GetRef() != "release" {
		t.Errorf("base is %s", got.GetBase().GetRef())
	}
	if err := w.Retarget(w.ctx, "dave", n, "main"); err == nil {
		t.Error("a reader retargeted the pull request")
	}
}

func TestClosedByHand(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	n := w.openChange(bot).GetNumber()
	w.must(w.ClosePull(w.ctx, "alice", n))
	_, _, err := bot.PullRequests.Merge(w.ctx, owner, repo, n, "", nil)
	refused(t, err, 405, "not mergeable")
	w.must(w.ReopenPull(w.ctx, "alice", n))
	w.must(w.DeleteBranch(w.ctx, "bob", branch))
	p, err := w.Pull(n)
	w.must(err)
	if p.State != "closed" || p.Merged || p.ClosedBy != "bob" {
		t.Errorf("after its branch was deleted: %+v", p)
	}
	_, _, err = bot.PullRequests.Edit(w.ctx, owner, repo, n, &gh.PullRequest{State: gh.String("open")})
	refused(t, err, 422, "branch has been deleted")
}

// Somebody pushes the very commits to the base: GitHub says merged.
func TestMergedByPush(t *testing.T) {
	w := newWorld(t)
	pr := w.openChange(w.bot())
	w.must(w.ForcePush(w.ctx, "alice", "main", pr.GetHead().GetSHA()))
	p, err := w.Pull(pr.GetNumber())
	w.must(err)
	if !p.Merged || p.MergedBy != "alice" || p.MergeCommitSHA != pr.GetHead().GetSHA() {
		t.Errorf("%+v", p)
	}
}

func TestLazyMergeable(t *testing.T) {
	w := newWorld(t, func(o *sandbox.Options) { o.LazyMergeable = true })
	bot := w.bot()
	if pr := w.openChange(bot); pr.Mergeable != nil {
		t.Errorf("mergeable %v at once", pr.GetMergeable())
	}
	for i, want := range []string{"unknown", "clean"} {
		pr, _, err := bot.PullRequests.Get(w.ctx, owner, repo, 1)
		w.must(err)
		if pr.GetMergeableState() != want {
			t.Errorf("read %d: %s", i, pr.GetMergeableState())
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	_, err := sandbox.New(t.Context(), sandbox.Options{Owner: "a b", Repo: "../x"})
	if err == nil {
		t.Fatal("wrong options were taken")
	}
	for _, want := range []string{"Dir", "owner", "repo", "BotLogin"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	dir := t.TempDir()
	o := sandbox.Options{Dir: dir, Owner: "a", Repo: "b", BotLogin: "bot", BotToken: "x"}
	s, err := sandbox.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := sandbox.New(t.Context(), o); err == nil {
		t.Error("a second server took over the repository of the first")
	}
}

// Everybody merges at once: one wins, the others are told that it is over.
func TestConcurrentMerges(t *testing.T) {
	w := newWorld(t)
	n := w.openChange(w.bot()).GetNumber()
	const callers = 8
	results := make(chan error, callers)
	for range callers {
		go func() {
			_, _, err := w.bot().PullRequests.Merge(w.ctx, owner, repo, n, "", nil)
			results <- err
		}()
	}
	won := 0
	for range callers {
		if err := <-results; err == nil {
			won++
		} else {
			refused(t, err, 405, "not mergeable")
		}
	}
	log, err := w.Log(w.ctx, "main")
	w.must(err)
	if won != 1 || len(log) != 3 {
		t.Errorf("%d merges, %d commits on main", won, len(log))
	}
}
