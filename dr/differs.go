package dr

import "slices"

// Differs lists what two plans of the same commit do not agree on, resource by resource
// and attribute by attribute: that which is made of the moment or of a place. A value that
// neither knows is the same.
func Differs(a, b Plan) []Text {
	var out []Text
	add := func(t Text) { out = append(out, T("differs.of-stack", "stack", a.Stack, "what", t)) }
	changes := func(p Plan) map[string]ResourceChange {
		m := make(map[string]ResourceChange, len(p.Changes))
		for _, c := range p.Changes {
			m[c.Address] = c
		}
		return m
	}
	in, other := changes(a), changes(b)
	for _, c := range slices.Concat(a.Changes, b.Changes) {
		x, first := in[c.Address]
		y, second := other[c.Address]
		delete(in, c.Address)
		delete(other, c.Address)
		address := Foreign(c.Address)
		switch {
		case !first && !second: // told already
		case !first || !second:
			add(T("differs.address", "address", address, "actions", Foreigns(c.Actions)))
		case !slices.Equal(x.Actions, y.Actions):
			add(T("differs.actions", "address", address, "one", Foreigns(x.Actions), "other", Foreigns(y.Actions)))
		case x.Provider != y.Provider, len(otherObject(x.Object, y.Object)) > 0:
			add(T("differs.object", "address", address))
		default:
			for _, path := range otherPaths(x, y) {
				add(T("differs.path", "address", address, "path", Foreign(path)))
			}
		}
	}
	for _, o := range unshared(a.Outputs, b.Outputs) {
		add(T("differs.output", "output", Foreign(o)))
	}
	for _, c := range unshared(a.Failed, b.Failed) {
		add(T("differs.check", "check", Foreign(c)))
	}
	return out
}

// otherPaths are the attributes that get another value in one change than in the other.
func otherPaths(a, b ResourceChange) []string {
	x, y := valuesOf(slices.Concat(a.Paths, a.Whole)), valuesOf(slices.Concat(b.Paths, b.Whole))
	var out []string
	for path, v := range x {
		if w, ok := y[path]; !ok || v != w {
			out = append(out, path)
		}
	}
	for path := range y {
		if _, ok := x[path]; !ok {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// unshared are the names that are in one list alone.
func unshared(a, b []string) []string {
	var out []string
	for _, n := range slices.Concat(a, b) {
		if slices.Contains(a, n) != slices.Contains(b, n) {
			out = append(out, n)
		}
	}
	return out
}
