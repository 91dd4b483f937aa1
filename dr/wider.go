package dr

import (
	"slices"
	"strings"
)

// Known is what who applies a plan knows beside that plan and the approved one.
type Known struct {
	// Broken are the addresses that an earlier apply of the same run began to make and
	// that stand half made: to delete them is to tidy up. None of them holds data.
	Broken []string
	// Done are the approved addresses that are as the approved plan wanted them, already or
	// once the plan is applied.
	Done []string
}

// Wider lists how a plan goes beyond the approved one, for who knows nothing beside the
// two: see Known.
func Wider(now, approved Plan) []Text { return Known{}.Wider(now, approved) }

// Wider lists how a plan goes beyond the approved one; empty means that everything in it
// was approved. A resource, or an attribute, may have dropped out of the plan, but for what
// leads the users: who approved that would wait for them in vain. One that is in it has the
// very acts that were approved, or what an apply that died has left of them: the create
// of a replacement, or the delete of the object that was replaced. They are done to the
// very object, by the very provider. Every path was there,
// every known value is the same, and what was not known may get any value but none.
//
// A plan without a change is wider than one with changes when what those were to bring
// about is not there: who approved them would take it for done.
func (k Known) Wider(now, approved Plan) []Text {
	var out []Text
	if now.Terraform != approved.Terraform {
		out = append(out, T("wider.terraform", "now", now.Terraform, "approved", approved.Terraform))
	}
	if now.LockFile != approved.LockFile {
		out = append(out, T("wider.lock-file"))
	}
	if now.Code != approved.Code && approved.Code != "" {
		out = append(out, T("wider.code"))
	}
	seen := make(map[string]ResourceChange, len(approved.Changes))
	for _, c := range approved.Changes {
		seen[c.Address] = c
	}
	left := leftovers(now, seen)
	for _, c := range now.Changes {
		was, ok := seen[c.Address]
		switch {
		case ok:
			if left[c.Address] != "" {
				was = remade(was) // its delete is the leftover's
			}
			out = append(out, k.widerChange(c, was)...)
		case c.Deposed == "" || left[c.Deposed] != c.Address:
			out = append(out, T("wider.address", "address", Foreign(c.Address), "actions", Foreigns(c.Actions)))
		default:
			out = append(out, elsewhere(c, seen[c.Deposed])...)
		}
	}
	for _, o := range now.Outputs {
		if !slices.Contains(approved.Outputs, o) {
			out = append(out, T("wider.output", "output", Foreign(o)))
		}
	}
	for _, f := range now.Failed {
		if !slices.Contains(approved.Failed, f) {
			out = append(out, T("wider.check", "check", Foreign(f)))
		}
	}
	if len(now.Changes) == 0 && slices.ContainsFunc(approved.Changes, k.undone) {
		return append(out, T("wider.nothing", "n", len(approved.Changes)))
	}
	if now.Leads {
		out = append(out, k.lost(now, approved, left)...)
	}
	return out
}

// lost lists what of an approved plan is to be done no more, and is not done: a change, or
// an attribute of one.
func (k Known) lost(now, approved Plan, left map[string]string) []Text {
	var out []Text
	for _, was := range approved.Changes {
		if left[was.Address] != "" || !k.undone(was) {
			continue
		}
		i := slices.IndexFunc(now.Changes, func(c ResourceChange) bool { return c.Address == was.Address })
		if i < 0 {
			out = append(out, T("wider.lost", "address", Foreign(was.Address), "actions", Foreigns(was.Actions)))
			continue
		}
		for _, p := range was.Paths {
			if _, anew := now.Changes[i].made(); !anew && !touches(now.Changes[i].Paths, p.Path) {
				out = append(out, T("wider.lost-path", "address", Foreign(was.Address), "path", Foreign(p.Path)))
			}
		}
	}
	return out
}

// touches tells whether an attribute is among paths, as itself, in part or within another.
func touches(paths []PathChange, path string) bool {
	return slices.ContainsFunc(paths, func(p PathChange) bool { return partOf(p.Path, path) || partOf(path, p.Path) })
}

// elsewhere tells whether a change is done by another provider, or to another object. What
// one of the two does not tell is not compared.
func elsewhere(now, was ResourceChange) []Text {
	var out []Text
	if was.Provider != "" && now.Provider != "" && now.Provider != was.Provider {
		out = append(out, T("wider.provider", "address", Foreign(now.Address), "now", Foreign(now.Provider), "approved", Foreign(was.Provider)))
	}
	if by := otherObject(now.Object, was.Object); len(by) > 0 {
		out = append(out, T("wider.object", "address", Foreign(now.Address), "actions", Foreigns(now.Actions), "by", by))
	}
	return out
}

// otherObject gives by what two objects are not the same one. Objects that have no kind of
// name in common are two.
func otherObject(a, b []PathChange) []string {
	x, y := valuesOf(a), valuesOf(b)
	var other, own []string
	common := false
	for name, v := range x {
		w, both := y[name]
		common = common || both
		switch {
		case !both:
			own = append(own, name)
		case v != w:
			other = append(other, name)
		}
	}
	if !common && len(y) > 0 {
		other = own
	}
	slices.Sort(other)
	return other
}

func (k Known) undone(c ResourceChange) bool { return !slices.Contains(k.Done, c.Address) }

