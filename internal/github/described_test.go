package github_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/github"
	"github.com/drbot/drbot/internal/sandbox/github/described"
)

// TestEveryWebhookExample sends every webhook that GitHub publishes, rightly signed. Each is taken. The most it does is
// to have a repository looked at: a nudge decides nothing.
func TestEveryWebhookExample(t *testing.T) {
	var nudges []github.Nudge
	hook, err := github.NewWebhook(github.WebhookOptions{
		Secret: []byte(secret),
		Seen:   func(context.Context, string) (bool, error) { return true, nil },
		Nudge:  func(_ context.Context, n github.Nudge) { nudges = append(nudges, n) },
	})
	must(t, err)
	listened := map[string]bool{"pull_request": true, "pull_request_review": true, "issue_comment": true, "push": true, "status": true}
	events := map[string]int{}
	for i, e := range described.Examples(t) {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(e.Payload)
		r := httptest.NewRequest(http.MethodPost, "/github", strings.NewReader(string(e.Payload)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-GitHub-Event", e.Event)
		r.Header.Set("X-GitHub-Delivery", fmt.Sprint("example-", i))
		r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		w := httptest.NewRecorder()
		nudges = nil
		hook.ServeHTTP(w, r)
		events[e.Event]++
		if w.Code < 200 || w.Code > 299 {
			t.Errorf("%s of %s: %d %s", e.Event, e.From, w.Code, w.Body)
		}
		switch {
		case !listened[e.Event] && len(nudges) > 0:
			t.Errorf("%s of %s, which nobody listens to: %+v", e.Event, e.From, nudges)
		case listened[e.Event] && (len(nudges) != 1 || nudges[0].Kind != e.Event || nudges[0].Repo == ""):
			t.Errorf("%s of %s: %+v", e.Event, e.From, nudges)
		}
	}
	if len(events) < 50 {
		t.Errorf("examples of %d events alone", len(events))
	}
	t.Logf("%v", events)
}
