package github_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

const hookSecret = "hook-secret"

func hooked(t *testing.T) (*world, *receiver) {
	rc := newReceiver(t)
	return newWorld(t, func(o *sandbox.Options) { o.WebhookURL, o.WebhookSecret = rc.srv.URL, hookSecret }), rc
}

func TestWebhooks(t *testing.T) {
	w, rc := hooked(t)
	w.Ping()
	bot := w.bot()
	pr := w.openChange(bot)
	n := pr.GetNumber()
	r, err := w.Review(w.ctx, "alice", n, sandbox.Approved, "fine", "")
	w.must(err)
	w.must(w.Dismiss(w.ctx, "bob", n, r.ID, "no"))
	_, err = w.Comment(w.ctx, "dave", n, "hm")
	w.must(err)
	moved, err := w.Push(w.ctx, sandbox.Push{By: "carol", Branch: branch, Path: "x.txt", Content: "x"})
	w.must(err)
	_, err = w.Merge(w.ctx, "alice", n)
	w.must(err)
	w.settled()

	seen := map[string]bool{}
	for _, e := range rc.events() {
		seen[checkEvent(t, e, pr.GetHead().GetSHA(), moved)] = true
	}
	for _, want := range []string{
		"ping", "push refs/heads/main", "push refs/heads/" + branch, "pull_request opened", "pull_request synchronize",
		"pull_request closed", "pull_request_review submitted approved", "pull_request_review dismissed dismissed",
		"issue_comment created",
	} {
		if !seen[want] {
			t.Errorf("no %s among %v", want, seen)
		}
	}
}

// checkEvent verifies the signature with the client's own code and names the event.
func checkEvent(t *testing.T, e received, before, after string) string {
	t.Helper()
	for _, h := range []string{gh.SHA256SignatureHeader, gh.SHA1SignatureHeader} {
		if err := gh.ValidateSignature(e.header.Get(h), e.body, []byte(hookSecret)); err != nil {
			t.Errorf("%s: %v", h, err)
		}
	}
	if e.header.Get("X-GitHub-Hook-ID") == "" || len(e.header.Get("X-GitHub-Delivery")) != 36 {
		t.Errorf("headers %v", e.header)
	}
	kind := e.header.Get("X-GitHub-Event")
	event, err := gh.ParseWebHook(kind, e.body)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	switch ev := event.(type) {
	case *gh.PushEvent:
		if ev.GetRepo().GetFullName() != "acme/infra" || ev.GetSender().GetLogin() == "" || ev.GetBefore() == "" {
			t.Errorf("push %s", e.body)
		}
		return kind + " " + ev.GetRef()
	case *gh.PullRequestEvent:
		if ev.GetAction() == "synchronize" && (ev.GetBefore() != before || ev.GetAfter() != after) {
			t.Errorf("synchronize from %s to %s", ev.GetBefore(), ev.GetAfter())
		}
		if ev.GetAction() == "closed" && (!ev.GetPullRequest().GetMerged() || ev.GetSender().GetLogin() != "alice") {
			t.Errorf("closed: %s", e.body)
		}
		return kind + " " + ev.GetAction()
	case *gh.PullRequestReviewEvent:
		return kind + " " + ev.GetAction() + " " + ev.GetReview().GetState()
	case *gh.IssueCommentEvent:
		if !ev.GetIssue().IsPullRequest() {
			t.Errorf("not a pull request: %s", e.body)
		}
		return kind + " " + ev.GetAction()
	}
	return kind
}

