package github

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

func anyKey(t *testing.T) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// Each owner's repositories are reached by the token of that owner's installation.
func TestAppOfSeveralOwners(t *testing.T) {
	client, s, _ := newStub(t, func(o *Options) {
		app, err := NewApp(7, anyKey(t), *o)
		must(t, err)
		o.App = app
	})
	end := time.Now().Add(time.Hour).Format(time.RFC3339)
	ref := ok(map[string]any{"object": map[string]any{"sha": baseSHA}})
	for i, owner := range []string{"acme", "globex"} {
		s.when("GET /repos/"+owner+"/infra/installation", ok(map[string]any{"id": i + 1}))
		s.when(fmt.Sprintf("POST /app/installations/%d/access_tokens", i+1), reply(201, `{"token":"ghs_`+owner+`","expires_at":"`+end+`"}`))
		s.when("GET /repos/"+owner+"/infra/git/ref/heads/main", ref)
	}
	for range 2 {
		for _, owner := range []string{"acme", "globex"} {
			_, err := client.resolve(t.Context(), dr.Repository{Owner: owner, Name: "infra"}, "main")
			must(t, err)
		}
	}
	var used []string
	for i, call := range s.seen {
		if strings.Contains(call, "/git/ref/") {
			used = append(used, s.auth[i])
		}
	}
	want := []string{"Bearer ghs_acme", "Bearer ghs_globex", "Bearer ghs_acme", "Bearer ghs_globex"}
	if !slices.Equal(used, want) || s.calls("POST /app/") != 2 || s.calls("GET /repos/globex/infra/installation") != 1 {
		t.Errorf("used %q by %q", used, s.seen)
	}
}

// A token that is refused although it is new ends in words, not in a circle.
func TestAppRefusedTwice(t *testing.T) {
	client, s, _ := newStub(t, func(o *Options) {
		app, err := NewApp(7, anyKey(t), *o)
		must(t, err)
		o.App = app
	})
	end := time.Now().Add(time.Hour).Format(time.RFC3339)
	s.when("GET /repos/acme/infra/installation", ok(map[string]any{"id": 1}))
	s.when("POST /app/installations/1/access_tokens", reply(201, `{"token":"ghs_1","expires_at":"`+end+`"}`), reply(201, `{"token":"ghs_2","expires_at":"`+end+`"}`))
	s.when("GET /repos/acme/infra/git/ref/heads/main", reply(401, `{"message":"Bad credentials"}`))
	_, err := client.resolve(t.Context(), repo, "main")
	wantCode(t, err, dr.Uncertain, "does not take a token that it has just given")
	if n := s.calls("POST /app/"); n != 2 {
		t.Errorf("%d tokens were asked for", n)
	}
}

// GitHub's other API is beside the first, at each host in its own place.
func TestGraphQLAddress(t *testing.T) {
	for base, want := range map[string]string{
		"": "https://api.github.com/graphql", "https://git.example": "https://git.example/api/graphql", "https://api.acme.ghe.com": "https://api.acme.ghe.com/graphql",
	} {
		var at string
		c, err := New(Options{Token: token, BaseURL: base, Transport: breaking(func(r *http.Request) (*http.Response, error) {
			at = r.URL.String()
			return nil, http.ErrHandlerTimeout
		})})
		must(t, err)
		if _, err := (place{c, repo}).graphql(t.Context(), dr.T("github.doing.write-commit"), "", nil, nil); err == nil || at != want {
			t.Errorf("%q asks at %s (%v), want %s", base, at, err, want)
		}
	}
}
