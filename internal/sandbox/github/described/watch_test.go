package described

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestWatchFinds proves that what a server or its caller does wrong is found, and what it does right is not.
func TestWatchFinds(t *testing.T) {
	const ref = "/api/v3/repos/acme/infra/git/ref/heads/a/b"
	right := `{"ref":"refs/heads/a/b","node_id":"x","url":"https://x.example","object":{"type":"commit","sha":"` + strings.Repeat("a", 40) + `","url":"https://x.example"}}`
	const signatures = `{"query":"query($ref: String!) { repository(owner: \"o\", name: \"n\") { ref(qualifiedName: $ref) { refUpdateRule { requiresSignatures } } } }","variables":{"ref":"x"}}`
	const pieces = `{"query":"query { repository(owner: \"o\", name: \"n\") { pullRequest(number: 1) { timelineItems(last: 1) { nodes {` +
		` __typename ... on ClosedEvent { id } ... on MergedEvent { mergeRefName } } } } } }"}`
	node := func(text string) string {
		return `{"data":{"repository":{"pullRequest":{"timelineItems":{"nodes":[` + text + `]}}}}}`
	}
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		answer             string
		says               string // empty where nothing is wrong
	}{
		"right":                       {"GET", ref, "", 200, right, ""},
		"a page for people":           {"GET", "/acme/infra", "", 200, "hm", ""},
		"a field too few":             {"GET", ref, "", 200, strings.Replace(right, `"node_id":"x",`, "", 1), "node_id"},
		"a field of another type":     {"GET", ref, "", 200, strings.Replace(right, `"x"`, "7", 1), "/node_id"},
		"a path nobody knows":         {"GET", "/api/v3/repos/acme/infra/colours", "", 200, "[]", "describes no GET"},
		"a method it does not have":   {"DELETE", "/api/v3/user", "", 204, "", "describes no DELETE"},
		"a status it does not have":   {"GET", ref, "", 202, right, "status is not supported"},
		"a refusal all may give":      {"GET", ref, "", 403, `{"message":"no"}`, ""},
		"a service in trouble":        {"GET", ref, "", 502, "hm", ""},
		"a parameter it has not":      {"GET", ref + "?colour=red", "", 200, right, `"colour" is not described`},
		"a parameter that is no page": {"GET", "/api/v3/repos/acme/infra/pulls?per_page=all", "", 200, "[]", "per_page"},
		"a request without its field": {"POST", "/api/v3/repos/acme/infra/git/refs", `{"ref":"refs/heads/x"}`, 201, right, "/sha"},
		"a request with another":      {"POST", "/api/v3/repos/acme/infra/git/refs", `{"ref":"refs/heads/x","sha":"a","colour":"red"}`, 201, right, `"colour" is not described`},
		"a question":                  {"POST", "/api/graphql", signatures, 200, `{"data":{"repository":{"ref":{"refUpdateRule":{"requiresSignatures":true}}}}}`, ""},
		"a question answered null":    {"POST", "/api/graphql", signatures, 200, `{"data":{"repository":null}}`, ""},
		"a question answered short":   {"POST", "/api/graphql", signatures, 200, `{"data":{"repository":{"ref":{"refUpdateRule":{}}}}}`, "lacks requiresSignatures"},
		"a question answered wrong":   {"POST", "/api/graphql", signatures, 200, `{"data":{"repository":{"ref":{"refUpdateRule":{"requiresSignatures":null}}}}}`, "not of type Boolean!"},
		"a question answered long":    {"POST", "/api/graphql", signatures, 200, `{"data":{"repository":null,"colour":"red"}}`, "nobody asked for"},
		"a question it cannot answer": {"POST", "/api/graphql", strings.Replace(signatures, "requiresSignatures", "colour", 1), 200, `{"data":null}`, "colour"},
		"a piece of an answer":        {"POST", "/api/graphql", pieces, 200, node(`{"__typename":"ClosedEvent","id":"x"},{"__typename":"MergedEvent","mergeRefName":"main"}`), ""},
		"a piece of another":          {"POST", "/api/graphql", pieces, 200, node(`{"__typename":"ClosedEvent","mergeRefName":"main"}`), "nodes[0] lacks id"},
		"a variable too few":          {"POST", "/api/graphql", strings.Replace(signatures, `"ref":"x"`, "", 1), 200, `{"data":null}`, "must be defined"},
	} {
		t.Run(name, func(t *testing.T) {
			w := Watch(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json; charset=utf-8")
				w.WriteHeader(c.status)
				_, _ = fmt.Fprint(w, c.answer)
			}))
			said := ""
			w.report = func(text string) { said += text + "\n" }
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			out := httptest.NewRecorder()
			w.ServeHTTP(out, r)
			if out.Code != c.status || out.Body.String() != c.answer {
				t.Errorf("passed on: %d %s", out.Code, out.Body)
			}
			if (c.says == "") != (said == "") || !strings.Contains(said, c.says) {
				t.Errorf("said %q, wanted %q", said, c.says)
			}
		})
	}
}

// TestDeliveredFinds proves the same of webhooks.
func TestDeliveredFinds(t *testing.T) {
	for body, says := range map[string]string{
		`{"action":"painted"}`: "describes no webhook pull-request-painted",
		`{"action":"opened"}`:  "/pull_request",
		`{`:                    "unexpected end",
	} {
		if err := Delivered(t, "pull_request", []byte(body)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
