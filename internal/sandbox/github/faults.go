package github

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind is what a fault does to a call.
type Kind string

// The faults a call can meet.
const (
	TooManyRequests Kind = "429"             // 429 with Retry-After
	SecondaryLimit  Kind = "secondary-limit" // 403 with the body of the secondary rate limit
	PrimaryLimit    Kind = "primary-limit"   // 403 with X-RateLimit-Remaining 0
	ServerError     Kind = "500"             // refused before anything happened
	HalfBody        Kind = "half-body"       // done, half of the answer sent, then the connection cut
	Hang            Kind = "hang"            // held until released, or for Fault.For; then done
	LostReply       Kind = "lost-reply"      // done, then answered with 500
	DroppedReply    Kind = "dropped-reply"   // done, then the connection cut without an answer
	Answered        Kind = "answered"        // refused with Fault.Status and Fault.Message before anything happened
)

// Fault says which calls go wrong, and how.
type Fault struct {
	Kind    Kind
	Method  string         // "" for any
	Path    string         // prefix of the path without /api/v3; "" for any
	Pattern *regexp.Regexp // of that path; nil for any
	User    string         // login; "" for anyone
	Times   int            // how many calls; 0 for every one until removed

	Status     int           // of Answered
	Message    string        // of Answered; what stands before the API answers 502 to 504 with a page instead
	RetryAfter time.Duration // of the rate limits; a minute if zero
	For        time.Duration // of Hang; until released if zero
}

// Lies are answers that are not true. The zero value tells the truth.
type Lies struct {
	MergeMovesNothing bool              // merge answers merged:true; nothing at all changes
	ParentBefore      bool              // a merge's first parent is told as the commit before it
	Unfetched         time.Duration     // for so long after a merge nothing can be fetched by Git
	MergeOnPaper      bool              // the pull request becomes merged; the base does not move
	ReviewUsers       map[string]string // login that wrote a review -> login reported for it
	ReviewsAtHead     bool              // every review claims the current head as its commit_id
	PermissionsFail   bool              // permission lookups answer 500
	ForkHead          bool              // head.repo is a fork
	MethodsHidden     bool              // the repository does not tell which methods of merging it allows
	Strangers         []string          // logins of whom permission lookups know nothing: 404
	NobodysMail       []string          // logins whose commits GitHub cannot tell by their address
}

// SetLies replaces the lies in force.
func (s *Server) SetLies(l Lies) {
	defer s.lock()()
	s.lies = l
}

// Injected is a fault in force.
type Injected struct {
	fault    Fault
	owner    *faults
	hits     int
	released chan struct{}
	once     sync.Once
}

// Hits counts the calls that met the fault.
func (i *Injected) Hits() int {
	i.owner.mu.Lock()
	defer i.owner.mu.Unlock()
	return i.hits
}

// Release ends the fault and lets hanging calls go on.
func (i *Injected) Release() { i.once.Do(func() { close(i.released) }) }

type faults struct {
	changed func()
	mu      sync.Mutex
	list    []*Injected
}

// Inject puts a fault in force. Of several that fit a call, the oldest applies.
func (s *Server) Inject(f Fault) *Injected {
	i := &Injected{fault: f, owner: s.faults, released: make(chan struct{})}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = append(s.faults.list, i)
	return i
}

// ClearFaults releases every fault.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	for _, i := range s.faults.list {
		i.Release()
	}
	s.faults.list = nil
}

func (f *faults) match(c *Call) *Injected {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.list {
		select {
		case <-i.released:
			continue
		default:
		}
		if i.fault.fits(c) && (i.fault.Times == 0 || i.hits < i.fault.Times) {
			i.hits++
			return i
		}
	}
	return nil
}

func (f Fault) fits(c *Call) bool {
	return (f.Method == "" || f.Method == c.Method) && strings.HasPrefix(c.Path, f.Path) &&
		(f.Pattern == nil || f.Pattern.MatchString(c.Path)) && (f.User == "" || strings.EqualFold(f.User, c.User))
}

