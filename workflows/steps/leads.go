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
	last := -1 // of a chain through both Regions' names the last is where it leads
	leads := false
	for region, regional := range s.Names.Regional {
		if at := res.At(regional); at > last {
			last, leads = at, region == to
		}
	}
	if last >= 0 {
		return res, leads, nil
	}
	shares := func(region dr.Region) (bool, error) {
		own, err := ask.Resolve(ctx, s, s.Names.Regional[region])
		if dr.CodeOf(err) == dr.NotFound { // a Region that is not built yet, or no more
			return false, nil
		}
		return err == nil && slices.ContainsFunc(own.Addresses, func(a string) bool { return slices.Contains(res.Addresses, a) }), err
	}
	there, err := shares(to)
	if err != nil || !there {
		return res, false, err
	}
	for region := range s.Names.Regional {
		if region == to {
			continue
		}
		if elsewhere, err := shares(region); err != nil || elsewhere {
			return res, false, err
		}
	}
	return res, true, nil
}
