package tf

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a busy file lock is tried again. flock cannot be waited
// for together with a context.
const lockPoll = 10 * time.Millisecond

// lockFile opens a file, making it if need be, and takes its exclusive lock. The
// kernel frees the lock when the last process that holds the file dies, which no
// reuse of a process id can disturb.
func lockFile(ctx context.Context, name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		got, err := flock(f, unix.LOCK_EX)
		if got {
			return f, nil
		}
		if err == nil {
			select {
			case <-tick.C:
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		return nil, errors.Join(err, f.Close())
	}
}

// unlock frees a lock at once. Closing alone is not enough while a child that is
// being started still shares the file.
func unlock(f *os.File) {
	// A descriptor that is open and was locked has nothing to fail with.
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	_ = f.Close()
}

// flock tries for a lock without waiting.
func flock(f *os.File, how int) (bool, error) {
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}

// held tells whether somebody has the exclusive lock of a file. It asks with a
// shared lock, so that two askers do not take each other for the holder.
func held(name string) (bool, error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	got, err := flock(f, unix.LOCK_SH)
	if got {
		unlock(f)
		return false, nil
	}
	return err == nil, errors.Join(err, f.Close())
}

// writeAtomic puts a file in place whole or not at all, and on disk before it
// returns.
func writeAtomic(name string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".tmp-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// disk is the folders that Terraform's plans and applies live in.
type disk struct {
	work, cache string
	wall        Isolation
	log         *slog.Logger
}

func (d disk) scratchDir() string { return filepath.Join(d.work, "plans") }
func (d disk) appliesDir() string { return filepath.Join(d.work, "applies") }

// scratch makes a private folder for one plan. Its lock tells a later process
// whether the plan is still being made.
func (d disk) scratch(ctx context.Context) (dir string, release func(), err error) {
	dir = filepath.Join(d.scratchDir(), rand.Text())
	lock, err := lockFile(ctx, dir+lockSuffix)
	if err != nil {
		return "", nil, err
	}
	release = func() {
		// What cannot be removed now is swept later, as long as its lock is there.
		if d.wall.remove(dir) == nil {
			_ = os.Remove(lock.Name())
		}
		unlock(lock)
	}
	if _, err := os.Stat(lock.Name()); err != nil {
		release()
		return d.scratch(ctx) // a sweep took the lock for an old one
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		release()
		return "", nil, err
	}
	return dir, release, nil
}

// lockSuffix ends the name of a plan folder's lock.
const lockSuffix = ".lock"

// sweepScratch removes what a killed process left: plan files hold secrets.
func (d disk) sweepScratch() {
	entries, err := os.ReadDir(d.scratchDir())
	if err != nil {
		d.log.Warn("cannot look for old plan folders", "error", err)
		return
	}
	for _, e := range entries {
		id, isLock := strings.CutSuffix(e.Name(), lockSuffix)
		if !isLock {
			continue
		}
		if err := d.sweepPlan(filepath.Join(d.scratchDir(), id)); err != nil {
			d.log.Warn("cannot remove an old plan folder", "error", err)
		}
	}
}

// sweepPlan removes a plan folder whose lock nobody has, and holds that meanwhile.
func (d disk) sweepPlan(dir string) error {
	lock, err := os.OpenFile(dir+lockSuffix, os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil // its plan ended
	}
	if err != nil {
		return err
	}
	free, err := flock(lock, unix.LOCK_EX)
	if !free {
		return errors.Join(err, lock.Close())
	}
	defer unlock(lock)
	if err := errors.Join(d.wall.remove(dir), d.wall.remove(tempOf(d.work, dir))); err != nil {
		return err
	}
	return os.Remove(lock.Name())
}
