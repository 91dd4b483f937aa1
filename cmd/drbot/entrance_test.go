package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/store"
	"github.com/drbot/drbot/internal/tf"
	"github.com/drbot/drbot/internal/web"
)

var quiet = slog.New(slog.DiscardHandler)

// until asks again and again until what is asked for is true: the condition is waited
// for, and the limit is only there so that a failure ends.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 6000 {
		if ok() {
			return
		}
		<-tick.C
	}
	t.Fatalf("it never came about that %s", what)
}

// fetched gives the status and body of a GET on a connection of its own.
func fetched(addr, path string) (int, string) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + addr + path)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(body)
}

// line is a connection that is kept.
type line struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, addr string) *line {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &line{c, bufio.NewReader(c)}
}

func (l *line) ask(t *testing.T, path string) {
	t.Helper()
	if _, err := fmt.Fprintf(l, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
}

func (l *line) hear(t *testing.T) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(l.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	return res
}

// TestEnding has connections that are kept when the server is asked to end: the idle one
// is closed, what is under way is finished, and whoever asks again is refused.
func TestEnding(t *testing.T) {
	e := newPublic("127.0.0.1:0", quiet, func(err error) { t.Error(err) })
	inside, free := make(chan struct{}), make(chan struct{})
	e.front.Serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(inside)
			<-free
		}
	}))
	if err := e.open(); err != nil {
		t.Fatal(err)
	}
	idle, busy, asks := dial(t, e.addr()), dial(t, e.addr()), dial(t, e.addr())
	for _, l := range []*line{idle, busy} {
		l.ask(t, "/")
		if res := l.hear(t); res.StatusCode != 200 || res.Close {
			t.Fatalf("serving, it answered %d, and closes: %t", res.StatusCode, res.Close)
		}
	}
	busy.ask(t, "/slow")
	<-inside
	e.refuse()
	if _, err := idle.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the idle connection is not closed: %v", err)
	}
	asks.ask(t, "/")
	if res := asks.hear(t); res.StatusCode != 503 || !res.Close {
		t.Errorf("ending, it answered %d, and closes: %t", res.StatusCode, res.Close)
	}
	ended := make(chan struct{})
	go func() { e.end(t.Context()); close(ended) }()
	until(t, "nobody listens", func() bool { code, _ := fetched(e.addr(), "/"); return code == 0 })
	close(free)
	if res := busy.hear(t); res.StatusCode != 200 || !res.Close {
		t.Errorf("what was under way was answered %d, and its connection closes: %t", res.StatusCode, res.Close)
	}
	<-ended
	if code, _ := fetched(e.addr(), "/"); e.open() != nil || code != 0 {
		t.Errorf("it was opened again and answers %d", code)
	}
}

// TestOpenSoon gives a standby the address of the one before it when that is free.
func TestOpenSoon(t *testing.T) {
	first := newPublic("127.0.0.1:0", quiet, func(err error) { t.Error(err) })
	if err := first.open(); err != nil {
		t.Fatal(err)
	}
	addr := first.addr()
	second := newPublic(addr, quiet, func(err error) { t.Error(err) })
	if err := second.open(); !taken(err) {
		t.Fatalf("the address of the first: %v", err)
	}
	second.front.Become(web.Standby)
	go second.openSoon(t.Context())
	first.end(t.Context())
	until(t, "the standby has the address", func() bool { code, body := fetched(addr, "/healthz"); return code == 200 && body == "standby\n" })
	second.end(t.Context())
}

// TestKeep begins work again that panicked, and no other.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		times := 0
		keep(t.Context(), quiet, "work", func(context.Context) {
			if times++; times < 3 {
				panic("no such thing")
			}
		})
		if times != 3 {
			t.Errorf("it was begun %d times", times)
		}
	})
}

// TestStandby runs the whole server from the wait for the lock to its end: a standby is
// healthy and does nothing, takes over without closing its listener, and refuses at its end.
func TestStandby(t *testing.T) {
	// Not the test's own: the engine is not shut down, because its process is to end, and
	// may write while a folder is taken away.
	dir, err := os.MkdirTemp("", "standby")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cfg, err := config.Load("../../drbot.example.yaml", standard().config(func(name string) string {
		if name == "DRBOT_DATABASE_URL" {
			return "sqlite:" + filepath.Join(dir, "drbot.db")
		}
		return "9f86d081 is a secret of " + name
	}, true))
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listen, cfg.Socket, cfg.WorkDir, cfg.Throwaway = free.Addr().String(), filepath.Join(dir, "s"), filepath.Join(dir, "work"), true
	cfg.Slack.APIURL, cfg.GitHub.APIURL = "http://"+cfg.Listen+"/nowhere/", "http://"+cfg.Listen+"/nowhere/"
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	lock, err := store.AcquireLock(t.Context(), cfg.Database, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- standard().serve(ctx, cfg, tf.Isolation{}, quiet) }()
	until(t, "the standby is healthy", func() bool { code, body := fetched(cfg.Listen, "/healthz"); return code == 200 && body == "standby\n" })
	if code, body := fetched(cfg.Listen, "/slack/commands"); code != 503 || !strings.Contains(body, "standby") {
		t.Errorf("a standby answered %d %q to a command", code, body)
	}
	var gaps atomic.Int32
	lock.Release()
	until(t, "the standby serves", func() bool {
		code, body := fetched(cfg.Listen, "/healthz")
		if code != 200 {
			gaps.Add(1)
		}
		return body == "ok\n"
	})
	if n := gaps.Load(); n > 0 {
		t.Errorf("its health was not to be had %d times while it took over", n)
	}
	if code, _ := fetched(cfg.Listen, "/slack/commands"); code != 405 {
		t.Errorf("serving, a GET of the commands was answered %d", code)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if code, _ := fetched(cfg.Listen, "/healthz"); code != 0 {
		t.Errorf("ended, it answers %d", code)
	}
}
