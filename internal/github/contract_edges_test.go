package github_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/github"
	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

func TestChangesByOthersAreSeen(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(ctx context.Context, s *sandbox.Server, n int) error
		good func(state dr.ChangeState, change dr.Change) bool
	}{
		"a commit on top": {func(ctx context.Context, s *sandbox.Server, _ int) error {
			_, err := s.Push(ctx, sandbox.Push{By: "bob", Branch: "drbot/r1", Path: "main.tf", Content: "x", Committer: "carol"})
			return err
		}, func(st dr.ChangeState, ch dr.Change) bool {
			return st.Head != ch.Head && len(st.Commits) == 2 && st.Commits[1].Author == "bob" && st.Commits[1].Committer == "carol" && len(st.Files) == 2
		}},
		"a commit by nobody known": {func(ctx context.Context, s *sandbox.Server, _ int) error {
			_, err := s.Push(ctx, sandbox.Push{By: "bob", Branch: "drbot/r1", Path: "main.tf", Content: "x", AuthorEmail: "who@nowhere.example"})
			return err
		}, func(st dr.ChangeState, _ dr.Change) bool {
			return len(st.Commits) == 2 && st.Commits[1].Author == ""
		}},
		"the base moved": {func(ctx context.Context, s *sandbox.Server, _ int) error {
			_, err := s.MoveBase(ctx, "bob", "README.md", "bye\n", "")
			return err
		}, func(st dr.ChangeState, ch dr.Change) bool {
			return st.BaseSHA != ch.Base && st.Head == ch.Head && len(st.Files) == 1 && st.BaseFile == seoul
		}},
		"updated from its base": {func(ctx context.Context, s *sandbox.Server, n int) error {
			if _, err := s.MoveBase(ctx, "bob", "README.md", "bye\n", ""); err != nil {
				return err
			}
			return s.UpdateBranch(ctx, "bob", n)
		}, func(st dr.ChangeState, ch dr.Change) bool { return st.Head != ch.Head && len(st.Commits) == 2 }},
		"merged by hand": {func(ctx context.Context, s *sandbox.Server, n int) error {
			_, err := s.Merge(ctx, "alice", n)
			return err
		}, func(st dr.ChangeState, _ dr.Change) bool {
			return st.Merged && st.MergedBy == "alice" && st.MergeSHA != ""
		}},
		"closed": {func(ctx context.Context, s *sandbox.Server, n int) error { return s.ClosePull(ctx, "bob", n) },
			func(st dr.ChangeState, _ dr.Change) bool { return !st.Open && !st.Merged }},
		"its branch deleted": {func(ctx context.Context, s *sandbox.Server, _ int) error {
			return s.DeleteBranch(ctx, "bob", "drbot/r1")
		}, func(st dr.ChangeState, ch dr.Change) bool { return st.BranchGone && !st.Open && st.Head == ch.Head }},
		"retargeted": {func(ctx context.Context, s *sandbox.Server, n int) error {
			if err := s.CreateBranch(ctx, "bob", "develop", "main"); err != nil {
				return err
			}
			return s.Retarget(ctx, "bob", n, "develop")
		}, func(st dr.ChangeState, _ dr.Change) bool { return st.BaseRef == "develop" }},
		"a draft": {func(ctx context.Context, s *sandbox.Server, n int) error { return s.SetDraft(ctx, "bob", n, true) },
			func(st dr.ChangeState, _ dr.Change) bool { return st.Draft }},
		"a fork": {func(_ context.Context, s *sandbox.Server, _ int) error {
			s.SetLies(sandbox.Lies{ForkHead: true})
			return nil
		},
			func(st dr.ChangeState, _ dr.Change) bool { return !st.SameRepo }},
		"a reviewer's account deleted": {func(ctx context.Context, s *sandbox.Server, n int) error {
			if _, err := s.Review(ctx, "carol", n, "APPROVED", "", ""); err != nil {
				return err
			}
			return s.DeleteAccount("carol")
		}, func(st dr.ChangeState, _ dr.Change) bool {
			return len(st.Reviews) == 1 && st.Reviews[0].By == "" && len(st.CanWrite) == 0
		}},
		"a review dismissed": {func(ctx context.Context, s *sandbox.Server, n int) error {
			r, err := s.Review(ctx, "carol", n, "APPROVED", "", "")
			if err != nil {
				return err
			}
			return s.Dismiss(ctx, "alice", n, r.ID, "on hold")
		}, func(st dr.ChangeState, _ dr.Change) bool {
			return len(st.Reviews) == 1 && st.Reviews[0].State == dr.Dismissed
		}},
	} {
		t.Run(name, func(t *testing.T) {
			client, s := start(t)
			change := opened(t, client)
			must(t, c.act(t.Context(), s, change.Number))
			if state := look(t, client, change.Number); !c.good(state, change) {
				t.Errorf("state %+v", state)
			}
		})
	}
}

