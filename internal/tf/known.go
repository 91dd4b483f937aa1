package tf

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/drbot/drbot/dr"
)

// known is what a plan is judged by beside the approved one: what earlier applies of
// this run left half made, and what of the approved plan is there already.
func (s *supervisor) known(p planned) (dr.Known, error) {
	earlier, err := earlierApplies(s.folder, s.request)
	if err != nil {
		return dr.Known{}, err
	}
	// Terraform marks what it could not make whole. Somebody else's object at the
	// address, such as an imported one, has no mark.
	k := dr.Known{Broken: slices.DeleteFunc(tainted(p.raw), func(address string) bool {
		return !earlier.broke(address) || s.request.holds(address)
	})}
	if len(p.Changes) > 0 && !p.Leads {
		return k, nil
	}
	stands := make(map[string]*tfjson.ResourceChange)
	for _, c := range p.raw.ResourceChanges {
		if c.Mode == tfjson.ManagedResourceMode && c.DeposedKey == "" {
			stands[c.Address] = c
		}
	}
	for _, c := range s.request.Approved.Changes {
		done, err := s.asApproved(c, stands[c.Address])
		if err != nil {
			return dr.Known{}, fmt.Errorf("hash the state of %s: %w", c.Address, err)
		}
		if done || earlier.did(c, s.request.Commit) {
			k.Done = append(k.Done, c.Address)
		}
	}
	return k, nil
}

// holds tells whether an approved resource holds data. Nobody but people can tell whether
// such a thing that is half made has something in it already, and no policy has judged that
// it be deleted.
func (r request) holds(address string) bool {
	return slices.ContainsFunc(r.Approved.Changes, func(c dr.ResourceChange) bool { return c.Address == address && slices.Contains(r.Held, c.Type) })
}

// tainted lists the objects in the state that are marked as not made whole.
func tainted(p *tfjson.Plan) []string {
	var out []string
	var look func(m *tfjson.StateModule)
	look = func(m *tfjson.StateModule) {
		if m == nil {
			return
		}
		for _, r := range m.Resources {
			if r != nil && r.Tainted && r.DeposedKey == "" {
				out = append(out, r.Address)
			}
		}
		for _, child := range m.ChildModules {
			look(child)
		}
	}
	if p.PriorState != nil && p.PriorState.Values != nil {
		look(p.PriorState.Values.RootModule)
	}
	return out
}

// asApproved tells whether an object, nil when there is none, is what an approved change
// was to bring about, or will be when the plan is applied. What nobody knew when it was
// approved may be anything but what it was before: that is what it is when nothing was done.
func (s *supervisor) asApproved(c dr.ResourceChange, is *tfjson.ResourceChange) (bool, error) {
	makes := slices.ContainsFunc(c.Actions, func(a string) bool { return a != "delete" && a != "forget" })
	if is == nil || !makes {
		return is == nil && !makes, nil
	}
	h := nodes{differ: differ{key: s.job.Secrets.HashKey, stack: c.Stack, address: c.Address}, hashes: map[string]string{}}
	h.walk("", is.Change.After)
	changes := slices.ContainsFunc(c.Actions, func(a string) bool { return a == "update" || a == "delete" })
	for _, p := range c.Paths {
		// Plans of earlier editions do not tell what there was.
		if p.Value == "" && changes && (p.Was == "" || p.Was == h.of(p.Path)) {
			return false, h.err
		}
	}
	paths := c.Paths
	if len(c.Whole) > 0 {
		paths = c.Whole
	}
	for _, p := range paths {
		if p.Value != "" && p.Value != h.of(p.Path) {
			return false, h.err
		}
	}
	return true, h.err
}

// nodes are the hashes of every value in an object, also of those that have parts.
type nodes struct {
	differ
	hashes map[string]string
}

func (n *nodes) walk(path string, v any) {
	n.hashes[path] = n.hash(path, v)
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			n.walk(join(path, k), child)
		}
	case []any:
		for i, child := range v {
			n.walk(path+"["+strconv.Itoa(i)+"]", child)
		}
	}
}

// of is the hash at a path; where there is none, that of nothing for an attribute of the
// resource, which is always there.
func (n *nodes) of(path string) string {
	if h, ok := n.hashes[path]; ok {
		return h
	}
	return n.valueAt(path, nil, strings.ContainsAny(path, ".["))
}

// earlier are the applies that a run has begun of one state before this one.
type earlier []pastApply

type pastApply struct {
	commit string
	tally  tally
}

// earlierApplies finds them among the folders beside the own one. What they did is told
// by what Terraform said, not by how they ended. One that cannot be read tells nothing,
// and then a plan is wider that need not be.
func earlierApplies(own folder, req request) (earlier, error) {
	entries, err := os.ReadDir(filepath.Dir(string(own)))
	if err != nil {
		return nil, fmt.Errorf("look for earlier applies: %w", err)
	}
	var out earlier
	for _, e := range entries {
		f := folder(filepath.Join(filepath.Dir(string(own)), e.Name()))
		if !e.IsDir() || f == own {
			continue
		}
		if a, of, err := f.past(); err != nil {
			fmt.Fprintln(os.Stderr, "supervise:", err)
		} else if of.Run == req.Run && req.Run != "" && of.sameState(req) {
			out = append(out, a)
		}
	}
	return out, nil
}

// past reads an apply and what it was asked for; both are empty when it never began.
func (f folder) past() (a pastApply, of request, err error) {
	if began, err := f.began(); !began || err != nil {
		return pastApply{}, request{}, err
	}
	if _, err := f.read(requestFile, &of); err != nil {
		return pastApply{}, request{}, err
	}
	a.commit = of.Commit
	a.tally, err = f.tally()
	return a, of, err
}

// broke tells whether one of them began to make something and did not end it well.
func (e earlier) broke(address string) bool {
	return slices.ContainsFunc(e, func(a pastApply) bool { return slices.Contains(a.tally.broken, address) })
}

// did tells whether one of them completed a change at this very commit. Then a plan of
// the commit that changes nothing finds the approved values, even where a provider
// writes them in another way than they were planned.
func (e earlier) did(c dr.ResourceChange, commit string) bool {
	return slices.ContainsFunc(e, func(a pastApply) bool { return a.commit == commit && slices.Contains(a.tally.made, c.Address) })
}
