package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drbot/drbot/dr"
)

// Lock is the proof that this process is the one executor. Two executors on one
// database would make every act of a run twice.
type Lock struct {
	lost    chan struct{}
	once    sync.Once
	release func()
	held    func(context.Context) error
}

// Lost is closed when the lock is gone without Release: the process must end.
func (l *Lock) Lost() <-chan struct{} { return l.lost }

// Release gives the lock to the next one in line.
func (l *Lock) Release() { l.release() }

// Held looks whether the lock is still this process's, right before a call that cannot
// be taken back. It answers within 2 s; dr.Conflict says that the lock is gone for
// good, dr.Temporary that nobody can tell right now. Either way the call must not be made.
func (l *Lock) Held(ctx context.Context) error {
	select {
	case <-l.lost:
		return lockGone(nil)
	default:
		return l.held(ctx)
	}
}

func (l *Lock) lose() { l.once.Do(func() { close(l.lost) }) }

func lockGone(cause error) error {
	return &dr.Error{Code: dr.Conflict, What: dr.T("store.lock-gone"), Next: dr.T("store.lock-gone.next"), Err: cause}
}

// retryLock is how often a standby asks for the lock: the time a takeover may take.
const retryLock = 500 * time.Millisecond

// AcquireLock waits for the exclusive lock of the database a URL names. waiting
// is called once if another process holds it, with its id; 0 where that is not known.
func AcquireLock(ctx context.Context, url string, waiting func(holder int)) (*Lock, error) {
	if err := checkURL(url); err != nil {
		return nil, err
	}
	try := func() (*Lock, int, error) { return fileLock(lockPath(url)) }
	if isPostgres(url) {
		try = func() (*Lock, int, error) { return postgresLock(ctx, url, sinceBoot) }
	}
	tick := time.NewTicker(retryLock)
	defer tick.Stop()
	told := false
	for {
		l, holder, err := try()
		if l != nil || err != nil {
			return l, scrub(err, url)
		}
		if !told {
			waiting(holder)
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, failed("wait for the executor's lock", ctx.Err())
		case <-tick.C:
		}
	}
}

func lockPath(url string) string { return SQLitePath(url) + ".lock" }

// fileLock locks the file beside a SQLite database. The folder may not be there yet:
// the lock comes before everything else.
func fileLock(path string) (*Lock, int, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, 0, failedFile(path, "make the database folder", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, 0, failedFile(path, "open the lock file", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		pid := pidIn(path)
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, pid, nil
		}
		return nil, 0, failedFile(path, "lock a file", err)
	}
	if samePlace(f, path) != nil {
		_ = f.Close()
		return nil, 0, nil // it was taken away between open and lock
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	l := &Lock{lost: make(chan struct{}), release: func() { _ = f.Close() }}
	l.held = func(context.Context) error {
		err := samePlace(f, path)
		if err != nil {
			l.lose()
			return lockGone(err)
		}
		return nil
	}
	return l, 0, nil
}

// pidIn is whose the lock file says it is, for the message alone.
func pidIn(path string) int {
	said, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(said))) // 0 where it says nothing
	return pid
}

// samePlace tells whether a path still names an open file. The kernel's lock is on the
// file: whoever finds another one at the path gets a lock of their own.
func samePlace(f *os.File, path string) error {
	mine, err := f.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !os.SameFile(mine, there) {
		return fmt.Errorf("%s is another file now", path)
	}
	return nil
}
