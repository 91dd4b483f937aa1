package github

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// tagged answers like GitHub: with a tag, and by 304 to who has it.
func tagged(tag, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}
}

// statuses has a stub's answers noted: those with 304 are free.
func statuses(o *Options) *[]int {
	var seen []int
	o.Transport = trip(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			seen = append(seen, resp.StatusCode)
		}
		return resp, err
	})
	return &seen
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const mainRef = "GET /repos/acme/infra/git/ref/heads/main"

func refJSON(sha string) string { return `{"ref":"refs/heads/main","object":{"sha":"` + sha + `"}}` }

// TestUnchangedAnswers reads the same three times: 304 gives what was answered before, a change what is new, and
// another credential asks for itself.
func TestUnchangedAnswers(t *testing.T) {
	token := "one"
	var codes *[]int
	c, s, _ := newStub(t, func(o *Options) {
		o.Token = func(context.Context) (string, error) { return token, nil }
		codes = statuses(o)
	})
	read := func(want string) {
		t.Helper()
		got, err := c.resolve(t.Context(), repo, "main")
		if err != nil || got != want {
			t.Fatalf("read %s, %v, want %s", got, err, want)
		}
	}
	s.when(mainRef, tagged(`W/"a"`, refJSON(baseSHA)))
	read(baseSHA)
	read(baseSHA)
	s.when(mainRef, tagged(`W/"b"`, refJSON(otherSHA)))
	read(otherSHA)
	read(otherSHA)
	token = "two"
	read(otherSHA)
	if got := fmt.Sprint(*codes); got != "[200 304 200 304 200]" {
		t.Errorf("answered %s", got)
	}
}

// TestUnchangedButFull has a second page come while the first stays as it is: GitHub's tag does not tell, so a full
// page is never taken for what it was.
func TestUnchangedButFull(t *testing.T) {
	c, s, _ := newStub(t)
	var hundred []string
	for n := range 100 {
		hundred = append(hundred, fmt.Sprintf(`{"id":%d,"state":"COMMENTED","user":{"login":"bob"}}`, n+1))
	}
	const key = "GET /repos/acme/infra/pulls/7/reviews"
	page := "[" + strings.Join(hundred, ",") + "]"
	s.when(key, tagged(`W/"full"`, page))
	reviews := func() int {
		l := look{client: c, repo: repo, pull: pullOf(7), state: &dr.ChangeState{}}
		must(t, l.reviews(t.Context()))
		return len(l.state.Reviews)
	}
	if n := reviews(); n != 100 {
		t.Fatalf("%d reviews", n)
	}
	s.when(key, tagged(`W/"full"`, page, "Link", `<http://x/?page=2>; rel="next"`), tagged(`W/"more"`, `[{"id":101,"state":"APPROVED","user":{"login":"alice"}}]`))
	if n := reviews(); n != 101 {
		t.Errorf("%d reviews: the second page was not seen", n)
	}
}

// TestUnchangedHalf keeps nothing of an answer that came half.
func TestUnchangedHalf(t *testing.T) {
	c, s, _ := newStub(t)
	half := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `W/"a"`)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"ref":`)
	}
	s.when(mainRef, half, tagged(`W/"a"`, refJSON(baseSHA)))
	if got, err := c.resolve(t.Context(), repo, "main"); err != nil || got != baseSHA {
		t.Errorf("read %s, %v", got, err)
	}
}

// TestAnswersAreBounded asks for more than is remembered: the last used stay, and neither their number nor their
// bytes grow.
func TestAnswersAreBounded(t *testing.T) {
	asked := 0
	c := newConditional(trip(func(r *http.Request) (*http.Response, error) {
		asked++
		body := `"` + strings.Repeat("x", 100_000) + `"`
		if strings.HasPrefix(r.URL.Path, "/large") {
			body = `"` + strings.Repeat("x", maxAnswer) + `"`
		}
		return response(r, http.StatusOK, body, "ETag", `W/"a"`), nil
	}))
	get := func(path string) {
		r, err := http.NewRequest(http.MethodGet, "https://github.example"+path, nil)
		must(t, err)
		r.Header.Set("Authorization", "Bearer t")
		resp, err := c.RoundTrip(r)
		must(t, err)
		if n := len(peek(resp)); n < 100_000 {
			t.Fatalf("%d bytes came of %s", n, path)
		}
	}
	get("/large")
	if c.recent.Len() != 0 {
		t.Error("an answer above the bound was remembered")
	}
	for n := range 1000 {
		get(fmt.Sprintf("/%d", n))
	}
	if c.bytes > maxAnswerBytes || c.recent.Len() != len(c.entries) || c.recent.Len() != maxAnswerBytes/100_002 {
		t.Errorf("%d answers of %d bytes are remembered", c.recent.Len(), c.bytes)
	}
}

func response(r *http.Request, code int, body string, headers ...string) *http.Response {
	resp := &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
	for i := 0; i+1 < len(headers); i += 2 {
		resp.Header.Set(headers[i], headers[i+1])
	}
	return resp
}

func pullOf(number int) *gh.PullRequest { return &gh.PullRequest{Number: &number} }
