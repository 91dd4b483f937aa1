package github

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// What is remembered of answers: an hour of looks of some dozen runs fits by far.
const (
	maxAnswers     = 2048
	maxAnswer      = 1 << 20
	maxAnswerBytes = 32 << 20
)

// conditional asks GitHub whether what it answered before still holds. Its 304 says so
// as freshly as a whole answer would, and costs nothing of the primary limit.
//
// The libraries that do this keep all they have seen, or take a validator for the
// whole of an answer. GitHub's ETag is of the body alone: a page that is full keeps it
// when another page follows, so a full page is asked for again as a whole, unless whoever
// reads it goes on to the next one anyway.
type conditional struct {
	next http.RoundTripper

	mu      sync.Mutex
	entries map[answerKey]*list.Element
	recent  *list.List // of *answered, the last used first
	bytes   int
}

// answerKey is a question as one credential asks it: the answer to another may differ.
type answerKey struct {
	url, accept string
	credential  [sha256.Size]byte
}

// answered is what GitHub said, and by what it can be asked about.
type answered struct {
	key    answerKey
	etag   string
	header http.Header
	body   []byte
}

func newConditional(next http.RoundTripper) *conditional {
	return &conditional{next: next, entries: map[answerKey]*list.Element{}, recent: list.New()}
}

// RoundTrip implements http.RoundTripper.
func (c *conditional) RoundTrip(req *http.Request) (*http.Response, error) {
	token := req.Header.Get("Authorization")
	if req.Method != http.MethodGet || token == "" || req.Header.Get("If-None-Match") != "" {
		return c.next.RoundTrip(req) // unauthorised, a 304 is counted as anything else
	}
	key := answerKey{req.URL.String(), req.Header.Get("Accept"), sha256.Sum256([]byte(token))}
	had := c.find(key)
	if had != nil {
		req = req.Clone(req.Context())
		req.Header.Set("If-None-Match", had.etag)
	}
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	switch {
	case resp.StatusCode == http.StatusNotModified && had != nil:
		return had.again(resp), nil
	case resp.StatusCode == http.StatusOK && resp.Header.Get("ETag") != "":
		resp.Body = c.keeping(key, resp, req.Context().Value(byCount{}) != nil)
	}
	return resp, nil
}

// again is the answer as it was, with what the 304 says of now: limits, dates, links.
func (a *answered) again(resp *http.Response) *http.Response {
	_ = resp.Body.Close() // a 304 has none
	header := a.header.Clone()
	for name, values := range resp.Header {
		if name != "Content-Length" && name != "Content-Type" && name != "Content-Encoding" {
			header[name] = values
		}
	}
	out := *resp
	out.Status, out.StatusCode = "200 OK", http.StatusOK
	out.Header, out.ContentLength = header, int64(len(a.body))
	out.Body = io.NopCloser(bytes.NewReader(a.body))
	return &out
}

// keeping is the body of an answer, which is remembered when it was read to its end.
func (c *conditional) keeping(key answerKey, resp *http.Response, goesOn bool) io.ReadCloser {
	a := &answered{key: key, etag: resp.Header.Get("ETag"), header: resp.Header.Clone()}
	for _, h := range rateHeaders {
		a.header.Del(h) // they are of that moment
	}
	return &keeper{ReadCloser: resp.Body, done: func(body []byte) {
		if !json.Valid(body) || !goesOn && full(key.url, body) {
			c.forget(key)
			return
		}
		a.body = body
		c.keep(a)
	}}
}

// keeper copies what is read of a body.
type keeper struct {
	io.ReadCloser
	copied []byte
	long   bool
	done   func([]byte)
}

func (k *keeper) Read(p []byte) (int, error) {
	n, err := k.ReadCloser.Read(p)
	if k.long = k.long || len(k.copied)+n > maxAnswer; k.long {
		k.copied = nil
	} else {
		k.copied = append(k.copied, p[:n]...)
	}
	if err == io.EOF && !k.long && k.done != nil {
		k.done(k.copied)
		k.done = nil
	}
	return n, err
}

// full tells a page of a listing that holds as many as one can.
func full(address string, body []byte) bool {
	u, err := url.Parse(address)
	if err != nil {
		return true
	}
	per, err := strconv.Atoi(u.Query().Get("per_page"))
	if err != nil {
		per = 30 // GitHub's own
	}
	var items []json.RawMessage
	return json.Unmarshal(body, &items) == nil && len(items) >= per
}

func (c *conditional) find(key answerKey) *answered {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		return nil
	}
	c.recent.MoveToFront(e)
	return e.Value.(*answered)
}

func (c *conditional) forget(key answerKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(c.entries[key])
}

func (c *conditional) keep(a *answered) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(c.entries[a.key])
	c.entries[a.key] = c.recent.PushFront(a)
	c.bytes += len(a.body)
	for c.recent.Len() > maxAnswers || c.bytes > maxAnswerBytes {
		c.drop(c.recent.Back())
	}
}

// drop is called with the lock held.
func (c *conditional) drop(e *list.Element) {
	if e == nil {
		return
	}
	a := c.recent.Remove(e).(*answered)
	delete(c.entries, a.key)
	c.bytes -= len(a.body)
}
