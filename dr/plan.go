package dr

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// PathChange is one attribute of a resource that a plan would change. Value is
// a keyed hash of the value it would get, never the value, and empty when the
// value is not known before the apply.
type PathChange struct {
	Path  string `json:"path"`
	Value string `json:"value,omitempty"`
}

// ResourceChange is one line of a plan by allow-list: address, actions, names of
// the changed attributes. Values are not here because the marks Terraform puts
// on sensitive ones do not cover every place a secret can stand.
type ResourceChange struct {
	Stack   string       `json:"stack"`
	Address string       `json:"address"`
	Type    string       `json:"type"`
	Actions []string     `json:"actions"` // create, update, delete; delete and create is a replacement
	Paths   []PathChange `json:"paths,omitempty"`
	// Nulled lists the attributes the plan would set to nothing: for some
	// (global_cluster_identifier) that is an act of its own.
	Nulled []string `json:"nulled,omitempty"`
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
// their attribute paths and keyed value hashes, Terraform's version and the
// lock files.
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
			changes[i].Paths = slices.Clone(changes[i].Paths)
			slices.SortFunc(changes[i].Paths, func(a, b PathChange) int { return cmp.Compare(a.Path, b.Path) })
		}
		// A hash never fails to take bytes, and these types always encode.
		_ = enc.Encode([]any{p.Stack, p.Terraform, p.LockFile, changes, p.Outputs})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Of finds the plan of a stack.
func (ps Plans) Of(stack string) (Plan, bool) {
	i := slices.IndexFunc(ps, func(p Plan) bool { return p.Stack == stack })
	if i < 0 {
		return Plan{}, false
	}
	return ps[i], true
}

// Wider lists how a plan goes beyond the approved one: another Terraform or lock
// file, an address, an action or a path nobody saw, a known value that is now
// another. Empty means that everything in it was approved. Attributes that were
// unknown when people approved may get any value.
func Wider(now, approved Plan) []Text {
	var out []Text
	if now.Terraform != approved.Terraform {
		out = append(out, T("wider.terraform", "now", now.Terraform, "approved", approved.Terraform))
	}
	if now.LockFile != approved.LockFile {
		out = append(out, T("wider.lock-file"))
	}
	seen := make(map[string]ResourceChange, len(approved.Changes))
	for _, c := range approved.Changes {
		seen[c.Address] = c
	}
	for _, c := range now.Changes {
		was, ok := seen[c.Address]
		if !ok {
			out = append(out, T("wider.address", "address", Foreign(c.Address), "actions", c.Actions))
			continue
		}
		out = append(out, widerChange(c, was)...)
	}
	for _, o := range now.Outputs {
		if !slices.Contains(approved.Outputs, o) {
			out = append(out, T("wider.output", "output", Foreign(o)))
		}
	}
	return out
}

func widerChange(now, was ResourceChange) []Text {
	var out []Text
	address := Foreign(now.Address)
	for _, a := range now.Actions {
		if a == "delete" && slices.Equal(was.Actions, []string{"create"}) && slices.Contains(now.Actions, "create") {
			// People approved that it be made, so it was not there: what is deleted is the
			// broken half that an earlier try of the same apply left behind.
			continue
		}
		if !slices.Contains(was.Actions, a) {
			out = append(out, T("wider.action", "address", address, "action", a))
		}
	}
	paths := make(map[string]string, len(was.Paths))
	for _, p := range was.Paths {
		paths[p.Path] = p.Value
	}
	for _, p := range now.Paths {
		value, ok := paths[p.Path]
		switch {
		case !ok:
			out = append(out, T("wider.path", "address", address, "path", Foreign(p.Path)))
		case value != "" && value != p.Value:
			out = append(out, T("wider.value", "address", address, "path", Foreign(p.Path)))
		}
	}
	return out
}
