package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// rateLimit is the calls per hour GitHub gives a user token. It is reported, never enforced; see Fault for that.
const rateLimit = 5000

// request is an API call under way. Endpoints run one at a time under the server's lock: the answers are always of
// one piece, and nothing here is slow enough to mind.
type request struct {
	*http.Request
	user   *account
	header http.Header // of the answer
	body   []byte
}

// endpoint answers with a status and a payload; a nil payload is an empty body.
type endpoint func(s *Server, r *request) (int, any, error)

// access is what a route asks of the caller.
type access int

const (
	anyone access = iota // any valid token
	reader               // read access to the repository
	writer               // write access to the repository
)

type route struct {
	method, path string
	need         access
	do           endpoint
}

const repoPath = "/repos/{owner}/{repo}"

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	var all []route
	for _, group := range [][]route{userRoutes(), gitRoutes(), contentRoutes(), commitRoutes(), pullRoutes(), issueRoutes(), hookRoutes()} {
		all = append(all, group...)
	}
	for _, rt := range all {
		mux.Handle(rt.method+" "+apiPrefix+rt.path, s.handle(rt))
	}
	return mux
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-GitHub-Media-Type", "github.v3; format=json")
	w.Header().Set("X-GitHub-Request-Id", strings.ToUpper(newGUID()))
	unlock := s.lock()
	a := s.authenticate(r)
	if a != nil {
		s.used.count(w.Header(), a.Login, s.clock())
		w.Header().Set("Date", s.now().Format(http.TimeFormat)) // the reset is read by GitHub's own clock
		if scopes, ok := s.scopes[strings.ToLower(a.Login)]; ok {
			w.Header().Set("X-OAuth-Scopes", scopes)
		}
	}
	unlock()
	if a == nil {
		msg := "Bad credentials"
		if r.Header.Get("Authorization") == "" {
			msg = "Requires authentication"
		}
		writeError(w, refuse(http.StatusUnauthorized, "%s", msg))
		return
	}
	if _, pattern := s.api.Handler(r); pattern == "" { // unknown path, or a method it does not have
		writeError(w, notFound())
		return
	}
	s.api.ServeHTTP(w, r)
}

// authenticate finds whose token a request carries: Bearer or token for the API, Basic for Git.
func (s *Server) authenticate(r *http.Request) *account {
	if token := tokenOf(r); token != "" {
		return s.accountByToken(token)
	}
	return nil
}

// tokenOf is the token that a request shows; empty where it shows none.
func tokenOf(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "token") {
		return strings.TrimSpace(token)
	}
	return ""
}

func (s *Server) handle(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		status, body, err := s.answer(rt, w.Header(), hr)
		if err != nil {
			writeError(w, s.refusal(hr, err))
			return
		}
		if body == nil {
			w.WriteHeader(status)
			return
		}
		if s.unchanged(w.Header(), hr, status, body) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		w.Write(body)
	})
}

// answer runs an endpoint and encodes its payload, both under the lock.
func (s *Server) answer(rt route, h http.Header, hr *http.Request) (int, []byte, error) {
	body, err := io.ReadAll(hr.Body)
	if err != nil {
		return 0, nil, err
	}
	ctx := hr.Context()
	if hr.Method != http.MethodGet {
		ctx = context.WithoutCancel(ctx) // a caller who goes away must not leave a change half done
	}
	defer s.lock()()
	r := &request{Request: hr.WithContext(ctx), user: s.authenticate(hr), header: h, body: body}
	if err := s.admit(rt, r); err != nil {
		return 0, nil, err
	}
	status, payload, err := rt.do(s, r)
	if err != nil || payload == nil {
		return status, nil, err
	}
	out, err := json.Marshal(payload)
	return status, out, err
}

func (s *Server) admit(rt route, r *request) error {
	switch {
	case r.user == nil:
		return refuse(http.StatusUnauthorized, "Bad credentials")
	case !strings.HasPrefix(rt.path, repoPath):
		return s.admitApp(rt, r)
	case !strings.EqualFold(r.PathValue("owner"), s.owner) || !strings.EqualFold(r.PathValue("repo"), s.repo):
		return notFound()
	case rt.need >= reader && !r.user.canRead():
		return notFound() // a private repository does not show itself
	case rt.need == writer && !r.user.canWrite():
		return refuse(http.StatusForbidden, "Resource not accessible by personal access token")
	}
	return s.admitApp(rt, r)
}

// refusal turns any error into what GitHub would answer.
func (s *Server) refusal(r *http.Request, err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, errNoObject):
		return notFound()
	}
	s.log.Error("local GitHub", "method", r.Method, "path", r.URL.Path, "err", err)
	return refuse(http.StatusInternalServerError, "Server Error")
}

func (r *request) decode(v any) error {
	if len(bytes.TrimSpace(r.body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.body, v); err != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	return nil
}

func (r *request) number(name string) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil {
		return 0, notFound()
	}
	return n, nil
}

// The defaults of every list.
const (
	defaultPerPage = 30
	maxPerPage     = 100
)

// paged cuts the page asked for out of a list and writes the Link header.
func paged[T any](r *request, list []T) []T {
	per, page := defaultPerPage, 1
	if n, err := strconv.Atoi(r.FormValue("per_page")); err == nil && n > 0 {
		per = min(n, maxPerPage)
	}
	if n, err := strconv.Atoi(r.FormValue("page")); err == nil && n > 0 {
		page = n
	}
	last := max(1, (len(list)+per-1)/per)
	var links []string
	add := func(rel string, n int) {
		links = append(links, fmt.Sprintf(`<%s>; rel="%s"`, r.pageURL(n), rel))
	}
	if page > 1 {
		add("prev", min(page-1, last))
	}
	if page < last {
		add("next", page+1)
		add("last", last)
	}
	if page > 1 {
		add("first", 1)
	}
	if len(links) > 0 {
		r.header.Set("Link", strings.Join(links, ", "))
	}
	from := min((page-1)*per, len(list))
	cut := list[from:min(from+per, len(list))]
	if cut == nil {
		return []T{} // an empty list is [], not null
	}
	return cut
}

func (r *request) pageURL(n int) string {
	q := r.URL.Query()
	q.Set("page", strconv.Itoa(n))
	u := url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: q.Encode()}
	return u.String()
}