func TestPermissionsThatCannotBeRead(t *testing.T) {
	c, s := start(t)
	change := opened(t, c)
	_, err := s.Review(t.Context(), "bob", change.Number, "APPROVED", "", "")
	must(t, err)
	s.SetLies(sandbox.Lies{PermissionsFail: true})
	_, err = c.ChangeState(t.Context(), repo, change.Number)
	wantCode(t, err, dr.Temporary)
}

func TestMergeGuards(t *testing.T) {
	c, s := start(t)
	change := opened(t, c)
	_, err := s.Push(t.Context(), sandbox.Push{By: "bob", Branch: change.Branch, Path: "main.tf", Content: "x"})
	must(t, err)
	_, err = c.Merge(t.Context(), repo, change.Number, change.Head)
	wantCode(t, err, dr.Conflict)
	must(t, c.CloseChange(t.Context(), repo, change))
	state := look(t, c, change.Number)
	if state.Open || state.Merged || state.BranchGone {
		t.Errorf("a branch with somebody's work: %+v", state)
	}
	if content, _, err := c.File(t.Context(), repo, "main"); err != nil || content != seoul {
		t.Errorf("main holds %q, %v", content, err)
	}
	req := asked(t, c)
	_, err = c.OpenChange(t.Context(), req)
	wantCode(t, err, dr.Conflict)
	req.Branch += "-2"
	second, err := c.OpenChange(t.Context(), req)
	must(t, err)
	if second.Number == change.Number {
		t.Error("the second change is the first")
	}
	req.Branch, req.Content = "drbot/r2", seoul
	_, err = c.OpenChange(t.Context(), req)
	wantCode(t, err, dr.Conflict)
}

func TestMergeThatConflicts(t *testing.T) {
	c, s := start(t)
	change := opened(t, c)
	_, err := s.MoveBase(t.Context(), "bob", path, "active_region = \"us-west-2\"\n", "")
	must(t, err)
	_, err = c.Merge(t.Context(), repo, change.Number, change.Head)
	wantCode(t, err, dr.Conflict)
}

func TestFilesThatAreNotThere(t *testing.T) {
	c, _ := start(t)
	_, _, err := c.File(t.Context(), repo, "no-such-branch")
	wantCode(t, err, dr.NotFound)
	other := repo
	other.File = "live/portal/missing.tfvars"
	_, _, err = c.File(t.Context(), other, "main")
	wantCode(t, err, dr.NotFound)
	other.Name = "nothing"
	_, _, err = c.File(t.Context(), other, "main")
	wantCode(t, err, dr.NotFound)
}

func TestWebhooksOfARealReview(t *testing.T) {
	c, s := start(t)
	var mu sync.Mutex
	seen := map[string]bool{}
	nudges := make(chan github.Nudge, 100)
	hook, err := github.NewWebhook(github.WebhookOptions{
		Secret: []byte(secret),
		Seen: func(_ context.Context, id string) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			fresh := !seen[id]
			seen[id] = true
			return fresh, nil
		},
		Nudge: func(_ context.Context, n github.Nudge) { nudges <- n },
	})
	must(t, err)
	server := httptest.NewServer(hook)
	t.Cleanup(server.Close)
	change := opened(t, c)
	s.SetWebhook(server.URL, secret)
	s.SetWebhookFaults(sandbox.WebhookFaults{Copies: 2})
	_, err = s.Review(t.Context(), "bob", change.Number, "APPROVED", "", "")
	must(t, err)
	select {
	case n := <-nudges:
		if want := (github.Nudge{Repo: "acme/infra", Number: change.Number, Kind: "pull_request_review"}); n != want {
			t.Errorf("nudge %+v", n)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no nudge came")
	}
	deliveredAll(t, s, 200)
	if n := len(nudges); n != 0 {
		t.Errorf("%d more nudges for one review", n)
	}
	s.SetWebhookFaults(sandbox.WebhookFaults{Signing: sandbox.SHA1Only})
	_, err = s.Review(t.Context(), "carol", change.Number, "APPROVED", "", "")
	must(t, err)
	deliveredAll(t, s, 401)
	if n := len(nudges); n != 0 {
		t.Errorf("%d nudges by deliveries with SHA-1 alone", n)
	}
}

// deliveredAll waits until every delivery has its answer and checks the last.
func deliveredAll(t *testing.T, s *sandbox.Server, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	must(t, s.Wait(ctx, func() bool {
		list := s.Deliveries()
		for _, d := range list {
			if !d.Done {
				return false
			}
		}
		return len(list) > 0
	}))
	list := s.Deliveries()
	newest := list[0]
	for _, d := range list {
		if d.ID > newest.ID {
			newest = d
		}
	}
	if newest.Status != status {
		t.Errorf("the last delivery was answered %d %s", newest.Status, newest.Err)
	}
}
