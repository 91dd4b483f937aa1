package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// acts are what a service may list, as the kinds of steps tell it.
type acts struct {
	infos    []dr.ActInfo
	defaults []string
}

// of finds the act that is listed and the one resource it names, if any.
func (a acts) of(listed string) (act dr.ActInfo, resource string, known bool) {
	id, which, slash := strings.Cut(listed, "/")
	i := slices.IndexFunc(a.infos, func(info dr.ActInfo) bool { return info.ID == id })
	if i < 0 {
		return dr.ActInfo{}, "", false
	}
	act = a.infos[i]
	switch {
	case act.On != "":
		return act, which, true
	case act.Which != nil:
		return act, "", slices.Contains(act.Which, which)
	default:
		return act, "", !slash
	}
}

// known lists all that may be listed, but for the names of resources.
func (a acts) known() []string {
	var out []string
	for _, info := range a.infos {
		out = append(out, spelled(info)...)
	}
	return out
}

// spelled is an act as it is listed: once for each of which one must be named.
func spelled(info dr.ActInfo) []string {
	if info.Which == nil {
		return []string{info.ID}
	}
	var out []string
	for _, which := range info.Which {
		out = append(out, info.ID+"/"+which)
	}
	return out
}

// onResources lists the acts that may name a resource.
func (a acts) onResources() []string {
	var out []string
	for _, info := range a.infos {
		if info.On != "" {
			out = append(out, info.ID)
		}
	}
	return out
}

// on tells whether an act works on resources of a system.
func (a acts) on(system string) bool {
	return slices.ContainsFunc(a.infos, func(info dr.ActInfo) bool { return info.On == system })
}

// without are the acts of a service that lists none: the usual ones, but for those for
// which it has no resource.
func (a acts) without(s *dr.Service) []string {
	return slices.DeleteFunc(slices.Clone(a.defaults), func(listed string) bool {
		act, _, _ := a.of(listed)
		return act.On != "" && len(s.ResourcesOf(act.On)) == 0
	})
}

// listedActs checks the acts of a service. Those that it does when it lists none are checked
// as well: its resources may come after one another in another order. That is told where they
// say so, as nothing stands at acts; places are those of the resources.
func (f *checker) listedActs(at string, s *dr.Service, places map[string]string) {
	at += ".acts"
	order := func(i int, r dr.Resource, _ int, before string, act dr.ActInfo) {
		f.faults.add(fmt.Sprintf("%s[%d]", at, i), dr.T("config.act.order", "listed", s.Acts[i], "act", act.ID, "before", before, "resource", r.Name))
	}
	if len(s.Acts) == 0 {
		s.Acts = f.acts.without(s)
		order = func(i int, r dr.Resource, after int, before string, act dr.ActInfo) {
			f.faults.add(fmt.Sprintf("%s.after[%d]", places[r.Name], after), dr.T("config.act.order.usual", "listed", s.Acts[i], "act", act.ID, "before", before))
		}
	}
	done := map[string]string{} // act and resource, to the line that does it
	for i, listed := range s.Acts {
		p := fmt.Sprintf("%s[%d]", at, i)
		act, name, known := f.acts.of(listed)
		switch {
		case !known:
			f.faults.add(p, f.noAct(listed))
		case act.On != "":
			f.acted(p, listed, act, name, done, s)
		case !act.Repeats && done[listed] != "":
			f.faults.add(p, dr.T("config.twice", "value", quoted(listed)))
		default:
			done[listed] = listed
		}
	}
	for _, act := range f.acts.infos {
		f.needed(at, act, done, s)
	}
	f.across(s, order)
	behind(f, at, s)
	for _, act := range f.acts.infos {
		before := slices.Index(s.Acts, act.Before)
		if act.On != "" && act.Before != "" {
			last := f.lastOn(s, func(a dr.ActInfo, _ string) bool { return a.ID == act.ID })
			if before >= 0 && last > before {
				f.faults.add(fmt.Sprintf("%s[%d]", at, before), dr.T("config.act.before-all", "act", act.ID, "before", act.Before))
			}
			continue
		}
		first := slices.Index(s.Acts, act.ID)
		if act.Before != "" && before >= 0 && first > before {
			f.faults.add(at, dr.T("config.act.before", "act", act.ID, "before", act.Before))
		}
	}
}

// lastOn is where the last act stands that a function picks; -1 when none does.
func (f *checker) lastOn(s *dr.Service, pick func(act dr.ActInfo, resource string) bool) int {
	last := -1
	for i, listed := range s.Acts {
		if act, name, known := f.acts.of(listed); known && pick(act, name) {
			last = i
		}
	}
	return last
}

