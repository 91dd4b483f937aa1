package github

import (
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

const pull7 = "/repos/acme/infra/pulls/7"

// readable is an open pull request with one approval.
func readable(s *stub) {
	s.when("GET "+pull7, ok(pullDoc()))
	s.when("GET /repos/acme/infra/git/ref/heads/main", ok(refDoc(otherSHA)))
	s.when("GET "+branch, ok(refDoc(headSHA)))
	s.when("GET "+pull7+"/files", ok([]any{map[string]any{"filename": repo.File, "status": "modified"}}))
	s.when("GET "+pull7+"/commits", ok([]any{map[string]any{"sha": headSHA, "author": map[string]any{"login": "drbot"}, "committer": nil}}))
	s.when("GET "+pull7+"/reviews", ok([]any{reviewDoc(11, "bob", "APPROVED")}))
	s.when("GET /repos/acme/infra/compare/"+otherSHA+"..."+headSHA, ok(map[string]any{"merge_base_commit": map[string]any{"sha": baseSHA}}))
	s.when("GET /repos/acme/infra/compare/"+baseSHA+"..."+headSHA, ok(map[string]any{"merge_base_commit": map[string]any{"sha": baseSHA}}))
	s.when("GET "+contents, func(w http.ResponseWriter, r *http.Request) {
		text := "active_region = \"ap-northeast-2\"\n"
		if r.URL.Query().Get("ref") == headSHA {
			text = newText
		}
		ok(contentDoc(text))(w, r)
	})
	may(s, "bob", "write")
}

func may(s *stub, login, level string) {
	s.when("GET /repos/acme/infra/collaborators/"+login+"/permission", ok(map[string]any{"permission": level}))
}

func reviewDoc(id int64, login, state string) map[string]any {
	doc := map[string]any{"id": id, "state": state, "commit_id": headSHA, "submitted_at": "2026-08-22T03:04:05Z", "user": nil}
	if login != "" {
		doc["user"] = map[string]any{"login": login, "type": "User"}
	}
	return doc
}

func TestChangeState(t *testing.T) {
	client, s, _ := newStub(t)
	readable(s)
	got, err := client.ChangeState(t.Context(), repo, 7)
	must(t, err)
	want := dr.ChangeState{
		Open: true, Head: headSHA, BaseRef: "main", BaseSHA: otherSHA, SameRepo: true, Author: "drbot",
		Files:    []dr.FileChange{{Path: repo.File, Status: "modified"}},
		Commits:  []dr.Commit{{SHA: headSHA, Author: "drbot"}},
		Reviews:  []dr.Review{{ID: 11, By: "bob", State: dr.Approved, HeadSHA: headSHA, At: time.Date(2026, 8, 22, 3, 4, 5, 0, time.UTC)}},
		CanWrite: []string{"bob"},
		HeadFile: newText, BaseFile: "active_region = \"ap-northeast-2\"\n",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("state\n%+v\nwant\n%+v", got, want)
	}
}

func TestChangeStateReviewers(t *testing.T) {
	client, s, _ := newStub(t)
	readable(s)
	app := reviewDoc(5, "linter", "APPROVED")
	app["user"].(map[string]any)["type"] = "Bot"
	s.when("GET "+pull7+"/reviews", ok([]any{
		reviewDoc(9, "Bob", "approved"), reviewDoc(3, "bob", "COMMENTED"), reviewDoc(4, "", "APPROVED"), app,
		reviewDoc(6, "renovate[bot]", "APPROVED"), reviewDoc(7, "carol", "CHANGES_REQUESTED"), reviewDoc(8, "dave", "DISMISSED"),
	}))
	s.when(events7, ok([]any{}))
	may(s, "carol", "maintain")
	may(s, "dave", "read")
	got, err := client.ChangeState(t.Context(), repo, 7)
	must(t, err)
	var seen []string
	for _, r := range got.Reviews {
		seen = append(seen, fmt.Sprintf("%d %s %v %s", r.ID, r.By, r.Bot, r.State))
	}
	want := []string{"3 bob false COMMENTED", "4  false APPROVED", "5 linter true APPROVED", "6 renovate[bot] true APPROVED",
		"7 carol false CHANGES_REQUESTED", "8 dave false DISMISSED", "9 Bob false APPROVED"}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("reviews %q", seen)
	}
	if !reflect.DeepEqual(got.CanWrite, []string{"bob", "carol"}) || s.calls("GET /repos/acme/infra/collaborators") != 3 {
		t.Errorf("writers %q after %d lookups", got.CanWrite, s.calls("GET /repos/acme/infra/collaborators"))
	}
}

