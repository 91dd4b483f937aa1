package github_test

import (
	"slices"
	"testing"

	gh "github.com/google/go-github/v60/github"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

// A queue merges in its order and by its own account, upon whatever the base is by then; it
// throws out what fails, and what is closed or pushed to leaves it.
func TestMergeQueue(t *testing.T) {
	w := newWorld(t)
	pr := w.openChange(w.bot())
	n := pr.GetNumber()
	if err := w.Enqueue(w.ctx, "bob", n); err == nil {
		t.Fatal("enqueued although there is no queue")
	}
	w.Demand("main", sandbox.Demands{Queue: true, Checks: []string{"ci"}})
	if err := w.Enqueue(w.ctx, "bob", n); err == nil {
		t.Fatal("enqueued without its check")
	}
	green(w, pr)
	w.must(w.Enqueue(w.ctx, "bob", n))
	if err := w.Enqueue(w.ctx, "bob", n); err == nil {
		t.Error("enqueued twice")
	}
	w.must(w.ThrowOut(n, "failed_checks"))
	if q := w.Queue(); len(q) > 0 {
		t.Errorf("thrown out, and the queue holds %v", q)
	}
	w.must(w.Enqueue(w.ctx, "bob", n))
	tip, err := w.MoveBase(w.ctx, "alice", "other.txt", "x\n", "other work")
	w.must(err)
	if q := w.Queue(); !slices.Equal(q, []int{n}) {
		t.Errorf("the queue holds %v", q)
	}
	sha, err := w.MergeQueued(w.ctx)
	w.must(err)
	p, err := w.Pull(n)
	w.must(err)
	if !p.Merged || p.MergedBy != sandbox.QueueLogin || p.MergeCommitSHA != sha || len(w.Queue()) > 0 {
		t.Errorf("merged: %+v", p)
	}
	if log, err := w.Log(w.ctx, "main"); err != nil || log[0].SHA != sha || !slices.Contains(log[0].Parents, tip) {
		t.Errorf("the base: %+v, %v", log, err)
	}
}

func TestMergeQueueIsLeft(t *testing.T) {
	for name, leave := range map[string]func(*world, *gh.PullRequest) error{
		"closed": func(w *world, pr *gh.PullRequest) error { return w.ClosePull(w.ctx, "bob", pr.GetNumber()) },
		"pushed to": func(w *world, pr *gh.PullRequest) error {
			_, err := w.Push(w.ctx, sandbox.Push{By: "bob", Branch: pr.GetHead().GetRef(), Path: "more.txt", Content: "x\n", Message: "more"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.openChange(w.bot())
			w.Demand("main", sandbox.Demands{Queue: true})
			w.must(w.Enqueue(w.ctx, "bob", pr.GetNumber()))
			w.must(leave(w, pr))
			if q := w.Queue(); len(q) > 0 {
				t.Errorf("the queue holds %v", q)
			}
		})
	}
}

// Auto-merge fires as soon as what is demanded is there, by whoever has set it, and is
// shown until then.
func TestAutoMerge(t *testing.T) {
	w := newWorld(t)
	pr := w.openChange(w.bot())
	n := pr.GetNumber()
	w.AllowAutoMerge(true)
	if err := w.SetAutoMerge(w.ctx, "bob", n, true); err == nil {
		t.Error("set on what could be merged at once")
	}
	w.Demand("main", sandbox.Demands{Checks: []string{"ci"}})
	w.must(w.SetAutoMerge(w.ctx, "bob", n, true))
	shown := func() *gh.PullRequest {
		pr, _, err := w.bot().PullRequests.Get(w.ctx, owner, repo, n)
		w.must(err)
		return pr
	}
	if by := shown().GetAutoMerge().GetEnabledBy().GetLogin(); by != "bob" {
		t.Errorf("set by %q", by)
	}
	w.must(w.SetAutoMerge(w.ctx, "alice", n, false))
	green(w, pr)
	if p := shown(); p.GetMerged() || p.AutoMerge != nil {
		t.Error("switched off, and it fired")
	}
	w.Demand("main", sandbox.Demands{Checks: []string{"lint"}})
	w.must(w.SetAutoMerge(w.ctx, "bob", n, true))
	w.must(w.SetStatus(w.ctx, "alice", pr.GetHead().GetSHA(), "lint", "success", ""))
	if p := shown(); !p.GetMerged() || p.GetMergedBy().GetLogin() != "bob" {
		t.Errorf("merged %v by %q", p.GetMerged(), p.GetMergedBy().GetLogin())
	}
}

// A head that lacks commits of its base is behind where all of them are asked for, and
// nowhere else.
func TestBehind(t *testing.T) {
	for name, c := range map[string]struct {
		asked sandbox.Demands
		is    bool
	}{
		"strict":                 {sandbox.Demands{Strict: true, Checks: []string{"ci"}}, true},
		"strict without a check": {sandbox.Demands{Strict: true}, false},
		"not strict":             {sandbox.Demands{Checks: []string{"ci"}}, false},
	} {
		w := newWorld(t)
		pr := w.openChange(w.bot())
		w.Demand("main", c.asked)
		for _, moved := range []bool{false, true} {
			if moved {
				behind(w, pr)
			}
			now, _, err := w.bot().PullRequests.Get(w.ctx, owner, repo, pr.GetNumber())
			w.must(err)
			if got := now.GetMergeableState() == "behind"; got != (c.is && moved) {
				t.Errorf("%s, moved %v: it is %s", name, moved, now.GetMergeableState())
			}
		}
	}
}
