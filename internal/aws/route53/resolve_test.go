package route53

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

// nameServer serves records on UDP and TCP of one port. It is in charge of
// example.test and refuses the rest, unless it has a record for it.
type nameServer struct {
	addr    string
	records []string
	long    bool // truncates over UDP
	rcode   int  // answers everything with it, when not zero
	udp     atomic.Int32
	tcp     atomic.Int32
}

func serveNames(t *testing.T, ns *nameServer) *nameServer {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ns.addr = udp.LocalAddr().String()
	tcp, err := net.Listen("tcp", ns.addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{{PacketConn: udp, Handler: ns}, {Listener: tcp, Handler: ns}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return ns
}

func (ns *nameServer) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	r := new(dns.Msg).SetReply(q)
	defer func() { _ = w.WriteMsg(r) }()
	_, isUDP := w.RemoteAddr().(*net.UDPAddr)
	if isUDP {
		ns.udp.Add(1)
	} else {
		ns.tcp.Add(1)
	}
	switch {
	case ns.rcode != 0:
		r.Rcode = ns.rcode
		return
	case isUDP && ns.long:
		r.Truncated = true
		return
	}
	r.Authoritative = true
	known := ns.answer(r, q.Question[0].Name, q.Question[0].Qtype)
	switch {
	case known:
	case strings.HasSuffix(q.Question[0].Name, "example.test."):
		r.Rcode = dns.RcodeNameError
	default:
		r.Rcode = dns.RcodeRefused
	}
}

// answer follows CNAMEs as long as it has records, as a real server does.
func (ns *nameServer) answer(r *dns.Msg, name string, kind uint16) (known bool) {
	for range 5 {
		next := ""
		for _, record := range ns.records {
			rr, err := dns.NewRR(record)
			if err != nil || !strings.EqualFold(rr.Header().Name, name) {
				continue
			}
			known = true
			if c, ok := rr.(*dns.CNAME); ok {
				r.Answer, next = append(r.Answer, rr), c.Target
			} else if rr.Header().Rrtype == kind {
				r.Answer = append(r.Answer, rr)
			}
		}
		if next == "" {
			return known
		}
		name = next
	}
	return known
}

// system is a stand-in for the host's resolver.
type system struct {
	ns  map[string][]string
	ip  map[string]string
	err error
	log []string
}

func (s *system) LookupNS(_ context.Context, zone string) ([]string, error) {
	s.log = append(s.log, "NS "+zone)
	if len(s.ns[zone]) > 0 {
		return s.ns[zone], nil
	}
	return nil, &net.DNSError{IsNotFound: true, Name: zone}
}

func (s *system) LookupIP(_ context.Context, name string) ([]netip.Addr, error) {
	s.log = append(s.log, "IP "+name)
	if a, ok := s.ip[name]; ok {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	if s.err != nil {
		return nil, s.err
	}
	return nil, &net.DNSError{IsNotFound: true, Name: name}
}

// namesWith asks a stand-in where the host's resolver would be asked.
func namesWith(t *testing.T, sys *system, change ...func(*aws.Options)) *Names {
	t.Helper()
	o := aws.Options{Endpoint: "http://127.0.0.1:1"}
	for _, c := range change {
		c(&o)
	}
	cloud, err := aws.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	names := New(cloud)
	names.system = sys
	return names
}

func named(servers ...string) dr.Service {
	s := dr.Service{Name: "portal"}
	s.Names = dr.Names{
		Public:   "portal.example.test",
		Regional: map[dr.Region]string{awstest.Seoul: "ap-northeast-2.portal.example.test", awstest.Tokyo: "ap-northeast-1.portal.example.test"},
		Servers:  servers,
	}
	return s
}

// dead is the address of a server that is not there.
func dead(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

var zoneFile = []string{
	"portal.example.test. 60 IN CNAME ap-northeast-1.portal.example.test.",
	"ap-northeast-1.portal.example.test. 60 IN CNAME lb.elb.test.",
	"lb.elb.test. 60 IN A 10.1.0.1",
	"lb.elb.test. 60 IN A 10.1.0.2",
	"Upper.Example.test. 60 IN A 10.1.0.3",
	"six.example.test. 60 IN AAAA fd00::6",
	"empty.example.test. 60 IN TXT hello",
	"ping.example.test. 60 IN CNAME pong.example.test.",
	"pong.example.test. 60 IN CNAME ping.example.test.",
	"dangling.example.test. 60 IN CNAME gone.example.test.",
	"outside.example.test. 60 IN CNAME lb.other.test.",
	"lost.example.test. 60 IN CNAME lb.lost.test.",
}

func TestResolve(t *testing.T) {
	ns := serveNames(t, &nameServer{records: zoneFile})
	s := named(ns.addr)
	for name, tc := range map[string]struct {
		chain, addresses []string
		code             dr.Code
	}{
		"portal.example.test":   {[]string{"portal.example.test", "ap-northeast-1.portal.example.test", "lb.elb.test"}, []string{"10.1.0.1", "10.1.0.2"}, ""},
		"PORTAL.example.test.":  {[]string{"portal.example.test", "ap-northeast-1.portal.example.test", "lb.elb.test"}, []string{"10.1.0.1", "10.1.0.2"}, ""},
		"upper.example.test":    {[]string{"upper.example.test"}, []string{"10.1.0.3"}, ""},
		"six.example.test":      {[]string{"six.example.test"}, []string{"fd00::6"}, ""},
		"outside.example.test":  {[]string{"outside.example.test", "lb.other.test"}, []string{"10.2.0.1"}, ""},
		"empty.example.test":    {[]string{"empty.example.test"}, nil, dr.NotFound},
		"missing.example.test":  {[]string{"missing.example.test"}, nil, dr.NotFound},
		"dangling.example.test": {[]string{"dangling.example.test", "gone.example.test"}, nil, dr.NotFound},
		"lost.example.test":     {[]string{"lost.example.test", "lb.lost.test"}, nil, dr.NotFound},
		"ping.example.test":     {nil, nil, dr.Conflict},
		"":                      {nil, nil, dr.Invalid},
		"a..b":                  {nil, nil, dr.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			sys := &system{ip: map[string]string{"lb.other.test.": "10.2.0.1"}}
			got, err := namesWith(t, sys).Resolve(t.Context(), s, name)
			if tc.code != "" {
				awstest.Refused(t, err, tc.code)
			} else if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Addresses, tc.addresses) || tc.chain != nil && !slices.Equal(got.Chain, tc.chain) {
				t.Errorf("%+v", got)
			}
			for _, asked := range sys.log {
				if strings.HasSuffix(asked, "example.test.") {
					t.Errorf("the system's resolver was asked for %s", asked)
				}
			}
		})
	}
}

func TestResolveServers(t *testing.T) {
	good := serveNames(t, &nameServer{records: zoneFile})
	refusing := serveNames(t, &nameServer{rcode: dns.RcodeRefused})
	faulty := serveNames(t, &nameServer{rcode: dns.RcodeServerFailure})
	want := []string{"10.1.0.3"}

	got, err := namesWith(t, &system{}).Resolve(t.Context(), named(dead(t), refusing.addr, faulty.addr, good.addr), "upper.example.test")
	if err != nil || !slices.Equal(got.Addresses, want) {
		t.Errorf("the last of four answers: %+v, %v", got, err)
	}
	_, err = namesWith(t, &system{}).Resolve(t.Context(), named(dead(t), refusing.addr, faulty.addr), "upper.example.test")
	awstest.Refused(t, err, dr.Temporary)

	_, err = namesWith(t, &system{err: errors.New("no route")}).Resolve(t.Context(), named(good.addr), "lost.example.test")
	awstest.Refused(t, err, dr.Temporary)
}

func TestResolveOverTCP(t *testing.T) {
	ns := serveNames(t, &nameServer{records: zoneFile, long: true})
	got, err := namesWith(t, &system{}).Resolve(t.Context(), named(ns.addr), "upper.example.test")
	if err != nil || !slices.Equal(got.Addresses, []string{"10.1.0.3"}) || ns.udp.Load() != 1 || ns.tcp.Load() != 1 {
		t.Errorf("%+v, %v, %d over UDP, %d over TCP", got, err, ns.udp.Load(), ns.tcp.Load())
	}
}

func TestNameServersAreFound(t *testing.T) {
	now := time.Now()
	sys := &system{ns: map[string][]string{"example.test.": {"ns2.test.", "ns1.test."}}}
	c := namesWith(t, sys, func(o *aws.Options) { o.Clock = func() time.Time { return now } })
	for range 2 {
		got, err := c.nameServers(t.Context(), named())
		if err != nil || !slices.Equal(got, []string{"ns1.test:53", "ns2.test:53"}) {
			t.Errorf("%q, %v", got, err)
		}
	}
	if want := []string{"NS portal.example.test.", "NS example.test."}; !slices.Equal(sys.log, want) {
		t.Errorf("asked %q, want %q once", sys.log, want)
	}
	now = now.Add(zonesKept)
	sys.ns = nil
	_, err := c.Resolve(t.Context(), named(), "portal.example.test")
	awstest.Refused(t, err, dr.Temporary)
	got, err := c.nameServers(t.Context(), named("ns1.test", "10.0.0.2:5353", "fd00::53", "[fd00::54]"))
	if want := []string{"ns1.test:53", "10.0.0.2:5353", "[fd00::53]:53", "[fd00::54]:53"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}
