package github_test

import (
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

// asked is one GET by a token, with a validator if there is one.
func (w *world) asked(token, path, tag string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.url+"/api/v3"+path, nil)
	w.must(err)
	r.Header.Set("Authorization", "Bearer "+token)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	res, err := http.DefaultClient.Do(r)
	w.must(err)
	body, err := io.ReadAll(res.Body)
	w.must(err)
	w.must(res.Body.Close())
	return res, string(body)
}

// TestConditional asks again with the tag of an answer: 304 without a body and uncounted while nothing has changed,
// the whole answer when it has, and for another account.
func TestConditional(t *testing.T) {
	w := newWorld(t)
	pull := w.openChange(w.bot())
	path := "/repos/acme/infra/issues/" + strconv.Itoa(pull.GetNumber())
	first, whole := w.asked("bot-token", path, "")
	tag := first.Header.Get("ETag")
	if first.StatusCode != 200 || tag == "" || whole == "" {
		t.Fatalf("%d, tag %q, %d bytes", first.StatusCode, tag, len(whole))
	}
	before := w.Counted(botLogin)
	same, body := w.asked("bot-token", path, tag)
	if same.StatusCode != 304 || body != "" || same.Header.Get("ETag") != tag {
		t.Errorf("unchanged: %d, %q, tag %q", same.StatusCode, body, same.Header.Get("ETag"))
	}
	if used := same.Header.Get("X-RateLimit-Used"); used != first.Header.Get("X-RateLimit-Used") || w.Counted(botLogin) != before {
		t.Errorf("304 was counted: used %s after %s, %d after %d", used, first.Header.Get("X-RateLimit-Used"), w.Counted(botLogin), before)
	}
	if other, _ := w.asked("t-alice", path, tag); other.StatusCode != 200 {
		t.Errorf("somebody else's tag was taken: %d", other.StatusCode)
	}
	_, err := w.Review(w.ctx, "alice", pull.GetNumber(), sandbox.Approved, "", "")
	w.must(err)
	w.must(w.SetDraft(w.ctx, "alice", pull.GetNumber(), true))
	changed, body := w.asked("bot-token", path, tag)
	if changed.StatusCode != 200 || changed.Header.Get("ETag") == tag || body == whole {
		t.Errorf("changed: %d, tag %q", changed.StatusCode, changed.Header.Get("ETag"))
	}
	if w.Counted(botLogin) != before+1 {
		t.Errorf("%d counted after %d", w.Counted(botLogin), before)
	}
}

// TestRateWindow counts by the hour of the stand-in's own clock.
func TestRateWindow(t *testing.T) {
	now := time.Now()
	w := newWorld(t, func(o *sandbox.Options) { o.Clock = func() time.Time { return now } })
	left := func() (string, int64) {
		res, _ := w.asked("bot-token", "/user", "")
		reset, err := strconv.ParseInt(res.Header.Get("X-RateLimit-Reset"), 10, 64)
		w.must(err)
		at, err := http.ParseTime(res.Header.Get("Date"))
		w.must(err)
		return res.Header.Get("X-RateLimit-Remaining"), reset - at.Unix()
	}
	if n, in := left(); n != "4999" || in != 3600 {
		t.Errorf("%s left for %d s", n, in)
	}
	now = now.Add(30 * time.Minute)
	if n, in := left(); n != "4998" || in != 1800 {
		t.Errorf("%s left for %d s", n, in)
	}
	now = now.Add(30 * time.Minute)
	if n, in := left(); n != "4999" || in != 3600 {
		t.Errorf("after an hour %s left for %d s", n, in)
	}
}
