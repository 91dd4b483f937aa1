package github_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	gh "github.com/google/go-github/v60/github"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

const (
	owner    = "acme"
	repo     = "infra"
	tfvars   = "terraform/live/portal/active_region.auto.tfvars"
	seoul    = "active_region = \"ap-northeast-2\" # Seoul\n"
	tokyo    = "active_region = \"ap-northeast-1\" # Seoul\n"
	branch   = "drbot/7f3a"
	botLogin = "drbot[bot]"
)

// world is a local GitHub on a real listener.
type world struct {
	*sandbox.Server
	t   *testing.T
	ctx context.Context
	url string
	web *httptest.Server
}

func newWorld(t *testing.T, change ...func(*sandbox.Options)) *world {
	t.Helper()
	return newWorldBehind(t, func(s http.Handler) http.Handler { return s }, change...)
}

// newWorldBehind has something stand before the local GitHub.
func newWorldBehind(t *testing.T, before func(http.Handler) http.Handler, change ...func(*sandbox.Options)) *world {
	t.Helper()
	o := sandbox.Options{
		Dir: t.TempDir(), Owner: owner, Repo: repo, BotLogin: botLogin, BotToken: "bot-token",
		SeedFiles: map[string]string{tfvars: seoul, "README.md": "# infra\n", "list.txt": "one\ntwo\nthree\nfour\nfive\n"},
		Personas: []sandbox.Persona{
			{Login: "alice", Name: "Alice", Token: "t-alice", Permission: "admin"},
			{Login: "bob", Name: "Bob", Token: "t-bob", Permission: "write"},
			{Login: "carol", Token: "t-carol", Permission: "maintain"},
			{Login: "dave", Token: "t-dave", Permission: "read"},
			{Login: "mallory", Token: "t-mallory", Permission: "none"},
			{Login: "renovate[bot]", Token: "t-renovate", Type: "Bot", Permission: "write"},
		},
	}
	for _, f := range change {
		f(&o)
	}
	s, err := sandbox.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(before(s))
	s.SetBaseURL(web.URL)
	t.Cleanup(func() {
		s.ClearFaults()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return &world{Server: s, t: t, ctx: ctx, url: web.URL, web: web}
}

// client is go-github as production uses it, with the token of somebody.
func (w *world) client(token string) *gh.Client {
	c := gh.NewClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).WithAuthToken(token)
	u, err := url.Parse(w.url + "/api/v3/")
	if err != nil {
		w.t.Fatal(err)
	}
	c.BaseURL = u
	return c
}

func (w *world) bot() *gh.Client { return w.client("bot-token") }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// openChange does what the bot does: a branch, a commit that flips one value, a pull request.
func (w *world) openChange(c *gh.Client) *gh.PullRequest {
	w.t.Helper()
	base, _, err := c.Git.GetRef(w.ctx, owner, repo, "heads/main")
	w.must(err)
	_, _, err = c.Git.CreateRef(w.ctx, owner, repo, &gh.Reference{
		Ref: gh.String("refs/heads/" + branch), Object: &gh.GitObject{SHA: base.Object.SHA},
	})
	w.must(err)
	old, _, _, err := c.Repositories.GetContents(w.ctx, owner, repo, tfvars, &gh.RepositoryContentGetOptions{Ref: branch})
	w.must(err)
	_, _, err = c.Repositories.UpdateFile(w.ctx, owner, repo, tfvars, &gh.RepositoryContentFileOptions{
		Message: gh.String("Fail portal over to Tokyo"), Content: []byte(tokyo), SHA: old.SHA, Branch: gh.String(branch),
	})
	w.must(err)
	pr, _, err := c.PullRequests.Create(w.ctx, owner, repo, &gh.NewPullRequest{
		Title: gh.String("Fail portal over to Tokyo"), Head: gh.String(branch), Base: gh.String("main"),
		Body: gh.String("## Why\n\nSeoul is *down*.\n"),
	})
	w.must(err)
	return pr
}

// refused checks the status and the words of a refusal.
func refused(t *testing.T, err error, status int, words string) {
	t.Helper()
	var e *gh.ErrorResponse
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a refusal with status %d", err, status)
	}
	if e.Response.StatusCode != status {
		t.Errorf("status %d, want %d (%v)", e.Response.StatusCode, status, err)
	}
	text := e.Message
	for _, d := range e.Errors {
		text += " " + d.Message + " " + d.Field + " " + d.Code
	}
	if !strings.Contains(text, words) {
		t.Errorf("refusal %q does not say %q", text, words)
	}
}

// git runs the real Git client.
func (w *world) gitClient(dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(w.ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (w *world) cloneURL(token string) string {
	return strings.Replace(w.CloneURL(), "http://", "http://x-access-token:"+token+"@", 1)
}

// receiver is a webhook endpoint that keeps what it got.
type receiver struct {
	mu  sync.Mutex
	got []received
	srv *httptest.Server
}

type received struct {
	header http.Header
	body   []byte
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, received{req.Header.Clone(), body})
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(r.srv.Close)
	return r
}

func (r *receiver) events() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

// settled waits until every delivery so far has been answered.
func (w *world) settled() {
	w.t.Helper()
	w.must(w.Wait(w.ctx, func() bool {
		for _, d := range w.Deliveries() {
			if !d.Done {
				return false
			}
		}
		return true
	}))
}

func basic(token string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+token))
}

func readFile(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
