package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/drbot/drbot/dr"
)

// Lock is the proof that this process is the one executor. Two executors on one
// database would make every act of a run twice.
type Lock struct {
	lost    chan struct{}
	release func()
}

// Lost is closed when the lock is gone without Release: the process must end.
func (l *Lock) Lost() <-chan struct{} { return l.lost }

// Release gives the lock to the next one in line.
func (l *Lock) Release() { l.release() }

// retryLock is how often a standby asks for the lock: the time a takeover may take.
const retryLock = 500 * time.Millisecond

// askLock is how long PostgreSQL may take to answer: one that is frozen takes
// connections and never says a word, and nobody would know why nothing is served.
const askLock = 10 * time.Second

// advisoryKey is the number drbot's executors lock in PostgreSQL ("drbot" in ASCII).
const advisoryKey = 0x6472626f74

// AcquireLock waits for the exclusive lock of the database a URL names. waiting
// is called once if another process holds it.
func AcquireLock(ctx context.Context, url string, waiting func(holder string)) (*Lock, error) {
	try := func() (*Lock, string, error) { return fileLock(sqlitePath(url) + ".lock") }
	if !strings.HasPrefix(url, "sqlite:") {
		try = func() (*Lock, string, error) { return postgresLock(ctx, url) }
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
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

func fileLock(path string) (*Lock, string, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, "", fmt.Errorf("open the lock file: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		pid, _ := os.ReadFile(path) // for the message alone
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, "process " + strings.TrimSpace(string(pid)), nil
		}
		return nil, "", fmt.Errorf("lock %s: %w", path, err)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return &Lock{lost: make(chan struct{}), release: func() { _ = f.Close() }}, "", nil
}

// postgresLock holds a session lock on a connection of its own. The database
// drops the lock when the connection dies, so a watcher asks it every second.
func postgresLock(ctx context.Context, url string) (*Lock, string, error) {
	ask, cancel := context.WithTimeout(ctx, askLock)
	defer cancel()
	silent := func(err error) error {
		return &dr.Error{Code: dr.Temporary, Msg: "the database does not answer.", Hint: "start drbot again when it does; the runs go on where they were", Err: scrub(err, url)}
	}
	conn, err := pgx.Connect(ask, url)
	if err != nil {
		return nil, "", silent(err)
	}
	var ok bool
	if err := conn.QueryRow(ask, `SELECT pg_try_advisory_lock($1)`, int64(advisoryKey)).Scan(&ok); err != nil {
		_ = conn.Close(ask)
		return nil, "", silent(err)
	}
	if !ok {
		_ = conn.Close(ask)
		return nil, "another process", nil
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &Lock{lost: make(chan struct{})}
	done := make(chan struct{})
	l.release = func() { stop(); <-done }
	go func() {
		defer close(done)
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-watch.Done():
				return
			case <-tick.C:
			}
			ping, cancel := context.WithTimeout(watch, 5*time.Second)
			err := conn.Ping(ping)
			cancel()
			if err != nil && watch.Err() == nil {
				close(l.lost)
				return
			}
		}
	}()
	return l, "", nil
}
