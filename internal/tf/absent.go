package tf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

const (
	// lfsPointer is how a file begins that stands for one kept by Git LFS.
	lfsPointer = "version https://git-lfs.github.com/spec/v1\n"
	// largestPointer is the most that Git LFS takes for a pointer.
	largestPointer = 1024

	gitlinkMode = "160000"
	modulesFile = ".terraform/modules/modules.json"
)

// absent is what a checkout of a commit does not have although the commit names it. With
// an empty folder, or a pointer in a file's place, Terraform plans all the same: it would
// delete what the folder made, and take the pointer for the file.
type absent struct {
	submodules []string // by their paths in the checkout
	pointers   []string // files that Git LFS has
}

// absent looks through the tree of a checkout, and what it holds.
func (h contents) absent(root string) absent {
	var a absent
	for _, name := range slices.Sorted(maps.Keys(h.entries)) {
		if h.entries[name].mode == gitlinkMode {
			a.submodules = append(a.submodules, name)
		}
	}
	for _, name := range h.paths {
		e := h.entries[name]
		if e.size > int64(len(lfsPointer)) && e.size < largestPointer && strings.HasPrefix(e.mode, "100") && isPointer(filepath.Join(root, filepath.FromSlash(name))) {
			a.pointers = append(a.pointers, name)
		}
	}
	return a
}

// isPointer tells whether a file is a pointer of Git LFS. One that cannot be read is none:
// whoever needs it will say so.
func isPointer(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	begins := make([]byte, len(lfsPointer))
	_, err = io.ReadFull(f, begins)
	return err == nil && string(begins) == lfsPointer
}

// because adds to why a stack cannot be initialised that its repository has submodules.
func (a absent) because(err error) error {
	var f *failure
	if len(a.submodules) > 0 && errors.As(err, &f) && f.lock.Empty() && f.next.Empty() {
		f.next = dr.T("tf.absent.hint", "paths", a.submodules[:min(len(a.submodules), mostNamed)])
	}
	return err
}

// whole refuses a stack that reads what the checkout does not have. It comes after init,
// which finds the modules, and before anything is planned.
func (m *module) whole() error {
	if len(m.absent.submodules) == 0 && len(m.absent.pointers) == 0 {
		return nil
	}
	folders, err := m.folders()
	if err != nil {
		return err
	}
	for _, s := range m.absent.submodules {
		named, err := m.names(folders, path.Base(s)+"/")
		if err != nil {
			return err
		}
		if slices.ContainsFunc(folders, func(f string) bool { return inside(f, s) || named && inside(s, f) }) {
			return &dr.Error{Code: dr.Conflict, What: dr.T("tf.absent.submodule", "stack", m.name, "path", s), Next: dr.T("tf.absent.submodule.next")}
		}
	}
	for _, p := range m.absent.pointers {
		named, err := m.names(folders, path.Base(p))
		if err != nil {
			return err
		}
		if named || slices.ContainsFunc(folders, func(f string) bool { return inside(p, f) }) {
			return &dr.Error{Code: dr.Conflict, What: dr.T("tf.absent.lfs", "stack", m.name, "path", p), Next: dr.T("tf.absent.lfs.next")}
		}
	}
	return nil
}

// inside tells whether a path is another one, or below it. Of the whole checkout only what
// stands at its top is: a stack there does not read all that other folders hold.
func inside(name, folder string) bool {
	if folder == "." {
		return !strings.Contains(name, "/")
	}
	return name == folder || strings.HasPrefix(name, folder+"/")
}

// folders are the stack's own and those of its modules that are of the checkout, by their
// paths in it.
func (m *module) folders() ([]string, error) {
	real, err := filepath.EvalSymlinks(m.dir)
	if err != nil {
		return nil, fmt.Errorf("find the stack: %w", err)
	}
	root, err := filepath.EvalSymlinks(m.root)
	if err != nil {
		return nil, fmt.Errorf("find the checkout: %w", err)
	}
	modules, err := modulesOf(m.root, m.inside)
	if err != nil {
		return nil, err
	}
	dirs := []string{real}
	for _, mod := range modules {
		dirs = append(dirs, filepath.Join(real, filepath.FromSlash(mod.Dir)))
	}
	var out []string
	for _, dir := range dirs {
		if to, err := filepath.EvalSymlinks(dir); err == nil {
			dir = to
		}
		rel, err := filepath.Rel(root, dir)
		if err == nil && filepath.IsLocal(rel) && !slices.Contains(out, filepath.ToSlash(rel)) {
			out = append(out, filepath.ToSlash(rel))
		}
	}
	return out, nil
}

// initialised is a module as init has found it, from the folder Terraform runs in.
type initialised struct{ Key, Dir string }

func modulesOf(root, inside string) ([]initialised, error) {
	var known struct{ Modules []initialised }
	data, err := readWithin(root, path.Join(filepath.ToSlash(inside), modulesFile), mostNoted)
	if err == nil {
		err = json.Unmarshal(data, &known)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read which modules the stack has: %w", err)
	}
	return known.Modules, nil
}

// names tells whether a configuration in these folders has a word in it.
func (m *module) names(folders []string, word string) (bool, error) {
	for _, folder := range folders {
		there, err := namesWithin(m.root, folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("look for the stack's files: %w", err)
		}
		for _, name := range there {
			if !strings.HasSuffix(name, ".tf") && !strings.HasSuffix(name, ".tf.json") {
				continue
			}
			data, err := readWithin(m.root, path.Join(folder, name), mostNoted)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return false, fmt.Errorf("read the stack's files: %w", err)
			}
			if bytes.Contains(data, []byte(word)) {
				return true, nil
			}
		}
	}
	return false, nil
}
