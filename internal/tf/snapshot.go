package tf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The modes of git's entries that are more than files and folders.
const (
	modeLink      = "120000"
	kindTree      = "tree"
	kindCommit    = "commit"
	kindSubmodule = kindCommit
)

// mostLinks bounds how many links one path may go through; the kernel's own bound.
const mostLinks = 40

// entry is one name of a tree: what it is, and what names its content.
type entry struct {
	mode, kind, id string
	size           int64 // of a file
}

func (e entry) String() string { return e.mode + " " + e.kind + " " + e.id }

// snapshot is the files of a commit as the mirror has them: what a checkout would hold,
// without one.
type snapshot struct {
	git      git
	root     string // names everything
	entries  map[string]entry
	children map[string][]string // by folder, names alone
	links    []string            // paths, sorted
	blobs    map[string]string   // contents that were read, by their ids
}

// snapshot lists a tree that the mirror has.
func (g git) snapshot(ctx context.Context, tree string) (*snapshot, error) {
	root, err := g.rootOf(ctx, tree)
	if err != nil {
		return nil, err
	}
	list, err := g.list(ctx, tree)
	if err != nil {
		return nil, err
	}
	s := &snapshot{git: g, root: root, entries: map[string]entry{}, children: map[string][]string{}, blobs: map[string]string{}}
	s.entries[""] = entry{"040000", kindTree, s.root, 0}
	for line := range strings.SplitSeq(list, "\x00") {
		head, name, ok := strings.Cut(line, "\t")
		of := strings.Fields(head)
		if !ok || len(of) != 4 {
			if line == "" {
				continue
			}
			return nil, fmt.Errorf("git ls-tree says %q", line)
		}
		size, _ := strconv.ParseInt(of[3], 10, 64) // folders have none
		s.entries[name] = entry{of[0], of[1], of[2], size}
		dir := parent(name)
		s.children[dir] = append(s.children[dir], path.Base(name))
	}
	if err := s.budgeted(); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(s.entries)) {
		if s.entries[name].mode == modeLink {
			s.links = append(s.links, name)
		}
	}
	return s, s.load(ctx, s.links...)
}

// rootOf names the tree of a commit, or the tree itself.
func (g git) rootOf(ctx context.Context, tree string) (string, error) {
	root, err := g.ask(ctx, askInfo, tree+"^{tree}")
	if err != nil {
		return "", err
	}
	if root[0].kind != kindTree {
		return "", fmt.Errorf("git cat-file knows no tree of %s", tree)
	}
	return root[0].id, nil
}

// list is git's own of a tree, as far as it may be long.
func (g git) list(ctx context.Context, tree string) (string, error) {
	g.ends = mostFiles + 1
	list, err := g.run(ctx, "", nil, "ls-tree", "-r", "-t", "-l", "-z", "--full-tree", tree)
	if errors.Is(err, errTooMuch) {
		return "", tooMany()
	}
	return list, err
}

// parent is the folder of a path; "" is the repository's own.
func parent(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return ""
}

// load reads the contents of some files.
func (s *snapshot) load(ctx context.Context, paths ...string) error {
	var names []string
	for _, p := range paths {
		id := s.entries[p].id
		if _, known := s.blobs[id]; !known && !slices.Contains(names, id) {
			names = append(names, id)
		}
	}
	if len(names) == 0 {
		return nil
	}
	all, err := s.git.ask(ctx, askContents, names...)
	if err != nil {
		return err
	}
	for i, id := range names {
		if all[i].id != id {
			return fmt.Errorf("git cat-file knows no %s", id)
		}
		s.blobs[id] = all[i].text
	}
	return nil
}

// found is what a path leads to.
type found struct {
	path    string   // without links
	crossed []string // links on the way
	there   bool
	outside bool // it leads out of the repository
}

// resolve follows the links of a path as the kernel would in a checkout.
func (s *snapshot) resolve(name string) found {
	var f found
	rest := strings.Split(name, "/")
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if f.path == "" {
				return found{crossed: f.crossed, outside: true}
			}
			f.path = parent(f.path)
			continue
		}
		next := path.Join(f.path, part)
		e, ok := s.entries[next]
		switch {
		case !ok:
			f.path = path.Join(append([]string{next}, rest...)...)
			return f
		case e.mode != modeLink:
			f.path = next
			continue
		}
		f.crossed = append(f.crossed, next)
		target := s.blobs[e.id]
		if path.IsAbs(target) || len(f.crossed) > mostLinks {
			return found{crossed: f.crossed, outside: true}
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	f.there = true
	return f
}

// under lists the links inside a folder.
func (s *snapshot) under(dir string) []string {
	var out []string
	for _, l := range s.links {
		if strings.HasPrefix(l, dir+"/") {
			out = append(out, l)
		}
	}
	return out
}
