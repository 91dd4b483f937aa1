package route53

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

const (
	probeTimeout = 5 * time.Second
	probeBody    = 64 << 10 // read of an answer, so that it counts as complete
)

// Probe makes the service's HTTP requests with a name in the place of "{host}",
// as a user of that name would, except that the name is resolved by Resolve:
// what the host's resolver remembers does not count. Redirects are answers, not
// followed. One check for each request, in order; none configured, none given.
func (n *Names) Probe(ctx context.Context, s dr.Service, name string) ([]dr.Check, error) {
	var checks []dr.Check
	for _, p := range s.Probes {
		u, err := url.Parse(strings.ReplaceAll(p.URL, "{host}", withoutDot(name)))
		if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return checks, &dr.Error{Code: dr.Invalid, Err: err,
				What: dr.T("probe.url", "service", s.Name), Next: dr.T("probe.url.next", "example", "https://{host}/health")}
		}
		checks = append(checks, n.probe(ctx, s, p, u, name))
	}
	return checks, nil
}

func (n *Names) probe(ctx context.Context, s dr.Service, p dr.Probe, u *url.URL, name string) dr.Check {
	want := p.Status
	if want == 0 {
		want = http.StatusOK
	}
	// The query may hold a token and is not shown.
	shown := u.Scheme + "://" + u.Host + u.Path
	check := dr.Check{Name: probeCheck, Region: namedRegion(s, name), Unit: probeUnit, Threshold: aws.Measured(float64(want)), At: n.cloud.Now()}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	addresses, err := n.probeAddresses(ctx, s, u.Hostname())
	if err != nil {
		check = n.cloud.Unread(ctx, check, err)
		if dr.CodeOf(err) == dr.NotFound {
			check.Level = dr.Fail
		}
		return check
	}
	got, err := n.request(ctx, u, addresses)
	check.At = n.cloud.Now()
	if err != nil {
		n.cloud.Logger().WarnContext(ctx, "probe not answered", "service", s.Name, "url", shown, "error", err)
		check.Level, check.Detail = dr.Fail, dr.T("probe.unanswered", "url", shown, "why", probeFault(err))
		return check
	}
	check.Level, check.Value, check.Detail = dr.OK, aws.Measured(float64(got)), aws.Words(shown)
	if got != want {
		check.Level = dr.Fail
		check.Detail = dr.T("probe.unwanted", "url", shown, "got", got, "want", want)
	}
	return check
}

func namedRegion(s dr.Service, name string) dr.Region {
	for r, n := range s.Names.Regional {
		if canonical(n) == canonical(name) {
			return r
		}
	}
	return ""
}

func (n *Names) probeAddresses(ctx context.Context, s dr.Service, host string) ([]string, error) {
	if _, err := netip.ParseAddr(host); err == nil {
		return []string{host}, nil
	}
	res, err := n.Resolve(ctx, s, host)
	return res.Addresses, err
}

// request makes one request to the first address that takes the connection. The
// Host header and the TLS server name stay those of the URL.
func (n *Names) request(ctx context.Context, u *url.URL, addresses []string) (status int, err error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return dialAny(ctx, network, addresses, port)
		},
	}
	defer transport.CloseIdleConnections()
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("User-Agent", "drbot")
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, probeBody))
	return resp.StatusCode, errors.Join(err, resp.Body.Close())
}

// dialAny tries the addresses in turn, each with its share of the time left, so
// that one that swallows packets does not hide the next.
func dialAny(ctx context.Context, network string, addresses []string, port string) (net.Conn, error) {
	err := errors.New("no address")
	for i, a := range addresses {
		share := probeTimeout
		if deadline, ok := ctx.Deadline(); ok {
			share = time.Until(deadline) / time.Duration(len(addresses)-i)
		}
		dialer := net.Dialer{Timeout: share}
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, network, net.JoinHostPort(a, port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// probeFault says in plain words why there was no answer.
func probeFault(err error) dr.Text {
	var certificate *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.As(err, &certificate):
		return dr.T("probe.certificate")
	case errors.As(err, &timeout) && timeout.Timeout():
		return dr.T("probe.late")
	default:
		return dr.T("probe.silent")
	}
}