// across reports what is done to a resource before all is done to one of another system
// that it comes after. Within one system acted does.
func (f *checker) across(s *dr.Service, report func(i int, r dr.Resource, after int, before string, act dr.ActInfo)) {
	if cycle(s.Resources) != nil {
		return // no order would do, and that is told
	}
	for _, r := range s.Resources {
		for after, name := range r.After {
			d, ok := s.Resource(name)
			if !ok || d.System == r.System {
				continue
			}
			last := f.lastOn(s, func(a dr.ActInfo, which string) bool { return a.On == d.System && (which == "" || which == d.Name) })
			for i, listed := range s.Acts {
				act, which, known := f.acts.of(listed)
				if known && act.On == r.System && (which == "" || which == r.Name) && i < last {
					first, _, _ := f.acts.of(s.Acts[last])
					report(i, r, after, d.Name, first)
				}
			}
		}
	}
}

// behind reports what is done before an act that it must follow.
func behind(f *checker, at string, s *dr.Service) {
	for i, listed := range s.Acts {
		act, _, known := f.acts.of(listed)
		if !known || act.After == "" {
			continue
		}
		p := fmt.Sprintf("%s[%d]", at, i)
		last := f.lastOn(s, func(a dr.ActInfo, _ string) bool { return a.ID == act.After })
		if i < last && !slices.ContainsFunc(f.faults.list, func(fault Fault) bool { return fault.Path == p }) {
			f.faults.add(p, dr.T("config.act.after", "act", listed, "after", s.Acts[last]))
		}
	}
}

// noAct says what may be listed instead.
func (f *checker) noAct(listed string) dr.Text {
	known := knownAre(listed, f.acts.known())
	on := f.acts.onResources()
	if len(on) == 0 {
		return dr.T("config.act.unknown", "act", quoted(listed), "known", known)
	}
	return dr.T("config.act.unknown.named", "act", quoted(listed), "known", known, "acts", joined(on), "example", on[0]+"/NAME")
}

// needed reports what is missing of an act without which the service is not moved.
func (f *checker) needed(at string, act dr.ActInfo, done map[string]string, s *dr.Service) {
	switch {
	case !act.Needed:
	case act.On == "":
		for _, must := range spelled(act) {
			if done[must] == "" {
				f.faults.add(at, dr.T("config.act.missing", "act", must))
			}
		}
	default:
		for _, r := range s.ResourcesOf(act.On) {
			if done[act.ID+"/"+r.Name] == "" {
				f.faults.add(at, dr.T("config.act.missing.resource", "act", act.ID, "resource", r.Name, "system", act.On))
			}
		}
	}
}

// strangers tells whether a resource is of a system that nobody knows.
func strangers(s *dr.Service, systems map[string]system) bool {
	return slices.ContainsFunc(s.Resources, func(r dr.Resource) bool { _, known := systems[r.System]; return !known })
}

// acted checks an act on resources: that there are some, that none is done twice, and
// that the order is theirs.
func (f *checker) acted(p, listed string, act dr.ActInfo, name string, done map[string]string, s *dr.Service) {
	all := s.ResourcesOf(act.On)
	var names []string
	for _, r := range all {
		names = append(names, r.Name)
	}
	switch {
	case strangers(s, f.systems) && (len(all) == 0 || listed != act.ID && !slices.Contains(names, name)):
		return // what it is meant for may be of the system that is not known
	case len(all) == 0:
		f.faults.add(p, dr.T("config.act.nothing", "system", act.On, "act", act.ID))
		return
	case listed != act.ID && !slices.Contains(names, name):
		f.faults.add(p, dr.T("config.act.stranger", "name", quoted(name), "system", act.On, "known", knownAre(name, names)))
		return
	case listed != act.ID:
		names = []string{name}
	}
	ring := cycle(s.Resources) != nil // in which no order would do, and that is told
	for _, n := range names {
		if first := done[act.ID+"/"+n]; first != "" {
			f.faults.add(p, dr.T("config.act.twice", "act", act.ID, "resource", n, "first", first))
		}
		r, _ := s.Resource(n)
		for _, before := range r.After {
			if ring {
				break
			}
			if b, ok := s.Resource(before); ok && b.System == r.System && done[act.ID+"/"+before] == "" && !slices.Contains(names, before) {
				f.faults.add(p, dr.T("config.act.order", "listed", listed, "act", act.ID, "before", before, "resource", n))
			}
		}
	}
	for _, n := range names {
		done[act.ID+"/"+n] = listed
	}
}
