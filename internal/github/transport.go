package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/drbot/drbot/dr"
)

const (
	maxBody     = 32 << 20
	readTries   = 4
	firstPause  = 200 * time.Millisecond
	limitMargin = time.Second // GitHub's clock and ours are not the same
)

// transport sends each request with a token and a timeout, waits out rate limits
// and repeats reads that came back broken. A request that GitHub refused for a
// rate limit, or for a token that has ended, was not carried out, so a write may follow
// it; every other trouble with a write goes to the caller, who can look whether it took
// effect.
type transport struct {
	next    http.RoundTripper
	api     *url.URL
	token   func(req *http.Request, refused string) (string, error) // nil: requests carry one already
	renews  bool                                                    // for a refused token there is another one
	timeout time.Duration
	maxWait time.Duration
	log     *slog.Logger
	now     func() time.Time
	sleep   func(ctx context.Context, d time.Duration) error

	mu    sync.Mutex
	until time.Time // no request before this: GitHub said so, to whichever call
}

func newTransport(o Options) *transport {
	t := &transport{
		next: o.Transport, timeout: o.Timeout, maxWait: o.MaxWait,
		log: o.Logger, now: o.Clock, sleep: o.Sleep,
	}
	switch {
	case o.App != nil:
		t.token, t.renews = o.App.forRequest, true
	case o.Token != nil:
		t.token = func(req *http.Request, _ string) (string, error) { return o.Token(req.Context()) }
	}
	return t
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := drain(req)
	if err != nil {
		return nil, err
	}
	budget := t.maxWait
	pause := firstPause
	refused := "" // the token that GitHub did not take
	for broken, limited := 0, 0; ; {
		if err := t.waitLimit(req, &budget); err != nil {
			return nil, err
		}
		token, err := t.tokenFor(req, refused)
		if err != nil {
			return nil, err
		}
		resp, err := t.once(req, body, token)
		if err == nil && t.noteLimit(resp, limited) {
			limited++
			continue
		}
		if err == nil && resp.StatusCode == http.StatusUnauthorized && t.renews {
			if refused != "" {
				return nil, &dr.Error{Code: dr.Uncertain, What: dr.T("github.app.refused"), Next: dr.T("github.app.refused.next")}
			}
			refused = token
			continue
		}
		broken++
		if !t.worthRepeating(req, resp, err) || broken == readTries {
			return resp, err
		}
		t.log.WarnContext(req.Context(), "a read from GitHub came back broken", "path", req.URL.Path, "try", broken, "error", reason(resp, err))
		if err := t.sleep(req.Context(), pause); err != nil {
			return nil, err
		}
		pause *= 2
	}
}

func drain(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	return io.ReadAll(req.Body)
}

// tokenFor is the token for a request; none after a redirect to another host, where it
// must not follow.
func (t *transport) tokenFor(req *http.Request, refused string) (string, error) {
	if t.token == nil || req.URL.Scheme != t.api.Scheme || req.URL.Host != t.api.Host {
		return "", nil
	}
	token, err := t.token(req, refused)
	var known *dr.Error
	if err != nil && !errors.As(err, &known) {
		err = &dr.Error{Code: dr.Temporary, What: dr.T("github.token-unread"), Err: err}
	}
	return token, err
}

// once makes one attempt and reads the whole answer, so that a body that ends
// early is an error here and not a puzzle for the decoder.
func (t *transport) once(req *http.Request, body []byte, token string) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	defer cancel()
	out := req.Clone(ctx)
	if body != nil {
		out.Body = io.NopCloser(bytes.NewReader(body))
	}
	if token != "" {
		out.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := t.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer of %s %s: %w", req.Method, req.URL.Path, err)
	case len(data) > maxBody:
		return nil, fmt.Errorf("the answer of %s %s is longer than %d bytes", req.Method, req.URL.Path, maxBody)
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	resp.Request = req
	return resp, nil
}

func (t *transport) worthRepeating(req *http.Request, resp *http.Response, err error) bool {
	if req.Method != http.MethodGet && req.Method != http.MethodHead || req.Context().Err() != nil {
		return false
	}
	var known *dr.Error
	if err != nil {
		return !errors.As(err, &known)
	}
	return resp.StatusCode >= 500 || halfJSON(resp)
}

// halfJSON finds an answer that a proxy cut short and yet framed well.
func halfJSON(resp *http.Response) bool {
	if resp.StatusCode/100 != 2 || !strings.Contains(resp.Header.Get("Content-Type"), "json") {
		return false
	}
	data := peek(resp)
	return len(data) > 0 && !json.Valid(data)
}

// peek reads a buffered body and puts it back.
func peek(resp *http.Response) []byte {
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		// The body is a buffer in memory by now and cannot fail.
		data = nil
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	return data
}

func reason(resp *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	return resp.Status
}
