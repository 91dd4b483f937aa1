package github

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

const user = "GET /user"

var me = ok(map[string]any{"login": "drbot"})

func TestRateLimitsAreWaitedOut(t *testing.T) {
	const at = 1_800_000_000
	inAMinute := strconv.Itoa(at + 60)
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		wait   time.Duration
	}{
		{"429 with Retry-After", reply(429, `{}`, "Retry-After", "17"), 17 * time.Second},
		{"429 with Retry-After zero", reply(429, `{}`, "Retry-After", "0"), limitMargin},
		{"429 with a date", reply(429, `{}`, "Retry-After", time.Unix(at+9, 0).UTC().Format(http.TimeFormat)), 9 * time.Second},
		{"429 without a word", reply(429, ``), secondaryPause},
		{"403 primary", reply(403, `{"message":"API rate limit exceeded"}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", inAMinute), time.Minute + limitMargin},
		{"403 primary by a clock an hour ahead", reply(403, `{"message":"API rate limit exceeded"}`, "X-RateLimit-Remaining", "0",
			"X-RateLimit-Reset", strconv.Itoa(at+3660), "Date", time.Unix(at+3600, 0).UTC().Format(http.TimeFormat)), time.Minute + limitMargin},
		{"403 primary by a clock an hour behind", reply(403, `{"message":"API rate limit exceeded"}`, "X-RateLimit-Remaining", "0",
			"X-RateLimit-Reset", strconv.Itoa(at-3540), "Date", time.Unix(at-3600, 0).UTC().Format(http.TimeFormat)), time.Minute + limitMargin},
		{"403 secondary with Retry-After", reply(403, `{"message":"You have exceeded a secondary rate limit."}`, "Retry-After", "3"), 3 * time.Second},
		{"403 secondary by its text", reply(403, `{"message":"You have exceeded a secondary rate limit."}`), secondaryPause},
		{"403 secondary by its link", reply(403, `{"documentation_url":"https://docs.github.com/x#secondary-rate-limits"}`), secondaryPause},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, s, clk := newStub(t)
			s.when(user, c.answer, me)
			self, err := client.Self(t.Context())
			if err != nil || self != "drbot" {
				t.Fatal(self, err)
			}
			if clk.total() != c.wait || s.calls(user) != 2 {
				t.Errorf("waited %v over %d calls, want %v", clk.total(), s.calls(user), c.wait)
			}
		})
	}
}

func TestRateLimitWaitIsBounded(t *testing.T) {
	client, s, clk := newStub(t)
	s.when(user, reply(429, ``, "Retry-After", "3600"))
	_, err := client.Self(t.Context())
	wantCode(t, err, dr.Temporary, "GitHub takes no more requests until 09:00:00 UTC")
	// Whoever comes next is not sent to be refused again.
	_, err = client.Self(t.Context())
	wantCode(t, err, dr.Temporary, "until")
	if s.calls(user) != 1 || clk.total() != 0 {
		t.Errorf("%d calls, waited %v", s.calls(user), clk.total())
	}
}

func TestRateLimitThatNeverEnds(t *testing.T) {
	client, s, clk := newStub(t, func(o *Options) { o.MaxWait = time.Minute })
	s.when(user, reply(429, ``, "Retry-After", "20"))
	_, err := client.Self(t.Context())
	wantCode(t, err, dr.Temporary, "no more requests until")
	if clk.total() != time.Minute || s.calls(user) != 4 {
		t.Errorf("waited %v over %d calls", clk.total(), s.calls(user))
	}
}

func TestLastRequestOfAWindow(t *testing.T) {
	client, s, clk := newStub(t)
	reset := strconv.FormatInt(clk.Now().Unix()+30, 10)
	s.when("GET /repos/acme/infra/git/ref/heads/main", reply(200, `{"ref":"refs/heads/main","object":{"sha":"`+baseSHA+`"}}`,
		"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset))
	s.when(user, me)
	_, err := client.resolve(t.Context(), repo, "main")
	must(t, err)
	_, err = client.Self(t.Context())
	must(t, err)
	if clk.total() != 30*time.Second+limitMargin {
		t.Errorf("waited %v", clk.total())
	}
}

func TestPlain403IsNotALimit(t *testing.T) {
	client, s, clk := newStub(t)
	s.when(user, reply(403, `{"message":"Resource not accessible by personal access token"}`))
	_, err := client.Self(t.Context())
	wantCode(t, err, dr.Denied, "Resource not accessible by personal access token")
	if s.calls(user) != 1 || clk.total() != 0 {
		t.Errorf("%d calls", s.calls(user))
	}
}

func TestBrokenReadsAreRepeated(t *testing.T) {
	for name, broken := range map[string]http.HandlerFunc{
		"500": reply(500, `{}`), "502": reply(502, `<html>`), "cut off": cutOff, "hung up": hangUp,
		"half a document, well framed": reply(200, `{"login": "dr`),
	} {
		t.Run(name, func(t *testing.T) {
			client, s, _ := newStub(t)
			s.when(user, broken, broken, me)
			self, err := client.Self(t.Context())
			if err != nil || self != "drbot" || s.calls(user) != 3 {
				t.Errorf("%q, %v after %d calls", self, err, s.calls(user))
			}
		})
	}
}

func TestBrokenReadsAreGivenUp(t *testing.T) {
	client, s, _ := newStub(t)
	s.when(user, reply(503, `{"message":"down"}`))
	_, err := client.Self(t.Context())
	wantCode(t, err, dr.Temporary, "down")
	if s.calls(user) != readTries {
		t.Errorf("%d calls", s.calls(user))
	}
}

func TestWritesAreNotRepeated(t *testing.T) {
	for name, broken := range map[string]http.HandlerFunc{"500": reply(500, `{}`), "cut off": cutOff, "hung up": hangUp} {
		t.Run(name, func(t *testing.T) {
			client, s, _ := newStub(t)
			const route = "POST /repos/acme/infra/statuses/" + headSHA
			s.when(route, broken)
			err := client.Status(t.Context(), repo, headSHA, "drbot/plan", dr.StateSuccess, "ok", "")
			wantCode(t, err, dr.Temporary, "")
			if s.calls(route) != 1 {
				t.Errorf("%d calls", s.calls(route))
			}
		})
	}
}

func TestALimitedWriteFollowsTheLimit(t *testing.T) {
	client, s, _ := newStub(t)
	const route = "POST /repos/acme/infra/statuses/" + headSHA
	var body string
	s.when(route, reply(429, ``, "Retry-After", "1"), func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		body = string(sent)
		reply(201, `{}`)(w, r)
	})
	must(t, client.Status(t.Context(), repo, headSHA, "drbot/plan", dr.StateSuccess, "ok", ""))
	if !strings.Contains(body, `"drbot/plan"`) {
		t.Errorf("the second attempt sent %q", body)
	}
}

func TestEveryAttemptHasATimeout(t *testing.T) {
	client, s, _ := newStub(t, func(o *Options) { o.Timeout = 30 * time.Millisecond })
	s.when(user, silent, me)
	self, err := client.Self(t.Context())
	if err != nil || self != "drbot" || s.calls(user) != 2 {
		t.Errorf("%q, %v after %d calls", self, err, s.calls(user))
	}
}

func TestCancelledCaller(t *testing.T) {
	client, s, _ := newStub(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.when(user, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	_, err := client.Self(ctx)
	if !errors.Is(err, context.Canceled) || s.calls(user) != 1 {
		t.Errorf("%v after %d calls", err, s.calls(user))
	}
}

func TestTokenStaysWithGitHub(t *testing.T) {
	client, s, _ := newStub(t)
	var leaked string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked = r.Header.Get("Authorization")
		me(w, r)
	}))
	t.Cleanup(elsewhere.Close)
	s.when(user, reply(302, ``, "Location", elsewhere.URL))
	_, err := client.Self(t.Context())
	must(t, err)
	if leaked != "" || s.auth[0] != "Bearer t0ken" {
		t.Errorf("elsewhere got %q, GitHub got %q", leaked, s.auth[0])
	}
}

func TestTokenIsAskedForEachAttempt(t *testing.T) {
	n := 0
	client, s, _ := newStub(t, func(o *Options) {
		o.Token = func(context.Context) (string, error) { n++; return strconv.Itoa(n), nil }
	})
	s.when(user, reply(500, ``), me)
	_, err := client.Self(t.Context())
	must(t, err)
	if s.auth[0] != "Bearer 1" || s.auth[1] != "Bearer 2" {
		t.Errorf("tokens %q", s.auth)
	}
}

func TestTokenThatCannotBeHad(t *testing.T) {
	client, s, _ := newStub(t, func(o *Options) {
		o.Token = func(context.Context) (string, error) { return "", errors.New("vault is sealed") }
	})
	_, err := client.Self(t.Context())
	wantCode(t, err, dr.Temporary, "token for GitHub could not be had")
	if s.calls("") != 0 {
		t.Error("asked GitHub without a token")
	}
}
