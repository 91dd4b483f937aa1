package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

func token(context.Context) (string, error) { return "t", nil }

func TestNew(t *testing.T) {
	for name, o := range map[string]Options{
		"no token": {}, "no scheme": {Token: token, BaseURL: "github.example"}, "no URL": {Token: token, BaseURL: "http://[::1"},
	} {
		if _, err := New(o); dr.CodeOf(err) != dr.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := New(Options{Token: token})
	must(t, err)
	if got := c.api.BaseURL.String(); got != "https://api.github.com/" {
		t.Errorf("base URL %s", got)
	}
	c, err = New(Options{Token: token, BaseURL: "https://git.example"})
	must(t, err)
	if base, up := c.api.BaseURL.String(), c.api.UploadURL.String(); base != "https://git.example/api/v3/" || up != "https://git.example/api/uploads/" {
		t.Errorf("base URL %s, upload URL %s", base, up)
	}
}

func TestSelf(t *testing.T) {
	client, s, _ := newStub(t)
	s.when(user, me)
	for range 3 {
		if self, err := client.Self(t.Context()); err != nil || self != "drbot" {
			t.Fatal(self, err)
		}
	}
	if s.calls(user) != 1 {
		t.Errorf("asked %d times", s.calls(user))
	}
	client, s, _ = newStub(t, func(o *Options) { o.Login = "drbot[bot]" })
	if self, err := client.Self(t.Context()); err != nil || self != "drbot[bot]" || s.calls("") != 0 {
		t.Error(self, err)
	}
}

func TestRefusedTokenSaysSo(t *testing.T) {
	client, s, _ := newStub(t)
	s.when(user, reply(401, `{"message":"Bad credentials"}`))
	_, err := client.Self(t.Context())
	wantCode(t, err, dr.Denied, "Bad credentials")
	if _, hint := texttest.Told(t, err); !strings.Contains(hint, "token") {
		t.Errorf("hint %q", hint)
	}
	if strings.Contains(err.Error(), "t0ken") {
		t.Error("the token is in the error")
	}
}

func TestFile(t *testing.T) {
	client, s, _ := newStub(t)
	s.when("GET /repos/acme/infra/git/ref/heads/main", ok(map[string]any{"object": map[string]any{"sha": baseSHA}}))
	const contents = "GET /repos/acme/infra/contents/live/portal/active_region.auto.tfvars"
	s.when(contents, func(w http.ResponseWriter, r *http.Request) {
		if ref := r.URL.Query().Get("ref"); ref != baseSHA {
			t.Errorf("read at %q", ref)
		}
		reply(200, `{"type":"file","encoding":"base64","size":6,"content":"YSA9\nIDEK\n"}`)(w, r)
	})
	content, commit, err := client.File(t.Context(), repo, "main")
	if err != nil || content != "a = 1\n" || commit != baseSHA {
		t.Errorf("%q at %s, %v", content, commit, err)
	}
	_, _, err = client.File(t.Context(), repo, baseSHA)
	must(t, err)
	if s.calls("GET /repos/acme/infra/git/ref") != 1 {
		t.Error("a full SHA was looked up")
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   dr.Code
		says   string
	}{
		"missing":   {reply(404, `{"message":"Not Found"}`), dr.NotFound, "live/portal/active_region.auto.tfvars is not in acme/infra at aaaaaaa"},
		"a folder":  {reply(200, `[{"type":"file"}]`), dr.Invalid, "is not a file"},
		"too large": {reply(200, `{"type":"file","encoding":"none","size":2000000,"content":""}`), dr.Invalid, "larger than"},
		"short":     {reply(200, `{"type":"file","encoding":"base64","size":60,"content":"YSA9"}`), dr.Temporary, "3 bytes came of 60"},
	} {
		t.Run(name, func(t *testing.T) {
			s.when(contents, c.answer)
			_, _, err := client.File(t.Context(), repo, "main")
			wantCode(t, err, c.code, c.says)
		})
	}
	_, _, err = client.File(t.Context(), repo, "gone")
	wantCode(t, err, dr.NotFound, "acme/infra has no branch gone")
}

func TestPages(t *testing.T) {
	fetch := func(last int) ([]int, error) {
		return pages(func(o gh.ListOptions) ([]int, *gh.Response, error) {
			next := o.Page + 1
			if o.Page == last {
				next = 0
			}
			return []int{o.Page}, &gh.Response{NextPage: next}, nil
		})
	}
	if all, err := fetch(3); err != nil || fmt.Sprint(all) != "[1 2 3]" {
		t.Error(all, err)
	}
	if _, err := fetch(-1); err == nil {
		t.Error("a listing without end was read")
	}
	_, err := pages(func(gh.ListOptions) ([]int, *gh.Response, error) { return nil, &gh.Response{NextPage: 1}, nil })
	if err == nil {
		t.Error("a listing that runs in circles was read")
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"short", 10, "short"}, {"exactly10!", 10, "exactly10!"}, {"eleven char", 10, "eleven ch…"},
		{"서울에서 도쿄로", 5, "서울에서…"}, {"日本", 2, "日本"},
	} {
		if got := cut(c.in, c.limit, "…"); got != c.want {
			t.Errorf("cut(%q, %d) = %q", c.in, c.limit, got)
		}
	}
	long := cut(strings.Repeat("é", 70_000), maxComment, cutNote)
	if utf8.RuneCountInString(long) != maxComment || !utf8.ValidString(long) || !strings.HasSuffix(long, cutNote) {
		t.Error("a long text is not cut well")
	}
}

// TestOpenChangesEnds stops at the newest pages of a repository where very many are open.
func TestOpenChangesEnds(t *testing.T) {
	client, s, _ := newStub(t)
	const list = "GET /repos/acme/infra/pulls"
	s.when(list, func(w http.ResponseWriter, r *http.Request) {
		var page int
		_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
		reply(200, `[]`, "Link", fmt.Sprintf(`<http://%s%s?page=%d>; rel="next"`, r.Host, r.URL.Path, page+1))(w, r)
	})
	if _, err := client.OpenChanges(t.Context(), repo, "drbot/"); err != nil || s.calls(list) != newestPages {
		t.Errorf("asked %d times: %v", s.calls(list), err)
	}
}
