package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func asked(f *Front, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestFront(t *testing.T) {
	up := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	f := NewFront()
	for _, c := range []struct {
		become        func()
		health, other int
		body          string
	}{
		{func() { f.Become(Standby) }, 200, 503, "standby\n"},
		{func() { f.Serve(up) }, 200, 200, "ok\n"},
		{func() { f.Become(Ending) }, 503, 503, "this server is ending; another one serves soon\n"},
	} {
		c.become()
		health, other := asked(f, "/healthz"), asked(f, "/slack/commands")
		if health.Code != c.health || other.Code != c.other || health.Body.String() != c.body {
			t.Errorf("answered %d %q and %d, must be %+v", health.Code, health.Body, other.Code, c)
		}
		if closes := other.Header().Get("Connection") == "close"; closes != (c.other == 503) {
			t.Errorf("%d closes the connection: %t", other.Code, closes)
		}
	}
}

// TestFrontStarting has requests come before the process is anything: they wait, and
// are answered when it serves or when they have waited enough.
func TestFrontStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFront()
		done := make(chan int)
		go func() { done <- asked(f, "/slack/commands").Code }()
		synctest.Wait()
		f.Serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		if code := <-done; code != 200 {
			t.Errorf("one that waited was answered %d", code)
		}
		f.Become(Starting)
		began := time.Now()
		if w := asked(f, "/healthz"); w.Code != 503 || time.Since(began) != startWait {
			t.Errorf("after %s answered %d", time.Since(began), w.Code)
		}
	})
}

func TestHealth(t *testing.T) {
	for want, err := range map[int]error{200: nil, 503: context.DeadlineExceeded} {
		w := httptest.NewRecorder()
		Health(func(context.Context) error { return err }).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
		if w.Code != want {
			t.Errorf("%v: answered %d", err, w.Code)
		}
	}
}
