package dr

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// PathChange is one attribute of a resource that a plan would change. Value is
// a keyed hash of the value it would get, never the value, and empty when the
// value is not known before the apply.
//
// Was is, of what is not known, such a hash of the value that it has now: whoever finds that
// one still knows that nothing was done. Plans stored by earlier editions lack it.
type PathChange struct {
	Path  string `json:"path"`
	Value string `json:"value,omitempty"`
	Was   string `json:"was,omitempty"`
}

// ResourceChange is one line of a plan by allow-list: address, actions, names of
// the changed attributes. Values are not here because the marks Terraform puts
// on sensitive ones do not cover every place a secret can stand.
type ResourceChange struct {
	Stack   string       `json:"stack"`
	Address string       `json:"address"`
	Type    string       `json:"type"`
	Actions []string     `json:"actions"` // create, update, delete, forget, move; delete and create is a replacement
	Paths   []PathChange `json:"paths,omitempty"`
	// Nulled lists the attributes that have something and that the plan would set to
	// null or "": for some (global_cluster_identifier) that is an act of its own.
	Nulled []string `json:"nulled,omitempty"`
	// Whole is, for a replacement, everything that the new object will have, as the
	// paths of a create are: when its first half is done, the second is judged by it.
	// Plans stored by earlier editions lack it.
	Whole []PathChange `json:"whole,omitempty"`
	// Deposed is, for what a replacement left to be deleted, the address of the object
	// that took its place.
	Deposed string `json:"deposed,omitempty"`
	// Provider is the configuration of a provider that makes it, as a state names one: the
	// same resource by that of another Region is another one. Plans stored by earlier
	// editions lack it.
	Provider string `json:"provider,omitempty"`
	// Object is which object of the world is acted on: what names it, as keyed hashes. What
	// is yet to be made has none, nor have plans stored by earlier editions.
	Object []PathChange `json:"object,omitempty"`
	From   string       `json:"from,omitempty"` // the address before a move
	// Overwrites tells that what is made takes the place of whatever has its name already:
	// a record with allow_overwrite. Terraform itself calls that a create.
	Overwrites bool `json:"overwrites,omitempty"`
	// LeftOut are the changed attributes that are compared with nothing.
	LeftOut []LeftOut `json:"left_out,omitempty"`
}

// LeftOut is a changed attribute that no comparison and no digest looks at, because the
// team says that it is another each time.
type LeftOut struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Unstable is an attribute that the team's configuration lists as being another in each
// plan of the same commit.
type Unstable struct {
	Stack     string `json:"stack"`
	Address   string `json:"address"`   // of a resource, or of all its instances
	Attribute string `json:"attribute"` // and all of its parts
	Reason    string `json:"reason"`
}

// of tells whether this is about a resource of a plan.
func (u Unstable) of(c ResourceChange) bool {
	return u.Stack == c.Stack && (u.Address == c.Address || strings.HasPrefix(c.Address, u.Address+"["))
}

// Without is the plan with what is unstable taken out of what is compared.
func (p Plan) Without(unstable []Unstable) Plan {
	if len(unstable) == 0 {
		return p
	}
	p.Changes = slices.Clone(p.Changes)
	for i := range p.Changes {
		c := &p.Changes[i]
		for _, u := range unstable {
			if u.of(*c) {
				c.LeftOut = slices.Clone(c.LeftOut)
				c.leaveOut(u)
			}
		}
	}
	return p
}

func (c *ResourceChange) leaveOut(u Unstable) {
	within := func(p PathChange) bool { return partOf(p.Path, u.Attribute) }
	for _, p := range slices.Concat(c.Paths, c.Whole) {
		out := LeftOut{Path: p.Path, Reason: u.Reason}
		if within(p) && !slices.Contains(c.LeftOut, out) {
			c.LeftOut = append(c.LeftOut, out)
		}
	}
	c.Paths = slices.DeleteFunc(slices.Clone(c.Paths), within)
	c.Whole = slices.DeleteFunc(slices.Clone(c.Whole), within)
}

// partOf tells whether an attribute is another one, or a part of it.
func partOf(path, of string) bool {
	return path == of || strings.HasPrefix(path, of+".") || strings.HasPrefix(path, of+"[")
}

// nulledSurely are the attributes set to nothing, but for those that are left out.
func (c ResourceChange) nulledSurely() []string {
	if len(c.LeftOut) == 0 {
		return c.Nulled
	}
	return slices.DeleteFunc(slices.Clone(c.Nulled), func(path string) bool {
		return slices.ContainsFunc(c.LeftOut, func(l LeftOut) bool { return partOf(path, l.Path) })
	})
}

