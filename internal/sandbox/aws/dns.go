package aws

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	dnsFresh   = 100 * time.Millisecond // how old an answer may be
	dnsPatient = 5 * time.Second        // how long Moto may take
	chainLimit = 8                      // CNAMEs in one answer
	aliasTTL   = 60                     // Route 53's own for an alias to a load balancer
)

// dnsServer is the name server of every public zone in Moto's Route 53 and of
// its load balancers. It reads Moto at every question and keeps nothing for long.
type dnsServer struct {
	cloud *Cloud
	addr  string
	udp   *dns.Server
	tcp   *dns.Server

	mu    sync.Mutex
	seen  time.Time
	zones []zone
	elbs  map[string]string // canonical name of a load balancer -> Region
}

// startDNS listens on UDP and TCP at one port.
func (c *Cloud) startDNS(port int) (*dnsServer, error) {
	for try := 1; ; try++ {
		s, err := c.listenDNS(port)
		if err == nil || port != 0 || try == appTries {
			return s, err
		}
	}
}

func (c *Cloud) listenDNS(port int) (*dnsServer, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, fmt.Errorf("start the DNS server: %w", err)
	}
	packets, err := net.ListenPacket("udp", listener.Addr().String())
	if err != nil {
		listener.Close()
		return nil, fmt.Errorf("start the DNS server: %w", err)
	}
	s := &dnsServer{cloud: c, addr: listener.Addr().String()}
	var started sync.WaitGroup
	started.Add(2)
	s.udp = &dns.Server{PacketConn: packets, Handler: s, NotifyStartedFunc: started.Done}
	s.tcp = &dns.Server{Listener: listener, Handler: s, NotifyStartedFunc: started.Done}
	go func() { _ = s.udp.ActivateAndServe() }() // both end when they are shut down
	go func() { _ = s.tcp.ActivateAndServe() }()
	started.Wait() // a server that has not started cannot be shut down
	return s, nil
}

func (s *dnsServer) close() {
	_ = s.udp.Shutdown() // they serve since startDNS returned, so there is nothing to fail
	_ = s.tcp.Shutdown()
}

// ServeDNS answers one question.
func (s *dnsServer) ServeDNS(w dns.ResponseWriter, asked *dns.Msg) {
	defer s.cloud.served.serve("DNS")()
	answer := new(dns.Msg).SetReply(asked)
	if len(asked.Question) != 1 {
		answer.Rcode = dns.RcodeFormatError
	} else if err := s.answer(answer); err != nil {
		answer = new(dns.Msg).SetRcode(asked, dns.RcodeServerFailure)
	}
	_ = w.WriteMsg(answer) // a resolver that gave up needs no answer
}

// answer fills in what Moto says now.
func (s *dnsServer) answer(m *dns.Msg) error {
	zones, elbs, err := s.read()
	if err != nil {
		return err
	}
	l := lookup{zones: zones, elbs: elbs, regions: s.cloud.Layout.Regions, kind: m.Question[0].Qtype, msg: m}
	return l.follow(canonical(m.Question[0].Name))
}

// read returns Moto's zones and load balancers, at most dnsFresh old.
func (s *dnsServer) read() ([]zone, map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.seen) < dnsFresh {
		return s.zones, s.elbs, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), dnsPatient)
	defer cancel()
	asked := time.Now()
	checks, err := s.cloud.control.health(ctx)
	if err != nil {
		return nil, nil, err
	}
	zones, err := readZones(ctx, s.cloud.home().dns, checks)
	if err != nil {
		return nil, nil, err
	}
	elbs := map[string]string{}
	for region, at := range s.cloud.clients {
		names, err := loadBalancers(ctx, at.elb)
		if err != nil {
			return nil, nil, err
		}
		for name := range names {
			elbs[name] = region
		}
	}
	s.seen, s.zones, s.elbs = asked, zones, elbs
	return zones, elbs, nil
}

