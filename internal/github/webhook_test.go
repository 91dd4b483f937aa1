package github

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
)

const secret = "s3cret"

func sign(h func() hash.Hash, key, body string) string {
	mac := hmac.New(h, []byte(key))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// hook is a handler that keeps what it was told.
type hook struct {
	*Webhook
	seen   []string
	nudges []Nudge
	broken error
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	w, err := NewWebhook(WebhookOptions{
		Secret: []byte(secret), MaxBody: 1000,
		Seen: func(_ context.Context, id string) (bool, error) {
			fresh := !slices.Contains(h.seen, id)
			h.seen = append(h.seen, id)
			return fresh, h.broken
		},
		Nudge: func(_ context.Context, n Nudge) { h.nudges = append(h.nudges, n) },
	})
	must(t, err)
	h.Webhook = w
	return h
}

func delivery(event, body string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/github", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", "d1")
	r.Header.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, secret, body))
	for _, f := range change {
		f(r)
	}
	return r
}

func (h *hook) send(r *http.Request) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func without(name string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(name) } }

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

const inRepository = `"repository":{"full_name":"acme/infra"}`

func TestWebhookNudges(t *testing.T) {
	for _, c := range []struct {
		event, body string
		number      int
	}{
		{"pull_request", `{"action":"closed","number":7,"pull_request":{"number":7},` + inRepository + `}`, 7},
		{"pull_request_review", `{"action":"submitted","review":{"id":1},"pull_request":{"number":7},` + inRepository + `}`, 7},
		{"issue_comment", `{"issue":{"number":7,"pull_request":{"url":"x"}},` + inRepository + `}`, 7},
		{"issue_comment", `{"issue":{"number":7},` + inRepository + `}`, 0},
		{"push", `{"ref":"refs/heads/main",` + inRepository + `}`, 0},
		{"status", `{"sha":"x",` + inRepository + `}`, 0},
	} {
		h := newHook(t)
		if code, text := h.send(delivery(c.event, c.body)); code != 200 {
			t.Errorf("%s: %d %s", c.event, code, text)
		}
		want := []Nudge{{Repo: "acme/infra", Number: c.number, Kind: c.event}}
		if c.event == "push" {
			want[0].Branch = "main"
		}
		if !slices.Equal(h.nudges, want) {
			t.Errorf("%s: nudges %v", c.event, h.nudges)
		}
	}
}

func TestWebhookRefuses(t *testing.T) {
	const body = `{"pull_request":{"number":7},` + inRepository + `}`
	for name, c := range map[string]struct {
		request *http.Request
		code    int
		says    string
	}{
		"GET":                  {delivery("push", body, func(r *http.Request) { r.Method = http.MethodGet }), 405, "POST"},
		"no signature":         {delivery("push", body, without("X-Hub-Signature-256")), 401, "X-Hub-Signature-256 is required"},
		"SHA-1 alone":          {delivery("push", body, without("X-Hub-Signature-256"), with("X-Hub-Signature", "sha1="+sign(sha1.New, secret, body))), 401, "a SHA-1 signature alone is not accepted"},
		"SHA-1 in its place":   {delivery("push", body, with("X-Hub-Signature-256", "sha1="+sign(sha1.New, secret, body))), 401, "required"},
		"another secret":       {delivery("push", body, with("X-Hub-Signature-256", "sha256="+sign(sha256.New, "other", body))), 401, "does not match"},
		"an empty secret":      {delivery("push", body, with("X-Hub-Signature-256", "sha256="+sign(sha256.New, "", body))), 401, "does not match"},
		"half a signature":     {delivery("push", body, with("X-Hub-Signature-256", "sha256="+sign(sha256.New, secret, body)[:32])), 401, "does not match"},
		"no hex":               {delivery("push", body, with("X-Hub-Signature-256", "sha256=zz")), 401, "does not match"},
		"another body":         {delivery("push", body, with("X-Hub-Signature-256", "sha256="+sign(sha256.New, secret, body+" "))), 401, "does not match"},
		"too long":             {delivery("push", strings.Repeat("x", 1001)), 413, "too long"},
		"no delivery id":       {delivery("push", body, without("X-GitHub-Delivery")), 400, "X-GitHub-Delivery"},
		"endless delivery id":  {delivery("push", body, with("X-GitHub-Delivery", strings.Repeat("d", 201))), 400, "X-GitHub-Delivery"},
		"no event":             {delivery("", body), 400, "X-GitHub-Event"},
		"bad JSON":             {delivery("push", `{"repository":`), 400, "not the JSON"},
		"JSON of another kind": {delivery("push", `[1]`), 400, "not the JSON"},
		"no repository":        {delivery("push", `{}`), 400, "names no repository"},
		"a form":               {delivery("push", body, with("Content-Type", "application/x-www-form-urlencoded")), 415, "application/json"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHook(t)
			code, text := h.send(c.request)
			if code != c.code || !strings.Contains(text, c.says) {
				t.Errorf("answered %d %q", code, text)
			}
			if len(h.nudges) > 0 || len(h.seen) > 0 {
				t.Errorf("it was remembered: %v, %v", h.seen, h.nudges)
			}
		})
	}
}

