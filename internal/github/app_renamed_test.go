package github_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/github"
)

// TestAppFollowsARenamedRepository has GitHub send on what asks for the old name to where
// the repository is by its number, as it does after a rename: a path that names neither
// owner nor repository.
func TestAppFollowsARenamedRepository(t *testing.T) {
	_, _, s := startApp(t)
	const old, number = "/repos/acme/infra", "/repositories/17"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before, rest, ok := strings.Cut(r.URL.Path, old); ok {
			to := before + number + rest
			if r.URL.RawQuery != "" {
				to += "?" + r.URL.RawQuery
			}
			code := http.StatusTemporaryRedirect
			if r.Method == http.MethodGet {
				code = http.StatusMovedPermanently
			}
			http.Redirect(w, r, to, code)
			return
		}
		r.URL.Path = strings.Replace(r.URL.Path, number, old, 1)
		r.URL.RawPath = ""
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	key, err := appKey()
	must(t, err)
	clock := &skipping{}
	o := github.Options{BaseURL: server.URL, Clock: clock.Now, Sleep: clock.Sleep}
	o.App, err = github.NewApp(appID, inPEM(key), o)
	must(t, err)
	c, err := github.New(o)
	must(t, err)
	if _, _, err := c.File(t.Context(), repo, "main"); err != nil {
		t.Fatal(err)
	}
	change := opened(t, c)
	look(t, c, change.Number)
}
