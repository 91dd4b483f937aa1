package aws

import (
	"context"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/miekg/dns"
)

// zone is one hosted zone as Moto has it now.
type zone struct {
	name string // canonical
	sets map[string][]route53types.ResourceRecordSet
}

// canonical is a name in lower case with the trailing dot. Route 53 writes some characters as octal escapes.
func canonical(name string) string {
	return dns.Fqdn(strings.ToLower(strings.ReplaceAll(name, `\052`, "*")))
}

// readZones lists every public zone with its records.
func readZones(ctx context.Context, client *route53.Client) ([]zone, error) {
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
			z := zone{name: canonical(*hosted.Name), sets: map[string][]route53types.ResourceRecordSet{}}
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

// set returns the records of a name and type. Of several by weight it is the first
// that has a weight, of several by failover the primary one: health checks are not emulated.
func (z zone) set(name string, kind uint16) (route53types.ResourceRecordSet, bool) {
	for _, set := range z.sets[name] {
		if string(set.Type) != dns.TypeToString[kind] || set.Weight != nil && *set.Weight == 0 ||
			set.Failover == route53types.ResourceRecordSetFailoverSecondary {
			continue
		}
		return set, true
	}
	return route53types.ResourceRecordSet{}, false
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
