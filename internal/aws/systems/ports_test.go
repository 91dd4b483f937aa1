package systems_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws/aurora"
	"github.com/drbot/drbot/internal/contract"
	sandbox "github.com/drbot/drbot/internal/sandbox/aws"
)

// TestPorts runs the contracts of the cloud's ports on the systems of AWS. One emulated
// cloud is enough for all of them: each test of a database has a database of its own, and
// what a test does to the cloud is undone behind it.
func TestPorts(t *testing.T) {
	w := newWorld(t)
	made := 0
	t.Run("database", func(t *testing.T) {
		contract.PromotedDatabase(t, func(t *testing.T) contract.DatabaseWorld {
			made++
			h := w.hands(t)
			db := h.addDatabase(fmt.Sprintf("db%d", made))
			return contract.DatabaseWorld{Way: h.way(), Database: h.databases, Resource: db, Cloud: databaseHands{h, db}}
		})
	})
	t.Run("workloads", func(t *testing.T) {
		contract.ScaledWorkloads(t, func(t *testing.T) contract.WorkloadsWorld {
			h := w.hands(t)
			return contract.WorkloadsWorld{Way: h.way(), Workloads: h.workloads, Resource: h.web, Cloud: workloadsHands{h}}
		})
	})
	t.Run("network", func(t *testing.T) {
		contract.ResolvedNames(t, func(t *testing.T) contract.NetworkWorld {
			h := w.hands(t)
			return contract.NetworkWorld{Way: h.way(), Network: h.names, Cloud: networkHands{h}}
		})
	})
}

// hands are what the contracts' suites do to the emulated cloud.
type hands struct {
	*world
	faults sandbox.Faults
}

// hands gives one test the cloud, and takes it back as it was.
func (w world) hands(t *testing.T) *hands {
	w.T = t
	w.service.Resources = slices.Clone(w.service.Resources)
	w.service.Names.Servers = slices.Clone(w.service.Names.Servers)
	h := &hands{world: &w}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		undone := []error{w.cloud.SetFaults(ctx, sandbox.Faults{}), h.point(ctx, seoul)}
		for _, r := range []dr.Region{seoul, tokyo} {
			undone = append(undone, w.cloud.Lift(ctx, string(r)), w.cloud.FailApp(string(r), false))
		}
		if err := errors.Join(undone...); err != nil {
			t.Error(err)
		}
	})
	return h
}

// point makes the public name lead to a Region.
func (h *hands) point(ctx context.Context, to dr.Region) error {
	l := h.cloud.Layout
	return sandbox.PointTraffic(ctx, l.MotoEndpoint, l.ZoneID, l.RecordName, h.service.Names.Regional[to])
}

// set changes the faults of the cloud for the rest of the test.
func (h *hands) set(change func(*sandbox.Faults)) {
	h.Helper()
	change(&h.faults)
	h.must(h.cloud.SetFaults(h.Context(), h.faults))
}

func (h *hands) way() contract.Way {
	return contract.Way{Service: h.service, Source: seoul, Target: tokyo, Await: func(t *testing.T, what string, holds func() bool) {
		t.Helper()
		w := *h.world
		w.T = t
		w.eventually(what, holds)
	}}
}

func (h *hands) Lose(r dr.Region) {
	h.Helper()
	h.must(h.cloud.Outage(h.Context(), string(r), sandbox.Refuse))
}

// databaseHands are those of one database.
type databaseHands struct {
	*hands
	db dr.Resource
}

func (h databaseHands) Asked() (out []contract.Asked) {
	h.Helper()
	all, err := h.cloud.Promotions(h.Context())
	h.must(err)
	for _, p := range all {
		if p.GlobalCluster != h.db.Spec[aurora.GlobalCluster] {
			continue
		}
		mode := dr.Planned
		if p.AllowDataLoss {
			mode = dr.Disaster
		}
		out = append(out, contract.Asked{Mode: mode, Through: dr.Region(p.Region)})
	}
	return out
}

func (h databaseHands) LoseAnswer() {
	remove := h.cloud.Proxy.Hook(sandbox.Matcher{Operation: "FailoverGlobalCluster"}, sandbox.After, 1, func(sandbox.Call) bool { return true })
	h.Cleanup(remove)
}

func (h databaseHands) Status(raw string) {
	h.set(func(f *sandbox.Faults) { f.GlobalStatus = raw })
}

func (h databaseHands) Stuck() {
	h.set(func(f *sandbox.Faults) { f.PromotionStuck = true })
}

func (h databaseHands) NoLag() {
	h.set(func(f *sandbox.Faults) { f.LagMissing = true })
}

type workloadsHands struct{ *hands }

func (h workloadsHands) Sick(r dr.Region) {
	h.set(func(f *sandbox.Faults) { f.TargetsUnhealthy = []string{string(r)} })
}

func (h workloadsHands) Trips(r dr.Region) {
	h.set(func(f *sandbox.Faults) { f.BreakerTrips = []string{string(r)} })
}

func (h workloadsHands) Never(r dr.Region) {
	h.set(func(f *sandbox.Faults) { f.RunningNever = []string{string(r)} })
}

func (h workloadsHands) Changes(r dr.Region) (n int) {
	for _, c := range h.cloud.Proxy.Calls() {
		if c.Region == string(r) && c.Operation == "UpdateService" {
			n++
		}
	}
	return n
}

type networkHands struct{ *hands }

func (h networkHands) Point(to dr.Region) {
	h.Helper()
	h.must(h.point(h.Context(), to))
}

func (h networkHands) Sick(r dr.Region) {
	h.Helper()
	h.must(h.cloud.FailApp(string(r), true))
}

func (h networkHands) Absent() string { return "nothing." + h.cloud.Layout.ZoneName }

func (h networkHands) Silence() { h.service.Names.Servers[0] = "127.0.0.1:1" }
