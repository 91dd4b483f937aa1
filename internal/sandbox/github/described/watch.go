package described

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Where an Enterprise host has its two APIs.
const (
	restPrefix  = "/api/v3"
	graphqlPath = "/api/graphql"
)

// Watched is a server whose every request and answer is held against what GitHub publishes.
type Watched struct {
	report  func(text string)
	server  http.Handler
	rest    *REST
	graphql *GraphQL

	mu   sync.Mutex
	seen map[string]map[int]int // operation -> status -> how often
	said map[string]bool
	over bool // the test has ended; what is still under way is nobody's
}

// Watch puts itself before a server of the two APIs. It fails the test where a request or an answer is not what GitHub
// describes, once for each fault; where the descriptions are not at hand it skips it.
func Watch(t testing.TB, server http.Handler) *Watched {
	t.Helper()
	w := &Watched{
		report: func(text string) { t.Error(text) }, server: server, rest: Rest(t), graphql: Schema(t),
		seen: map[string]map[int]int{}, said: map[string]bool{},
	}
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.over = true
	})
	return w
}

// Behind is Watch where the descriptions are at hand, and else the server alone.
func Behind(t testing.TB, server http.Handler) http.Handler {
	t.Helper()
	if !AtHand() {
		t.Log("skipped: what GitHub publishes of itself is not at hand, so this is not held against it")
		return server
	}
	return Watch(t, server)
}

// Seen lists the operations that were asked for, each with the statuses of its answers.
func (w *Watched) Seen() map[string][]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string][]int{}
	for op, statuses := range w.seen {
		out[op] = slices.Sorted(maps.Keys(statuses))
	}
	return out
}

// answer passes on and remembers.
type answer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (a *answer) WriteHeader(code int) {
	if a.status == 0 {
		a.status = code
	}
	a.ResponseWriter.WriteHeader(code)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	a.body.Write(b)
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// ServeHTTP implements http.Handler. An answer that is cut off is not judged, nor is one of a service in trouble:
// its status is 500 or above, and GitHub describes no such answer.
func (w *Watched) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	path, isREST := strings.CutPrefix(r.URL.Path, restPrefix)
	if !isREST && r.URL.Path != graphqlPath {
		w.server.ServeHTTP(out, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(out, "unreadable request", http.StatusBadRequest)
		return
	}
	asked := r.Clone(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	a := &answer{ResponseWriter: out}
	w.server.ServeHTTP(a, r)
	if a.status == 0 {
		a.status = http.StatusOK
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !isREST {
		w.judgeQuery(body, a)
		return
	}
	asked.URL.Path, asked.URL.RawPath = path, strings.TrimPrefix(asked.URL.RawPath, restPrefix)
	w.judge(asked, body, a)
}

func (w *Watched) fault(what string, err error) {
	text := what + ": " + err.Error()
	if !w.said[text] && !w.over {
		w.said[text] = true
		w.report(text)
	}
}

func (w *Watched) count(what string, status int) {
	if w.seen[what] == nil {
		w.seen[what] = map[int]int{}
	}
	w.seen[what][status]++
}

func (w *Watched) judge(r *http.Request, body []byte, a *answer) {
	route, params, err := w.rest.route(r.Method, r.URL)
	if err != nil {
		w.fault("unknown", err)
		return
	}
	what := r.Method + " " + route.Path
	w.count(what, a.status)
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options()}
	if a.status < 400 { // what was refused may have been wrong on purpose
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
			w.fault(what+" asks", err)
		}
		if err := strangers(route, r, body); err != nil {
			w.fault(what+" asks", err)
		}
	}
	if a.status >= 500 || common(a.status) && route.Operation.Responses.Status(a.status) == nil {
		return
	}
	res := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: a.status, Header: a.Header(), Options: options()}
	res.SetBodyBytes(a.body.Bytes())
	if err := openapi3filter.ValidateResponse(r.Context(), res); err != nil {
		w.fault(fmt.Sprintf("%s answers %d", what, a.status), err)
	}
}

// common are the statuses that any operation may answer: of a token that is not valid, of one that may not or a limit
// that is reached, of a private repository, and of one that a court has closed. GitHub describes them once for the whole
// API, in words.
func common(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests, http.StatusUnavailableForLegalReasons:
		return true
	}
	return false
}

func options() *openapi3filter.Options {
	o := &openapi3filter.Options{
		IncludeResponseStatus: true, MultiError: true, RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}
	o.WithCustomSchemaErrorFunc(func(e *openapi3.SchemaError) string {
		text := "/" + strings.Join(e.JSONPointer(), "/") + " " + e.Reason
		if e.Origin != nil {
			text += " (" + e.Origin.Error() + ")"
		}
		return text
	})
	return o
}

// strangers names what a request says that GitHub does not describe, and so would not hear.
func strangers(route *routers.Route, r *http.Request, body []byte) error {
	for name := range r.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			return fmt.Errorf("the parameter %q is not described", name)
		}
	}
	described := route.Operation.RequestBody
	if described == nil || len(body) == 0 {
		return nil
	}
	known := map[string]bool{}
	fields(described.Value.Content.Get("application/json").Schema.Value, known)
	var said map[string]json.RawMessage
	if err := json.Unmarshal(body, &said); err != nil {
		return err
	}
	for name := range said {
		if !known[name] {
			return fmt.Errorf("the field %q is not described", name)
		}
	}
	return nil
}

// fields collects the names that a schema knows for an object.
func fields(s *openapi3.Schema, known map[string]bool) {
	for name := range s.Properties {
		known[name] = true
	}
	for _, of := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf, s.AllOf} {
		for _, one := range of {
			fields(one.Value, known)
		}
	}
}

// Delivered holds a webhook that a server has sent against GitHub's description.
func Delivered(t testing.TB, event string, body []byte) error {
	t.Helper()
	var doc struct {
		Action string `json:"action"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return err
	}
	route, err := Rest(t).hook(event, doc.Action)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, route.Path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	return openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{Request: r, Route: route, Options: options()})
}