// lookup is one question on its way through the zones.
type lookup struct {
	zones   []zone
	elbs    map[string]string
	regions map[string]Region
	kind    uint16
	msg     *dns.Msg
	depth   int // of aliases of aliases
}

// follow adds the answer for a name, and for what it is another name of.
func (l lookup) follow(name string) error {
	for range chainLimit {
		if region, found := l.elbs[name]; found {
			l.msg.Authoritative = true
			l.address(name, region)
			return nil
		}
		z, found := l.zoneOf(name)
		if !found {
			l.elsewhere(name)
			return nil
		}
		l.msg.Authoritative = true
		next, err := l.step(z, name)
		if err != nil || next == "" {
			return err
		}
		name = next
	}
	l.msg.Rcode = dns.RcodeServerFailure // a circle
	return nil
}

// step adds the records of a name, or that there are none; next is where a CNAME leads.
func (l lookup) step(z zone, name string) (next string, err error) {
	if set, found := z.set(name, l.kind); found {
		if set.AliasTarget != nil {
			l.alias(z, name, canonical(*set.AliasTarget.DNSName))
			return "", nil
		}
		rrs, err := records(set)
		l.msg.Answer = append(l.msg.Answer, rrs...)
		return "", err
	}
	if set, found := z.set(name, dns.TypeCNAME); found {
		rrs, err := records(set)
		if err != nil || len(rrs) == 0 {
			return "", err
		}
		l.msg.Answer = append(l.msg.Answer, rrs...)
		return rrs[0].(*dns.CNAME).Target, nil
	}
	if !z.exists(name) {
		l.msg.Rcode = dns.RcodeNameError
	}
	l.authority(z)
	return "", nil
}

// alias answers with the addresses of the target in the alias's own name, as Route 53 does.
func (l lookup) alias(z zone, name, target string) {
	region, found := l.elbs[strings.TrimPrefix(target, "dualstack.")]
	if !found {
		inner := l
		inner.msg, inner.depth = new(dns.Msg), l.depth+1
		if inner.depth < chainLimit && inner.follow(target) == nil && len(inner.msg.Answer) > 0 {
			last := dns.Copy(inner.msg.Answer[len(inner.msg.Answer)-1])
			last.Header().Name = name
			l.msg.Answer = append(l.msg.Answer, last)
			return
		}
		l.authority(z)
		return
	}
	l.address(name, region)
}

// address is the application's address in a Region.
func (l lookup) address(name, region string) {
	host, _, err := net.SplitHostPort(l.regions[region].AppAddr)
	if err != nil || l.kind != dns.TypeA {
		return // the name is there, of this type there is nothing
	}
	l.msg.Answer = append(l.msg.Answer, &dns.A{
		Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: aliasTTL},
		A:   net.ParseIP(host),
	})
}

// elsewhere is a name in no zone: refused, missing when it looks like a load balancer, or the end of a chain that leads away.
func (l lookup) elsewhere(name string) {
	switch {
	case strings.HasSuffix(name, ".elb.amazonaws.com."):
		l.msg.Authoritative = true
		l.msg.Rcode = dns.RcodeNameError
	case len(l.msg.Answer) == 0:
		l.msg.Rcode = dns.RcodeRefused
	}
}

// authority adds the zone's SOA, which says for how long the absence may be remembered.
func (l lookup) authority(z zone) {
	set, found := z.set(z.name, dns.TypeSOA)
	if !found {
		return
	}
	if rrs, err := records(set); err == nil {
		l.msg.Ns = append(l.msg.Ns, rrs...)
	}
}

// zoneOf returns the closest zone that holds a name.
func (l lookup) zoneOf(name string) (best zone, found bool) {
	for _, z := range l.zones {
		if dns.IsSubDomain(z.name, name) && (!found || len(z.name) > len(best.name)) {
			best, found = z, true
		}
	}
	return best, found
}

// Resolver asks the zone's own server, and nobody else.
func (c *Cloud) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", c.Layout.DNSAddr)
	}}
}
