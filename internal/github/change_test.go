package github

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/drbot/drbot/dr"
)

const (
	pulls    = "/repos/acme/infra/pulls"
	refs     = "/repos/acme/infra/git/refs"
	branch   = "/repos/acme/infra/git/ref/heads/drbot/r1"
	newText  = "active_region = \"ap-northeast-1\"\n"
	contents = "/repos/acme/infra/contents/live/portal/active_region.auto.tfvars"
	commitAt = "/repos/acme/infra/commits/" + headSHA
)

func request() dr.ChangeRequest {
	return dr.ChangeRequest{
		Repository: repo, Branch: "drbot/r1", BaseSHA: baseSHA, Content: newText,
		Message: "portal: fail over", Title: "Fail over portal", Body: "Why.",
	}
}

func contentDoc(text string) map[string]any {
	return map[string]any{"type": "file", "encoding": "base64", "size": len(text), "content": base64.StdEncoding.EncodeToString([]byte(text))}
}

func refDoc(sha string) map[string]any { return map[string]any{"object": map[string]any{"sha": sha}} }

var gone = reply(404, `{"message":"Not Found"}`)

// openable is a GitHub on which the change can be opened from scratch.
func openable(s *stub) {
	s.when("GET "+pulls, reply(200, `[]`))
	s.when("GET "+branch, gone)
	s.when("GET /repos/acme/infra/git/commits/"+baseSHA, ok(map[string]any{"sha": baseSHA, "tree": map[string]any{"sha": "tree0"}}))
	for tree, entry := range map[string]string{
		"tree0":    `{"path":"live","mode":"040000","type":"tree","sha":"treelive"}`,
		"treelive": `{"path":"portal","mode":"040000","type":"tree","sha":"treeport"}`,
		"treeport": `{"path":"active_region.auto.tfvars","mode":"100644","type":"blob","sha":"blob0"}`,
	} {
		s.when("GET /repos/acme/infra/git/trees/"+tree, reply(200, `{"sha":"`+tree+`","tree":[`+entry+`]}`))
	}
	s.when("POST /repos/acme/infra/git/blobs", reply(201, `{"sha":"blob1"}`))
	s.when("POST /repos/acme/infra/git/trees", reply(201, `{"sha":"tree1"}`))
	s.when("POST /repos/acme/infra/git/commits", reply(201, `{"sha":"`+headSHA+`"}`))
	s.when("GET "+commitAt, ok(commitDoc(baseSHA, repo.File)))
	s.when("POST "+refs, reply(201, `{"ref":"refs/heads/drbot/r1","object":{"sha":"`+headSHA+`"}}`))
	s.when("POST "+pulls, ok(pullDoc()))
}

// commitDoc is the bot's commit as GitHub writes it.
func commitDoc(parent, path string) map[string]any {
	mail := map[string]any{"email": "drbot@example.com"}
	return map[string]any{
		"sha": headSHA, "parents": []any{map[string]any{"sha": parent}}, "files": []any{map[string]any{"filename": path}},
		"author": map[string]any{"login": "drbot"}, "committer": map[string]any{"login": "web-flow"}, "commit": map[string]any{"author": mail, "committer": mail},
	}
}

// ours is what GitHub says of the commit this request makes.
func ours(s *stub) {
	s.when("GET "+commitAt, ok(commitDoc(baseSHA, repo.File)))
	s.when("GET "+contents, ok(contentDoc(newText)))
}

func TestOpenChange(t *testing.T) {
	client, s, _ := newStub(t)
	openable(s)
	change, err := client.OpenChange(t.Context(), request())
	must(t, err)
	want := dr.Change{Number: 7, URL: "https://github.example/acme/infra/pull/7", Branch: "drbot/r1", Head: headSHA, Base: baseSHA}
	if change != want {
		t.Errorf("change %+v", change)
	}
}

