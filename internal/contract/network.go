package contract

import (
	"slices"
	"testing"

	"github.com/drbot/drbot/dr"
)

// resolving is one test of the network.
type resolving struct {
	*testing.T
	NetworkWorld
}

// ResolvedNames is the contract of names and addresses.
func ResolvedNames(t *testing.T, fresh NewNetwork, in ...In) {
	each(t, map[string]func(resolving){
		"the public name leads to the Region it points at": resolving.resolved,
		"a name that does not exist":                       resolving.absent,
		"no name server answers":                           resolving.silent,
		"probes see the application behind a name":         resolving.probed,
	}, func(t *testing.T) resolving { return resolving{t, fresh(t)} }, in)
}

// leads tells whether the public name leads to a Region.
func (w resolving) leads(to dr.Region) bool {
	w.Helper()
	r, err := w.Network.Resolve(w.Context(), w.Service, w.Service.Names.Public)
	wellDone(w.T, err)
	if len(r.Chain) == 0 || r.Chain[0] != w.Service.Names.Public || len(r.Addresses) == 0 {
		w.Fatalf("resolved %+v", r)
	}
	return slices.Contains(r.Chain, w.Service.Names.Regional[to])
}

func (w resolving) resolved() {
	if !w.leads(w.Source) || w.leads(w.Target) {
		w.Error("the public name does not lead to the source alone")
	}
	w.Cloud.Point(w.Target)
	w.Await(w.T, "the public name leads to the target", func() bool { return w.leads(w.Target) })
	if w.leads(w.Source) {
		w.Error("the public name leads to the source as well")
	}
	regional := w.Service.Names.Regional[w.Source]
	if r, err := w.Network.Resolve(w.Context(), w.Service, regional); err != nil || r.Chain[0] != regional || len(r.Addresses) == 0 {
		w.Errorf("the regional name: %+v, %v", r, err)
	}
}

func (w resolving) absent() {
	_, err := w.Network.Resolve(w.Context(), w.Service, w.Cloud.Absent())
	fails(w.T, err, dr.NotFound)
	_, err = w.Network.Resolve(w.Context(), w.Service, "")
	fails(w.T, err, dr.Invalid)
}

func (w resolving) silent() {
	w.Cloud.Silence()
	_, err := w.Network.Resolve(w.Context(), w.Service, w.Service.Names.Public)
	fails(w.T, err, dr.Temporary)
}

func (w resolving) probe(name string) dr.Level {
	w.Helper()
	checks, err := w.Network.Probe(w.Context(), w.Service, name)
	wellDone(w.T, err)
	if len(checks) != len(w.Service.Probes) {
		w.Fatalf("%d checks for %d probes", len(checks), len(w.Service.Probes))
	}
	return dr.Worst(checks)
}

func (w resolving) probed() {
	public := w.Service.Names.Public
	w.Await(w.T, "the application answers", func() bool { return w.probe(public) == dr.OK })
	w.Cloud.Sick(w.Source)
	w.Await(w.T, "the fault is seen", func() bool { return w.probe(public) != dr.OK })
	if level := w.probe(w.Service.Names.Regional[w.Source]); level == dr.OK {
		w.Error("the regional name's probe is ok")
	}
	if level := w.probe(w.Cloud.Absent()); level == dr.OK {
		w.Error("a name that does not exist passes its probes")
	}
}
