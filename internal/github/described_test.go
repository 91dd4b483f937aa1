package github_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/github"
	"github.com/drbot/drbot/internal/sandbox/github/described"
)

// TestEveryWebhookExample sends every webhook that GitHub publishes, rightly signed. Each is taken. The most it does is
// to have a repository looked at: a nudge decides nothing.
func TestEveryWebhookExample(t *testing.T) {
	var nudges []github.Nudge
	hook, err := github.NewWebhook(github.WebhookOptions{
		Secret: []byte(secret),
		Seen:   func(context.Context, string) (bool, error) { return true, nil },
		Nudge:  func(_ context.Context, n github.Nudge) { nudges = append(nudges, n) },
	})
	must(t, err)
	listened := map[string]bool{"pull_request": true, "pull_request_review": true, "issue_comment": true, "push": true, "status": true}
	events := map[string]int{}
	for i, e := range described.Examples(t) {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(e.Payload)
		r := httptest.NewRequest(http.MethodPost, "/github", strings.NewReader(string(e.Payload)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-GitHub-Event", e.Event)
		r.Header.Set("X-GitHub-Delivery", fmt.Sprint("example-", i))
		r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		w := httptest.NewRecorder()
		nudges = nil
		hook.ServeHTTP(w, r)
		events[e.Event]++
		if w.Code < 200 || w.Code > 299 {
			t.Errorf("%s of %s: %d %s", e.Event, e.From, w.Code, w.Body)
		}
		switch {
		case !listened[e.Event] && len(nudges) > 0:
			t.Errorf("%s of %s, which nobody listens to: %+v", e.Event, e.From, nudges)
		case listened[e.Event] && (len(nudges) != 1 || nudges[0].Kind != e.Event || nudges[0].Repo == ""):
			t.Errorf("%s of %s: %+v", e.Event, e.From, nudges)
		}
	}
	if len(events) < 50 {
		t.Errorf("examples of %d events alone", len(events))
	}
	t.Logf("%v", events)
}

// TestQueriesHoldAgainstGitHubsSchema finds the GraphQL questions of this package in its text. One that is put together
// from pieces, the variables, and what is answered, the other tests hold against the same schema while they ask.
func TestQueriesHoldAgainstGitHubsSchema(t *testing.T) {
	schema := described.Schema(t)
	question := regexp.MustCompile(`^\s*(query|mutation)\b.*\{`)
	files, err := os.ReadDir(".")
	must(t, err)
	found := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			must(t, err)
			if question.MatchString(text) && strings.Count(text, "{") == strings.Count(text, "}") {
				found++
				if _, err := schema.Query(text); err != nil {
					t.Errorf("%s: %v\n%s", f.Name(), err, text)
				}
			}
			return true
		})
	}
	if found < 2 {
		t.Errorf("%d questions were found", found)
	}
	if _, err := schema.Query("query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { colour } }"); err == nil {
		t.Error("a field that there is not is not found")
	}
}
