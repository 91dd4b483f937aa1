package github_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/internal/github"
	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

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