// Shown are the actions as people read them: Terraform's, and ours where something is
// overwritten.
func (c ResourceChange) Shown() Arg {
	shown := listArg(Foreigns(c.Actions))
	if c.Overwrites {
		shown.List = append(shown.List, ArgOf(T("plan.overwrite")))
	}
	return shown
}

// PathNames are the names of the changed attributes.
func (c ResourceChange) PathNames() []string {
	names := make([]string, len(c.Paths))
	for i, p := range c.Paths {
		names[i] = p.Path
	}
	return names
}

// Plan is what one stack would change.
type Plan struct {
	Stack     string           `json:"stack"`
	Terraform string           `json:"terraform"` // version
	LockFile  string           `json:"lock_file"` // hash of .terraform.lock.hcl
	Changes   []ResourceChange `json:"changes"`
	Drift     []ResourceChange `json:"drift,omitempty"` // changed outside Terraform, by a refresh
	Outputs   []string         `json:"outputs,omitempty"`
	Failed    []string         `json:"failed,omitempty"` // check blocks that fail
	// Code names what runs beside the changes that are shown: provisioners, data that
	// programs give, providers, backends, modules, files that functions read. Plans stored
	// by earlier editions lack it.
	Code string `json:"code,omitempty"`
	// Allowed is what the code does that no change shows, because the configuration allows
	// it. People read it; what of it is approved is named by Code.
	Allowed []AllowedCode `json:"allowed,omitempty"`
	// Unreached says, of a drift, why a change of the active Region would not reach the stack.
	Unreached Text `json:"unreached,omitzero"`
	// Leads says that the stack leads the users: what of it was approved may not drop out.
	Leads bool `json:"leads,omitempty"`
}

// Counts are the numbers of a plan as Terraform prints them.
type Counts struct {
	Add, Change, Destroy int
}

// Counts counts a plan's changes.
func (p Plan) Counts() Counts {
	var c Counts
	for _, rc := range p.Changes {
		for _, a := range rc.Actions {
			switch a {
			case "create":
				c.Add++
			case "update":
				c.Change++
			case "delete":
				c.Destroy++
			}
		}
	}
	return c
}

// Plans is what people approve: every stack of a run.
type Plans []Plan

// Digest is a hash over everything an approval covers: the sorted changes with
// their attribute paths and keyed value hashes, the objects and the providers, Terraform's
// version, the lock files, outputs, checks that fail and the code that runs. A plan that an
// earlier edition stored keeps its digest; made again by this one it has another wherever
// something is told that was not, and people are asked once more.
func (ps Plans) Digest() string {
	sorted := slices.Clone(ps)
	slices.SortFunc(sorted, func(a, b Plan) int { return cmp.Compare(a.Stack, b.Stack) })
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, p := range sorted {
		changes := slices.Clone(p.Changes)
		slices.SortFunc(changes, func(a, b ResourceChange) int {
			return cmp.Or(cmp.Compare(a.Address, b.Address), slices.Compare(a.Actions, b.Actions))
		})
		for i := range changes {
			changes[i].Paths, changes[i].Whole = sortedPaths(changes[i].Paths), sortedPaths(changes[i].Whole)
			changes[i].Object = sortedPaths(changes[i].Object)
			changes[i].Nulled, changes[i].LeftOut = changes[i].nulledSurely(), nil
		}
		all := []any{p.Stack, p.Terraform, p.LockFile, changes, p.Outputs}
		if len(p.Failed) > 0 { // else the digest is that of earlier editions
			all = append(all, p.Failed)
		}
		if p.Code != "" {
			all = append(all, p.Code)
		}
		// A hash never fails to take bytes, and these types always encode.
		_ = enc.Encode(all)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sortedPaths are what a digest covers of paths: what there was is no part of what is to be.
func sortedPaths(paths []PathChange) []PathChange {
	out := slices.SortedFunc(slices.Values(paths), func(a, b PathChange) int { return cmp.Compare(a.Path, b.Path) })
	for i := range out {
		out[i].Was = ""
	}
	return out
}

// Of finds the plan of a stack.
func (ps Plans) Of(stack string) (Plan, bool) {
	i := slices.IndexFunc(ps, func(p Plan) bool { return p.Stack == stack })
	if i < 0 {
		return Plan{}, false
	}
	return ps[i], true
}
