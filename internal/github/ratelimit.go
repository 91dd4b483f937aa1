package github

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// secondaryPause is how long GitHub asks to wait when it names no time; it
// doubles with each refusal in a row.
const secondaryPause = time.Minute

// rateHeaders are kept from go-github: it would refuse calls by itself, on its
// own clock, and without waiting.
var rateHeaders = []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "X-Ratelimit-Used"}

// waitLimit waits until requests are welcome again, within what is left of the
// call's budget, and takes the wait off it.
func (t *transport) waitLimit(req *http.Request, budget *time.Duration) error {
	t.mu.Lock()
	until := t.until
	t.mu.Unlock()
	wait := until.Sub(t.now())
	if until.IsZero() || wait <= 0 {
		return nil
	}
	if wait > *budget {
		return &dr.Error{
			Code: dr.Temporary,
			What: dr.T("github.limit", "until", until),
			Next: dr.T("github.limit.next"),
		}
	}
	*budget -= wait
	t.log.WarnContext(req.Context(), "waiting for GitHub's rate limit", "path", req.URL.Path, "wait", wait.String())
	return t.sleep(req.Context(), wait)
}

// noteLimit keeps what an answer says about limits and tells whether the request
// was refused for one. An answer that was the last of its window counts too: the
// next call waits instead of being refused.
func (t *transport) noteLimit(resp *http.Response, inARow int) (refused bool) {
	until, refused := t.limit(resp, inARow)
	for _, h := range rateHeaders {
		resp.Header.Del(h)
	}
	if until.IsZero() {
		return refused
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if until.After(t.until) {
		t.until = until
	}
	return refused
}

func (t *transport) limit(resp *http.Response, inARow int) (until time.Time, refused bool) {
	now := t.now()
	code := resp.StatusCode
	spent := resp.Header.Get("X-Ratelimit-Remaining") == "0"
	reset := resetTime(resp.Header, now)
	if code != http.StatusTooManyRequests && code != http.StatusForbidden {
		if spent && reset.After(now) {
			return reset.Add(limitMargin), false
		}
		return time.Time{}, false
	}
	after, named := retryAfter(resp.Header, now)
	switch {
	case named:
		return now.Add(max(after, limitMargin)), true // "0" would ask for a storm
	case spent && reset.After(now):
		return reset.Add(limitMargin), true
	case code == http.StatusTooManyRequests || secondary(resp):
		return now.Add(secondaryPause << min(inARow, 6)), true
	case spent:
		return now.Add(limitMargin), true // the window ended while the answer was under way
	default:
		return time.Time{}, false // a plain 403: not allowed, and waiting does not help
	}
}

// resetTime is when the window ends, by this host's clock. GitHub says it by its own,
// which the answer carries as well: only their difference counts.
func resetTime(h http.Header, now time.Time) time.Time {
	n, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	at := time.Unix(n, 0)
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		return now.Add(at.Sub(theirs))
	}
	return at
}

// retryAfter reads seconds or a date.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n >= 0 {
		return time.Duration(n) * time.Second, true
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

// secondary recognizes the refusal for too many requests at a time by its text:
// it comes as a 403 and its headers may say nothing.
func secondary(resp *http.Response) bool {
	var body struct {
		Message string `json:"message"`
		Docs    string `json:"documentation_url"`
	}
	if json.Unmarshal(peek(resp), &body) != nil {
		return false
	}
	text := strings.ToLower(body.Message + " " + body.Docs)
	return strings.Contains(text, "secondary rate limit") || strings.Contains(text, "secondary-rate-limits") ||
		strings.Contains(text, "abuse")
}
