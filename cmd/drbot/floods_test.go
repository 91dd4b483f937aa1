package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/github"
	"github.com/drbot/drbot/workflows/engine"
)

// audited is a book that keeps what is audited, and nothing else.
type audited struct {
	engine.Book
	mu  sync.Mutex
	all []dr.AuditEntry
}

func (a *audited) Audit(_ context.Context, e dr.AuditEntry) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, e)
	return nil
}

// TestRefusedWebhooksAreCounted sends an hour of webhooks that nobody signed: a few lines of
// the log and of the audit log tell of them, with their whole count.
func TestRefusedWebhooksAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		book := &audited{}
		f := &floods{book: book, log: slog.New(slog.NewTextHandler(&out, nil)), now: time.Now}
		hook, err := github.NewWebhook(github.WebhookOptions{Secret: []byte("a secret of some length"), Logger: f.ofGitHub(),
			Seen: func(context.Context, string) (bool, error) { return true, nil }, Nudge: func(context.Context, github.Nudge) { t.Error("nudged") }})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3600 {
			r := httptest.NewRequest(http.MethodPost, "/github/webhook", strings.NewReader("{}"))
			r.RemoteAddr = "10.0.0." + string(rune('1'+i%3)) + ":4000"
			hook.ServeHTTP(httptest.NewRecorder(), r)
			time.Sleep(time.Second)
		}
		f.flush()
		if lines := strings.Count(out.String(), "\n"); lines > 300 {
			t.Errorf("%d lines of the log", lines)
		}
		alone, more := strings.Count(out.String(), "webhook refused"), 0
		for _, e := range book.all {
			if n := e.Detail.Args["n"].Number; n != nil {
				more += int(*n)
			}
		}
		if len(book.all) > 10 || alone+more != 3600 {
			t.Errorf("%d alone and %d in %d entries of the audit log", alone, more, len(book.all))
		}
	})
}

// TestRefusedCommandsAreCounted has a stranger ask again and again: what others are refused
// is audited by itself all the same, and so is whatever was granted.
func TestRefusedCommandsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &audited{}
		f := &floods{book: book, log: slog.New(slog.DiscardHandler), now: time.Now}
		b := f.refusals()
		audit := func(who string, granted bool) {
			if err := b.Audit(t.Context(), dr.AuditEntry{Who: who, Via: "slack", Action: "failover", Granted: granted}); err != nil {
				t.Fatal(err)
			}
		}
		for range 500 {
			audit("slack:U666", false)
			audit("alice", true)
		}
		audit("bob", false)
		time.Sleep(time.Hour)
		synctest.Wait()
		by := map[string]int{}
		for _, e := range book.all {
			by[e.Who]++
		}
		if by["slack:U666"] != refusalsOfOne.Burst || by["alice"] != 500 || by["bob"] != 1 || by["drbot"] != 1 {
			t.Errorf("audited %v", by)
		}
	})
}