func TestOpenChangeFindsItsOwn(t *testing.T) {
	for name, arrange := range map[string]func(*stub){
		"the pull request":          func(s *stub) { s.when("GET "+pulls, ok([]any{pullDoc()})) },
		"the pull request, closed":  func(s *stub) { s.when("GET "+pulls, ok([]any{pullDoc(closedDoc)})) },
		"the branch alone":          func(s *stub) { s.when("GET "+branch, ok(refDoc(headSHA))) },
		"the branch, made meantime": func(s *stub) { s.when("GET "+branch, gone, ok(refDoc(headSHA))); s.when("POST "+refs, exists) },
		"the branch, answer lost":   func(s *stub) { s.when("GET "+branch, gone, ok(refDoc(headSHA))); s.when("POST "+refs, hangUp) },
		"the pull request, made meantime": func(s *stub) {
			s.when("GET "+pulls, reply(200, `[]`), ok([]any{pullDoc()}))
			s.when("POST "+pulls, reply(422, `{"message":"Validation Failed","errors":[{"message":"A pull request already exists for acme:drbot/r1."}]}`))
		},
		"the pull request, answer lost": func(s *stub) {
			s.when("GET "+pulls, reply(200, `[]`), ok([]any{pullDoc()}))
			s.when("POST "+pulls, reply(502, `<html>`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, s, _ := newStub(t)
			openable(s)
			ours(s)
			arrange(s)
			change, err := client.OpenChange(t.Context(), request())
			must(t, err)
			if change.Number != 7 || change.Head != headSHA || change.Base != baseSHA {
				t.Errorf("change %+v", change)
			}
			if n := s.calls("POST " + pulls); n > 1 {
				t.Errorf("%d pull requests were asked for", n)
			}
		})
	}
}

var exists = reply(422, `{"message":"Reference already exists"}`)

func TestOpenChangeOnForeignWork(t *testing.T) {
	commit := func(parent, path string) http.HandlerFunc {
		doc := commitDoc(parent, path)
		doc["author"] = nil // and so nobody's: foreign it is all the same
		return ok(doc)
	}
	for name, c := range map[string]struct {
		arrange func(*stub)
		says    string
	}{
		"another base":    {func(s *stub) { s.when("GET "+commitAt, commit(otherSHA, repo.File)) }, "is not one commit on aaaaaaa"},
		"another file":    {func(s *stub) { s.when("GET "+commitAt, commit(baseSHA, "main.tf")) }, "changes other files"},
		"another content": {func(s *stub) { s.when("GET "+contents, ok(contentDoc("x"))) }, "another content"},
		"the file gone":   {func(s *stub) { s.when("GET "+contents, gone) }, "another content"},
		"retargeted": {func(s *stub) {
			s.when("GET "+pulls, ok([]any{pullDoc(func(d map[string]any) { d["base"].(map[string]any)["ref"] = "develop" })}))
		}, "goes to develop"},
		"a head that moved": {func(s *stub) {
			s.when("GET "+branch, gone)
			s.when("POST "+pulls, ok(pullDoc(headDoc(otherSHA))))
		}, "it moved"},
	} {
		t.Run(name, func(t *testing.T) {
			client, s, _ := newStub(t)
			openable(s)
			ours(s)
			s.when("GET "+branch, ok(refDoc(headSHA)))
			c.arrange(s)
			_, err := client.OpenChange(t.Context(), request())
			wantCode(t, err, dr.Conflict, c.says)
		})
	}
}

func TestOpenChangeOverlooksForks(t *testing.T) {
	client, s, _ := newStub(t)
	openable(s)
	fork := pullDoc(func(d map[string]any) { d["head"].(map[string]any)["repo"] = map[string]any{"full_name": "acme/fork"} })
	orphan := pullDoc(func(d map[string]any) { d["head"].(map[string]any)["repo"] = nil })
	s.when("GET "+pulls, ok([]any{fork, orphan}))
	_, err := client.OpenChange(t.Context(), request())
	must(t, err)
	if s.calls("POST "+pulls) != 1 {
		t.Error("the pull request of a fork was taken for ours")
	}
}

func TestOpenChangeThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(*stub)
		code    dr.Code
		says    string
	}{
		"nothing to change": {func(s *stub) { s.when("POST /repos/acme/infra/git/trees", reply(201, `{"sha":"tree0"}`)) }, dr.Conflict, "nothing to change"},
		"base is no commit": {func(s *stub) { s.when("GET /repos/acme/infra/git/commits/"+baseSHA, gone) }, dr.NotFound, "read the commit aaaaaaa"},
		"may not push":      {func(s *stub) { s.when("POST "+refs, reply(403, `{"message":"Must have write access"}`)) }, dr.Denied, "Must have write access"},
		"bad branch name":   {func(s *stub) { s.when("POST "+refs, reply(422, `{"message":"Reference name is invalid"}`)) }, dr.Invalid, "Reference name is invalid"},
		"no pull request": {func(s *stub) {
			s.when("POST "+pulls, reply(422, `{"message":"Validation Failed","errors":[{"field":"base","code":"invalid"}]}`))
		}, dr.Invalid, "base invalid"},
		"GitHub down": {func(s *stub) { s.when("POST "+pulls, reply(500, ``)) }, dr.Temporary, "open the pull request"},
	} {
		t.Run(name, func(t *testing.T) {
			client, s, _ := newStub(t)
			openable(s)
			c.arrange(s)
			_, err := client.OpenChange(t.Context(), request())
			wantCode(t, err, c.code, c.says)
		})
	}
}

