package aws

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/miekg/dns"
)

// zone is one hosted zone as Moto has it now.
type zone struct {
	name    string // canonical
	sets    map[string][]route53types.ResourceRecordSet
	healthy func(route53types.ResourceRecordSet) bool
}

// canonical is a name in lower case with the trailing dot. Route 53 writes some characters as octal escapes.
func canonical(name string) string {
	return dns.Fqdn(strings.ToLower(strings.ReplaceAll(name, `\052`, "*")))
}

// readZones lists every public zone with its records; checks holds the health of health checks by id.
func readZones(ctx context.Context, client *route53.Client, checks map[string]bool) ([]zone, error) {
	healthy := func(set route53types.ResourceRecordSet) bool {
		known, found := checks[awssdk.ToString(set.HealthCheckId)]
		return known || !found // without a check, or with one that is gone, a record counts as healthy
	}
	var zones []zone
	pages := route53.NewListHostedZonesPaginator(client, &route53.ListHostedZonesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the zones: %w", err)
		}
		for _, hosted := range page.HostedZones {
			if hosted.Config != nil && hosted.Config.PrivateZone {
				continue
			}
			z := zone{name: canonical(*hosted.Name), sets: map[string][]route53types.ResourceRecordSet{}, healthy: healthy}
			if err := z.read(ctx, client, *hosted.Id); err != nil {
				return nil, err
			}
			zones = append(zones, z)
		}
	}
	return zones, nil
}

func (z *zone) read(ctx context.Context, client *route53.Client, id string) error {
	pages := route53.NewListResourceRecordSetsPaginator(client, &route53.ListResourceRecordSetsInput{HostedZoneId: &id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the records of %s: %w", z.name, err)
		}
		for _, set := range page.ResourceRecordSets {
			name := canonical(*set.Name)
			z.sets[name] = append(z.sets[name], set)
		}
	}
	return nil
}

// exists reports whether a name has records of any type, or names below it do.
func (z zone) exists(name string) bool {
	if len(z.sets[name]) > 0 {
		return true
	}
	for other := range z.sets {
		if strings.HasSuffix(other, "."+name) {
			return true
		}
	}
	return false
}

// set returns the records of a name and type, those that Route 53 would give this time.
func (z zone) set(name string, kind uint16) (route53types.ResourceRecordSet, bool) {
	var sets []route53types.ResourceRecordSet
	for _, set := range z.sets[name] {
		if string(set.Type) == dns.TypeToString[kind] {
			sets = append(sets, set)
		}
	}
	if len(sets) == 0 {
		return route53types.ResourceRecordSet{}, false
	}
	return z.choose(sets), true
}

// choose takes one of several sets by their weights or by failover. Other kinds of
// routing, latency and places, are not emulated: of those it is the first.
func (z zone) choose(sets []route53types.ResourceRecordSet) route53types.ResourceRecordSet {
	switch {
	case sets[0].Weight != nil:
		return byWeight(z.candidates(sets))
	case sets[0].Failover != "":
		return z.byFailover(sets)
	}
	return sets[0]
}

// candidates are those of weighted sets that may be given: healthy ones that have a
// weight; without any, healthy ones of weight 0; without any healthy one, as if all were.
func (z zone) candidates(sets []route53types.ResourceRecordSet) []route53types.ResourceRecordSet {
	var healthy []route53types.ResourceRecordSet
	for _, set := range sets {
		if z.healthy == nil || z.healthy(set) {
			healthy = append(healthy, set)
		}
	}
	if len(healthy) == 0 {
		healthy = sets
	}
	var weighted []route53types.ResourceRecordSet
	for _, set := range healthy {
		if awssdk.ToInt64(set.Weight) > 0 {
			weighted = append(weighted, set)
		}
	}
	if len(weighted) == 0 {
		return healthy
	}
	return weighted
}

// byWeight takes one at random, each as often as its share of all weights; all alike when none has a weight.
func byWeight(sets []route53types.ResourceRecordSet) route53types.ResourceRecordSet {
	total := int64(0)
	for _, set := range sets {
		total += awssdk.ToInt64(set.Weight)
	}
	if total == 0 {
		return sets[rand.IntN(len(sets))]
	}
	at := rand.Int64N(total)
	for _, set := range sets {
		if at -= awssdk.ToInt64(set.Weight); at < 0 {
			return set
		}
	}
	return sets[len(sets)-1] // never
}

// byFailover takes the primary while it is healthy, else the secondary; the primary again when neither is.
func (z zone) byFailover(sets []route53types.ResourceRecordSet) route53types.ResourceRecordSet {
	primary := sets[0]
	for _, set := range sets {
		if set.Failover == route53types.ResourceRecordSetFailoverPrimary {
			primary = set
		}
	}
	for _, set := range append([]route53types.ResourceRecordSet{primary}, sets...) {
		if z.healthy == nil || z.healthy(set) {
			return set
		}
	}
	return primary
}

// records are the resource records of a set that is no alias.
func records(set route53types.ResourceRecordSet) ([]dns.RR, error) {
	var found []dns.RR
	for _, record := range set.ResourceRecords {
		ttl := awssdk.ToInt64(set.TTL)
		rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", canonical(*set.Name), ttl, set.Type, *record.Value))
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", *set.Name, err)
		}
		found = append(found, absolute(rr))
	}
	return found, nil
}

// absolute ends the names in a record with a dot, as Route 53 does.
func absolute(rr dns.RR) dns.RR {
	switch r := rr.(type) {
	case *dns.CNAME:
		r.Target = canonical(r.Target)
	case *dns.NS:
		r.Ns = canonical(r.Ns)
	}
	return rr
}

// loadBalancers returns the names of a Region's load balancers, canonical.
func loadBalancers(ctx context.Context, client *elb.Client) (map[string]bool, error) {
	found, err := client.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{})
	if err != nil {
		return nil, fmt.Errorf("list the load balancers: %w", err)
	}
	names := map[string]bool{}
	for _, balancer := range found.LoadBalancers {
		names[canonical(*balancer.DNSName)] = true
	}
	return names, nil
}
