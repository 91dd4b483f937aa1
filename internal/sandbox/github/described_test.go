package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/sandbox/github/described"
)

// tour asks the local GitHub everything that it answers, while it is held against GitHub's own description.
type tour struct {
	*world
	seen *described.Watched
}

// ask checks the status of an answer and gives the answer, a list as {"list": [...]}.
func (w *tour) ask(status int, token, method, path, body string) map[string]any {
	w.t.Helper()
	if path == "" || path[0] == '/' {
		path = "/api/v3/repos/acme/infra" + path
	} else {
		path = "/api/" + path
	}
	code, doc := w.call(method, path, token, body)
	if code != status {
		w.t.Fatalf("%s %s: %d %s", method, path, code, doc)
	}
	out := map[string]any{}
	switch {
	case strings.HasPrefix(doc, "["):
		var list []any
		w.must(json.Unmarshal([]byte(doc), &list))
		out["list"] = list
	case doc != "":
		w.must(json.Unmarshal([]byte(doc), &out))
	}
	return out
}

// in reads a value out of an answer.
func in(doc any, keys ...any) any {
	for _, k := range keys {
		switch k := k.(type) {
		case string:
			doc = doc.(map[string]any)[k]
		case int:
			doc = doc.([]any)[k]
		}
	}
	if n, ok := doc.(float64); ok {
		return int64(n)
	}
	return doc
}

const (
	theBot   = "bot-token"
	theAdmin = "t-alice"
	theOther = "t-bob"
)

// TestHoldsAgainstGitHubsDescription asks for everything that the local GitHub answers, some of it in vain. Every request
// and answer is what GitHub describes, and no route is left out.
func TestHoldsAgainstGitHubsDescription(t *testing.T) {
	seed := t.TempDir()
	if err := os.Symlink("README.md", filepath.Join(seed, "link.md")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../nowhere", filepath.Join(seed, "astray")); err != nil {
		t.Fatal(err)
	}
	w := &tour{}
	rc := newReceiver(t)
	w.world = newWorldBehind(t, func(s http.Handler) http.Handler {
		w.seen = described.Watch(t, s)
		return w.seen
	}, func(o *sandbox.Options) {
		o.SeedDir, o.WebhookURL, o.WebhookSecret, o.LazyMergeable = seed, rc.srv.URL, hookSecret, true
	})
	w.people()
	first := w.contents()
	w.gitData(first)
	n := w.pullRequest()
	w.hands(n)
	w.talk(n)
	w.review(n)
	w.merge(n, first)
	w.rules()
	w.app()
	w.Ping()
	w.settled()
	w.hooks()
	w.delivered(rc)
	w.complete()
}

func (w *tour) people() {
	for _, token := range []string{theAdmin, theBot} {
		w.ask(200, token, "GET", "v3/user", "")
		w.ask(200, token, "GET", "", "")
	}
	w.ask(401, "nobody's", "GET", "v3/user", "")
	w.ask(404, "t-mallory", "GET", "/git/ref/heads/main", "")
	for _, login := range []string{"alice", "dave", "mallory", "renovate[bot]"} {
		w.ask(200, theBot, "GET", "/collaborators/"+login+"/permission", "")
	}
	w.ask(404, theBot, "GET", "/collaborators/nobody/permission", "")
}

