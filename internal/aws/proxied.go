package aws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	awstransport "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/drbot/drbot/dr"
)

// proxied is an answer that is not of the service which was asked: of a proxy, a page to
// sign in at, or the front that AWS has before a service.
type proxied struct {
	status  int
	host    string // that was to be reached
	connect bool   // nothing was sent yet: the proxy made no connection
	said    string // for the log
}

func (p *proxied) Error() string {
	return fmt.Errorf("answered by something before %s: %d %s: %q", p.host, p.status, http.StatusText(p.status), p.said).Error()
}

// HTTPStatusCode is that of the answer.
func (p *proxied) HTTPStatusCode() int { return p.status }

// RetryableError tells the SDK what a question may be put again for.
func (p *proxied) RetryableError() bool {
	return p.status == http.StatusTooManyRequests || p.status >= http.StatusInternalServerError
}

// forwarded tells whether the request may have gone on to the service all the same. Who
// wants a sign-in, or fewer requests, has not passed it on; who forbids may forbid the answer.
func (p *proxied) forwarded() bool {
	return !p.connect && p.status != http.StatusProxyAuthRequired && p.status != http.StatusTooManyRequests
}

func proxiedBy(err error) *proxied {
	var p *proxied
	if errors.As(err, &p) {
		return p
	}
	return nil
}

// sortProxied sorts what was answered in the service's place.
func (s *Session) sortProxied(p *proxied, err error, op operation) error {
	args := []any{"service", op.service, "region", s.region, "answer", dr.Foreign(fmt.Sprintf("%d %s", p.status, http.StatusText(p.status)))}
	if p.status >= http.StatusInternalServerError && !p.connect {
		return &dr.Error{Code: dr.Temporary, Err: err, What: dr.T("aws.proxied.fault", args...)}
	}
	return &dr.Error{Code: dr.Temporary, Err: err,
		What: dr.T("aws.proxied", args...), Next: dr.T("aws.proxied.next", "host", dr.Foreign(p.host))}
}

// ofAProxy tells an answer that AWS did not write. Each of AWS's own has the id of the
// request, and each of its refusals a code.
func ofAProxy(r *http.Response, begin []byte) bool {
	if r.StatusCode == http.StatusProxyAuthRequired {
		return true
	}
	for _, own := range []string{"X-Amzn-Requestid", "X-Amz-Request-Id", "X-Amzn-Errortype"} {
		if r.Header.Get(own) != "" {
			return false
		}
	}
	lower := bytes.ToLower(bytes.TrimSpace(begin))
	if strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") || bytes.HasPrefix(lower, []byte("<!doctype")) || bytes.HasPrefix(lower, []byte("<html")) {
		return true
	}
	if r.StatusCode < http.StatusMultipleChoices {
		return false
	}
	for _, code := range []string{"<code", "__type", `"code"`} { // in XML, in JSON and CBOR, and of what gives a host its credentials
		if bytes.Contains(lower, []byte(code)) {
			return false
		}
	}
	return true
}

// newTransport is the SDK's own, which says what a proxy refused before anything was sent.
func newTransport() *awstransport.BuildableClient {
	return awstransport.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, asked *http.Request, r *http.Response) error {
			if r.StatusCode == http.StatusOK {
				return nil
			}
			return &proxied{status: r.StatusCode, host: asked.Host, connect: true}
		}
	})
}

// neverSent tells that no connection came about: the request cannot have
// arrived. The transport sends a POST once only.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}
