package aws

import (
	"context"
	"net"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/miekg/dns"
)

// ask sends one question.
func ask(t *testing.T, c *Cloud, network, name string, kind uint16) *dns.Msg {
	t.Helper()
	client := &dns.Client{Net: network}
	got, _, err := client.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), kind), c.Layout.DNSAddr)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDNS(t *testing.T) {
	c := startCloud(t)
	t.Run("answers", func(t *testing.T) { testAnswers(t, c) })
	t.Run("alias", func(t *testing.T) { testAlias(t, c) })
	t.Run("follows Route 53", func(t *testing.T) { testFollows(t, c) })
}

func testAnswers(t *testing.T, c *Cloud) {
	l := c.Layout
	for _, network := range []string{"udp", "tcp"} {
		got := ask(t, c, network, l.RecordName, dns.TypeA)
		if !got.Authoritative || got.Rcode != dns.RcodeSuccess || len(got.Answer) != 3 {
			t.Fatalf("%s: %v", network, got)
		}
		first, ok1 := got.Answer[0].(*dns.CNAME)
		second, ok2 := got.Answer[1].(*dns.CNAME)
		third, ok3 := got.Answer[2].(*dns.A)
		if !ok1 || !ok2 || !ok3 || first.Target != l.Regions[seoul].RecordName+"." || first.Hdr.Ttl != 60 ||
			second.Target != l.Regions[seoul].LoadBalancerDNS+"." || third.A.String() != "127.0.0.2" {
			t.Errorf("%s: %v", network, got)
		}
	}
	for _, test := range []struct {
		what, name string
		kind       uint16
		rcode      int
		answers    int
		soa        bool
	}{
		{"a name that is not there", "nobody." + l.ZoneName, dns.TypeA, dns.RcodeNameError, 0, true},
		{"a type that is not there", l.ZoneName, dns.TypeTXT, dns.RcodeSuccess, 0, true},
		{"the zone itself", l.ZoneName, dns.TypeSOA, dns.RcodeSuccess, 1, false},
		{"its name servers", l.ZoneName, dns.TypeNS, dns.RcodeSuccess, 4, false},
		{"a CNAME as such", l.RecordName, dns.TypeCNAME, dns.RcodeSuccess, 1, false},
		{"letter case", "SERVICE-be." + l.ZoneName, dns.TypeCNAME, dns.RcodeSuccess, 1, false},
		{"a load balancer", l.Regions[tokyo].LoadBalancerDNS, dns.TypeA, dns.RcodeSuccess, 1, false},
		{"no load balancer", "nobody-1.ap-northeast-1.elb.amazonaws.com", dns.TypeA, dns.RcodeNameError, 0, false},
		{"somebody else's name", "example.com", dns.TypeA, dns.RcodeRefused, 0, false},
	} {
		got := ask(t, c, "udp", test.name, test.kind)
		soa := len(got.Ns) == 1 && got.Ns[0].Header().Rrtype == dns.TypeSOA
		if got.Rcode != test.rcode || len(got.Answer) != test.answers || soa != test.soa ||
			got.Authoritative == (test.rcode == dns.RcodeRefused) {
			t.Errorf("%s: %v", test.what, got)
		}
	}
}

func testFollows(t *testing.T, c *Cloud) {
	before := len(c.Proxy.Calls())
	l := c.Layout
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, l.DNSAddr)
	}}
	address := func() string {
		found, err := resolver.LookupHost(t.Context(), l.RecordName)
		if err != nil || len(found) != 1 {
			t.Fatalf("%v, %v", found, err)
		}
		return found[0]
	}
	if got := address(); got != "127.0.0.2" {
		t.Errorf("at first: %s", got)
	}
	point := func() {
		t.Helper()
		if err := PointTraffic(t.Context(), l.Endpoint, l.ZoneID, l.RecordName, l.Regions[tokyo].RecordName); err != nil {
			t.Fatal(err)
		}
	}
	point()
	eventually(t, "the public name leads to Tokyo", func() bool { return address() == "127.0.0.3" })
	if got, err := c.Record(t.Context()); got != l.Regions[tokyo].RecordName || err != nil {
		t.Errorf("Record = %s, %v", got, err)
	}
	point() // again
	writes := 0
	for _, call := range c.Proxy.Calls()[before:] {
		if call.Write {
			writes++
		}
	}
	if writes != 1 {
		t.Errorf("%d writes for one change", writes)
	}
}

func testAlias(t *testing.T, c *Cloud) {
	l := c.Layout
	upsert := func(set route53types.ResourceRecordSet) {
		t.Helper()
		_, err := through(c, seoul).dns.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
			HostedZoneId: &l.ZoneID,
			ChangeBatch: &route53types.ChangeBatch{Changes: []route53types.Change{{
				Action: route53types.ChangeActionUpsert, ResourceRecordSet: &set,
			}}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	alias := func(name, target string) route53types.ResourceRecordSet {
		return route53types.ResourceRecordSet{
			Name: awssdk.String(name), Type: route53types.RRTypeA,
			AliasTarget: &route53types.AliasTarget{DNSName: awssdk.String(target), HostedZoneId: &l.ZoneID},
		}
	}
	upsert(alias("direct."+l.ZoneName, "dualstack."+l.Regions[tokyo].LoadBalancerDNS))
	upsert(alias("indirect."+l.ZoneName, "direct."+l.ZoneName))
	upsert(alias("round."+l.ZoneName, "round."+l.ZoneName))
	upsert(route53types.ResourceRecordSet{
		Name: awssdk.String("text." + l.ZoneName), Type: route53types.RRTypeTxt, TTL: awssdk.Int64(5),
		ResourceRecords: []route53types.ResourceRecord{{Value: awssdk.String(`"hello there"`)}},
	})
	eventually(t, "the text", func() bool { return len(ask(t, c, "udp", "text."+l.ZoneName, dns.TypeTXT).Answer) == 1 })
	for _, name := range []string{"direct.", "indirect."} {
		got := ask(t, c, "udp", name+l.ZoneName, dns.TypeA)
		if len(got.Answer) != 1 || got.Answer[0].(*dns.A).A.String() != "127.0.0.3" ||
			got.Answer[0].Header().Name != name+l.ZoneName+"." {
			t.Errorf("%s %v", name, got)
		}
	}
	if got := ask(t, c, "udp", "round."+l.ZoneName, dns.TypeA); len(got.Answer) != 0 {
		t.Errorf("an alias of itself: %v", got)
	}
}
