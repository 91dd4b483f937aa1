package github

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

const (
	repoRoute  = "GET /repos/acme/infra"
	mergeRoute = "PUT " + pull7 + "/merge"
)

// mergeable is a stub whose repository allows merge commits and squashing, and whose
// pull request is answered so, one look after the other.
func mergeable(t *testing.T, pull []http.HandlerFunc, change ...func(*Options)) (*Client, *stub) {
	client, s, _ := newStub(t, change...)
	s.when(repoRoute, ok(map[string]any{"allow_merge_commit": true, "allow_squash_merge": true, "allow_rebase_merge": false}))
	s.when("GET "+pull7, pull...)
	return client, s
}

func TestMerge(t *testing.T) {
	client, s := mergeable(t, []http.HandlerFunc{ok(pullDoc())}, func(o *Options) { o.MergeTitle = func(int) string { return "portal: fail over" } })
	var sent map[string]any
	s.when(mergeRoute, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		reply(200, `{"sha":"`+mergeSHA+`","merged":true}`)(w, r)
	})
	sha, err := client.Merge(t.Context(), repo, 7, headSHA)
	if err != nil || sha != mergeSHA {
		t.Fatal(sha, err)
	}
	if sent["sha"] != headSHA || sent["merge_method"] != "merge" || sent["commit_title"] != "portal: fail over" {
		t.Errorf("sent %v", sent)
	}
}

// A branch can have rules of its own, and settings change after they were read.
func TestMergeByTheNextMethod(t *testing.T) {
	for name, says := range map[string]string{
		"a setting": "Merge commits are not allowed on this repository.",
		"a rule":    `Repository rule violations found\n\nThis branch must not contain merge commits.\n\n`,
		"history":   "This branch requires a linear history.",
	} {
		t.Run(name, func(t *testing.T) {
			client, s := mergeable(t, []http.HandlerFunc{ok(pullDoc())})
			var methods []string
			s.when(mergeRoute, func(w http.ResponseWriter, r *http.Request) {
				var sent struct {
					Method string `json:"merge_method"`
				}
				if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
					t.Error(err)
				}
				if methods = append(methods, sent.Method); sent.Method == "merge" {
					reply(405, `{"message":"`+says+`"}`)(w, r)
					return
				}
				reply(200, `{"sha":"`+mergeSHA+`","merged":true}`)(w, r)
			})
			sha, err := client.Merge(t.Context(), repo, 7, headSHA)
			if err != nil || sha != mergeSHA || !slices.Equal(methods, []string{"merge", "squash"}) {
				t.Error(sha, err, methods)
			}
		})
	}
	client, s := mergeable(t, []http.HandlerFunc{ok(pullDoc())})
	s.when(repoRoute, ok(map[string]any{"allow_merge_commit": false, "allow_squash_merge": false, "allow_rebase_merge": false}))
	_, err := client.Merge(t.Context(), repo, 7, headSHA)
	wantCode(t, err, dr.Uncertain, "acme/infra allows no method of merging")
	if s.calls("PUT") != 0 {
		t.Error("a merge was asked for")
	}
	s.when(repoRoute, reply(403, `{"message":"Resource not accessible"}`))
	_, err = client.Merge(t.Context(), repo, 7, headSHA)
	wantCode(t, err, dr.Uncertain, "read the settings of acme/infra")
}

func TestMergeThatWasDoneBefore(t *testing.T) {
	client, s, _ := newStub(t)
	s.when("GET "+pull7, ok(pullDoc(mergedDoc)))
	sha, err := client.Merge(t.Context(), repo, 7, headSHA)
	if err != nil || sha != mergeSHA || s.calls("PUT") != 0 {
		t.Error(sha, err)
	}
}

