package tf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// mostCalls bounds the calls of modules that are followed in a stack.
const mostCalls = 500

// reads is what Terraform reads of a tree for a stack, and which of it is code that runs.
// What cannot be told without running it counts as everything.
type reads struct {
	snap  *snapshot
	stack string // the folder Terraform runs in
	own   string // what an address of the repository has in it

	whole bool              // it may read anything
	start bool              // it starts programs, of which no reading is told
	named map[string]string // what it reads, by path
	code  []string
	later []func(context.Context) error // what of the code is told when all modules are read
	known map[string]bool               // files of programs that were looked into
	calls int                           // of modules

	strict bool     // what is looked at is told to a program
	inside []string // the folders that are code as a whole
}

// read finds what a stack of a snapshot reads.
func read(ctx context.Context, snap *snapshot, own string, stack dr.Stack) (*reads, error) {
	r := &reads{snap: snap, own: own, named: map[string]string{}, known: map[string]bool{}}
	at := r.add(stack.Dir)
	if !at.there {
		return r, nil // the plan says so
	}
	r.stack = at.path
	if err := r.follow(ctx, &call{dir: r.stack, rel: "."}); err != nil {
		return r, err
	}
	for len(r.later) > 0 {
		next := r.later[0]
		r.later = r.later[1:]
		if err := next(ctx); err != nil {
			return r, err
		}
	}
	return r, nil
}

// add takes a path as read, with all that is under it and what links there lead to.
func (r *reads) add(name string) found {
	f := r.snap.resolve(name)
	for _, l := range f.crossed {
		r.named[l] = r.snap.entries[l].String()
	}
	switch {
	case f.outside:
		return f // no commit changes what is there
	case !f.there:
		r.named[f.path] = "missing" // it may come
		return f
	}
	if _, known := r.named[f.path]; known {
		return f
	}
	e := r.snap.entries[f.path]
	r.named[f.path] = e.String()
	if f.path == "" || e.kind == kindSubmodule {
		r.whole = true // what a submodule reads is not in the mirror
	}
	if e.kind == kindTree {
		for _, l := range r.snap.under(f.path) {
			r.add(l)
		}
	}
	return f
}

// identity names what a path leads to.
func (r *reads) identity(name string) string {
	f := r.snap.resolve(name)
	if !f.there {
		return "missing"
	}
	return r.snap.entries[f.path].String()
}

// runs takes something as code that runs.
func (r *reads) runs(parts ...string) { r.code = append(r.code, strings.Join(parts, "\x00")) }

// codeHash names all code that runs. What it says holds for one stack.
func (r *reads) codeHash() string {
	sorted := slices.Clone(r.code)
	slices.Sort(sorted)
	return hashOf(slices.Compact(sorted))
}

// gitsOwn are the files by which git itself changes what a checkout holds.
var gitsOwn = []string{".gitattributes", ".gitmodules"}

// treesHash names everything that some stacks read.
func treesHash(snap *snapshot, file string, all ...*reads) string {
	named := map[string]string{}
	region := &reads{snap: snap, named: named}
	region.add(file)
	for name, e := range snap.entries {
		if slices.Contains(gitsOwn, path.Base(name)) {
			named[name] = e.String()
		}
	}
	for _, r := range all {
		if r.whole {
			return hashOf([]string{"everything", snap.root})
		}
		maps.Copy(named, r.named)
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(named)) {
		lines = append(lines, name+"\x00"+named[name])
	}
	return hashOf(lines)
}

func hashOf(lines []string) string {
	h := sha256.New()
	for _, l := range lines {
		h.Write([]byte(l)) // a hash never fails to take bytes
		h.Write([]byte{'\x00', '\x00', '\n'})
	}
	return hex.EncodeToString(h.Sum(nil))
}
