package github_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"testing"
	"time"

	gh "github.com/google/go-github/v60/github"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

func TestFaults(t *testing.T) {
	w := newWorld(t)
	n := w.openChange(w.bot()).GetNumber()
	get := func() error {
		_, _, err := w.bot().PullRequests.Get(w.ctx, owner, repo, n) // a fresh client: a rate limit blocks the old one
		return err
	}
	once := func(f sandbox.Fault) error {
		t.Helper()
		f.Method, f.Path, f.Times = "GET", "/repos/acme/infra/pulls/", 1
		i := w.Inject(f)
		err := get()
		if i.Hits() != 1 {
			t.Errorf("%s was met %d times", f.Kind, i.Hits())
		}
		if again := get(); again != nil {
			t.Errorf("%s lasted: %v", f.Kind, again)
		}
		return err
	}
	err := once(sandbox.Fault{Kind: sandbox.TooManyRequests, RetryAfter: 1500 * time.Millisecond})
	refused(t, err, 429, "rate limit")
	var e *gh.ErrorResponse
	if errors.As(err, &e) && e.Response.Header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q", e.Response.Header.Get("Retry-After"))
	}
	var secondary *gh.AbuseRateLimitError
	if err := once(sandbox.Fault{Kind: sandbox.SecondaryLimit}); !errors.As(err, &secondary) || secondary.RetryAfter == nil {
		t.Errorf("secondary limit: %v", err)
	}
	var primary *gh.RateLimitError
	if err := once(sandbox.Fault{Kind: sandbox.PrimaryLimit}); !errors.As(err, &primary) {
		t.Errorf("primary limit: %v", err)
	}
	refused(t, once(sandbox.Fault{Kind: sandbox.ServerError}), 500, "Server Error")
	if err := once(sandbox.Fault{Kind: sandbox.HalfBody}); err == nil {
		t.Error("half a body was taken for a whole one")
	}
	if err := once(sandbox.Fault{Kind: sandbox.DroppedReply}); err == nil {
		t.Error("a dropped reply was an answer")
	}
}

func TestLostReplyHasHappened(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	n := w.openChange(bot).GetNumber()
	w.Inject(sandbox.Fault{Kind: sandbox.LostReply, Method: "PUT", Pattern: regexp.MustCompile(`/merge$`), User: botLogin, Times: 1})
	_, _, err := bot.PullRequests.Merge(w.ctx, owner, repo, n, "", nil)
	refused(t, err, 500, "Server Error")
	p, err := w.Pull(n)
	w.must(err)
	if !p.Merged {
		t.Error("the merge did not happen")
	}
	calls := w.CallsTo("PUT", "/merge")
	if len(calls) != 1 || calls[0].Status != 500 || calls[0].User != botLogin || calls[0].Fault != string(sandbox.LostReply) || !calls[0].Done {
		t.Errorf("journal %+v", calls)
	}
}

func TestHang(t *testing.T) {
	w := newWorld(t)
	n := w.openChange(w.bot()).GetNumber()
	i := w.Inject(sandbox.Fault{Kind: sandbox.Hang, Path: "/repos/acme/infra/issues/"})
	answered := make(chan error, 1)
	go func() {
		_, _, err := w.bot().Issues.ListComments(w.ctx, owner, repo, n, nil)
		answered <- err
	}()
	w.must(w.Wait(w.ctx, func() bool { return i.Hits() == 1 }))
	if _, _, err := w.bot().PullRequests.Get(w.ctx, owner, repo, n); err != nil {
		t.Errorf("another call met the hang: %v", err)
	}
	select {
	case err := <-answered:
		t.Fatalf("answered while it hung: %v", err)
	default:
	}
	ctx, cancel := context.WithCancel(w.ctx)
	w2 := make(chan error, 1)
	go func() {
		_, _, err := w.bot().Issues.ListComments(ctx, owner, repo, n, nil)
		w2 <- err
	}()
	w.must(w.Wait(w.ctx, func() bool { return i.Hits() == 2 }))
	cancel() // a caller who gives up must not be waited for
	if err := <-w2; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled call: %v", err)
	}
	w.must(w.Wait(w.ctx, func() bool { return len(doneCalls(w, "/comments")) == 1 }))
	i.Release()
	w.must(<-answered)
	w.must(w.Wait(w.ctx, func() bool { return len(doneCalls(w, "/comments")) == 2 }))
	w.Inject(sandbox.Fault{Kind: sandbox.Hang, Path: "/user", For: time.Millisecond, Times: 1})
	if _, _, err := w.bot().Users.Get(w.ctx, ""); err != nil {
		t.Errorf("after its time a hang ends: %v", err)
	}
}

func doneCalls(w *world, suffix string) []sandbox.Call {
	var done []sandbox.Call
	for _, c := range w.CallsTo("GET", suffix) {
		if c.Done {
			done = append(done, c)
		}
	}
	return done
}

func TestLies(t *testing.T) {
	w := newWorld(t)
	bot := w.bot()
	pr := w.openChange(bot)
	n := pr.GetNumber()
	before, err := w.HeadOf(w.ctx, "main")
	w.must(err)
	_, err = w.Review(w.ctx, "bob", n, sandbox.Approved, "", "")
	w.must(err)
	moved, err := w.Push(w.ctx, sandbox.Push{By: "carol", Branch: branch, Path: "x", Content: "x"})
	w.must(err)

	w.SetLies(sandbox.Lies{MergeMovesNothing: true, ReviewUsers: map[string]string{"bob": "alice"}, ReviewsAtHead: true, PermissionsFail: true, ForkHead: true})
	reviews, _, err := bot.PullRequests.ListReviews(w.ctx, owner, repo, n, nil)
	w.must(err)
	if reviews[0].GetUser().GetLogin() != "alice" || reviews[0].GetCommitID() != moved {
		t.Errorf("review %v", reviews[0])
	}
	_, _, err = bot.Repositories.GetPermissionLevel(w.ctx, owner, repo, "bob")
	refused(t, err, 500, "Server Error")
	got, _, err := bot.PullRequests.Get(w.ctx, owner, repo, n)
	w.must(err)
	if got.GetHead().GetRepo().GetFullName() != "stranger/infra" || !got.GetHead().GetRepo().GetFork() {
		t.Errorf("head repository %v", got.GetHead().GetRepo())
	}
	res, _, err := bot.PullRequests.Merge(w.ctx, owner, repo, n, "", nil)
	w.must(err)
	p, err := w.Pull(n)
	w.must(err)
	if !res.GetMerged() || p.Merged || p.State != "open" {
		t.Errorf("answer %v, truth %+v", res, p)
	}
	w.SetLies(sandbox.Lies{MergeOnPaper: true})
	_, _, err = bot.PullRequests.Merge(w.ctx, owner, repo, n, "", nil)
	w.must(err)
	p, err = w.Pull(n)
	w.must(err)
	after, err := w.HeadOf(w.ctx, "main")
	w.must(err)
	if !p.Merged || after != before {
		t.Errorf("merged %v, base moved %v", p.Merged, after != before)
	}
}

func TestJournalKeepsBodies(t *testing.T) {
	w := newWorld(t)
	w.openChange(w.bot())
	calls := w.CallsTo("POST", "/pulls")
	if len(calls) != 1 || calls[0].Status != http.StatusCreated || len(calls[0].Body) == 0 || calls[0].Duration <= 0 || calls[0].Path != "/repos/acme/infra/pulls" {
		t.Errorf("journal %+v", calls)
	}
}
