package tf

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drbot/drbot/dr"
)

const (
	// defaultKept is how long the folder of an apply is kept once its run is over.
	defaultKept = 30 * 24 * time.Hour
	// mostKept bounds the folders of runs that are over, however young they are.
	mostKept = 400

	overFile = "over" // beside the applies' folders: the keys of those removed
)

// Retention says what Prune keeps.
type Retention struct {
	// Open tells whether a run has not ended: nothing of it is touched.
	Open func(run string) bool
	// Before is the moment up to which an apply that ended is old; 30 days ago when zero.
	Before time.Time
	// Newest bounds how many applies of ended runs are kept at all; 400 when zero.
	Newest int
	// Repositories are those that services name. Mirrors of others are removed; when
	// it is nil, none is.
	Repositories []dr.Repository
}

// Pruned counts what Prune removed.
type Pruned struct {
	Applies int // folders of applies
	Mirrors int // Git mirrors of repositories that nobody names
}

// Prune removes what past runs left on the disk: folders of applies, Git mirrors, and
// folders of plans and downloads that a killed process did not finish. It keeps every
// apply of an open run, every one of which anything lives, and every one that died and
// that nobody has seen to. The key of an apply whose folder is gone stays used.
//
// What cannot be removed does not keep the rest; the error names all of it.
func (t *Terraform) Prune(ctx context.Context, keep Retention) (Pruned, error) {
	if keep.Open == nil {
		return Pruned{}, &dr.Error{Code: dr.Invalid, What: dr.T("tf.prune.blind")}
	}
	if keep.Before.IsZero() {
		keep.Before = time.Now().Add(-defaultKept)
	}
	keep.Newest = cmp.Or(max(keep.Newest, 0), mostKept)
	t.disk.sweepScratch()
	t.disk.sweepDownloads(keep.Before)
	var done Pruned
	var open []string
	errs := []error{t.disk.emptyTrash()}
	var err error
	done.Applies, open, err = t.disk.pruneApplies(ctx, keep)
	errs = append(errs, err)
	done.Mirrors, err = t.pruneMirrors(ctx, keep.Repositories, open)
	if err = errors.Join(append(errs, err)...); err != nil {
		err = outside(err, dr.T("tf.prune.left"), dr.T("tf.prune.left.next"))
	}
	t.opts.Logger.InfoContext(ctx, "old Terraform files removed", "applies", done.Applies, "mirrors", done.Mirrors, "error", err)
	return done, err
}

// past is an apply that is over and may be removed when it is old enough.
type past struct {
	folder folder
	ended  time.Time
}

// pruneApplies removes old applies and gives the repositories of those that are kept.
func (d disk) pruneApplies(ctx context.Context, keep Retention) (removed int, repositories []string, err error) {
	entries, err := os.ReadDir(d.appliesDir())
	if err != nil {
		return 0, nil, err
	}
	var over []past
	var errs []error
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		f := folder(filepath.Join(d.appliesDir(), e.Name()))
		var req request
		if _, err := f.read(requestFile, &req); err != nil {
			errs = append(errs, err) // a folder that cannot be read is one to look at
			continue
		}
		at, isOver, err := f.over()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !isOver || keep.Open(req.Run) {
			repositories = append(repositories, req.Place.GitURL)
			continue
		}
		over = append(over, past{folder: f, ended: at})
	}
	slices.SortFunc(over, func(a, b past) int { return b.ended.Compare(a.ended) })
	for i, p := range over {
		if i < keep.Newest && p.ended.After(keep.Before) || ctx.Err() != nil {
			continue
		}
		gone, err := d.removeApply(p.folder)
		if gone {
			removed++
		}
		errs = append(errs, err)
	}
	return removed, repositories, errors.Join(append(errs, ctx.Err())...)
}

// over tells whether nothing of an apply lives and nothing of it is to be seen to, and
// since when.
func (f folder) over() (since time.Time, over bool, err error) {
	for _, lock := range []string{startLock, aliveLock, familyLock} {
		if busy, err := held(f.file(lock)); busy || err != nil {
			return time.Time{}, false, err
		}
	}
	fell, err := f.fell()
	if fell || err != nil {
		return time.Time{}, false, err
	}
	// What was asked for and never begun is as old as its last trace.
	for _, name := range []string{resultFile, lostFile, requestFile, startLock, ""} {
		info, err := os.Stat(f.file(name))
		if err == nil {
			return info.ModTime(), true, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return time.Time{}, false, err
		}
	}
	return time.Time{}, false, nil
}

