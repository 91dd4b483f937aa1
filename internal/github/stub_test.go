package github

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

const (
	baseSHA  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	headSHA  = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	mergeSHA = "cccccccccccccccccccccccccccccccccccccccc"
	otherSHA = "dddddddddddddddddddddddddddddddddddddddd"
)

var repo = dr.Repository{Owner: "acme", Name: "infra", Base: "main", File: "live/portal/active_region.auto.tfvars"}

// stub is a GitHub that answers what a test tells it to, call by call.
type stub struct {
	t    *testing.T
	mu   sync.Mutex
	seen []string // "METHOD /path"
	auth []string
	on   map[string][]http.HandlerFunc // the last one stays
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/v3")
	s.mu.Lock()
	s.seen = append(s.seen, key)
	s.auth = append(s.auth, r.Header.Get("Authorization"))
	list := s.on[key]
	if len(list) > 1 {
		s.on[key] = list[1:]
	}
	s.mu.Unlock()
	if len(list) == 0 {
		reply(http.StatusNotFound, `{"message":"Not Found"}`)(w, r)
		return
	}
	list[0](w, r)
}

// when sets the answers to one route, in order; the last is repeated.
func (s *stub) when(key string, answers ...http.HandlerFunc) *stub {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on[key] = answers
	return s
}

// calls counts the requests whose line begins so.
func (s *stub) calls(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, k := range s.seen {
		if strings.HasPrefix(k, prefix) {
			n++
		}
	}
	return n
}

func reply(code int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func ok(v any) http.HandlerFunc {
	doc, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return reply(http.StatusOK, string(doc))
}

// cutOff promises a whole answer and sends half of it.
func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, `{"login": "dr`)
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

// silent never answers. The body has to be read first, or the server does not
// notice that the caller has gone.
func silent(_ http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err == nil {
		<-r.Context().Done()
	}
}

// clock stands still but for the sleeps.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

func (c *clock) total() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum time.Duration
	for _, d := range c.slept {
		sum += d
	}
	return sum
}

// cutNote ends what is cut.
const cutNote = "\n\n_cut here_"

func newStub(t *testing.T, change ...func(*Options)) (*Client, *stub, *clock) {
	t.Helper()
	s := &stub{t: t, on: map[string][]http.HandlerFunc{}}
	clk := &clock{now: time.Unix(1_800_000_000, 0)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", clk.Now().UTC().Format(http.TimeFormat)) // GitHub's clock; a reply may say another
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	o := Options{
		Cut:     cutNote,
		Token:   func(context.Context) (string, error) { return "t0ken", nil },
		BaseURL: server.URL, Clock: clk.Now, Sleep: clk.Sleep,
	}
	for _, f := range change {
		f(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, s, clk
}

func wantCode(t *testing.T, err error, code dr.Code, says string) {
	t.Helper()
	if err == nil || dr.CodeOf(err) != code {
		t.Fatalf("error %v has the code %q, want %q", err, dr.CodeOf(err), code)
	}
	if what, _ := texttest.Told(t, err); !strings.Contains(what, says) && !strings.Contains(err.Error(), says) {
		t.Errorf("the error says %q, not %q; in the log %q", what, says, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pullDoc is a pull request as GitHub writes it, with changes by path.
func pullDoc(change ...func(map[string]any)) map[string]any {
	in := map[string]any{"full_name": "acme/infra"}
	doc := map[string]any{
		"number": 7, "html_url": "https://github.example/acme/infra/pull/7", "state": "open", "draft": false,
		"merged": false, "merged_by": nil, "merge_commit_sha": otherSHA, "user": map[string]any{"login": "drbot"},
		"head": map[string]any{"ref": "drbot/r1", "sha": headSHA, "repo": in},
		"base": map[string]any{"ref": "main", "sha": baseSHA, "repo": in},
	}
	for _, f := range change {
		f(doc)
	}
	return doc
}

func mergedDoc(doc map[string]any) {
	doc["state"], doc["merged"], doc["merge_commit_sha"] = "closed", true, mergeSHA
}

func closedDoc(doc map[string]any) { doc["state"] = "closed" }

func headDoc(sha string) func(map[string]any) {
	return func(doc map[string]any) { doc["head"].(map[string]any)["sha"] = sha }
}
