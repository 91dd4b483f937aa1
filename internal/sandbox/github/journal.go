package github

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxRequest is the largest request body read; GitHub refuses bigger ones too.
const maxRequest = 32 << 20

// Call is one request to the API or to Git.
type Call struct {
	N            int
	At           time.Time // by the clock of the options
	User         string    // login of the token; "" for a bad one
	Method, Path string    // Path without /api/v3
	Query        string
	API          bool   // the REST API, not Git
	Body         []byte // of the request
	Status       int    // 0 while it runs, and when it ended without an answer
	Duration     time.Duration
	Fault        string // the fault it met, if any
	Done         bool
}

type journal struct {
	changed func()
	mu      sync.Mutex
	calls   []*Call
}

func (j *journal) begin(c *Call) {
	j.mu.Lock()
	c.N = len(j.calls) + 1
	j.calls = append(j.calls, c)
	j.mu.Unlock()
	j.changed()
}

func (j *journal) end(c *Call, status int, took time.Duration) {
	j.mu.Lock()
	c.Status, c.Duration, c.Done = status, took, true
	j.mu.Unlock()
	j.changed()
}

func (j *journal) note(c *Call, fault string) {
	j.mu.Lock()
	c.Fault = fault
	j.mu.Unlock()
	j.changed()
}

// Calls lists every call so far, in the order they arrived. Running ones are not Done.
func (s *Server) Calls() []Call {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	out := make([]Call, 0, len(s.journal.calls))
	for _, c := range s.journal.calls {
		out = append(out, *c)
	}
	return out
}

// CallsTo lists the calls of a method whose path ends with suffix.
func (s *Server) CallsTo(method, suffix string) []Call {
	return slices.DeleteFunc(s.Calls(), func(c Call) bool {
		return c.Method != method || !strings.HasSuffix(c.Path, suffix)
	})
}

// statusWriter remembers the status of an answer and tells of it before the caller can.
type statusWriter struct {
	http.ResponseWriter
	status int
	known  func(status int)
}

func (w *statusWriter) WriteHeader(code int) {
	w.note(code)
	w.ResponseWriter.WriteHeader(code)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	w.note(http.StatusOK)
	return w.ResponseWriter.Write(b)
}

func (w *statusWriter) note(code int) {
	if w.status == 0 {
		w.status = code
		w.known(code)
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recorded reads the request, journals it, applies faults and lets next answer.
func (s *Server) recorded(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "unreadable or too large request", http.StatusRequestEntityTooLarge)
		return
	}
	// The whole body is at hand, so say so: CGI cannot take a chunked one.
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	c := &Call{
		At: s.clock(), Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, apiPrefix), Query: r.URL.RawQuery,
		API: strings.HasPrefix(r.URL.Path, apiPrefix+"/"), User: s.loginOf(r), Body: body,
	}
	s.journal.begin(c)
	start := time.Now()
	// Who has an answer of an API finds it here: a long one is on its way before it is at its end.
	sw := &statusWriter{ResponseWriter: w, known: func(status int) {
		if !s.isGitPath(r.URL.Path) {
			s.journal.end(c, status, time.Since(start))
		}
	}}
	defer func() { s.journal.end(c, sw.status, time.Since(start)) }() // also when a fault cuts the connection
	s.faulty(sw, r, c, next)
}

func (s *Server) loginOf(r *http.Request) string {
	defer s.lock()()
	if a := s.authenticate(r); a != nil {
		return a.Login
	}
	return ""
}
