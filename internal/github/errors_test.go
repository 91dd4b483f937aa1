package github

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/drbot/drbot/dr"
)

// breaking answers every request the same way, from within.
type breaking func(*http.Request) (*http.Response, error)

func (b breaking) RoundTrip(r *http.Request) (*http.Response, error) { return b(r) }

// everyCall is each call of the client's ports.
func everyCall() map[string]func(context.Context, *Client) error {
	change := dr.Change{Number: 7, Branch: "drbot/r1", Head: headSHA}
	return map[string]func(context.Context, *Client) error{
		"File": func(ctx context.Context, c *Client) error {
			_, _, err := c.File(ctx, repo, "main")
			return err
		},
		"File at a commit": func(ctx context.Context, c *Client) error {
			_, _, err := c.File(ctx, repo, baseSHA)
			return err
		},
		"OpenChange": func(ctx context.Context, c *Client) error {
			_, err := c.OpenChange(ctx, dr.ChangeRequest{Repository: repo, Branch: "drbot/r1", BaseSHA: baseSHA, Content: "x"})
			return err
		},
		"ChangeState": func(ctx context.Context, c *Client) error {
			_, err := c.ChangeState(ctx, repo, 7)
			return err
		},
		"Merge": func(ctx context.Context, c *Client) error {
			_, err := c.Merge(ctx, repo, 7, headSHA)
			return err
		},
		"Parents": func(ctx context.Context, c *Client) error {
			_, err := c.Parents(ctx, repo, headSHA)
			return err
		},
		"CloseChange": func(ctx context.Context, c *Client) error { return c.CloseChange(ctx, repo, change) },
		"close a branch": func(ctx context.Context, c *Client) error {
			return c.CloseChange(ctx, repo, dr.Change{Branch: "drbot/r1", Head: headSHA})
		},
		"Comment": func(ctx context.Context, c *Client) error { return c.Comment(ctx, repo, 7, "plan", "x") },
		"Status": func(ctx context.Context, c *Client) error {
			return c.Status(ctx, repo, headSHA, "drbot/plan", dr.StateSuccess, "x", "")
		},
		"Self": func(ctx context.Context, c *Client) error {
			_, err := c.Self(ctx)
			return err
		},
	}
}

func breakingClient(t *testing.T, b breaking) *Client {
	t.Helper()
	clk := &clock{}
	c, err := New(Options{
		Token:     func(context.Context) (string, error) { return "t0ken", nil },
		Transport: b, Clock: clk.Now, Sleep: clk.Sleep,
	})
	must(t, err)
	return c
}

// classified gives the code that somebody gave the error, which has words too.
func classified(t *testing.T, what string, err error) dr.Code {
	t.Helper()
	var known *dr.Error
	if !errors.As(err, &known) {
		t.Errorf("%s: nobody classified %T %v", what, err, err)
		return ""
	}
	if known.What.Empty() {
		t.Errorf("%s: %v has no words", what, err)
	}
	return known.Code
}

// goneIsFine are the calls that want what is not there to be gone.
var goneIsFine = map[string]bool{"close a branch": true}

func TestEveryStatusHasACode(t *testing.T) {
	again := map[int]bool{408: true, 425: true, 429: true}
	for status := 400; status < 600; status++ {
		c := breakingClient(t, func(r *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: status, Status: fmt.Sprint(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
				Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{"message":"no"}`)), Request: r,
			}, nil
		})
		for name, call := range everyCall() {
			what := fmt.Sprintf("%s answered %d", name, status)
			err := call(t.Context(), c)
			if err == nil {
				if status != 404 || !goneIsFine[name] {
					t.Errorf("%s went well", what)
				}
				continue
			}
			code := classified(t, what, err)
			helps := status >= 500 || again[status]
			if name == "Merge" && !helps {
				// What was approved is not given up: a person is asked.
				if code != dr.Uncertain && code != dr.Conflict {
					t.Errorf("%s: code %s", what, code)
				}
				continue
			}
			if helps != (code == dr.Temporary || code == dr.Uncertain) {
				t.Errorf("%s: code %s", what, code)
			}
		}
	}
}

func TestEveryBrokenConnectionHasACode(t *testing.T) {
	for name, cause := range map[string]error{
		"connection refused": &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED},
		"connection reset":   &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET},
		"end of file":        io.EOF,
		"half a body":        io.ErrUnexpectedEOF,
		"no such host":       &net.DNSError{Name: "api.github.com", IsNotFound: true},
		"deadline":           context.DeadlineExceeded,
		"cancelled":          context.Canceled,
		"certificate":        x509.UnknownAuthorityError{},
		"proxy":              &url.Error{Op: "proxyconnect", URL: "http://proxy", Err: errors.New("refused")},
		"something else":     errors.New("something nobody thought of"),
	} {
		c := breakingClient(t, func(*http.Request) (*http.Response, error) { return nil, cause })
		for call, do := range everyCall() {
			what := call + " with " + name
			if code := classified(t, what, do(t.Context(), c)); code != dr.Temporary && code != dr.Uncertain {
				t.Errorf("%s: code %s", what, code)
			}
		}
	}
}

// Answers that are well-framed and not what they must be.
func TestEveryStrangeAnswerHasACode(t *testing.T) {
	for _, body := range []string{``, `{`, `{}`, `[]`, `null`, `"x"`, `<html>`, `{"object":{"sha":"x"}}`, `[{"number":"seven"}]`} {
		c := breakingClient(t, func(r *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: 200, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
				Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
			}, nil
		})
		for name, call := range everyCall() {
			if err := call(t.Context(), c); err != nil {
				classified(t, fmt.Sprintf("%s answered %s", name, body), err)
			}
		}
	}
}

func TestATokenThatCannotBeHad(t *testing.T) {
	c := breakingClient(t, func(*http.Request) (*http.Response, error) { return nil, errors.New("never reached") })
	c.api.Client().Transport.(*transport).token = func(*http.Request, string) (string, error) { return "", errors.New("down") }
	for name, call := range everyCall() {
		err := call(t.Context(), c)
		classified(t, name, err)
		wantCode(t, err, dr.Temporary, "The token for GitHub could not be had")
	}
}
