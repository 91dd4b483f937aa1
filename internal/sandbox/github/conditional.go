package github

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// rate is what a login has used of its hour.
type rate struct {
	used  int
	reset time.Time
}

// rates counts the requests of each login in windows of an hour, as the primary limit does.
type rates map[string]*rate

// count takes a request for counted, says so in the headers of its answer and gives the way to take it back.
func (rs rates) count(h http.Header, login string, now time.Time) {
	r := rs[login]
	if r == nil || !now.Before(r.reset) {
		r = &rate{reset: now.Add(time.Hour)}
		rs[login] = r
	}
	r.used++
	r.tell(h)
}

// uncount takes a request back: one that was answered by 304 is not counted.
func (rs rates) uncount(h http.Header, login string) {
	if r := rs[login]; r != nil {
		r.used--
		r.tell(h)
	}
}

func (r *rate) tell(h http.Header) {
	used := min(r.used, rateLimit-1) // the limit is reported, never enforced; see Fault for that
	h.Set("X-RateLimit-Limit", strconv.Itoa(rateLimit))
	h.Set("X-RateLimit-Used", strconv.Itoa(used))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(rateLimit-used))
	h.Set("X-RateLimit-Reset", itoa(r.reset.Unix()))
	h.Set("X-RateLimit-Resource", "core")
}

// etag is of a body as one account sees it. The Link header is no part of it, as it is none of GitHub's: a page that
// is full keeps its tag when another one follows.
func etag(login string, body []byte) string {
	sum := sha256.Sum256(append([]byte(login+"\n"), body...))
	return fmt.Sprintf(`W/"%x"`, sum)
}

// unchanged writes the validator of an answer and tells whether the caller has that very one already.
func (s *Server) unchanged(h http.Header, r *http.Request, status int, body []byte) bool {
	if r.Method != http.MethodGet || status != http.StatusOK || body == nil {
		return false
	}
	defer s.lock()()
	a := s.authenticate(r)
	if a == nil {
		return false
	}
	tag := etag(a.Login, body)
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, max-age=60, s-maxage=60")
	h.Set("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP")
	for given := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if weak(strings.TrimSpace(given)) == weak(tag) {
			s.used.uncount(h, a.Login)
			return true
		}
	}
	return false
}

// weak compares tags by what they say alone: GitHub takes either form.
func weak(tag string) string { return strings.TrimPrefix(tag, "W/") }

// Counted tells whether GitHub's primary limit counts a call: Git's own and those answered by 304 are free.
func (c Call) Counted() bool {
	return c.API && c.User != "" && c.Done && c.Status != http.StatusNotModified
}

// Counted is how many calls of a login the primary limit has counted.
func (s *Server) Counted(login string) int {
	n := 0
	for _, c := range s.Calls() {
		if strings.EqualFold(c.User, login) && c.Counted() {
			n++
		}
	}
	return n
}