func contentsOf(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// contents reads the first commit and makes a branch with another; it gives the first.
func (w *tour) contents() string {
	first := in(w.ask(200, theBot, "GET", "/git/ref/heads/main", ""), "object", "sha").(string)
	w.ask(404, theBot, "GET", "/git/ref/heads/none", "")
	w.ask(201, theBot, "POST", "/git/refs", fmt.Sprintf(`{"ref":"refs/heads/%s","sha":%q}`, branch, first))
	w.ask(422, theBot, "POST", "/git/refs", fmt.Sprintf(`{"ref":"refs/heads/%s","sha":%q}`, branch, first))
	for _, path := range []string{"terraform/live", tfvars, "link.md", "astray"} {
		w.ask(200, theBot, "GET", "/contents/"+path+"?ref="+branch, "")
	}
	w.ask(404, theBot, "GET", "/contents/none", "")
	blob := in(w.ask(200, theBot, "GET", "/contents/"+tfvars, ""), "sha")
	change := fmt.Sprintf(`{"message":"m","content":%q,"sha":%q,"branch":%q}`, contentsOf(tokyo), blob, branch)
	w.ask(200, theBot, "PUT", "/contents/"+tfvars, change)
	w.ask(409, theBot, "PUT", "/contents/"+tfvars, change)
	w.ask(201, theBot, "PUT", "/contents/new.txt", fmt.Sprintf(`{"message":"m","content":%q,"branch":%q}`, contentsOf("new"), branch))
	return first
}

func (w *tour) gitData(first string) {
	tree := in(w.ask(200, theBot, "GET", "/git/commits/"+first, ""), "tree", "sha")
	w.ask(404, theBot, "GET", "/git/commits/"+strings.Repeat("0", 40), "")
	w.ask(200, theBot, "GET", fmt.Sprintf("/git/trees/%s?recursive=1", tree), "")
	w.ask(200, theBot, "GET", "/git/trees/"+branch, "")
	blob := in(w.ask(201, theBot, "POST", "/git/blobs", `{"content":"hm","encoding":"utf-8"}`), "sha")
	made := in(w.ask(201, theBot, "POST", "/git/trees",
		fmt.Sprintf(`{"base_tree":%q,"tree":[{"path":"hm.txt","mode":"100644","type":"blob","sha":%q}]}`, tree, blob)), "sha")
	w.ask(422, theBot, "POST", "/git/trees", fmt.Sprintf(`{"base_tree":%q,"tree":[]}`, first[:39]+"x"))
	commit := in(w.ask(201, theBot, "POST", "/git/commits", fmt.Sprintf(`{"message":"hm","tree":%q,"parents":[%q]}`, made, first)), "sha")
	w.ask(422, theBot, "POST", "/git/commits", fmt.Sprintf(`{"message":"hm","tree":%q}`, first))
	w.ask(201, theBot, "POST", "/git/refs", fmt.Sprintf(`{"ref":"refs/heads/side","sha":%q}`, first))
	w.ask(200, theBot, "PATCH", "/git/refs/heads/side", fmt.Sprintf(`{"sha":%q}`, commit))
	w.ask(422, theBot, "PATCH", "/git/refs/heads/side", fmt.Sprintf(`{"sha":%q}`, first))
	w.ask(204, theBot, "DELETE", "/git/refs/heads/side", "")
	w.ask(422, theBot, "DELETE", "/git/refs/heads/side", "")
	const mutation = `mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }`
	for _, head := range []string{first, strings.Repeat("0", 40)} {
		w.ask(200, theBot, "POST", "graphql", fmt.Sprintf(`{"query":%q,"variables":{"input":{
			"branch":{"repositoryNameWithOwner":"acme/infra","branchName":%q},"message":{"headline":"h","body":"b"},"expectedHeadOid":%q,
			"fileChanges":{"additions":[{"path":"signed.txt","contents":%q}]}}}}`, mutation, "main", head, contentsOf("signed")))
	}
}

func (w *tour) pullRequest() string {
	w.ask(422, theBot, "POST", "/pulls", `{"title":"t","head":"none","base":"main"}`)
	open := fmt.Sprintf(`{"title":"t","head":%q,"base":"main","body":"why"}`, branch)
	n := fmt.Sprint(in(w.ask(201, theBot, "POST", "/pulls", open), "number"))
	w.ask(422, theBot, "POST", "/pulls", open)
	for range 2 { // the first one is told before it is known whether it can be merged
		w.ask(200, theBot, "GET", "/pulls/"+n, "")
	}
	w.ask(404, theBot, "GET", "/pulls/99", "")
	w.ask(200, theBot, "GET", "/pulls?state=all&sort=updated&direction=desc&base=main&per_page=5&page=1&head=acme:"+branch, "")
	w.ask(200, theBot, "PATCH", "/pulls/"+n, `{"body":"why indeed","title":"T"}`)
	w.ask(422, theBot, "PATCH", "/pulls/"+n, `{"title":""}`)
	w.ask(200, theBot, "PATCH", "/pulls/"+n, `{"state":"closed"}`)
	w.ask(200, theBot, "PATCH", "/pulls/"+n, `{"state":"open"}`)
	w.ask(200, theBot, "GET", "/pulls/"+n+"/files?per_page=100", "")
	w.ask(200, theBot, "GET", "/pulls/"+n+"/commits", "")
	return n
}

// hands is what people do on the pages; the webhooks tell of it.
func (w *tour) hands(n string) {
	number, err := strconv.Atoi(n)
	w.must(err)
	w.must(w.SetDraft(w.ctx, "alice", number, true))
	w.must(w.SetDraft(w.ctx, "alice", number, false))
	w.must(w.CreateBranch(w.ctx, "alice", "next", "main"))
	for _, base := range []string{"next", "main"} {
		w.must(w.Retarget(w.ctx, "alice", number, base))
	}
	_, err = w.Push(w.ctx, sandbox.Push{By: "carol", Branch: branch, Path: "x.txt", Content: "x"})
	w.must(err)
	w.must(w.DeleteBranch(w.ctx, "alice", "next"))
}

func (w *tour) talk(n string) {
	w.ask(200, theBot, "GET", "/issues/"+n, "")
	id := in(w.ask(201, theBot, "POST", "/issues/"+n+"/comments", `{"body":"hm"}`), "id")
	w.ask(200, theBot, "PATCH", fmt.Sprintf("/issues/comments/%d", id), `{"body":"hm, hm"}`)
	gone := fmt.Sprintf("/issues/comments/%d", in(w.ask(201, theBot, "POST", "/issues/"+n+"/comments", `{"body":"not for long"}`), "id"))
	w.ask(204, theBot, "DELETE", gone, "")
	w.ask(404, theBot, "DELETE", gone, "")
	w.ask(200, theBot, "GET", "/issues/"+n+"/comments?since=2020-01-01T00:00:00Z", "")
	head := in(w.ask(200, theBot, "GET", "/pulls/"+n, ""), "head", "sha").(string)
	w.ask(201, theBot, "POST", "/statuses/"+head, `{"state":"success","context":"drbot","description":"d","target_url":"https://drbot.example"}`)
	w.ask(201, theBot, "POST", "/statuses/"+head, `{"state":"pending","context":"other"}`)
	for _, ref := range []string{head, branch} {
		for _, of := range []string{"", "/status", "/statuses", "/check-runs"} {
			w.ask(200, theBot, "GET", "/commits/"+ref+of, "")
		}
	}
	w.ask(422, theBot, "GET", "/commits/none", "")
}

func (w *tour) review(n string) {
	path := "/pulls/" + n + "/reviews"
	w.ask(422, theBot, "POST", path, `{"event":"APPROVE"}`)
	id := in(w.ask(200, theAdmin, "POST", path, `{"event":"APPROVE","body":"fine"}`), "id")
	w.ask(200, theOther, "PUT", fmt.Sprintf("%s/%d/dismissals", path, id), `{"message":"no"}`)
	w.ask(422, theOther, "PUT", fmt.Sprintf("%s/%d/dismissals", path, id), `{"message":"no"}`)
	id = in(w.ask(200, theOther, "POST", path, `{"body":"to be told"}`), "id")
	w.ask(200, theOther, "GET", path, "")
	w.ask(200, theOther, "POST", fmt.Sprintf("%s/%d/events", path, id), `{"event":"COMMENT"}`)
	w.ask(200, "t-carol", "POST", path, `{"event":"REQUEST_CHANGES","body":"wait"}`)
	w.must(w.DeleteAccount("carol"))
	w.ask(200, theBot, "GET", path+"?per_page=2&page=2", "")
}

func (w *tour) merge(n, first string) {
	w.ask(409, theBot, "PUT", "/pulls/"+n+"/merge", fmt.Sprintf(`{"sha":%q}`, first))
	w.Demand("main", sandbox.Demands{Checks: []string{"ci"}})
	w.ask(405, theBot, "PUT", "/pulls/"+n+"/merge", `{}`)
	w.Demand("main", sandbox.Demands{})
	head := in(w.ask(200, theBot, "GET", "/pulls/"+n, ""), "head", "sha")
	w.ask(200, theBot, "PUT", "/pulls/"+n+"/merge", fmt.Sprintf(`{"sha":%q,"merge_method":"merge","commit_title":"t","commit_message":"m"}`, head))
	w.ask(200, theBot, "GET", "/pulls/"+n, "")
	w.ask(200, theBot, "GET", "/pulls?state=closed", "")
	w.ask(200, theBot, "GET", "/issues/"+n, "")
	w.ask(200, theBot, "GET", "/issues/"+n+"/events", "")
	w.ask(200, theBot, "GET", "/commits?sha=main&per_page=2", "")
	for _, pair := range []string{first + "...main", "main..." + first, branch + "...main"} {
		w.ask(200, theBot, "GET", "/compare/"+pair, "")
	}
	w.ask(404, theBot, "GET", "/compare/none...main", "")
	for _, ref := range []string{"main", first} {
		w.ask(200, theBot, "GET", "/commits/"+ref, "")
	}
}

func (w *tour) rules() {
	whole := sandbox.Demands{
		Checks: []string{"ci"}, Strict: true, Signatures: true, Linear: true, Queue: true, Reviews: 2, Methods: []string{"merge"},
		Owners: true, Conversations: true, Deployments: []string{"prod"}, Others: []string{"non_fast_forward"}, Bypass: []string{botLogin},
	}
	const query = `query($owner: String!, $name: String!, $ref: String!) {
		repository(owner: $owner, name: $name) { ref(qualifiedName: $ref) { refUpdateRule { requiresSignatures } } } }`
	look := func() {
		w.ask(200, theBot, "GET", "/branches/main", "")
		w.ask(200, theBot, "GET", "/rules/branches/main", "")
		w.ask(200, theBot, "POST", "graphql", fmt.Sprintf(`{"query":%q,"variables":{"owner":"acme","name":"infra","ref":"refs/heads/main"}}`, query))
	}
	look()
	w.Demand("main", whole)
	look()
	w.ask(200, theBot, "GET", "/rulesets/4711", "")
	w.ask(404, theBot, "GET", "/rulesets/1", "")
	w.ask(404, theAdmin, "GET", "/branches/main/protection", "")
	whole.Protection, whole.Locked, whole.Pushers = true, true, []string{"bob"}
	w.Demand("main", whole)
	look()
	w.ask(200, theAdmin, "GET", "/branches/main/protection", "")
	w.ask(404, theBot, "GET", "/branches/main/protection", "")
	w.ask(404, theBot, "GET", "/branches/none", "")
}

func (w *tour) app() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	w.must(err)
	w.must(w.InstallApp(sandbox.App{
		ID: 7, Slug: "drbot-app", Key: &key.PublicKey, Events: []string{"push"},
		Permissions: map[string]string{"contents": "write", "metadata": "read", "pull_requests": "write", "statuses": "write"},
	}))
	sign := jwt(w.t, key, "RS256", "7", time.Now(), time.Now().Add(time.Minute))
	w.ask(200, sign, "GET", "v3/app", "")
	id := in(w.ask(200, sign, "GET", "/installation", ""), "id")
	for _, path := range []string{"v3/orgs/acme/installation", "v3/users/acme/installation", fmt.Sprintf("v3/app/installations/%d", id)} {
		w.ask(200, sign, "GET", path, "")
	}
	given := in(w.ask(201, sign, "POST", fmt.Sprintf("v3/app/installations/%d/access_tokens", id), ""), "token").(string)
	w.ask(200, given, "GET", "/git/ref/heads/main", "")
	w.SuspendApp(true)
	w.ask(403, given, "GET", "/git/ref/heads/main", "")
	w.ask(200, sign, "GET", "/installation", "")
	w.ask(403, sign, "POST", fmt.Sprintf("v3/app/installations/%d/access_tokens", id), "")
}

