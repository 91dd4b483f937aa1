package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/slack"
)

// TestRefused gives the bot everything that must start nothing, and sees that each
// is answered with what to do instead.
func TestRefused(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t)
	must(t, w.strangers(ctx))
	for _, c := range []struct {
		who, line string
		words     []string
	}{
		{"alice", "/dr", []string{"/dr failover SERVICE"}},
		{"alice", "/dr frobnicate portal", []string{"no command", "/dr help"}},
		{"alice", "/dr failover", []string{"which service", "portal"}},
		{"alice", "/dr failover portal", []string{"to which Region", standby}},
		{"alice", "/dr failover portal " + standby + " soon please", []string{"not a mode", "planned|disaster"}},
		{"alice", "/dr failover portal " + standby + " disaster --since yesterday flood", []string{"not a time", "`--since`, such as 20"}},
		{"alice", "/dr failover portal " + standby + " disaster --force flood", []string{"no option", "--since"}},
		{"alice", "/dr failover portal " + standby + " disaster " + strings.Repeat("long ", 300), []string{"characters", "thread"}},
		{"alice", "/dr cancel portal-00000000", []string{"no run", "/dr status"}},
		{"alice", "/dr answer portal-00000000", []string{"which answer", "retry|accept|disaster|skip|stop"}},
		{"alice", "/dr status elsewhere", []string{"neither a service nor a run", "portal"}},
	} {
		if err := w.refused(ctx, c.who, c.line, c.words...); err != nil {
			t.Error(err)
		}
	}
	for name, opt := range map[string]slack.SendOption{"unsigned": slack.Unsigned(), "wrongly signed": slack.WronglySigned(), "stale": slack.Stale(10 * time.Minute)} {
		d, err := w.Slack.Command(ctx, slackOf("alice"), channel, "/dr failover portal "+standby+" disaster forged", opt)
		must(t, err)
		if d.Status != http.StatusUnauthorized {
			t.Errorf("a command that is %s was answered %d %s", name, d.Status, d.Reply)
		}
	}
	d, err := w.Slack.Command(ctx, slackOf("alice"), channel, "/dr failover portal "+standby+" disaster elsewhere", slack.FromTeam("T0OTHER01", "other"))
	must(t, err)
	if !strings.Contains(d.Reply, "my own workspace") {
		t.Errorf("a command of another workspace was answered %s", d.Reply)
	}
	webhooks(t, ctx, w)
	if n := len(w.Hub.Pulls()); n != 0 {
		t.Errorf("%d pull requests were opened", n)
	}
	if n := len(runMessages(w.Slack.Messages(channel), "")); n != 0 {
		t.Errorf("%d runs were started", n)
	}
}

// webhooks sends what GitHub would not, and counts what comes back.
func webhooks(t *testing.T, ctx context.Context, w *World) {
	t.Helper()
	body := []byte(`{"action":"submitted","repository":{"full_name":"acme/infrastructure"},"pull_request":{"number":1}}`)
	old := hmac.New(sha1.New, []byte(w.secrets.webhook))
	old.Write(body)
	big := bytes.Repeat([]byte("x"), 25<<20+1)
	for _, c := range []struct {
		name, path string
		body       []byte
		header     map[string]string
		status     int
	}{
		{"a webhook without a signature", "/github/webhook", body, nil, 401},
		{"a webhook with SHA-1 alone", "/github/webhook", body, map[string]string{"X-Hub-Signature": "sha1=" + hex.EncodeToString(old.Sum(nil))}, 401},
		{"a webhook with a wrong signature", "/github/webhook", body, map[string]string{"X-Hub-Signature-256": "sha256=" + strings.Repeat("0", 64)}, 401},
		{"an oversized webhook", "/github/webhook", big, map[string]string{"X-Hub-Signature-256": "sha256=" + strings.Repeat("0", 64)}, 413},
		{"an oversized command", "/slack/commands", big, map[string]string{"X-Slack-Signature": "v0=" + strings.Repeat("0", 64), "X-Slack-Request-Timestamp": unixNow()}, 413},
		{"an oversized click", "/slack/interactions", big, map[string]string{"X-Slack-Signature": "v0=" + strings.Repeat("0", 64), "X-Slack-Request-Timestamp": unixNow()}, 413},
	} {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.botAddr+c.path, bytes.NewReader(c.body))
		must(t, err)
		req.Header.Set("X-GitHub-Event", "pull_request_review")
		req.Header.Set("X-GitHub-Delivery", "0a1b2c3d-0000-0000-0000-000000000000")
		req.Header.Set("Content-Type", "application/json")
		for k, v := range c.header {
			req.Header.Set(k, v)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != c.status || len(bytes.TrimSpace(text)) == 0 {
			t.Errorf("%s was answered %d %q; it must be %d with a message", c.name, res.StatusCode, text, c.status)
		}
	}
}

// TestRefusedByTheRepository asks for runs that only a look at the repository shows
// to make no sense.
func TestRefusedByTheRepository(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t)
	for _, c := range []struct{ content, target, shows string }{
		{`active_region = "ap-northeast-2"` + "\n", home, "already active in " + home},
		{`other = "value"` + "\n", standby, "active_region"},
		{`active_region = var.region` + "\n", standby, "active_region"},
		{`active_region = "eu-central-1"` + "\n", standby, "not a Region of portal"},
	} {
		if _, err := w.Hub.MoveBase(ctx, loginOf("dave"), regionFile, c.content, "change the file by hand"); err != nil && !strings.Contains(err.Error(), "nothing to commit") {
			t.Fatal(err)
		}
		run, err := w.request(ctx, "alice", "/dr failover portal "+c.target+" disaster a test of "+strings.Fields(c.content)[2])
		must(t, err)
		must(t, w.awaitRefusal(ctx, run, c.shows))
	}
	if n := len(w.Hub.Pulls()); n != 0 {
		t.Errorf("%d pull requests were opened", n)
	}
}

func unixNow() string { return strconv.FormatInt(time.Now().Unix(), 10) }
