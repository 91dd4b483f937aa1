package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/drbot/drbot/dr"
)

const (
	maxChain   = 10              // names in a chain of CNAMEs
	dnsTimeout = 2 * time.Second // one question to one server
	udpSize    = 1232            // what passes unfragmented: https://www.dnsflagday.net/2020/
)

// answer is what was learned about one name.
type answer struct {
	chain     []string // further names, CNAME by CNAME
	addresses []string
	absent    bool // the name does not exist
}

// errNotTheirs says that the servers are not in charge of a name.
var errNotTheirs = errors.New("the servers do not answer for this name")

// Resolve asks the zone's own name servers for the addresses of a name, each in
// turn until one answers, and follows CNAMEs. A resolver is not asked about
// names of the zone: it may remember an absence for the zone's negative TTL.
// Names outside the zone, a load balancer's, are asked there too and else at
// the system's resolver.
//
// dr.NotFound when the name does not exist or has no address, dr.Temporary when
// no server answers, dr.Conflict for a chain that does not end.
func (c *Client) Resolve(ctx context.Context, s dr.Service, name string) (dr.Resolution, error) {
	at := canonical(name)
	if _, ok := dns.IsDomainName(at); !ok || at == "." {
		return dr.Resolution{}, &dr.Error{Code: dr.Invalid, Msg: fmt.Sprintf("%q is no DNS name.", name)}
	}
	servers, err := c.nameServers(ctx, s)
	if err != nil && inZone(s, at) {
		return dr.Resolution{}, err
	}
	res := dr.Resolution{Chain: []string{plain(at)}}
	for len(res.Chain) <= maxChain {
		a, err := c.lookup(ctx, s, servers, at)
		if err != nil {
			return res, err
		}
		for _, next := range a.chain {
			res.Chain, at = append(res.Chain, plain(next)), next
		}
		switch {
		case len(a.addresses) > 0:
			res.Addresses = a.addresses
			return res, nil
		case a.absent:
			return res, &dr.Error{Code: dr.NotFound, Msg: fmt.Sprintf("%s does not exist.", chainText(res.Chain))}
		case len(a.chain) == 0:
			return res, &dr.Error{Code: dr.NotFound, Msg: fmt.Sprintf("%s has no address.", chainText(res.Chain))}
		}
	}
	return res, &dr.Error{Code: dr.Conflict,
		Msg:  fmt.Sprintf("%s leads through more than %d CNAMEs.", plain(canonical(name)), maxChain),
		Hint: "Look at the records of the zone: they may go round in a circle."}
}

func plain(name string) string { return strings.TrimSuffix(name, ".") }

func chainText(chain []string) string {
	if len(chain) == 1 {
		return chain[0]
	}
	return fmt.Sprintf("%s, which %s points at,", chain[len(chain)-1], chain[0])
}

// lookup asks for one name: the zone's servers, and for a foreign name that
// they do not resolve the system.
func (c *Client) lookup(ctx context.Context, s dr.Service, servers []string, name string) (answer, error) {
	a, err := c.askServers(ctx, servers, name)
	if inZone(s, name) {
		if err != nil {
			return a, &dr.Error{Code: dr.Temporary, Err: err,
				Msg: fmt.Sprintf("No name server of %s answers for %s.", plain(zone(s)), plain(name))}
		}
		return a, nil
	}
	if err == nil && !a.absent && (len(a.addresses) > 0 || len(a.chain) > 0) {
		return a, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.CallTimeout)
	defer cancel()
	addrs, err := c.names.LookupIP(ctx, name)
	if err != nil && absent(err) {
		return answer{absent: true}, nil
	}
	if err != nil {
		return answer{}, &dr.Error{Code: dr.Temporary, Err: err,
			Msg: fmt.Sprintf("The system's resolver does not answer for %s.", plain(name))}
	}
	for _, addr := range addrs {
		a.addresses = append(a.addresses, addr.Unmap().String())
	}
	return answer{addresses: a.addresses}, nil
}

// askServers asks each server in turn. A server's word that a name does not
// exist counts; a refusal or a fault sends the question to the next.
func (c *Client) askServers(ctx context.Context, servers []string, name string) (answer, error) {
	err := errors.New("no server to ask")
	for _, server := range servers {
		var a answer
		if a, err = c.ask(ctx, server, name); err == nil {
			return a, nil
		}
		if ctx.Err() != nil {
			return answer{}, ctx.Err()
		}
	}
	return answer{}, err
}

// ask asks one server for the IPv4 addresses, and when there are none for the
// IPv6 ones: what matters is whether and where the name leads.
func (c *Client) ask(ctx context.Context, server, name string) (answer, error) {
	a, err := c.askType(ctx, server, name, dns.TypeA)
	if err != nil || a.absent || len(a.addresses) > 0 || len(a.chain) > 0 {
		return a, err
	}
	return c.askType(ctx, server, name, dns.TypeAAAA)
}

func (c *Client) askType(ctx context.Context, server, name string, kind uint16) (answer, error) {
	q := new(dns.Msg).SetQuestion(name, kind)
	q.SetEdns0(udpSize, false)
	r, err := exchange(ctx, "udp", q, server)
	if err == nil && r.Truncated {
		r, err = exchange(ctx, "tcp", q, server)
	}
	if err != nil {
		return answer{}, err
	}
	switch {
	case r.Rcode == dns.RcodeSuccess && len(r.Answer) == 0 && !r.Authoritative && delegates(r):
		return answer{}, errNotTheirs
	case r.Rcode == dns.RcodeSuccess, r.Rcode == dns.RcodeNameError:
		return follow(name, r), nil
	case r.Rcode == dns.RcodeRefused:
		return answer{}, errNotTheirs
	default:
		return answer{}, fmt.Errorf("%s answers %s", server, dns.RcodeToString[r.Rcode])
	}
}

func exchange(ctx context.Context, network string, q *dns.Msg, server string) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, dnsTimeout)
	defer cancel()
	client := dns.Client{Net: network, Timeout: dnsTimeout, Dialer: &net.Dialer{Timeout: dnsTimeout}}
	r, _, err := client.ExchangeContext(ctx, q, server)
	return r, err
}

// delegates tells a referral: no answer, but other servers to ask.
func delegates(r *dns.Msg) bool {
	for _, rr := range r.Ns {
		if _, ok := rr.(*dns.NS); ok {
			return true
		}
	}
	return false
}

// follow walks the answer from a name through its CNAMEs to addresses. An
// NXDOMAIN is about the last name of the chain (RFC 6604).
func follow(name string, r *dns.Msg) answer {
	aliases := make(map[string]string)
	addresses := make(map[string][]string)
	for _, rr := range r.Answer {
		owner := canonical(rr.Header().Name)
		switch rr := rr.(type) {
		case *dns.CNAME:
			aliases[owner] = canonical(rr.Target)
		case *dns.A:
			addresses[owner] = append(addresses[owner], rr.A.String())
		case *dns.AAAA:
			addresses[owner] = append(addresses[owner], rr.AAAA.String())
		}
	}
	a := answer{addresses: addresses[name]}
	for at := name; len(a.addresses) == 0 && len(a.chain) <= maxChain; {
		next, ok := aliases[at]
		if !ok {
			break
		}
		a.chain = append(a.chain, next)
		a.addresses, at = addresses[next], next
	}
	// A chain that leaves the server's zone ends in an NXDOMAIN it may not
	// speak for; the next question settles it.
	a.absent = r.Rcode == dns.RcodeNameError && len(a.chain) == 0
	return a
}
