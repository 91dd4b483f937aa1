package route53

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// zonesKept is how long found name servers are remembered.
const zonesKept = 10 * time.Minute

// zoneServers are the name servers of a zone, as found.
type zoneServers struct {
	servers []string
	until   time.Time
}

// systemResolver is the host's resolver, for what is not the zone's own.
type systemResolver interface {
	LookupNS(ctx context.Context, zone string) ([]string, error)
	LookupIP(ctx context.Context, name string) ([]netip.Addr, error)
}

type netResolver struct{}

func (netResolver) LookupNS(ctx context.Context, zone string) ([]string, error) {
	records, err := net.DefaultResolver.LookupNS(ctx, zone)
	if len(records) == 0 {
		return nil, err
	}
	hosts := make([]string, len(records))
	for i, r := range records {
		hosts[i] = r.Host
	}
	return hosts, nil
}

func (netResolver) LookupIP(ctx context.Context, name string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

// zoneOf is the part of the tree that the service's own name servers are taken to
// answer for: everything beside and below the public name.
func zoneOf(s dr.Service) string {
	public := canonical(s.Names.Public)
	if _, parent, ok := strings.Cut(public, "."); ok && strings.Contains(strings.TrimSuffix(parent, "."), ".") {
		return parent
	}
	return public
}

func inZone(s dr.Service, name string) bool {
	z := zoneOf(s)
	return z != "" && z != "." && (name == z || strings.HasSuffix(name, "."+z))
}

// canonical is a name in lower case with its final dot.
func canonical(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, ".")) + "."
}

// nameServers are those of the configuration, as host:port, or those that the
// system's resolver knows for the zone.
func (n *Names) nameServers(ctx context.Context, s dr.Service) ([]string, error) {
	if len(s.Names.Servers) > 0 {
		servers := make([]string, len(s.Names.Servers))
		for i, server := range s.Names.Servers {
			servers[i] = withPort(server)
		}
		return servers, nil
	}
	start := canonical(s.Names.Public)
	if start == "." {
		return nil, &dr.Error{Code: dr.Invalid, What: dr.T("dns.no-public-name", "service", s.Name)}
	}
	n.mu.Lock()
	known, ok := n.zones[start]
	n.mu.Unlock()
	if ok && n.cloud.Now().Before(known.until) {
		return known.servers, nil
	}
	servers, err := n.findServers(ctx, start)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.zones[start] = zoneServers{servers, n.cloud.Now().Add(zonesKept)}
	n.mu.Unlock()
	return servers, nil
}

// findServers walks up from the public name until a zone answers. It starts
// there and not at the name that is asked for: the public name always exists,
// while a resolver asked about a regional name before it is made would remember
// its absence, which is what asking the zone's own servers is to avoid.
func (n *Names) findServers(ctx context.Context, start string) ([]string, error) {
	var failed error
	for at := start; strings.Contains(strings.TrimSuffix(at, "."), "."); {
		hosts, err := n.lookupNS(ctx, at)
		if len(hosts) > 0 {
			servers := make([]string, len(hosts))
			for i, h := range hosts {
				servers[i] = withPort(strings.TrimSuffix(h, "."))
			}
			slices.Sort(servers)
			return servers, nil
		}
		if err != nil && !absent(err) {
			failed = err
		}
		_, at, _ = strings.Cut(at, ".")
	}
	return nil, &dr.Error{Code: dr.Temporary, Err: failed,
		What: dr.T("dns.no-servers", "name", withoutDot(start)), Next: dr.T("dns.no-servers.next")}
}

func (n *Names) lookupNS(ctx context.Context, at string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, n.cloud.CallTimeout())
	defer cancel()
	return n.system.LookupNS(ctx, at)
}

func absent(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}

func withPort(server string) string {
	if _, _, err := net.SplitHostPort(server); err == nil {
		return server
	}
	return net.JoinHostPort(strings.Trim(server, "[]"), "53")
}