func TestChangeStateReadsEveryPage(t *testing.T) {
	client, s, _ := newStub(t)
	readable(s)
	const pagesOfReviews = 3
	s.when("GET "+pull7+"/reviews", func(w http.ResponseWriter, r *http.Request) {
		page := 1
		if _, err := fmt.Sscan(r.URL.Query().Get("page"), &page); err != nil || r.URL.Query().Get("per_page") != "100" {
			t.Errorf("asked for %s", r.URL.RawQuery)
		}
		if page < pagesOfReviews {
			w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?page=%d&per_page=100>; rel="next"`, r.Host, r.URL.Path, page+1))
		}
		var list []any
		for i := range 100 {
			list = append(list, reviewDoc(int64(page*1000+i), "bob", "COMMENTED"))
		}
		ok(list)(w, r)
	})
	got, err := client.ChangeState(t.Context(), repo, 7)
	must(t, err)
	if len(got.Reviews) != pagesOfReviews*100 {
		t.Errorf("%d reviews", len(got.Reviews))
	}
}

// Half a picture could allow what the whole one forbids.
func TestChangeStateFailsWhole(t *testing.T) {
	for _, route := range []string{
		"GET " + pull7 + "/files", "GET " + pull7 + "/commits", "GET " + pull7 + "/reviews", "GET " + branch, "GET " + contents,
		"GET /repos/acme/infra/git/ref/heads/main", "GET /repos/acme/infra/compare/" + otherSHA + "..." + headSHA,
		"GET /repos/acme/infra/collaborators/bob/permission",
	} {
		client, s, _ := newStub(t)
		readable(s)
		s.when(route, reply(500, `{}`))
		if got, err := client.ChangeState(t.Context(), repo, 7); err == nil || !reflect.DeepEqual(got, dr.ChangeState{}) {
			t.Errorf("%s failed, and the state is %+v, %v", route, got, err)
		}
	}
	client, s, _ := newStub(t)
	readable(s)
	s.when("GET "+pull7+"/reviews", ok([]any{reviewDoc(11, "bob", "DISMISSED")}))
	s.when(events7, reply(500, `{}`))
	_, err := client.ChangeState(t.Context(), repo, 7)
	wantCode(t, err, dr.Temporary, "list the history of #7")
}

// Case github 10: only people of the configuration are asked about; whom GitHub does not
// know may not write and holds up nobody else; any other failure denies.
func TestChangeStateAsksAboutItsPeopleAlone(t *testing.T) {
	client, s, _ := newStub(t, func(o *Options) { o.Known = func(login string) bool { return login == "Bob" || login == "carol" } })
	readable(s)
	s.when("GET "+pull7+"/reviews", ok([]any{reviewDoc(3, "mallory", "COMMENTED"), reviewDoc(4, "Bob", "APPROVED"), reviewDoc(5, "carol", "APPROVED")}))
	s.when("GET /repos/acme/infra/collaborators/Bob/permission", gone)
	may(s, "carol", "write")
	got, err := client.ChangeState(t.Context(), repo, 7)
	must(t, err)
	if !reflect.DeepEqual(got.CanWrite, []string{"carol"}) || len(got.Reviews) != 3 || s.calls("GET /repos/acme/infra/collaborators") != 2 {
		t.Errorf("writers %q of %+v after %d lookups", got.CanWrite, got.Reviews, s.calls("GET /repos/acme/infra/collaborators"))
	}
	for status, code := range map[int]dr.Code{401: dr.Denied, 403: dr.Denied, 500: dr.Temporary} {
		s.when("GET /repos/acme/infra/collaborators/Bob/permission", reply(status, `{"message":"no"}`))
		_, err := client.ChangeState(t.Context(), repo, 7)
		wantCode(t, err, code, "tell what Bob may do")
	}
}

const events7 = "GET /repos/acme/infra/issues/7/events"

// Case github 13: what a dismissed review said, and who dismissed it.
func TestChangeStateDismissals(t *testing.T) {
	client, s, _ := newStub(t)
	readable(s)
	may(s, "carol", "write")
	may(s, "dave", "write")
	s.when("GET "+pull7+"/reviews", ok([]any{
		reviewDoc(3, "bob", "DISMISSED"), reviewDoc(4, "carol", "DISMISSED"), reviewDoc(5, "dave", "DISMISSED"), reviewDoc(6, "dave", "APPROVED"),
	}))
	dismissal := func(review int64, state string, actor any) map[string]any {
		return map[string]any{"event": "review_dismissed", "actor": actor, "dismissed_review": map[string]any{"review_id": review, "state": state}}
	}
	alice := map[string]any{"login": "alice"}
	first := []any{map[string]any{"event": "closed", "actor": alice}, dismissal(3, "changes_requested", alice), dismissal(6, "approved", alice)}
	s.when(events7, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "1" {
			w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?page=2&per_page=100>; rel="next"`, r.Host, r.URL.Path))
			ok(first)(w, r)
			return
		}
		ok([]any{dismissal(4, "approved", nil)})(w, r)
	})
	got, err := client.ChangeState(t.Context(), repo, 7)
	must(t, err)
	var seen []string
	for _, r := range got.Reviews {
		seen = append(seen, fmt.Sprintf("%d %s was %q by %q", r.ID, r.State, r.Was, r.DismissedBy))
	}
	want := []string{
		`3 DISMISSED was "CHANGES_REQUESTED" by "alice"`, `4 DISMISSED was "APPROVED" by ""`, `5 DISMISSED was "" by ""`, `6 APPROVED was "" by ""`,
	}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("reviews %q", seen)
	}
	for _, hidden := range []http.HandlerFunc{gone, reply(403, `{"message":"Resource not accessible by personal access token"}`)} {
		s.when(events7, hidden) // a token that may not read histories: nobody is known to have dismissed anything
		got, err := client.ChangeState(t.Context(), repo, 7)
		must(t, err)
		if r := got.Reviews[0]; r.State != dr.Dismissed || r.Was != "" || r.DismissedBy != "" {
			t.Errorf("hidden, and %+v", r)
		}
	}
	s.when("GET "+pull7+"/reviews", ok([]any{reviewDoc(6, "dave", "APPROVED")}))
	asked := s.calls(events7)
	if _, err := client.ChangeState(t.Context(), repo, 7); err != nil || s.calls(events7) != asked {
		t.Errorf("the history was read where nothing was dismissed, %v", err)
	}
}