// removeApply notes the key as used and removes the folder, unless somebody took it
// up meanwhile. It is moved away first: half a folder could look like an apply that died.
func (d disk) removeApply(f folder) (gone bool, err error) {
	lock, err := os.OpenFile(f.file(startLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, err
	}
	defer unlock(lock)
	if free, err := flock(lock, unix.LOCK_EX); !free {
		return false, err
	}
	if alive, err := held(f.file(aliveLock)); alive || err != nil {
		return false, err
	}
	if err := d.noteOver(f); err != nil {
		return false, err
	}
	return true, d.discard(string(f))
}

// discard moves a folder away in one step and removes it then; what is left by a
// process that dies here goes with the next Prune.
func (d disk) discard(dir string) error {
	if err := os.MkdirAll(d.trashDir(), 0o700); err != nil {
		return err
	}
	away := filepath.Join(d.trashDir(), filepath.Base(dir))
	if err := errors.Join(d.wall.remove(away), os.Rename(dir, away)); err != nil {
		return err
	}
	return d.wall.remove(away)
}

func (d disk) trashDir() string { return filepath.Join(d.work, "trash") }

func (d disk) emptyTrash() error { return d.wall.remove(d.trashDir()) }

// noteOver keeps the name of an apply's folder, which is made from its key, and has it
// on disk before it returns.
func (d disk) noteOver(f folder) error {
	file, err := os.OpenFile(filepath.Join(d.appliesDir(), overFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(overLine(f))
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func overLine(f folder) string { return filepath.Base(string(f)) + "\n" }

// notOver is dr.Conflict when an apply ended so long ago that its folder was removed.
func (d disk) notOver(f folder) error {
	if _, err := os.Stat(string(f)); err == nil {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(d.appliesDir(), overFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if strings.Contains("\n"+string(data), "\n"+overLine(f)) {
		return &dr.Error{
			Code: dr.Conflict,
			What: dr.T("tf.apply.over"),
			Next: dr.T("tf.apply.over.next"),
		}
	}
	return nil
}

// sweepDownloads removes downloads of Terraform that were not finished.
func (d disk) sweepDownloads(before time.Time) {
	found, err := filepath.Glob(filepath.Join(d.cache, downloads+"*"))
	if err != nil {
		return // only a bad pattern fails
	}
	for _, dir := range found {
		if info, err := os.Stat(dir); err != nil || info.ModTime().After(before) {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			d.log.Warn("cannot remove an old download", "error", err)
		}
	}
}

// pruneMirrors removes the mirrors of repositories that nobody names and keeps the
// others small.
func (t *Terraform) pruneMirrors(ctx context.Context, named []dr.Repository, open []string) (removed int, err error) {
	if named == nil {
		return 0, nil
	}
	wanted := make(map[string]bool)
	for _, repo := range named {
		url, err := checkGitURL(t.opts.GitURL(repo))
		if err != nil {
			return 0, err
		}
		wanted[mirrorName(url)] = true
	}
	for _, url := range open {
		wanted[mirrorName(url)] = true
	}
	mirrors, err := filepath.Glob(filepath.Join(t.opts.WorkDir, mirrorsDir, "*.git"))
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, mirror := range mirrors {
		if ctx.Err() != nil {
			break
		}
		if wanted[filepath.Base(mirror)] {
			errs = append(errs, tidyMirror(ctx, mirror))
			continue
		}
		gone, err := t.disk.removeMirror(mirror)
		if gone {
			removed++
		}
		errs = append(errs, err)
	}
	return removed, errors.Join(append(errs, ctx.Err())...)
}

// removeMirror removes a mirror that nobody is fetching into. Its lock stays: it is
// empty, and whoever waits for it must find the same file.
func (d disk) removeMirror(mirror string) (gone bool, err error) {
	lock, free, err := lockedMirror(mirror)
	if !free || err != nil {
		return false, err
	}
	defer unlock(lock)
	return true, errors.Join(d.discard(mirror), os.RemoveAll(mirror+".new"), os.RemoveAll(mirror+".old"))
}

// lockedMirror takes a mirror's lock if nobody has it.
func lockedMirror(mirror string) (lock *os.File, free bool, err error) {
	lock, err = os.OpenFile(mirror+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	if free, err = flock(lock, unix.LOCK_EX); !free {
		return nil, false, errors.Join(err, lock.Close())
	}
	return lock, true, nil
}

// tidyTime bounds the packing of one mirror. Fetches wait for it.
const tidyTime = time.Minute

// tidyMirror packs what many fetches left, when it is much. One that does not end in
// time is left as it was: git replaces packs only when the new one is whole.
func tidyMirror(ctx context.Context, mirror string) error {
	lock, free, err := lockedMirror(mirror)
	if !free || err != nil {
		return err
	}
	defer unlock(lock)
	if err := errors.Join(os.RemoveAll(mirror+".new"), os.RemoveAll(mirror+".old")); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, tidyTime)
	defer cancel()
	_, err = git{mirror: mirror}.run(limited, "", nil,
		"-c", "gc.auto=500", "-c", "gc.autoPackLimit=10", "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet")
	if err != nil && limited.Err() == nil {
		return fmt.Errorf("pack the mirror %s: %w", filepath.Base(mirror), err)
	}
	return nil
}

func mirrorName(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:8]) + ".git"
}
