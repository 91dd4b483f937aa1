package route53

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
func (n *Names) Resolve(ctx context.Context, s dr.Service, name string) (dr.Resolution, error) {
	at := canonical(name)
	if _, ok := dns.IsDomainName(at); !ok || at == "." {
		return dr.Resolution{}, &dr.Error{Code: dr.Invalid, What: dr.T("dns.no-name", "name", name)}
	}
	servers, err := n.nameServers(ctx, s)
	if err != nil && inZone(s, at) {
		return dr.Resolution{}, err
	}
	res := dr.Resolution{Chain: []string{withoutDot(at)}}
	for len(res.Chain) <= maxChain {
		a, err := n.lookup(ctx, s, servers, at)
		if err != nil {
			return res, err
		}
		for _, next := range a.chain {
			res.Chain, at = append(res.Chain, withoutDot(next)), next
		}
		switch {
		case len(a.addresses) > 0:
			res.Addresses = a.addresses
			return res, nil
		case a.absent:
			return res, absentName(res.Chain)
		case len(a.chain) == 0:
			return res, bareName(res.Chain)
		}
	}
	return res, &dr.Error{Code: dr.Conflict,
		What: dr.T("dns.long-chain", "name", withoutDot(canonical(name)), "n", maxChain), Next: dr.T("dns.long-chain.next")}
}

func withoutDot(name string) string { return strings.TrimSuffix(name, ".") }

// absentName says that the last name of a chain does not exist.
func absentName(chain []string) error {
	last := chain[len(chain)-1]
	if len(chain) == 1 {
		return &dr.Error{Code: dr.NotFound, What: dr.T("dns.absent", "name", last)}
	}
	return &dr.Error{Code: dr.NotFound, What: dr.T("dns.absent.behind", "name", last, "first", chain[0])}
}

// bareName says that the last name of a chain exists and has no address.
func bareName(chain []string) error {
	last := chain[len(chain)-1]
	if len(chain) == 1 {
		return &dr.Error{Code: dr.NotFound, What: dr.T("dns.no-address", "name", last)}
	}
	return &dr.Error{Code: dr.NotFound, What: dr.T("dns.no-address.behind", "name", last, "first", chain[0])}
}

// lookup asks for one name: the zone's servers, and for a foreign name that
// they do not resolve the system.
func (n *Names) lookup(ctx context.Context, s dr.Service, servers []string, name string) (answer, error) {
	a, err := n.askServers(ctx, servers, name)
	if inZone(s, name) {
		if err != nil {
			return a, &dr.Error{Code: dr.Temporary, Err: err,
				What: dr.T("dns.unanswered", "zone", withoutDot(zoneOf(s)), "name", withoutDot(name))}
		}
		return a, nil
	}
	if err == nil && !a.absent && (len(a.addresses) > 0 || len(a.chain) > 0) {
		return a, nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.cloud.CallTimeout())
	defer cancel()
	addrs, err := n.system.LookupIP(ctx, name)
	if err != nil && absent(err) {
		return answer{absent: true}, nil
	}
	if err != nil {
		return answer{}, &dr.Error{Code: dr.Temporary, Err: err,
			What: dr.T("dns.unanswered.system", "name", withoutDot(name))}
	}
	for _, addr := range addrs {
		a.addresses = append(a.addresses, addr.Unmap().String())
	}
	return answer{addresses: a.addresses}, nil
}

// askServers asks each server in turn. A server's word that a name does not
// exist counts; a refusal or a fault sends the question to the next.
func (n *Names) askServers(ctx context.Context, servers []string, name string) (answer, error) {
	err := errors.New("no server to ask")
	for _, server := range servers {
		var a answer
		if a, err = n.askAddresses(ctx, server, name); err == nil {
			return a, nil
		}
		if ctx.Err() != nil {
			return answer{}, ctx.Err()
		}
	}
	return answer{}, err
}

// askAddresses asks one server for the IPv4 addresses, and when there are none for the
// IPv6 ones: what matters is whether and where the name leads.
func (n *Names) askAddresses(ctx context.Context, server, name string) (answer, error) {
	a, err := n.askType(ctx, server, name, dns.TypeA)
	if err != nil || a.absent || len(a.addresses) > 0 || len(a.chain) > 0 {
		return a, err
	}
	return n.askType(ctx, server, name, dns.TypeAAAA)
}

func (n *Names) askType(ctx context.Context, server, name string, kind uint16) (answer, error) {
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
