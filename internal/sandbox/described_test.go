package sandbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/sandbox/github/described"
)

// held has the local GitHub held against GitHub's own description, where that is at hand.
func held(t *testing.T) func(*Options) {
	return func(o *Options) {
		o.Before = func(hub http.Handler) http.Handler { return described.Behind(t, hub) }
	}
}

// deliveredAsDescribed holds every webhook that the local GitHub has sent against GitHub's own description.
func deliveredAsDescribed(t *testing.T, w *World) {
	t.Helper()
	if !described.AtHand() {
		return
	}
	for _, d := range w.Hub.Deliveries() {
		if err := described.Delivered(t, d.Event, d.Payload); err != nil {
			t.Errorf("webhook %s: %v", d.Event, err)
		}
	}
}

// sendExamples sends the bot every webhook that GitHub publishes, rightly signed; each is taken. What it gives checks,
// once the bot has ended, that none of them had it do anything.
func sendExamples(t *testing.T, ctx context.Context, w *World) func() {
	t.Helper()
	if !described.AtHand() {
		return func() {}
	}
	done := func() string {
		writes := 0
		for _, c := range w.Hub.Calls() {
			if c.Method != http.MethodGet && !strings.HasPrefix(c.Path, "/app/") && !strings.HasSuffix(c.Path, "/git-upload-pack") {
				writes++
			}
		}
		return fmt.Sprintf("%d writes, %d messages", writes, len(w.Slack.Messages(channel)))
	}
	before := done()
	for i, e := range described.Examples(t) {
		mac := hmac.New(sha256.New, []byte(w.secrets.webhook))
		mac.Write(e.Payload)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.botAddr+"/github/webhook", strings.NewReader(string(e.Payload)))
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-GitHub-Event", e.Event)
		r.Header.Set("X-GitHub-Delivery", fmt.Sprint("example-", i))
		r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode < 200 || res.StatusCode > 299 {
			t.Errorf("%s of %s: %s", e.Event, e.From, res.Status)
		}
	}
	return func() {
		if after := done(); after != before {
			t.Errorf("the examples had the bot do something: %s, then %s", before, after)
		}
	}
}