func TestChangeStateOfEveryFate(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(*stub)
		good    func(dr.ChangeState) bool
	}{
		"merged by hand": {func(s *stub) {
			s.when("GET "+pull7, ok(pullDoc(mergedDoc, func(d map[string]any) { d["merged_by"] = map[string]any{"login": "bob"} })))
		}, func(c dr.ChangeState) bool {
			return !c.Open && c.Merged && c.MergedBy == "bob" && c.MergeSHA == mergeSHA && c.BaseFile != c.HeadFile
		}},
		"an open one has no merge": {func(*stub) {}, func(c dr.ChangeState) bool { return c.MergeSHA == "" }},
		"closed": {func(s *stub) { s.when("GET "+pull7, ok(pullDoc(closedDoc))) },
			func(c dr.ChangeState) bool { return !c.Open && !c.Merged && c.MergeSHA == "" }},
		"branch deleted": {func(s *stub) { s.when("GET "+branch, gone) }, func(c dr.ChangeState) bool { return c.BranchGone }},
		"a fork": {func(s *stub) {
			s.when("GET "+pull7, ok(pullDoc(func(d map[string]any) {
				d["head"].(map[string]any)["repo"] = map[string]any{"full_name": "mallory/infra"}
			})))
		}, func(c dr.ChangeState) bool { return !c.SameRepo }},
		"a fork that is gone": {func(s *stub) {
			s.when("GET "+pull7, ok(pullDoc(func(d map[string]any) { d["head"].(map[string]any)["repo"] = nil })))
		}, func(c dr.ChangeState) bool { return !c.SameRepo }},
		"an author who is gone": {func(s *stub) {
			s.when("GET "+pull7, ok(pullDoc(func(d map[string]any) { d["user"] = nil })))
		}, func(c dr.ChangeState) bool { return c.Author == "" }},
		"the file deleted on the head": {func(s *stub) { s.when("GET "+contents, ok(contentDoc("a")), gone) },
			func(c dr.ChangeState) bool { return c.BaseFile == "a" && c.HeadFile == "" }},
		"known a moment later": {func(s *stub) { s.when("GET "+pull7, gone, gone, ok(pullDoc())) },
			func(c dr.ChangeState) bool { return c.Open }},
	} {
		t.Run(name, func(t *testing.T) {
			client, s, _ := newStub(t)
			readable(s)
			c.arrange(s)
			got, err := client.ChangeState(t.Context(), repo, 7)
			must(t, err)
			if !c.good(got) {
				t.Errorf("state %+v", got)
			}
		})
	}
}

func TestChangeStateOfNoPull(t *testing.T) {
	client, s, _ := newStub(t)
	_, err := client.ChangeState(t.Context(), repo, 7)
	wantCode(t, err, dr.NotFound, "read pull request #7")
	if s.calls("GET "+pull7) != freshTries {
		t.Errorf("%d tries", s.calls("GET "+pull7))
	}
}
