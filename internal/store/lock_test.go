package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/store/storetest"
)

// TestLock takes the executor's lock twice: the second waits, is told so once, and
// gets it when the first lets go.
func TestLock(t *testing.T) {
	for name, url := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "drbot.db") },
		"postgres": storetest.Database,
	} {
		t.Run(name, func(t *testing.T) {
			u := url(t)
			first, err := AcquireLock(t.Context(), u, func(int) { t.Error("the first one waited") })
			ok(t, err)
			waiting := make(chan struct{})
			got := make(chan *Lock)
			go func() {
				l, err := AcquireLock(t.Context(), u, func(int) { close(waiting) })
				if err != nil {
					t.Error(err)
				}
				got <- l
			}()
			<-waiting
			select {
			case <-got:
				t.Fatal("two hold the lock")
			case <-time.After(2 * retryLock):
			}
			first.Release()
			(<-got).Release()
		})
	}
}

// TestLockLost kills the connection that holds the lock: its holder must know.
func TestLockLost(t *testing.T) {
	u := storetest.Database(t)
	l, err := AcquireLock(t.Context(), u, func(int) {})
	ok(t, err)
	s, err := Open(t.Context(), u, false, slog.New(slog.DiscardHandler))
	ok(t, err)
	defer func() { _ = s.Close() }()
	_, err = s.db.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'`)
	ok(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	select {
	case <-l.Lost():
	case <-ctx.Done():
		t.Fatal("the lock is gone and its holder was not told")
	}
}

// TestLockFirst takes the lock where not even the folder is there, and keeps what is made
// from other users.
func TestLockFirst(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var", "drbot")
	url := "sqlite:" + filepath.Join(dir, "drbot.db")
	l, err := AcquireLock(t.Context(), url, func(int) { t.Error("the first one waited") })
	ok(t, err)
	defer l.Release()
	s := mustOpen(t, url)
	ok(t, s.CreateRun(t.Context(), aRun("portal-1")))
	ok(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		ok(t, err)
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is of mode %s", path, info.Mode())
		}
		return err
	}))
	for _, end := range []string{".db", ".db-wal", ".db-shm", ".db.lock"} {
		if _, err := os.Stat(filepath.Join(dir, "drbot"+end)); err != nil {
			t.Error(err)
		}
	}
}

// TestNarrowed opens a database whose files others could read.
func TestNarrowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drbot.db")
	first := mustOpen(t, "sqlite:"+path) // its -wal stays while it is open
	for _, end := range []string{"", "-wal", "-shm"} {
		ok(t, os.Chmod(path+end, 0o644))
	}
	mustOpen(t, first.url)
	for _, end := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + end)
		ok(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s is of mode %s", path+end, info.Mode())
		}
	}
}

// TestHeldFile takes the lock file away from under its holder.
func TestHeldFile(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "drbot.db")
	for name, take := range map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
	} {
		l, err := AcquireLock(t.Context(), url, func(int) {})
		ok(t, err)
		ok(t, l.Held(t.Context()))
		ok(t, take(lockPath(url)))
		if err := l.Held(t.Context()); dr.CodeOf(err) != dr.Conflict {
			t.Errorf("%s: %v", name, err)
		}
		select {
		case <-l.Lost():
		default:
			t.Errorf("%s: the holder was not told", name)
		}
		l.Release()
	}
}

// TestHeldPostgres looks at a lock that is held, that nobody can tell of, and that was let go.
func TestHeldPostgres(t *testing.T) {
	db := storetest.Start(t)
	l, err := AcquireLock(t.Context(), db.URL, func(int) {})
	ok(t, err)
	for range 3 {
		ok(t, l.Held(t.Context()))
	}
	db.Freeze()
	if err := l.Held(t.Context()); dr.CodeOf(err) != dr.Temporary {
		t.Errorf("of a server that says nothing: %v", err)
	}
	<-l.Lost() // what the holder does by itself
	if err := l.Held(t.Context()); dr.CodeOf(err) != dr.Conflict {
		t.Errorf("of a lock that was given up: %v", err)
	}
	db.Thaw()
	next, err := AcquireLock(t.Context(), db.URL, func(int) {})
	ok(t, err)
	next.Release()
	if err := next.Held(t.Context()); dr.CodeOf(err) != dr.Conflict {
		t.Errorf("of a lock that was let go: %v", err)
	}
}

