package workflows_test

import (
	"context"
	"errors"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/steps"
	"github.com/drbot/drbot/workflows/world"
)

// lost is a name that no server answers for.
const lost = "lost.example.com"

// answers is what the zone's servers say of each name.
type answers map[string]dr.Resolution

func (a answers) Resolve(_ context.Context, _ dr.Service, name string) (dr.Resolution, error) {
	res, there := a[name]
	switch {
	case name == lost:
		return res, errors.New("no server answers")
	case !there:
		return res, &dr.Error{Code: dr.NotFound}
	}
	return res, nil
}

// TestCaseAWS16And17WhereANameLeads holds names together as DNS does, and follows a record that is
// an alias by its addresses.
func TestCaseAWS16And17WhereANameLeads(t *testing.T) {
	t.Parallel()
	const public, seoul, tokyo = "portal.example.com", "portal-seoul.example.com", "Portal-Tokyo.example.com."
	svc := dr.Service{Regions: []dr.Region{world.Seoul, world.Tokyo}, Names: dr.Names{Public: public, Regional: map[dr.Region]string{world.Seoul: seoul, world.Tokyo: tokyo}}}
	to := func(addresses []string, chain ...string) dr.Resolution {
		return dr.Resolution{Chain: chain, Addresses: addresses}
	}
	one, both := []string{"192.0.2.1"}, []string{"192.0.2.1", "192.0.2.2"}
	for name, c := range map[string]struct {
		all  answers
		want bool
	}{
		"by the name, in other letters":          {answers{public: to(one, public, "portal-tokyo.EXAMPLE.com")}, true},
		"the other Region's name":                {answers{public: to(one, public, seoul), tokyo: to(one, tokyo)}, false},
		"an alias":                               {answers{public: to(one, public), tokyo: to(both, tokyo), seoul: to([]string{"192.0.2.9"}, seoul)}, true},
		"an alias, the source's name is gone":    {answers{public: to(one, public), tokyo: to(both, tokyo)}, true},
		"an alias to the other Region":           {answers{public: to([]string{"192.0.2.9"}, public), tokyo: to(both, tokyo), seoul: to([]string{"192.0.2.9"}, seoul)}, false},
		"an alias, both Regions answer the same": {answers{public: to(one, public), tokyo: to(both, tokyo), seoul: to(one, seoul)}, false},
		"through both names, the target's last":  {answers{public: to(one, public, seoul, tokyo)}, true},
		"through both names, the source's last":  {answers{public: to(one, public, tokyo, seoul)}, false},
		"an alias, the target is not built yet":  {answers{public: to(one, public), seoul: to([]string{"192.0.2.9"}, seoul)}, false},
		"no address":                             {answers{public: to(nil, public, "portal-tokyo.example.com")}, false},
	} {
		if _, leads, err := steps.Leads(t.Context(), c.all, svc, public, world.Tokyo); err != nil || leads != c.want {
			t.Errorf("%s: %t, %v", name, leads, err)
		}
	}
	for region, want := range map[dr.Region]answers{
		world.Tokyo: {public: to(one, public)}, world.Seoul: {public: to(one, public), tokyo: to(both, tokyo)},
	} {
		svc.Names.Regional = map[dr.Region]string{world.Seoul: seoul, world.Tokyo: tokyo}
		svc.Names.Regional[region] = lost
		if _, leads, err := steps.Leads(t.Context(), want, svc, public, world.Tokyo); err == nil || leads {
			t.Errorf("where nobody tells of the name of %s, nothing is known", region)
		}
	}
}

// TestCaseAWS16AnAliasRecord has a whole failover whose names are alias records.
func TestCaseAWS16AnAliasRecord(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Alias()
		run := w.Start(world.Planned)
		approve(w, run)
		if r := w.Await(run, dr.RunSucceeded); w.Points() != world.Tokyo {
			t.Errorf("%s", whereabouts(r))
		}
	})
}