func TestWebhookOtherEvents(t *testing.T) {
	h := newHook(t)
	if code, _ := h.send(delivery("ping", `{"zen":"x"}`)); code != 200 {
		t.Errorf("ping: %d", code)
	}
	if code, _ := h.send(delivery("workflow_run", `{`)); code != 202 {
		t.Errorf("an unknown event: %d", code)
	}
	if len(h.nudges) > 0 {
		t.Errorf("nudges %v", h.nudges)
	}
}

func TestWebhookRedelivery(t *testing.T) {
	h := newHook(t)
	const body = `{"pull_request":{"number":7},` + inRepository + `}`
	// A forged delivery does not use up the id of the genuine one.
	h.send(delivery("pull_request", body, with("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64))))
	for range 2 {
		if code, _ := h.send(delivery("pull_request", body)); code != 200 {
			t.Errorf("answered %d", code)
		}
	}
	if len(h.nudges) != 1 {
		t.Errorf("nudges %v", h.nudges)
	}
	h.broken = errors.New("the database is away")
	code, text := h.send(delivery("pull_request", body, with("X-GitHub-Delivery", "d2")))
	if code != 503 || strings.Contains(text, "database") || len(h.nudges) != 1 {
		t.Errorf("answered %d %q", code, text)
	}
}

// TestWebhookReplayed sends what was signed once under other ids, which nobody signs, and as another event: it is
// the same, and makes no work.
func TestWebhookReplayed(t *testing.T) {
	h := newHook(t)
	const body = `{"pull_request":{"number":7},` + inRepository + `}`
	for n := range 20 {
		event := []string{"pull_request", "pull_request_review"}[n%2]
		if code, _ := h.send(delivery(event, body, with("X-GitHub-Delivery", fmt.Sprint("d", n)))); code != 200 {
			t.Errorf("answered %d", code)
		}
	}
	if names := slices.Compact(slices.Clone(h.seen)); len(h.nudges) != 1 || len(names) != 1 {
		t.Errorf("nudges %v, recorded %v", h.nudges, names)
	}
}

// slow is a body that comes when it is let.
type slow struct {
	begun chan<- struct{}
	come  <-chan struct{}
	rest  io.Reader
}

func (s *slow) Read(p []byte) (int, error) {
	if s.begun != nil {
		s.begun <- struct{}{}
		s.begun = nil
		<-s.come
	}
	return s.rest.Read(p)
}

// TestWebhookAtOnce has four bodies come in that prove nothing yet: a fifth is not read before there is room, is told
// so after a while, and one without a signature is refused at once.
func TestWebhookAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHook(t)
		const body = `{"pull_request":{"number":7},` + inRepository + `}`
		begun, come := make(chan struct{}), make(chan struct{})
		var held sync.WaitGroup
		for range bodiesAtOnce {
			r := delivery("pull_request", body, with("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64)))
			r.Body = io.NopCloser(&slow{begun, come, strings.NewReader(body)})
			held.Go(func() {
				if code, _ := h.send(r); code != 401 {
					t.Errorf("a forged one was answered %d", code)
				}
			})
			<-begun
		}
		from := time.Now()
		if code, _ := h.send(delivery("pull_request", body, without("X-Hub-Signature-256"))); code != 401 || time.Since(from) > 0 {
			t.Errorf("without a signature: %d after %v", code, time.Since(from))
		}
		if code, _ := h.send(delivery("pull_request", body)); code != 503 || time.Since(from) != bodyWait {
			t.Errorf("a fifth: %d after %v", code, time.Since(from))
		}
		close(come)
		held.Wait()
		if code, _ := h.send(delivery("pull_request", body)); code != 200 || len(h.nudges) != 1 {
			t.Errorf("with room again: %d, %v", code, h.nudges)
		}
	})
}

// TestWebhookLarge takes what GitHub sends at most, and not a byte more; what says so beforehand is not read.
func TestWebhookLarge(t *testing.T) {
	h := newHook(t)
	h.maxBody = defaultMaxWebhook
	body := `{"pull_request":{"number":7},` + inRepository + `,"x":"`
	body += strings.Repeat("x", defaultMaxWebhook-len(body)-2) + `"}`
	if code, text := h.send(delivery("pull_request", body)); code != 200 || len(h.nudges) != 1 {
		t.Errorf("25 MB: %d %s", code, text)
	}
	longer := delivery("pull_request", body+" ")
	longer.Body = io.NopCloser(iotest.ErrReader(errors.New("it was read")))
	if code, _ := h.send(longer); code != 413 {
		t.Errorf("a byte more: %d", code)
	}
	unsaid := delivery("pull_request", body+" ")
	unsaid.ContentLength = -1
	if code, _ := h.send(unsaid); code != 413 || len(h.nudges) != 1 {
		t.Errorf("a byte more, unsaid: %d", code)
	}
}

func TestNewWebhookNeedsASecret(t *testing.T) {
	seen := func(context.Context, string) (bool, error) { return true, nil }
	nudge := func(context.Context, Nudge) {}
	for name, o := range map[string]WebhookOptions{
		"no secret": {Seen: seen, Nudge: nudge}, "an empty one": {Secret: []byte{}, Seen: seen, Nudge: nudge},
		"no record": {Secret: []byte("x"), Nudge: nudge}, "nobody to nudge": {Secret: []byte("x"), Seen: seen},
	} {
		if _, err := NewWebhook(o); dr.CodeOf(err) != dr.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzWebhook sends genuine deliveries of anything: twice, as GitHub redelivers,
// and once while the record of deliveries is broken.
func FuzzWebhook(f *testing.F) {
	f.Add("pull_request", `{"pull_request":{"number":7},`+inRepository+`}`)
	f.Add("pull_request_review", `{"pull_request":{"number":-7},`+inRepository+`}`)
	f.Add("issue_comment", `{"issue":null}`)
	f.Add("issue_comment", `{"issue":{"number":1,"pull_request":null},`+inRepository+`}`)
	f.Add("push", `{"repository":{"full_name":3}}`)
	f.Add("status", `{"repository":{"full_name":"/"}}`)
	f.Add("push", `{"repository":{"full_name":"acme/../infra\n"}}`)
	f.Add("ping", `{}`)
	f.Add("Push", `{`+inRepository+`}`)
	events := []string{"pull_request", "pull_request_review", "issue_comment", "push", "status"}
	name := regexp.MustCompile(`^[A-Za-z0-9_-]+/[A-Za-z0-9._-]+$`)
	f.Fuzz(func(t *testing.T, event, body string) {
		h := newHook(t)
		code, text := h.send(delivery(event, body))
		if code >= 500 {
			t.Errorf("answered %d %s", code, text)
		}
		if code != 200 && len(h.nudges)+len(h.seen) > 0 {
			t.Errorf("answered %d and took %v, nudged %v", code, h.seen, h.nudges)
		}
		if again, _ := h.send(delivery(event, body)); again != code || len(h.nudges) > 1 {
			t.Errorf("answered %d, then %d, and nudged %v", code, again, h.nudges)
		}
		for _, n := range h.nudges {
			if !slices.Contains(events, event) || n.Kind != event || n.Number < 0 || len(n.Repo) > 140 || !name.MatchString(n.Repo) {
				t.Errorf("%q: %q made the nudge %+v", event, body, n)
			}
		}
		b := newHook(t)
		b.broken = errors.New("the database is away")
		broken, _ := b.send(delivery(event, body))
		if len(b.nudges) > 0 || len(h.nudges) > 0 && broken != 503 || len(h.nudges) == 0 && broken != code {
			t.Errorf("answered %d, and %d without a record; nudged %v and %v", code, broken, h.nudges, b.nudges)
		}
	})
}