// TestHeldFrozen has the process wake up after a freeze that the server has not seen.
func TestHeldFrozen(t *testing.T) {
	for name, freeze := range map[string]time.Duration{"a moment": giveUp / 2, "too long": giveUp + time.Second} {
		var slept atomic.Int64
		l, _, err := postgresLock(t.Context(), storetest.Database(t), func() time.Duration { return sinceBoot() + time.Duration(slept.Load()) })
		ok(t, err)
		ok(t, l.Held(t.Context()))
		slept.Store(int64(freeze))
		err = l.Held(t.Context())
		if gone := freeze > giveUp; gone != (dr.CodeOf(err) == dr.Conflict) || !gone && err != nil {
			t.Errorf("frozen for %s: %v", name, err)
		}
		l.Release()
	}
}

// lockURL has the test program be a server that waits for the lock, and says when it
// has it and when it lost it.
const lockURL = "DRBOT_TEST_LOCK_URL"

func TestMain(m *testing.M) {
	if url := os.Getenv(lockURL); url != "" {
		say := func(what string) { fmt.Println(what, time.Now().UnixNano()) }
		l, err := AcquireLock(context.Background(), url, func(int) { say("waiting") })
		if err != nil {
			say("error: " + err.Error())
			os.Exit(1)
		}
		say("held")
		<-l.Lost()
		say("lost")
		return
	}
	code := m.Run()
	storetest.Close()
	os.Exit(code)
}

// lockServer is such a server.
type lockServer struct {
	t     *testing.T
	name  string
	lines *bufio.Scanner
}

func startLock(t *testing.T, name string, h *storetest.Host, url string) *lockServer {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), lockURL+"="+url)
	out, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, h.Start(cmd))
	limit := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }) // rather than wait for ever
	t.Cleanup(func() {
		limit.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // that it was killed is what was wanted
	})
	return &lockServer{t, name, bufio.NewScanner(out)}
}

// says waits for what the server says next, and gives the time it said.
func (s *lockServer) says(what string) time.Time {
	s.t.Helper()
	if !s.lines.Scan() {
		s.t.Fatalf("the %s has ended instead of being %s: %v", s.name, what, s.lines.Err())
	}
	said, at, _ := strings.Cut(s.lines.Text(), " ")
	nano, err := strconv.ParseInt(at, 10, 64)
	if said != what || err != nil {
		s.t.Fatalf("the %s says %q, not %s", s.name, s.lines.Text(), what)
	}
	return time.Unix(0, nano)
}

// TestLockUnplugged takes the link of the holder's host down: nothing resets a
// connection. The standby takes over within 15 s, and the holder has given up before.
func TestLockUnplugged(t *testing.T) {
	hosts := storetest.NewNet(t)
	db := hosts.Start()
	holder := startLock(t, "holder", hosts.Far, db.URL)
	holder.says("held")
	standby := startLock(t, "standby", hosts.Near, db.URL)
	standby.says("waiting")
	hosts.Unplug()
	unplugged := time.Now()
	lost, took := holder.says("lost"), standby.says("held")
	t.Logf("the holder gave up after %s, the standby took over after %s", lost.Sub(unplugged).Round(time.Millisecond), took.Sub(unplugged).Round(time.Millisecond))
	if !lost.Before(took) {
		t.Errorf("two held the lock for %s", lost.Sub(took))
	}
	if took.Sub(unplugged) > 15*time.Second {
		t.Errorf("the standby took over after %s", took.Sub(unplugged))
	}
}
