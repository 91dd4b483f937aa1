package steps

import (
	"context"
	"slices"

	"github.com/drbot/drbot/dr"
)

// resolver asks the zone's own name servers.
type resolver interface {
	Resolve(ctx context.Context, s dr.Service, name string) (dr.Resolution, error)
}

// Leads tells whether a name leads to a Region, and what was answered for it: by the Region's
// own name among the names passed through, or, where the record is an alias and shows no name,
// by its addresses. Those of an alias are some of the load balancer's, so one in common is
// enough; one of the other Region's too is not.
func Leads(ctx context.Context, ask resolver, s dr.Service, name string, to dr.Region) (dr.Resolution, bool, error) {
	res, err := ask.Resolve(ctx, s, name)
	if err != nil || len(res.Addresses) == 0 {
		return res, false, err
	}
	for region, regional := range s.Names.Regional {
		if res.Through(regional) {
			return res, region == to, nil
		}
	}
	shares := func(region dr.Region) (bool, error) {
		own, err := ask.Resolve(ctx, s, s.Names.Regional[region])
		return err == nil && slices.ContainsFunc(own.Addresses, func(a string) bool { return slices.Contains(res.Addresses, a) }), err
	}
	there, err := shares(to)
	if err != nil || !there {
		return res, false, err
	}
	for region := range s.Names.Regional {
		// The Region that is left may have no name any more.
		if elsewhere, _ := shares(region); elsewhere && region != to {
			return res, false, nil
		}
	}
	return res, true, nil
}
