package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestHappenings sees that a button is there for each, that only a press has something
// happen, once, and that what went wrong is said.
func TestHappenings(t *testing.T) {
	times := 0
	w := &World{opts: Options{Out: io.Discard}}
	page := w.happens([]Happening{
		{"lag", "it lags", func(context.Context, *World) error { times++; return nil }},
		{"writer", "it moves", func(context.Context, *World) error { return errors.New("no such cluster <b>") }},
	})
	for _, c := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "/", http.StatusOK, `<button>writer</button> it moves`},
		{"GET", "/lag", http.StatusMethodNotAllowed, "curl -X POST http://example.com/lag"},
		{"POST", "/lag", http.StatusOK, "it has happened: it lags"},
		{"POST", "/writer", http.StatusInternalServerError, "no such cluster &lt;b&gt;"},
		{"POST", "/nothing", http.StatusNotFound, "nothing of that name"},
	} {
		got := httptest.NewRecorder()
		page.ServeHTTP(got, httptest.NewRequest(c.method, c.path, nil))
		if got.Code != c.status || !strings.Contains(got.Body.String(), c.says) {
			t.Errorf("%s %s: %d and\n%s", c.method, c.path, got.Code, got.Body)
		}
	}
	if times != 1 {
		t.Errorf("it happened %d times", times)
	}
}
