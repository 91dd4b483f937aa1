// Package storetest gives tests a real PostgreSQL.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a PostgreSQL of a test's own, which the test can take away.
type Server struct {
	URL string

	t    *testing.T
	bin  string
	dir  string
	attr *syscall.SysProcAttr
	cmd  *exec.Cmd

	listen string                // besides the socket in the folder
	run    func(*exec.Cmd) error // where it runs
}

// Postgres starts a server of the test's own, as a user that initdb accepts, and
// gives its URL. It skips the test where there are no server programs.
func Postgres(t *testing.T) string {
	t.Helper()
	return Start(t).URL
}

// Start is Postgres for a test that takes the server away.
func Start(t *testing.T) *Server {
	t.Helper()
	return begin(t, "", (*exec.Cmd).Start)
}

// shared is the server of Database.
var shared struct {
	mu     sync.Mutex
	server *Server
	made   int
}

// Database gives the URL of an empty database of the test's own, on a server that the
// tests of a program share: starting one takes longer than most tests. The program's
// TestMain ends with Close.
func Database(t *testing.T) string {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil {
		shared.server = start(t, "", (*exec.Cmd).Start)
	}
	shared.made++
	name := fmt.Sprintf("test%d", shared.made)
	conn, err := pgx.Connect(t.Context(), shared.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), "CREATE DATABASE "+name)
	if err = errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(shared.server.URL, "/postgres?", "/"+name+"?", 1)
}

// Close ends the server of Database.
func Close() {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if s := shared.server; s != nil {
		s.Down()
		_ = os.RemoveAll(s.dir)
	}
}

// begin starts a server that ends with its test.
func begin(t *testing.T, listen string, run func(*exec.Cmd) error) *Server {
	t.Helper()
	s := start(t, listen, run)
	t.Cleanup(func() {
		if s.cmd != nil {
			s.Thaw()
			s.Down()
		}
	})
	return s
}

func start(t *testing.T, listen string, run func(*exec.Cmd) error) *Server {
	t.Helper()
	s := &Server{t: t, bin: pgBin(), listen: listen, run: run}
	if s.bin == "" {
		t.Skip("skipped: there are no PostgreSQL server programs (initdb, postgres)")
	}
	var err error
	if s.dir, err = os.MkdirTemp("", "drbot-pg-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd == nil { // it did not start, or has ended
			_ = os.RemoveAll(s.dir)
		}
	})
	if os.Geteuid() == 0 {
		const nobody = 65534 // initdb refuses root
		if err := os.Chown(s.dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		s.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	initdb := exec.Command(filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", "drbot", "--auth=trust", "--no-sync", "-E", "UTF8", "--no-locale")
	initdb.SysProcAttr, initdb.Dir = s.attr, s.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	if listen != "" {
		hba, err := os.OpenFile(filepath.Join(s.data(), "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintln(hba, "host all all samenet trust")
		if err = errors.Join(err, hba.Close()); err != nil {
			t.Fatal(err)
		}
	}
	s.URL = "postgres://drbot@/postgres?host=" + url.QueryEscape(s.dir)
	s.Up()
	return s
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Up starts the server and waits until it answers.
func (s *Server) Up() {
	s.t.Helper()
	s.cmd = exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.dir, "-c", "listen_addresses="+s.listen, "-c", "fsync=off")
	s.cmd.SysProcAttr, s.cmd.Dir = s.attr, s.dir
	if err := s.run(s.cmd); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL)
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("PostgreSQL does not answer: %v", err)
		case <-tick.C:
		}
	}
}

// Down ends the server at once, as a crash does.
func (s *Server) Down() {
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	_ = s.cmd.Wait() // that it ended by a signal is what was wanted
	s.cmd = nil
}

// Freeze stops every process of the server where it stands: connections stay open,
// and nothing answers on them.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets them go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

// signal reaches the server first, so that it starts no other process meanwhile.
func (s *Server) signal(sig syscall.Signal) {
	_ = s.cmd.Process.Signal(sig)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid: the name may hold anything.
		text := string(data)
		var state string
		var parent int
		if _, err := fmt.Sscan(text[strings.LastIndexByte(text, ')')+1:], &state, &parent); err != nil || parent != s.cmd.Process.Pid {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			_ = syscall.Kill(pid, sig)
		}
	}
}

func pgBin() string {
	if p, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			if _, err := os.Stat(filepath.Join(filepath.Dir(real), "postgres")); err == nil {
				return filepath.Dir(real)
			}
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[len(found)-1])
}
