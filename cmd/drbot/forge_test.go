package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
)

// GitHub is asked what people of the configuration may do, by whatever letter case, and
// about nobody else.
func TestForgeAsksAboutPeopleAlone(t *testing.T) {
	sha := strings.Repeat("a", 40)
	answers := map[string]string{
		"pulls/1": `{"number":1,"state":"open","user":{"login":"drbot"},"head":{"ref":"drbot/r","sha":"` + sha + `","repo":{"full_name":"acme/infra"}},
			"base":{"ref":"main","sha":"` + sha + `","repo":{"full_name":"acme/infra"}}}`,
		"git/ref/heads/main":           `{"object":{"sha":"` + sha + `"}}`,
		"git/ref/heads/drbot/r":        `{"object":{"sha":"` + sha + `"}}`,
		"pulls/1/files":                `[]`,
		"pulls/1/commits":              `[]`,
		"compare/" + sha + "..." + sha: `{"merge_base_commit":{"sha":"` + sha + `"}}`,
		"contents/f":                   `{"type":"file","encoding":"base64","size":0,"content":""}`,
		"pulls/1/reviews": `[{"id":1,"state":"APPROVED","user":{"login":"Bob-GH"}},{"id":2,"state":"APPROVED","user":{"login":"mallory"}},
			{"id":3,"state":"COMMENTED","user":{"login":"carol-gh"}}]`,
		"collaborators/Bob-GH/permission":   `{"permission":"write"}`,
		"collaborators/carol-gh/permission": `{"permission":"read"}`,
	}
	var mu sync.Mutex
	var asked []string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/api/v3/repos/acme/infra/")
		if strings.HasPrefix(path, "collaborators/") {
			mu.Lock()
			asked = append(asked, path)
			mu.Unlock()
		}
		body, ok := answers[path]
		if !ok {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}))
	defer web.Close()
	cfg := &config.Config{People: dr.People{{Name: "bob", GitHubLogins: []string{"bob-gh"}}, {Name: "carol", GitHubLogins: []string{"carol-gh"}}}}
	cfg.GitHub.Token, cfg.GitHub.APIURL = "t0ken", web.URL
	forge, err := standard().newForge(cfg, credentials{token: cfg.GitHub.Token}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	state, err := forge.ChangeState(t.Context(), dr.Repository{Owner: "acme", Name: "infra", Base: "main", File: "f"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(state.CanWrite, []string{"Bob-GH"}) || len(state.Reviews) != 3 || len(asked) != 2 {
		t.Errorf("may write: %v, asked %v", state.CanWrite, asked)
	}
}
