package sandbox

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/github"
)

// asApp has the bot be a GitHub App as docs/github-app.json has it, whose tokens are
// renewed every few seconds, because their end is near from the first.
func asApp(t *testing.T) func(*Options) {
	t.Helper()
	var m struct {
		Permissions map[string]string `json:"default_permissions"`
		Events      []string          `json:"default_events"`
	}
	doc, err := os.ReadFile("../../docs/github-app.json")
	must(t, err)
	must(t, json.Unmarshal(doc, &m))
	return func(o *Options) {
		o.App = &github.App{ID: 4711, Slug: "drbot", Permissions: m.Permissions, Events: m.Events, Lifetime: 65 * time.Second}
	}
}

// TestAsAnApp plays a whole failover as a GitHub App. Its tokens end in the middle, by
// themselves, and taken back by GitHub under a merge; it is suspended while people approve, which ends
// nothing. All that it asks and is answered, and every webhook, is as GitHub describes it. Neither its key nor a token is in anything the bot wrote.
func TestAsAnApp(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t, asApp(t), held(t))
	m := asked(t, ctx, w)
	w.Hub.SuspendApp(true)
	approveBoth(t, ctx, w, m)
	must(t, w.awaitLog(ctx, "suspended"))
	merge := w.Hub.Inject(github.Fault{Kind: github.Hang, Method: "PUT", Path: "/repos/" + owner + "/" + repository + "/pulls/", Times: 1})
	w.Hub.SuspendApp(false)
	must(t, w.Hub.Wait(ctx, func() bool { return merge.Hits() == 1 }))
	w.Hub.EndAppTokens() // of the merge that is under way too
	merge.Release()
	must(t, w.waitText(ctx, m.run, "*succeeded*"))
	must(t, w.readBack(ctx, m))

	p, err := w.Hub.Pull(m.pull)
	must(t, err)
	if !w.Hub.IsSigned(p.HeadSHA) {
		t.Error("the commit is not signed by GitHub")
	}
	tokens, refused, cloned := w.Hub.AppTokens(), 0, 0
	for _, c := range w.Hub.Calls() {
		switch {
		case c.Status == 401:
			refused++
		case strings.HasSuffix(c.Path, "/git-upload-pack"):
			cloned++
			if c.User != w.botLogin() {
				t.Errorf("the mirror was fetched by %q", c.User)
			}
		}
	}
	if len(tokens) < 4 || refused == 0 || cloned == 0 {
		t.Errorf("%d tokens were given, %d calls refused, %d fetches", len(tokens), refused, cloned)
	}
	key, err := os.ReadFile(w.appKey())
	must(t, err)
	canaries := []canary{{what: "the App's key", value: strings.Split(string(key), "\n")[3]}}
	for _, token := range tokens {
		canaries = append(canaries, canary{what: "a token of the App", value: token})
	}
	deliveredAsDescribed(t, w)
	nothingStarts := sendExamples(t, ctx, w)
	w.Bot.Stop()
	nothingStarts()
	w.searchFiles(t, canaries)
}