// faulty answers a call, through the fault that fits it if there is one.
func (s *Server) faulty(w http.ResponseWriter, r *http.Request, c *Call, next http.HandlerFunc) {
	i := s.faults.match(c)
	if i == nil {
		next(w, r)
		return
	}
	s.journal.note(c, string(i.fault.Kind))
	switch i.fault.Kind {
	case Hang:
		if i.wait(r, s.stopped.Done()) {
			next(w, r)
		}
	case LostReply:
		next(newBuffered(), r)
		writeError(w, refuse(http.StatusInternalServerError, "Server Error"))
	case DroppedReply:
		next(newBuffered(), r)
		panic(http.ErrAbortHandler)
	case HalfBody:
		b := newBuffered()
		next(b, r)
		b.sendHalf(w)
	default:
		i.refuse(w)
	}
}

// wait is true when the call may go on, false when its caller or the server has gone.
func (i *Injected) wait(r *http.Request, stopped <-chan struct{}) bool {
	var timeout <-chan time.Time
	if i.fault.For > 0 {
		t := time.NewTimer(i.fault.For)
		defer t.Stop()
		timeout = t.C
	}
	select {
	case <-i.released:
		return true
	case <-timeout:
		return true
	case <-r.Context().Done():
		return false
	case <-stopped:
		return false
	}
}

// refuse answers for the kinds that do nothing.
func (i *Injected) refuse(w http.ResponseWriter) {
	after := i.fault.RetryAfter
	if after == 0 {
		after = time.Minute
	}
	seconds := strconv.Itoa(int((after + time.Second - 1) / time.Second))
	limit := refuse(http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	limit.DocumentationURL = docsURL + "/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
	switch i.fault.Kind {
	case TooManyRequests:
		w.Header().Set("Retry-After", seconds)
		limit.Status = http.StatusTooManyRequests
		writeError(w, limit)
	case SecondaryLimit:
		w.Header().Set("Retry-After", seconds)
		// The suffix is the one by which clients tell this 403 from a missing permission.
		limit.DocumentationURL = "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#secondary-rate-limits"
		writeError(w, limit)
	case PrimaryLimit:
		w.Header().Set("X-RateLimit-Limit", strconv.Itoa(rateLimit))
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", itoa(time.Now().Add(after).Unix()))
		writeError(w, refuse(http.StatusForbidden, "API rate limit exceeded"))
	case Answered:
		i.answer(w)
	default:
		writeError(w, refuse(http.StatusInternalServerError, "Server Error"))
	}
}

// answer is one of any status. The last three come from what stands before the API,
// which has pages for people.
func (i *Injected) answer(w http.ResponseWriter) {
	switch i.fault.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(i.fault.Status)
		fmt.Fprintf(w, "<html><body><h1>%s</h1></body></html>\n", http.StatusText(i.fault.Status))
	default:
		writeError(w, refuse(i.fault.Status, "%s", i.fault.Message))
	}
}

func writeError(w http.ResponseWriter, e *Error) {
	body, err := json.Marshal(e)
	if err != nil {
		body = []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(e.Status)
	w.Write(body)
}

// buffered is an answer that is not sent yet.
type buffered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newBuffered() *buffered { return &buffered{header: http.Header{}, status: http.StatusOK} }

func (b *buffered) Header() http.Header         { return b.header }
func (b *buffered) WriteHeader(code int)        { b.status = code }
func (b *buffered) Write(p []byte) (int, error) { return b.body.Write(p) }

// sendHalf promises the whole body and cuts the connection in the middle of it.
func (b *buffered) sendHalf(w http.ResponseWriter) {
	for k, v := range b.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", strconv.Itoa(b.body.Len()))
	w.WriteHeader(b.status)
	w.Write(b.body.Bytes()[:b.body.Len()/2])
	if err := http.NewResponseController(w).Flush(); err == nil {
		panic(http.ErrAbortHandler)
	}
}