func TestMergeRefused(t *testing.T) {
	open, moved := ok(pullDoc()), ok(pullDoc(headDoc(otherSHA)))
	elsewhere := func(doc map[string]any) { doc["base"].(map[string]any)["ref"] = "develop" }
	for name, c := range map[string]struct {
		pull []http.HandlerFunc
		put  http.HandlerFunc
		code dr.Code
		says string
	}{
		"moved before":            {[]http.HandlerFunc{moved}, nil, dr.Conflict, "its head is ddddddd, not the approved bbbbbbb"},
		"closed before":           {[]http.HandlerFunc{ok(pullDoc(closedDoc))}, nil, dr.Conflict, "it is closed"},
		"merged with another":     {[]http.HandlerFunc{ok(pullDoc(mergedDoc, headDoc(otherSHA)))}, nil, dr.Conflict, "not the approved"},
		"409, and it had moved":   {[]http.HandlerFunc{open, moved}, reply(409, `{"message":"Head branch was modified. Review and try the merge again."}`), dr.Conflict, "its head is ddddddd"},
		"hung up, not merged":     {[]http.HandlerFunc{open}, hangUp, dr.Temporary, "did not say whether it merged #7"},
		"cut off, not merged":     {[]http.HandlerFunc{open}, cutOff, dr.Temporary, "did not say"},
		"200 and no merge":        {[]http.HandlerFunc{open}, reply(200, `{"merged":false,"message":"no"}`), dr.Temporary, "did not say"},
		"500, then unreadable":    {[]http.HandlerFunc{open, reply(500, ``)}, reply(500, ``), dr.Temporary, "did not say"},
		"500, then moved":         {[]http.HandlerFunc{open, moved}, reply(500, ``), dr.Conflict, "its head is ddddddd"},
		"401 at the look":         {[]http.HandlerFunc{reply(401, `{"message":"Bad credentials"}`)}, nil, dr.Uncertain, "Bad credentials"},
		"401 at the merge, blind": {[]http.HandlerFunc{open, reply(401, `{"message":"Bad credentials"}`)}, reply(401, `{"message":"Bad credentials"}`), dr.Uncertain, "Bad credentials"},
		"405 and then blind":      {[]http.HandlerFunc{open, reply(500, ``)}, reply(405, `{"message":"Pull Request is not mergeable"}`), dr.Temporary, "not mergeable"},
		"gone to another branch":  {[]http.HandlerFunc{ok(pullDoc(elsewhere))}, nil, dr.Temporary, "it goes to develop, not to main"},
		"merged into another":     {[]http.HandlerFunc{ok(pullDoc(mergedDoc, elsewhere))}, nil, dr.Uncertain, "merged into develop, not into main"},
		"no commit of its merge":  {[]http.HandlerFunc{ok(pullDoc(mergedDoc, func(d map[string]any) { d["merge_commit_sha"] = nil }))}, nil, dr.Temporary, "read pull request #7"},
	} {
		t.Run(name, func(t *testing.T) {
			client, s := mergeable(t, c.pull)
			if c.put != nil {
				s.when(mergeRoute, c.put)
			}
			_, err := client.Merge(t.Context(), repo, 7, headSHA)
			wantCode(t, err, c.code, c.says)
			if n := s.calls("PUT"); n > 1 || (c.put == nil && n > 0) {
				t.Errorf("%d merges were asked for", n)
			}
		})
	}
	client, _, _ := newStub(t)
	_, err := client.Merge(t.Context(), repo, 7, "bbbbbbb")
	wantCode(t, err, dr.Invalid, "full SHA")
}

func TestMergeWithALostReply(t *testing.T) {
	for name, put := range map[string]http.HandlerFunc{
		"500": reply(500, ``), "cut off": cutOff, "hung up": hangUp, "405 for merged already": reply(405, `{"message":"Pull Request is not mergeable"}`),
		"no answer": silent,
	} {
		t.Run(name, func(t *testing.T) {
			client, s := mergeable(t, []http.HandlerFunc{ok(pullDoc()), ok(pullDoc(mergedDoc))}, func(o *Options) { o.Timeout = 100 * time.Millisecond })
			s.when(mergeRoute, put)
			sha, err := client.Merge(t.Context(), repo, 7, headSHA)
			if err != nil || sha != mergeSHA || s.calls("PUT") != 1 {
				t.Error(sha, err, s.calls("PUT"))
			}
		})
	}
}

func TestCloseChange(t *testing.T) {
	change := dr.Change{Number: 7, Branch: "drbot/r1", Head: headSHA}
	const del = "DELETE /repos/acme/infra/git/refs/heads/drbot/r1"
	for name, c := range map[string]struct {
		arrange        func(*stub)
		edits, deletes int
	}{
		"open":           {func(*stub) {}, 1, 1},
		"closed already": {func(s *stub) { s.when("GET "+pull7, ok(pullDoc(closedDoc))) }, 0, 1},
		"answer to it lost": {func(s *stub) {
			s.when("GET "+pull7, ok(pullDoc()), ok(pullDoc(closedDoc)))
			s.when("PATCH "+pull7, hangUp)
		}, 1, 1},
		"branch gone": {func(s *stub) { s.when("GET "+branch, gone) }, 1, 0},
		"branch gone between": {func(s *stub) {
			s.when("GET "+branch, ok(refDoc(headSHA)), gone)
			s.when(del, reply(422, `{"message":"Reference does not exist"}`))
		}, 1, 1},
		"somebody pushed": {func(s *stub) { s.when("GET "+branch, ok(refDoc(otherSHA))) }, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			client, s, _ := newStub(t)
			s.when("GET "+pull7, ok(pullDoc())).when("PATCH "+pull7, ok(pullDoc(closedDoc)))
			s.when("GET "+branch, ok(refDoc(headSHA))).when(del, reply(204, ``))
			c.arrange(s)
			must(t, client.CloseChange(t.Context(), repo, change))
			if s.calls("PATCH") != c.edits || s.calls("DELETE") != c.deletes {
				t.Errorf("%d edits, %d deletions", s.calls("PATCH"), s.calls("DELETE"))
			}
		})
	}
	client, s, _ := newStub(t)
	s.when("GET "+pull7, ok(pullDoc())).when("PATCH "+pull7, reply(500, ``))
	wantCode(t, client.CloseChange(t.Context(), repo, change), dr.Temporary, "close #7")
	must(t, client.CloseChange(t.Context(), repo, dr.Change{Branch: "main"}))
	if s.calls("DELETE") != 0 {
		t.Error("deleted a branch")
	}
}
