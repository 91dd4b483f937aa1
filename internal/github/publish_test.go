package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/drbot/drbot/dr"
)

const comments = "/repos/acme/infra/issues/7/comments"

func commentDoc(id int64, login, body string) map[string]any {
	return map[string]any{"id": id, "user": map[string]any{"login": login}, "body": body}
}

// kept keeps the body of a request and answers with an empty object.
func kept(t *testing.T, into *map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(into); err != nil {
			t.Error(err)
		}
		reply(200, `{}`)(w, r)
	}
}

func TestComment(t *testing.T) {
	const line = "<!-- drbot:plan:r1 -->"
	for name, c := range map[string]struct {
		there       []any
		post, patch int
	}{
		"none yet":           {[]any{}, 1, 0},
		"its own":            {[]any{commentDoc(1, "bob", "hi"), commentDoc(2, "DRbot", line+"\nold")}, 0, 1},
		"its own, from edit": {[]any{commentDoc(2, "drbot", line+"\r\nold")}, 0, 1},
		"the same already":   {[]any{commentDoc(2, "drbot", line+"\nnew")}, 0, 0},
		"somebody else's":    {[]any{commentDoc(3, "mallory", line+"\nold")}, 1, 0},
		"quoted":             {[]any{commentDoc(4, "drbot", "> "+line+"\nold")}, 1, 0},
		"another marker":     {[]any{commentDoc(5, "drbot", "<!-- drbot:plan:r12 -->\nold")}, 1, 0},
		"an account gone":    {[]any{map[string]any{"id": 6, "user": nil, "body": line}}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			client, s, _ := newStub(t)
			var sent map[string]any
			s.when(user, me).when("GET "+comments, ok(c.there)).when("POST "+comments, kept(t, &sent))
			s.when("PATCH /repos/acme/infra/issues/comments/2", kept(t, &sent))
			must(t, client.Comment(t.Context(), repo, 7, "drbot:plan:r1", "new"))
			if s.calls("POST") != c.post || s.calls("PATCH") != c.patch {
				t.Errorf("%d written, %d rewritten", s.calls("POST"), s.calls("PATCH"))
			}
			if c.post+c.patch > 0 && sent["body"] != line+"\nnew" {
				t.Errorf("sent %v", sent)
			}
		})
	}
}

func TestCommentIsFoundOnALaterPage(t *testing.T) {
	client, s, _ := newStub(t)
	var sent map[string]any
	s.when(user, me).when("PATCH /repos/acme/infra/issues/comments/2", kept(t, &sent))
	s.when("GET "+comments, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "1" {
			w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?page=2>; rel="next"`, r.Host, r.URL.Path))
			ok([]any{commentDoc(1, "bob", "hi")})(w, r)
			return
		}
		ok([]any{commentDoc(2, "drbot", "<!-- m -->\nold")})(w, r)
	})
	must(t, client.Comment(t.Context(), repo, 7, "m", "new"))
	if s.calls("POST") != 0 || s.calls("PATCH") != 1 {
		t.Error("a second comment was written")
	}
}

func TestCommentWithALostReply(t *testing.T) {
	client, s, _ := newStub(t)
	s.when(user, me).when("POST "+comments, hangUp)
	s.when("GET "+comments, reply(200, `[]`), ok([]any{commentDoc(2, "drbot", "<!-- m -->\nnew")}))
	must(t, client.Comment(t.Context(), repo, 7, "m", "new"))
	s.when("GET "+comments, reply(200, `[]`))
	wantCode(t, client.Comment(t.Context(), repo, 7, "m", "new"), dr.Temporary, "comment on #7")
}

func TestCommentIsCut(t *testing.T) {
	client, s, _ := newStub(t)
	var sent map[string]any
	s.when(user, me).when("GET "+comments, reply(200, `[]`)).when("POST "+comments, kept(t, &sent))
	must(t, client.Comment(t.Context(), repo, 7, "m", strings.Repeat("계", 70_000)))
	body, _ := sent["body"].(string)
	if utf8.RuneCountInString(body) != 65_000 || !strings.HasPrefix(body, "<!-- m -->\n계") || !strings.HasSuffix(body, cutNote) {
		t.Errorf("a body of %d characters", utf8.RuneCountInString(body))
	}
	for _, marker := range []string{"", "a-->b", "two\nlines"} {
		if err := client.Comment(t.Context(), repo, 7, marker, "x"); dr.CodeOf(err) != dr.Invalid || err == nil {
			t.Errorf("marker %q: %v", marker, err)
		}
	}
}

func TestStatus(t *testing.T) {
	client, s, _ := newStub(t)
	var sent map[string]any
	s.when("POST /repos/acme/infra/statuses/"+headSHA, kept(t, &sent))
	must(t, client.Status(t.Context(), repo, headSHA, "drbot/approval", dr.StatePending, strings.Repeat("é", 200), ""))
	text, _ := sent["description"].(string)
	if utf8.RuneCountInString(text) != 140 || sent["state"] != "pending" || sent["context"] != "drbot/approval" || sent["target_url"] != nil {
		t.Errorf("sent %v", sent)
	}
}