func TestWebhookFaults(t *testing.T) {
	w, rc := hooked(t)
	send := func(f sandbox.WebhookFaults) []received {
		t.Helper()
		before := len(rc.events())
		w.SetWebhookFaults(f)
		w.Emit("pull_request", map[string]string{"action": "opened"})
		w.must(w.Wait(w.ctx, func() bool { return f.Lost || len(rc.events()) == before+1+f.Copies }))
		w.settled()
		return rc.events()[before:]
	}
	signed := func(e received, header string) bool {
		return gh.ValidateSignature(e.header.Get(header), e.body, []byte(hookSecret)) == nil
	}
	bare := send(sandbox.WebhookFaults{Signing: sandbox.Unsigned})[0]
	if bare.header.Get(gh.SHA256SignatureHeader)+bare.header.Get(gh.SHA1SignatureHeader) != "" {
		t.Error("an unsigned delivery is signed")
	}
	old := send(sandbox.WebhookFaults{Signing: sandbox.SHA1Only})[0]
	if !signed(old, gh.SHA1SignatureHeader) || old.header.Get(gh.SHA256SignatureHeader) != "" {
		t.Error("a SHA-1 delivery has the wrong headers")
	}
	wrong := send(sandbox.WebhookFaults{Signing: sandbox.WrongSignature})[0]
	if signed(wrong, gh.SHA1SignatureHeader) || signed(wrong, gh.SHA256SignatureHeader) || wrong.header.Get(gh.SHA256SignatureHeader) == "" {
		t.Error("a wrong signature fits")
	}
	twice := send(sandbox.WebhookFaults{Copies: 1})
	if len(twice) != 2 || twice[0].header.Get("X-GitHub-Delivery") != twice[1].header.Get("X-GitHub-Delivery") {
		t.Error("a duplicate has another delivery id")
	}
	if got := send(sandbox.WebhookFaults{Lost: true}); len(got) != 0 {
		t.Error("a lost delivery arrived")
	}
	w.SetWebhookFaults(sandbox.WebhookFaults{})
	all := w.Deliveries()
	lost := all[len(all)-1]
	before := len(rc.events())
	w.must(w.Redeliver(lost.GUID))
	w.settled()
	again := rc.events()[before]
	if again.header.Get("X-GitHub-Delivery") != lost.GUID || !bytes.Equal(again.body, lost.Payload) {
		t.Error("the redelivery is another one")
	}
}

func TestDeliveriesByAPI(t *testing.T) {
	w, rc := hooked(t)
	for range 5 {
		w.Ping()
	}
	w.settled()
	bot := w.bot()
	hooks, _, err := bot.Repositories.ListHooks(w.ctx, owner, repo, nil)
	w.must(err)
	id := hooks[0].GetID()
	var got []string
	opts := &gh.ListCursorOptions{PerPage: 2}
	for {
		page, resp, err := bot.Repositories.ListHookDeliveries(w.ctx, owner, repo, id, opts)
		w.must(err)
		for _, d := range page {
			got = append(got, d.GetGUID())
		}
		if resp.Cursor == "" {
			break
		}
		opts.Cursor = resp.Cursor
	}
	var want []string
	for _, d := range w.Deliveries() {
		want = append([]string{d.GUID}, want...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("deliveries %v, want %v", got, want)
	}
	_, _, err = bot.Repositories.RedeliverHookDelivery(w.ctx, owner, repo, id, w.Deliveries()[0].ID)
	if err != nil && !strings.Contains(err.Error(), "try again later") { // the client calls a 202 an error
		t.Fatal(err)
	}
	w.settled()
	if n := len(rc.events()); n != 6 {
		t.Errorf("%d deliveries arrived", n)
	}
}

// What is null on the wire must be there as null, not left out.
func TestNullsAreSent(t *testing.T) {
	w := newWorld(t)
	w.openChange(w.bot())
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.url+"/api/v3/repos/acme/infra/pulls/1", nil)
	w.must(err)
	req.Header.Set("Authorization", "token bot-token")
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	w.must(err)
	var fields map[string]any
	w.must(json.Unmarshal(raw, &fields))
	for _, name := range []string{"merged_at", "merged_by", "closed_at"} {
		if v, ok := fields[name]; !ok || v != nil {
			t.Errorf("%s is %v, present %v", name, v, ok)
		}
	}
}
