package github_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

// jwt is an App's signature over its claims, as RFC 7515 writes it.
func jwt(t *testing.T, key *rsa.PrivateKey, alg, iss string, issued, expires time.Time) string {
	t.Helper()
	part := func(v any) string {
		doc, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(doc)
	}
	text := part(map[string]string{"alg": alg, "typ": "JWT"}) + "." + part(map[string]any{"iss": iss, "iat": issued.Unix(), "exp": expires.Unix()})
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// call asks with a credential and gives the status and the answer.
func (w *world) call(method, path, token, body string) (int, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx, method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := w.web.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	doc, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(doc)
}

// moving is a clock that is set by hand.
type moving struct {
	mu  sync.Mutex
	now time.Time
}

func (m *moving) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *moving) add(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

func newAppWorld(t *testing.T) (*world, *rsa.PrivateKey, *moving) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	clock := &moving{now: time.Now()}
	w := newWorld(t, func(o *sandbox.Options) { o.Clock = clock.Now })
	all := map[string]string{"contents": "write", "metadata": "read", "pull_requests": "write"}
	if err := w.InstallApp(sandbox.App{ID: 7, Slug: "drbot", Key: &key.PublicKey, Permissions: all, Events: []string{"push"}}); err != nil {
		t.Fatal(err)
	}
	return w, key, clock
}

// An App's signature is taken when it is of RS256, by its key, in its name and of now.
func TestAppSignature(t *testing.T) {
	w, key, clock := newAppWorld(t)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := clock.Now()
	good := jwt(t, key, "RS256", "7", now, now.Add(time.Minute))
	for name, c := range map[string]struct {
		token string
		code  int
	}{
		"good":                    {good, 200},
		"another key":             {jwt(t, stranger, "RS256", "7", now, now.Add(time.Minute)), 401},
		"another algorithm":       {jwt(t, key, "none", "7", now, now.Add(time.Minute)), 401},
		"another App":             {jwt(t, key, "RS256", "8", now, now.Add(time.Minute)), 404},
		"over":                    {jwt(t, key, "RS256", "7", now.Add(-time.Hour), now.Add(-time.Minute)), 401},
		"too long":                {jwt(t, key, "RS256", "7", now, now.Add(time.Hour)), 401},
		"from the future":         {jwt(t, key, "RS256", "7", now.Add(5*time.Minute), now.Add(6*time.Minute)), 401},
		"a person's token":        {"t-alice", 401},
		"changed behind its back": {good[:len(good)-8] + "AAAAAAAA", 401},
	} {
		if code, doc := w.call("GET", "/api/v3/app", c.token, ""); code != c.code {
			t.Errorf("%s: %d %s", name, code, doc)
		}
	}
}

// giveToken asks for a token as the App.
func (w *world) giveToken(key *rsa.PrivateKey, now time.Time) string {
	w.t.Helper()
	sign := jwt(w.t, key, "RS256", "7", now, now.Add(time.Minute))
	var in struct {
		ID int64 `json:"id"`
	}
	if code, doc := w.call("GET", "/api/v3/repos/acme/infra/installation", sign, ""); code != 200 || json.Unmarshal([]byte(doc), &in) != nil {
		w.t.Fatal(code, doc)
	}
	var given struct {
		Token string `json:"token"`
	}
	if code, doc := w.call("POST", fmt.Sprintf("/api/v3/app/installations/%d/access_tokens", in.ID), sign, ""); code != 201 || json.Unmarshal([]byte(doc), &given) != nil {
		w.t.Fatal(code, doc)
	}
	return given.Token
}

// An installation's token may what was accepted, and ends after an hour.
func TestAppToken(t *testing.T) {
	w, key, clock := newAppWorld(t)
	token := w.giveToken(key, clock.Now())
	for path, want := range map[string]int{
		"/api/v3/repos/acme/infra": 200, "/api/v3/repos/acme/infra/git/ref/heads/main": 200, "/api/v3/user": 403, "/api/v3/repos/acme/infra/issues/1/events": 403,
	} {
		if code, doc := w.call("GET", path, token, ""); code != want {
			t.Errorf("%s: %d %s", path, code, doc)
		}
	}
	w.SuspendApp(true)
	if code, doc := w.call("GET", "/api/v3/repos/acme/infra", token, ""); code != 403 || !strings.Contains(doc, "suspended") {
		t.Error(code, doc)
	}
	w.SuspendApp(false)
	clock.add(59 * time.Minute)
	if code, doc := w.call("GET", "/api/v3/repos/acme/infra", token, ""); code != 200 {
		t.Error(code, doc)
	}
	clock.add(time.Minute)
	if code, doc := w.call("GET", "/api/v3/repos/acme/infra", token, ""); code != 401 {
		t.Error(code, doc)
	}
}

// createCommitOnBranch commits upon the expected head alone; its commit is verified, and
// one by the Git data API is not.
func TestCreateCommitOnBranch(t *testing.T) {
	w, key, clock := newAppWorld(t)
	token := w.giveToken(key, clock.Now())
	base, err := w.HeadOf(w.ctx, "main")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.CreateBranch(w.ctx, "alice", branch, "main"); err != nil {
		t.Fatal(err)
	}
	commit := func(on, expected string) string {
		body, err := json.Marshal(map[string]any{
			"query": "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }",
			"variables": map[string]any{"input": map[string]any{
				"branch":  map[string]string{"repositoryNameWithOwner": "acme/infra", "branchName": on},
				"message": map[string]string{"headline": "go", "body": "why"}, "expectedHeadOid": expected,
				"fileChanges": map[string]any{"additions": []any{map[string]string{"path": tfvars, "contents": base64.StdEncoding.EncodeToString([]byte(tokyo))}}},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		code, doc := w.call("POST", "/api/graphql", token, string(body))
		if code != 200 {
			t.Fatal(code, doc)
		}
		return doc
	}
	if doc := commit("nowhere", base); !strings.Contains(doc, "NOT_FOUND") {
		t.Error(doc)
	}
	if doc := commit(branch, base); !strings.Contains(doc, `"oid"`) || strings.Contains(doc, "errors") {
		t.Fatal(doc)
	}
	if doc := commit(branch, base); !strings.Contains(doc, "STALE_DATA") {
		t.Error(doc)
	}
	head, err := w.HeadOf(w.ctx, branch)
	if err != nil {
		t.Fatal(err)
	}
	for sha, want := range map[string]string{head: `"verified":true`, base: `"verified":false`} {
		if code, doc := w.call("GET", "/api/v3/repos/acme/infra/commits/"+sha, token, ""); code != 200 || !strings.Contains(doc, want) {
			t.Errorf("%s is not %s: %s", sha, want, doc)
		}
	}
	if _, doc := w.call("GET", "/api/v3/repos/acme/infra/commits/"+head, token, ""); !strings.Contains(doc, `"login":"drbot[bot]"`) || !strings.Contains(doc, `"login":"web-flow"`) {
		t.Error(doc)
	}
}
