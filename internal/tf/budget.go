package tf

import (
	"context"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// What a tree may hold. A few hundred bytes can name a tree with more files than any disk
// has room for, so it is counted from git's list, before anything is written.
const (
	mostFiles = 100_000 // and folders
	mostBytes = 2 << 30 // of all files together
	mostDepth = 64      // folders in one another
	mostLink  = 4096    // bytes that a link says
)

// refusal is a tree that is not checked out.
func refusal(why dr.Text) error {
	return &dr.Error{Code: dr.Uncertain, What: dr.T("git.tree.refused", "why", why), Next: dr.T("git.tree.refused.next")}
}

// budgeted refuses a tree that holds too much.
func (s *snapshot) budgeted() error {
	if len(s.entries) > mostFiles {
		return tooMany()
	}
	for name, e := range s.entries {
		if strings.Count(name, "/") >= mostDepth {
			return refusal(dr.T("git.tree.deep", "most", mostDepth, "path", dr.Foreign(shortened(name))))
		}
		if e.mode == modeLink && e.size > mostLink {
			return refusal(dr.T("git.tree.link", "path", dr.Foreign(shortened(name))))
		}
	}
	return nil
}

func tooMany() error { return refusal(dr.T("git.tree.many", "most", mostFiles)) }

// itsOwn are files that Terraform, or who mends a state, would take for their own.
func itsOwn(name string) bool {
	name = strings.ToLower(name)
	base := path.Base(name)
	return slices.Contains(strings.Split(name, "/"), ".terraform") || strings.HasSuffix(base, ".tfrc") || base == ".terraformrc" || base == rescuedState
}

// contents are what a checkout holds: what a stack of a tree reads of it.
type contents struct {
	*snapshot
	reads *reads
	paths []string // in order, without folders
}

// part finds what a stack needs of a tree, and the file that is changed where that is named.
// What starts programs needs everything: nobody can tell what they read.
func (g git) part(ctx context.Context, tree string, stack dr.Stack, file string) (contents, error) {
	h := contents{}
	var err error
	if h.snapshot, err = g.snapshot(ctx, tree); err != nil {
		return h, err
	}
	if h.reads, err = read(ctx, h.snapshot, g.own(), stack); err != nil {
		return h, err
	}
	if !filepath.IsLocal(filepath.FromSlash(stack.Dir)) {
		return h, nil // there is nothing to read, which is said where the folder is looked for
	}
	whole, wanted := h.reads.whole || h.reads.start, map[string]bool{}
	if !whole {
		with := &reads{snap: h.snapshot, named: maps.Clone(h.reads.named)}
		if file != "" {
			with.add(file)
		}
		for name := range with.named {
			wanted[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.entries)) {
		if h.entries[name].kind != kindTree && (whole || under(wanted, name)) {
			h.paths = append(h.paths, name)
		}
	}
	return h, nil
}

// under tells whether a path, or a folder that it is in, is among those that are wanted.
func under(wanted map[string]bool, name string) bool {
	for ; name != ""; name = parent(name) {
		if wanted[name] {
			return true
		}
	}
	return false
}

// fit refuses a checkout that would hold what no team's repository has a use for: files that
// Terraform would take for those of its own last run or for its settings, links that lead
// out of it, and more than there is room for.
func (h contents) fit() error {
	var all int64
	for _, name := range h.paths {
		all += h.entries[name].size
		switch {
		case itsOwn(name):
			return refusal(dr.T("git.tree.planted", "path", dr.Foreign(shortened(name))))
		case h.entries[name].mode == modeLink && h.resolve(name).outside:
			return refusal(dr.T("git.tree.link", "path", dr.Foreign(shortened(name))))
		case all > mostBytes:
			return refusal(dr.T("git.tree.large", "most", mostBytes>>20))
		}
	}
	return nil
}

// raw has git write what a commit holds and nothing else, whatever a repository says in its
// attributes: what is looked through, hashed and approved are these bytes. It stands where
// no commit reaches, before all of theirs.
const raw = "* -text !eol !working-tree-encoding !filter !ident\n"