// leftovers finds, by the address of a replacement that was approved, the replaced object
// that is still to be deleted. A second one of an address was approved by nobody.
func leftovers(now Plan, approved map[string]ResourceChange) map[string]string {
	out := map[string]string{}
	for _, c := range now.Changes {
		was, ok := approved[c.Deposed]
		_, itself := approved[c.Address]
		if ok && !itself && out[c.Deposed] == "" && was.replaces() && sameActs(c.Actions, []string{"delete"}) {
			out[c.Deposed] = c.Address
		}
	}
	return out
}

// remade is an approved replacement of which the create alone is left to be done.
func remade(was ResourceChange) ResourceChange {
	was.Actions = slices.DeleteFunc(slices.Clone(was.Actions), func(a string) bool { return a == "delete" })
	was.Paths, was.Nulled, was.Whole, was.Object = was.Whole, nil, nil, nil
	return was
}

func (k Known) widerChange(now, was ResourceChange) []Text {
	address := Foreign(now.Address)
	asked := was
	switch left := slices.Contains(k.Broken, now.Address); {
	case sameActs(now.Actions, was.Actions) && !turned(now, was):
	case left && now.replaces() && sameActs(was.Actions, []string{"create"}):
	case was.replaces() && sameActs(now.Actions, []string{"create"}):
		if len(was.Whole) == 0 {
			return []Text{T("wider.half", "address", address)}
		}
		asked = remade(was)
	default:
		return []Text{T("wider.actions", "address", address, "actions", Foreigns(now.Actions), "approved", Foreigns(was.Actions))}
	}
	if slices.Contains(k.Broken, now.Address) {
		asked.Object = nil // the object is the run's own
	}
	out := elsewhere(now, asked)
	for _, a := range now.Actions {
		if stateAct(a) && !slices.Contains(was.Actions, a) || a == "move" && now.From != was.From {
			out = append(out, T("wider.state", "address", address, "action", a))
		}
	}
	return append(out, widerPaths(now, asked)...)
}

// replaces tells whether a change deletes an object and makes another in its place.
func (c ResourceChange) replaces() bool {
	return slices.Contains(c.Actions, "create") && slices.Contains(c.Actions, "delete")
}

// turned tells whether what was to be replaced when its successor is there would be deleted
// before: for a while there is none. The other way round there is one all the time.
func turned(now, was ResourceChange) bool {
	deletesFirst := func(c ResourceChange) bool {
		return slices.Index(c.Actions, "delete") < slices.Index(c.Actions, "create")
	}
	return now.replaces() && was.replaces() && deletesFirst(now) && !deletesFirst(was)
}

// made is everything an object that is made anew will have; false when the change makes
// none, or when nobody has kept it.
func (c ResourceChange) made() ([]PathChange, bool) {
	switch {
	case c.replaces():
		return c.Whole, len(c.Whole) > 0
	default:
		return c.Paths, slices.Contains(c.Actions, "create")
	}
}

// stateAct tells an act that changes the state alone.
func stateAct(a string) bool { return a == "move" || a == "import" }

// sameActs tells whether two changes do the same to the world, in whatever order.
func sameActs(a, b []string) bool {
	within := func(a, b []string) bool {
		return !slices.ContainsFunc(a, func(act string) bool { return !stateAct(act) && !slices.Contains(b, act) })
	}
	return within(a, b) && within(b, a)
}

// widerPaths compares two changes that do the same, attribute by attribute.
func widerPaths(now, was ResourceChange) []Text {
	address := Foreign(now.Address)
	to, anew := now.made()
	asked, kept := was.made()
	if anew = anew && kept; !anew {
		to, asked = now.Paths, was.Paths
	}
	var out []Text
	values, get := valuesOf(asked), valuesOf(to)
	for _, p := range to {
		if value, ok := approvedValue(values, p.Path); !ok {
			out = append(out, T("wider.path", "address", address, "path", Foreign(p.Path)))
		} else if value != "" && value != p.Value {
			out = append(out, T("wider.value", "address", address, "path", Foreign(p.Path)))
		}
	}
	for _, p := range to {
		for above := range outward(p.Path) {
			get[above] = "" // it has something
		}
	}
	for _, p := range asked {
		// What is made anew has nothing where its plan is silent; of what is changed that
		// stays as it is.
		none := slices.Contains(now.Nulled, p.Path)
		if anew {
			_, some := get[p.Path]
			none = !some
		}
		switch {
		case none && p.Value == "":
			out = append(out, T("wider.null", "address", address, "path", Foreign(p.Path)))
		case none && anew:
			out = append(out, T("wider.value", "address", address, "path", Foreign(p.Path)))
		}
	}
	return out
}

func valuesOf(paths []PathChange) map[string]string {
	out := make(map[string]string, len(paths))
	for _, p := range paths {
		out[p.Path] = p.Value
	}
	return out
}

// approvedValue is what was approved for a path: its own value, or that of something
// around it that was not known as a whole.
func approvedValue(values map[string]string, path string) (string, bool) {
	if v, ok := values[path]; ok {
		return v, true
	}
	for above := range outward(path) {
		if v, ok := values[above]; ok && v == "" {
			return "", true
		}
	}
	return "", false
}

// outward gives the paths of what an attribute is part of, the nearest first. A piece of
// a quoted key may be among them: no attribute has that path.
func outward(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := strings.LastIndexAny(path, ".["); i > 0; i = strings.LastIndexAny(path[:i], ".[") {
			if !yield(path[:i]) {
				return
			}
		}
	}
}