func (w *tour) hooks() {
	hook := in(w.ask(200, theAdmin, "GET", "/hooks", ""), "list", 0, "id")
	path := fmt.Sprintf("/hooks/%d/deliveries", hook)
	list := in(w.ask(200, theAdmin, "GET", path+"?per_page=3", ""), "list").([]any)
	cursor := in(list[len(list)-1], "id")
	w.ask(200, theAdmin, "GET", fmt.Sprintf("%s?per_page=3&cursor=%d", path, cursor), "")
	w.ask(202, theAdmin, "POST", fmt.Sprintf("%s/%d/attempts", path, cursor), "")
	w.ask(404, theAdmin, "POST", path+"/1/attempts", "")
	w.settled()
}

// delivered holds every webhook of the tour against what GitHub describes.
func (w *tour) delivered(rc *receiver) {
	kinds := map[string]bool{}
	for _, e := range rc.events() {
		kind := e.header.Get("X-GitHub-Event")
		var doc struct {
			Action string `json:"action"`
		}
		w.must(json.Unmarshal(e.body, &doc))
		kinds[kind+" "+doc.Action] = true
		if err := described.Delivered(w.t, kind, e.body); err != nil {
			w.t.Errorf("webhook %s: %v", kind, err)
		}
	}
	for _, want := range []string{
		"ping ", "push ", "pull_request opened", "pull_request edited", "pull_request synchronize", "pull_request converted_to_draft",
		"pull_request ready_for_review", "pull_request closed", "pull_request reopened", "pull_request_review submitted",
		"pull_request_review dismissed", "issue_comment created", "issue_comment edited",
	} {
		if !kinds[want] {
			w.t.Errorf("no webhook %s", want)
		}
	}
}

// complete finds what the tour has left out.
func (w *tour) complete() {
	var seen []string
	hole := regexp.MustCompile(`\{[^}]*\}`)
	for op := range w.seen.Seen() {
		seen = append(seen, hole.ReplaceAllString(op, "{}"))
	}
	for _, route := range w.Routes() {
		route = hole.ReplaceAllString(route, "{}")
		if route == "GET /repos/{}/{}/issues/{}/{}" { // stands for two of GitHub's
			route = "GET /repos/{}/{}/issues/{}/comments"
		}
		if !slices.Contains(seen, route) {
			w.t.Errorf("the tour does not ask for %s", route)
		}
	}
}