// Case github 11: a machine account whose address GitHub does not know is one error, said
// before there is a pull request.
func TestOpenChangeOfNobody(t *testing.T) {
	for name, arrange := range map[string]func(*stub, map[string]any){
		"just made":         func(*stub, map[string]any) {},
		"the branch before": func(s *stub, _ map[string]any) { s.when("GET "+branch, ok(refDoc(headSHA))) },
		"the committer":     func(_ *stub, doc map[string]any) { doc["author"], doc["committer"] = doc["committer"], nil },
	} {
		t.Run(name, func(t *testing.T) {
			client, s, _ := newStub(t)
			openable(s)
			ours(s)
			doc := commitDoc(baseSHA, repo.File)
			doc["author"] = nil
			arrange(s, doc)
			s.when("GET "+commitAt, ok(doc))
			_, err := client.OpenChange(t.Context(), request())
			wantCode(t, err, dr.Invalid, "knows no account for the e-mail address of drbot's own commits, drbot@example.com")
			if s.calls("POST "+pulls) != 0 || s.calls("POST "+refs) != 0 {
				t.Error("something was opened")
			}
		})
	}
	client, s, _ := newStub(t) // known a moment later
	openable(s)
	s.when("GET "+commitAt, gone, reply(422, `{"message":"No commit found for SHA"}`), ok(commitDoc(baseSHA, repo.File)))
	_, err := client.OpenChange(t.Context(), request())
	must(t, err)
	client, s, _ = newStub(t) // and never: the count of the approvals sees it
	openable(s)
	s.when("GET "+commitAt, gone)
	_, err = client.OpenChange(t.Context(), request())
	must(t, err)
}

func TestOpenChangeChecksItsRequest(t *testing.T) {
	client, s, _ := newStub(t)
	for name, spoil := range map[string]func(*dr.ChangeRequest){
		"short base": func(r *dr.ChangeRequest) { r.BaseSHA = "aaaaaaa" }, "no branch": func(r *dr.ChangeRequest) { r.Branch = "" },
		"the base branch": func(r *dr.ChangeRequest) { r.Branch = "main" }, "no file": func(r *dr.ChangeRequest) { r.Repository.File = "" },
	} {
		req := request()
		spoil(&req)
		if _, err := client.OpenChange(t.Context(), req); dr.CodeOf(err) != dr.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.calls("") != 0 {
		t.Error("GitHub was asked")
	}
}

func TestOpenChangeSendsWhatItShould(t *testing.T) {
	client, s, _ := newStub(t)
	openable(s)
	bodies := map[string]map[string]any{}
	keep := func(route string, then http.HandlerFunc) {
		s.when(route, func(w http.ResponseWriter, r *http.Request) {
			var doc map[string]any
			if err := json.NewDecoder(r.Body).Decode(&doc); err != nil {
				t.Error(err)
			}
			bodies[route] = doc
			then(w, r)
		})
	}
	keep("POST /repos/acme/infra/git/commits", reply(201, `{"sha":"`+headSHA+`"}`))
	keep("POST "+refs, reply(201, `{}`))
	keep("POST "+pulls, ok(pullDoc()))
	req := request()
	req.Title, req.Body = strings.Repeat("é", 300), strings.Repeat("é", 70_000)
	_, err := client.OpenChange(t.Context(), req)
	must(t, err)
	commit := bodies["POST /repos/acme/infra/git/commits"]
	if p, _ := commit["parents"].([]any); len(p) != 1 || p[0] != baseSHA || commit["tree"] != "tree1" || commit["author"] != nil {
		t.Errorf("commit %v", commit)
	}
	if ref := bodies["POST "+refs]; ref["ref"] != "refs/heads/drbot/r1" || ref["sha"] != headSHA {
		t.Errorf("ref %v", ref)
	}
	pull := bodies["POST "+pulls]
	title, _ := pull["title"].(string)
	text, _ := pull["body"].(string)
	if utf8.RuneCountInString(title) != 256 || utf8.RuneCountInString(text) != 65_536 || !strings.HasSuffix(text, cutNote) {
		t.Errorf("title of %d, body of %d characters", utf8.RuneCountInString(title), utf8.RuneCountInString(text))
	}
	if pull["head"] != "drbot/r1" || pull["base"] != "main" {
		t.Errorf("pull request %v -> %v", pull["head"], pull["base"])
	}
}
