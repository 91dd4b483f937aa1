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
	"github.com/drbot/drbot/internal/sandbox/github/described"
)

// These tests run the adapter against the local GitHub, which answers over a real
// Git repository and by the rules of the real one.

const (
	path   = "live/portal/active_region.auto.tfvars"
	seoul  = "active_region = \"ap-northeast-2\" # home\n"
	tokyo  = "active_region = \"ap-northeast-1\" # home\n"
	secret = "s3cret"
)

var repo = dr.Repository{Owner: "acme", Name: "infra", Base: "main", File: path}

// skipping is a clock that moves by sleeps instead of waiting for them.
type skipping struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (s *skipping) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

func (s *skipping) Sleep(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
	return ctx.Err()
}

func start(t *testing.T) (*github.Client, *sandbox.Server) {
	t.Helper()
	s, err := sandbox.New(t.Context(), sandbox.Options{
		Dir: t.TempDir(), Owner: "acme", Repo: "infra", BotLogin: "drbot", BotToken: "t0ken",
		SeedFiles: map[string]string{path: seoul, "README.md": "hello\n"},
		Personas: []sandbox.Persona{
			{Login: "alice", Permission: "admin"}, {Login: "bob", Permission: "write"},
			{Login: "carol", Permission: "maintain"}, {Login: "dave", Permission: "triage"},
		},
	})
	must(t, err)
	server := httptest.NewServer(described.Behind(t, s))
	s.SetBaseURL(server.URL)
	t.Cleanup(func() {
		s.ClearFaults()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	clock := &skipping{}
	c, err := github.New(github.Options{
		Token:   func(context.Context) (string, error) { return "t0ken", nil },
		BaseURL: server.URL, Clock: clock.Now, Sleep: clock.Sleep, Share: time.Nanosecond,
	})
	must(t, err)
	return c, s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func asked(t *testing.T, c *github.Client) dr.ChangeRequest {
	t.Helper()
	content, commit, err := c.File(t.Context(), repo, "main")
	must(t, err)
	if content != seoul {
		t.Fatalf("the file holds %q", content)
	}
	return dr.ChangeRequest{
		Repository: repo, Branch: "drbot/r1", BaseSHA: commit, Content: tokyo,
		Message: "portal: fail over to ap-northeast-1", Title: "Fail over portal", Body: "Why, who, how to stop it.",
	}
}

func opened(t *testing.T, c *github.Client) dr.Change {
	t.Helper()
	change, err := c.OpenChange(t.Context(), asked(t, c))
	must(t, err)
	return change
}

func look(t *testing.T, c *github.Client, number int) dr.ChangeState {
	t.Helper()
	state, err := c.ChangeState(t.Context(), repo, number)
	must(t, err)
	return state
}

// Whatever answer is lost, a second call finds what the first one did.
func TestLostReplies(t *testing.T) {
	for _, kind := range []sandbox.Kind{sandbox.LostReply, sandbox.DroppedReply, sandbox.HalfBody, sandbox.ServerError} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			t.Run(string(kind)+" "+method, func(t *testing.T) {
				c, s := start(t)
				s.Inject(sandbox.Fault{Kind: kind, Method: method, Path: "/repos/", Times: 1})
				req := asked(t, c)
				change := untilDone(t, func() (dr.Change, error) { return c.OpenChange(t.Context(), req) })
				for _, body := range []string{"first", "second"} {
					untilDone(t, func() (int, error) { return 0, c.Comment(t.Context(), repo, change.Number, "m", body) })
				}
				merge := untilDone(t, func() (string, error) { return c.Merge(t.Context(), repo, change.Number, change.Head) })
				untilDone(t, func() (int, error) { return 0, c.CloseChange(t.Context(), repo, change) })
				if n := len(s.Pulls()); n != 1 {
					t.Errorf("%d pull requests", n)
				}
				if k := s.Comments(change.Number); len(k) != 1 || k[0].Body != "<!-- m -->\nsecond" {
					t.Errorf("comments %+v", k)
				}
				if _, tip, err := c.File(t.Context(), repo, "main"); err != nil || tip != merge {
					t.Errorf("main is at %s, %v, merged as %s", tip, err, merge)
				}
				if !look(t, c, change.Number).BranchGone {
					t.Error("the branch is still there")
				}
			})
		}
	}
}

// untilDone does what a runbook's step does: again, when told that it may help.
func untilDone[T any](t *testing.T, act func() (T, error)) T {
	t.Helper()
	for range 3 {
		v, err := act()
		if err == nil {
			return v
		}
		if code := dr.CodeOf(err); code != dr.Temporary && code != dr.Uncertain {
			t.Fatal(err)
		}
	}
	t.Fatal("three times in vain")
	panic("unreachable")
}

func TestLimitsAndBrokenReads(t *testing.T) {
	for _, kind := range []sandbox.Kind{
		sandbox.TooManyRequests, sandbox.SecondaryLimit, sandbox.PrimaryLimit, sandbox.HalfBody, sandbox.ServerError, sandbox.DroppedReply,
	} {
		t.Run(string(kind), func(t *testing.T) {
			c, s := start(t)
			change := opened(t, c)
			s.Inject(sandbox.Fault{Kind: kind, Method: "GET", Path: "/repos/", Times: 2, RetryAfter: 20 * time.Second})
			if state := look(t, c, change.Number); state.Head != change.Head {
				t.Errorf("state %+v", state)
			}
		})
	}
}
