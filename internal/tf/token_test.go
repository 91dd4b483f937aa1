package tf

import (
	"context"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// tokenForge serves the world's repository to whoever has one token.
func tokenForge(t *testing.T, w *world, good func() string) string {
	backend := filepath.Join(w.git(w.dir, "--exec-path"), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skipf("not proved here: this git has no http-backend: %v", err)
	}
	serve := &cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + w.dir, "GIT_HTTP_EXPORT_ALL=1"}}
	forge := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Basic "+basic(good()) {
			rw.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
			http.Error(rw, "Bad credentials", http.StatusUnauthorized)
			return
		}
		serve.ServeHTTP(rw, r)
	}))
	t.Cleanup(forge.Close)
	return forge.URL + "/infra.git"
}

// A token that the forge does not take is renewed once, for its repository, and the fetch
// goes on; neither token is in what was written.
func TestGitTokenIsRenewed(t *testing.T) {
	w := newWorld(t)
	const old, fresh = canary + "-old", canary + "-fresh"
	url := tokenForge(t, w, func() string { return fresh })
	commit := w.commit(files(""))
	svc := dr.Service{Repository: dr.Repository{Owner: "acme", Name: "infra"}}
	var mu sync.Mutex
	var asked []string
	w.opts.GitURL = func(dr.Repository) string { return url }
	w.opts.GitToken = func(_ context.Context, repo dr.Repository, refused string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, repo.Owner+"/"+repo.Name+" "+refused)
		if refused == old {
			return fresh, nil
		}
		return old, nil
	}
	if _, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: svc, Stack: w.stack(), Commit: commit}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"acme/infra ", "acme/infra " + old}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q", asked)
	}
	for _, text := range []string{old, fresh, basic(old), basic(fresh)} {
		if found := holding(t, w.opts.WorkDir, text); len(found) > 0 {
			t.Errorf("a token is in %v", found)
		}
	}
}

// Where no other token can be had, its source's own words are told; a token that stays
// the same is not tried twice.
func TestGitTokenThatCannotBeRenewed(t *testing.T) {
	w := newWorld(t)
	url := tokenForge(t, w, func() string { return "another" })
	commit := w.commit(files(""))
	w.opts.GitURL = func(dr.Repository) string { return url }
	asked := 0
	w.opts.GitToken = func(_ context.Context, _ dr.Repository, refused string) (string, error) {
		asked++
		if refused != "" {
			return "", &dr.Error{Code: dr.Uncertain, What: dr.T("github.app.suspended", "owner", "acme")}
		}
		return canary, nil
	}
	_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	if what, _ := texttest.Told(t, err); dr.CodeOf(err) != dr.Uncertain || what != "The GitHub App is suspended for acme." || asked != 2 {
		t.Errorf("asked %d times: %q, %v", asked, what, err)
	}
	w.opts.GitToken = func(context.Context, dr.Repository, string) (string, error) { return canary, nil }
	_, err = w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	if dr.CodeOf(err) != dr.Denied || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
}
