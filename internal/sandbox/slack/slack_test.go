package slack_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/slack"
	slackgo "github.com/slack-go/slack"
)

const (
	token  = "xoxb-sandbox-token"
	secret = "8f742231b10e8888abcd99yyyzzz85a5"
	ops    = "C0OPS"
)

func workspace() slack.Options {
	return slack.Options{
		Token: token, SigningSecret: secret, TeamID: "T0ACME", TeamDomain: "acme", TeamName: "Acme",
		BotUserID: "U0BOT", BotID: "B0BOT", AppID: "A0BOT",
		Channels: []slack.Channel{
			{ID: ops, Name: "portal-ops", Topic: "failovers of the portal"},
			{ID: "C0OTHER", Name: "random"},
			{ID: "C0OLD", Name: "old", Archived: true},
			{ID: "C0AWAY", Name: "away", NoBot: true},
			{ID: "G0SECRET", Name: "secret", Private: true, NoBot: true},
		},
		Personas: []slack.Persona{
			{ID: "U0MINA", Name: "mina", RealName: "Mina Park"},
			{ID: "U0JOON", Name: "joon", RealName: "Joon Lee"},
			{ID: "U0GUEST", Name: "visitor", RealName: "Vera Visitor", Guest: true},
			{ID: "U0ONE", Name: "single", RealName: "Sin Gle", SingleChannelGuest: true},
			{ID: "U0STRANGER", Name: "eve", RealName: "Eve Elsewhere", TeamID: "T0EVIL", TeamDomain: "evil"},
			{ID: "U0GONE", Name: "gone", RealName: "Gone Person", Deleted: true},
		},
		Limits: slack.NoLimits(),
	}
}

// start serves a workspace; change may be nil.
func start(t *testing.T, change func(*slack.Options)) (*slack.Server, *slackgo.Client, string) {
	t.Helper()
	opts := workspace()
	if change != nil {
		change(&opts)
	}
	s := slack.New(opts)
	srv := httptest.NewServer(s)
	s.SetBaseURL(srv.URL)
	t.Cleanup(func() {
		s.Close()
		srv.Close()
	})
	return s, slackgo.New(token, slackgo.OptionAPIURL(srv.URL+"/api/")), srv.URL
}

// bot is the receiving end: it keeps what it was sent and answers as told.
type bot struct {
	mu     sync.Mutex
	seen   []received
	answer http.HandlerFunc
}

type received struct {
	header http.Header
	body   string
}

// startBot connects a bot to the workspace.
func startBot(t *testing.T, s *slack.Server, answer http.HandlerFunc) *bot {
	t.Helper()
	b := &bot{answer: answer}
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	s.SetBotURLs(srv.URL+"/slack/command", srv.URL+"/slack/interaction")
	return b
}

func (b *bot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	b.seen = append(b.seen, received{header: r.Header.Clone(), body: string(raw)})
	b.mu.Unlock()
	if b.answer != nil {
		b.answer(w, r)
	}
}

func (b *bot) last(t *testing.T) received {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.seen) == 0 {
		t.Fatal("the bot received nothing")
	}
	return b.seen[len(b.seen)-1]
}

// request rebuilds what was received, for the client library to parse.
func (r received) request() *http.Request {
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(r.body))
	req.Header = r.header
	return req
}

// verify checks the signature as a bot would.
func (r received) verify() error {
	v, err := slackgo.NewSecretsVerifier(r.header, secret)
	if err != nil {
		return err
	}
	if _, err := v.Write([]byte(r.body)); err != nil {
		return err
	}
	return v.Ensure()
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// clock stands still until told.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func section(text string) slackgo.Block {
	return slackgo.NewSectionBlock(slackgo.NewTextBlockObject(slackgo.MarkdownType, text, false, false), nil, nil)
}

// mustPost posts and returns the timestamp.
func mustPost(t *testing.T, api *slackgo.Client, channel string, opts ...slackgo.MsgOption) string {
	t.Helper()
	_, ts, err := api.PostMessage(channel, opts...)
	if err != nil {
		t.Fatalf("post to %s: %v", channel, err)
	}
	return ts
}

func wantError(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil || err.Error() != code {
		t.Errorf("error = %v, want %s", err, code)
	}
}
