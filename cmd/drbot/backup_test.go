package main

import (
	"bytes"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/store"
)

// place is a host with a configuration and a SQLite database.
type place struct {
	t   *testing.T
	db  string
	env map[string]string
	cfg *config.Config
}

func newPlace(t *testing.T) *place {
	p := &place{t: t, db: filepath.Join(t.TempDir(), "drbot.db")}
	p.env = map[string]string{"DRBOT_DATABASE_URL": "sqlite:" + p.db, "DRBOT_HASH_KEY": "a key of tests, 16 bytes or more", "DRBOT_CONFIG": "../../drbot.example.yaml"}
	var err error
	if p.cfg, err = config.Load(p.env["DRBOT_CONFIG"], standard().config(p.getenv, false)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) getenv(name string) string { return p.env[name] }

// types is a command as somebody types it: what it prints, and its status.
func (p *place) types(status int, args ...string) (stdout, stderr string) {
	p.t.Helper()
	var out, errs bytes.Buffer
	if got := run(p.t.Context(), args, p.getenv, &out, &errs); got != status {
		p.t.Errorf("drbot %s ends with %d, not %d:\n%s%s", strings.Join(args, " "), got, status, &out, &errs)
	}
	return out.String(), errs.String()
}

func (p *place) open() *store.Store {
	p.t.Helper()
	st, err := openStore(p.t.Context(), p.cfg, []byte(p.env["DRBOT_HASH_KEY"]), false, slog.New(slog.DiscardHandler))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = st.Close() })
	return st
}

func (p *place) runs(st *store.Store, id string) {
	p.t.Helper()
	if err := st.CreateRun(p.t.Context(), dr.Run{Request: dr.Request{Run: id, Service: "portal", At: time.Now()}}); err != nil {
		p.t.Fatal(err)
	}
	if err := st.Audit(p.t.Context(), dr.AuditEntry{At: time.Now(), Who: "alice", Action: "start", Run: id, Granted: true, Detail: dr.T(dr.Words, "words", dr.Foreign("a reason\x1b[2J\nwith a line"))}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) has(want ...string) {
	p.t.Helper()
	st := p.open()
	defer func() { _ = st.Close() }()
	runs, err := st.Runs(p.t.Context(), "", 10)
	if err != nil {
		p.t.Fatal(err)
	}
	got := map[string]bool{}
	for _, r := range runs {
		got[r.Run] = true
	}
	for _, id := range want {
		if !got[id] || len(got) != len(want) {
			p.t.Errorf("the database holds %v, not %v", got, want)
		}
	}
}

// TestBackup copies the database of a running server and brings it back later.
func TestBackup(t *testing.T) {
	p := newPlace(t)
	p.types(1, "backup", filepath.Join(t.TempDir(), "none.db")) // no database yet
	lock, err := store.AcquireLock(t.Context(), p.cfg.Database, func(int) { t.Error("waited") })
	if err != nil {
		t.Fatal(err)
	}
	st := p.open()
	p.runs(st, "portal-1")
	file := filepath.Join(t.TempDir(), "copy.db")
	p.types(0, "backup", file)
	saved, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, said := p.types(1, "backup", file); !strings.Contains(said, "there already") {
		t.Errorf("over a file that is there: %s", said)
	}
	if again, err := os.ReadFile(file); err != nil || !bytes.Equal(again, saved) {
		t.Errorf("the first backup was changed: %v", err)
	}
	p.runs(st, "portal-2") // still in the -wal file
	if _, said := p.types(1, "restore", file); !strings.Contains(said, "server is running") {
		t.Errorf("under a running server: %s", said)
	}
	lock.Release()
	// A server that was killed: its -wal file stays.
	wal, err := os.ReadFile(p.db + "-wal")
	if err != nil || len(wal) == 0 {
		t.Fatalf("nothing is in the -wal file: %v", err)
	}
	out, _ := p.types(0, "restore", file)
	p.has("portal-1")
	_, aside, _ := strings.Cut(strings.TrimSpace(out), "before is ")
	p.db = aside
	p.env["DRBOT_DATABASE_URL"] = "sqlite:" + aside
	if p.cfg, err = config.Load(p.env["DRBOT_CONFIG"], standard().config(p.getenv, false)); err != nil {
		t.Fatal(err)
	}
	p.has("portal-1", "portal-2")
	if out, _ := p.types(0, "audit", "verify"); !strings.HasPrefix(out, "2 entries") {
		t.Errorf("the audit log kept aside: %s", out)
	}
}

// TestRestoreAudited finds the restore in the audit log, which fits its head again.
func TestRestoreAudited(t *testing.T) {
	p := newPlace(t)
	st := p.open()
	p.runs(st, "portal-1")
	file := filepath.Join(t.TempDir(), "copy.db")
	p.types(0, "backup", file)
	p.runs(st, "portal-2")
	_ = st.Close()
	p.types(0, "restore", file)
	if out, _ := p.types(0, "audit", "verify"); !strings.HasPrefix(out, "2 entries") || !strings.Contains(out, "names entry 2") {
		t.Errorf("verify: %s", out)
	}
	out, _ := p.types(0, "audit", "list", "--limit", "1")
	if !strings.Contains(out, "restore") || !strings.Contains(out, file) || strings.Count(out, "\n") != 1 {
		t.Errorf("list: %s", out)
	}
	out, _ = p.types(0, "audit", "list")
	if strings.Count(out, "\n") != 2 || strings.Contains(out, "\x1b") {
		t.Errorf("what was typed steers the terminal: %q", out)
	}
	if out, _ := p.types(0, "audit", "list", "--json"); !strings.HasPrefix(out, "[") || strings.Count(out, `"who"`) != 2 {
		t.Errorf("list as JSON: %s", out)
	}
	p.types(2, "audit", "list", "--limit", "0")
	p.types(2, "backup")
	p.types(2, "restore", "a", "b")
	p.env["DRBOT_HASH_KEY"] = "another key of 16 bytes or more"
	if _, said := p.types(1, "audit", "verify"); !strings.Contains(said, "another key") {
		t.Errorf("with another key: %s", said)
	}
	former := filepath.Join(t.TempDir(), "former")
	if err := os.WriteFile(former, []byte("a key of tests, 16 bytes or more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.types(0, "audit", "verify", "--former-key", former)
}

// TestRestoreRefuses gives what is no whole backup; the database stays as it is.
func TestRestoreRefuses(t *testing.T) {
	p := newPlace(t)
	st := p.open()
	p.runs(st, "portal-1")
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	p.types(0, "backup", good)
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	torn := bytes.Clone(whole)
	for i := 2 * 4096; i < len(torn); i++ {
		torn[i] ^= 0xff
	}
	bare, err := os.ReadFile(p.db) // without its -wal
	if err != nil {
		t.Fatal(err)
	}
	_ = st.Close()
	for name, data := range map[string][]byte{
		"text": []byte(strings.Repeat("no database at all\n", 1000)), "empty": {}, "half": whole[:len(whole)/2], "torn": torn, "bare": bare,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	alter(t, filepath.Join(dir, "newer"), whole, `INSERT INTO drbot_schema (version) VALUES (1000)`)
	alter(t, filepath.Join(dir, "foreign"), nil, `CREATE TABLE songs (name TEXT)`)
	for _, name := range []string{"text", "empty", "half", "torn", "bare", "newer", "foreign", "missing"} {
		_, said := p.types(1, "restore", filepath.Join(dir, name))
		if !strings.Contains(said, "try: ") {
			t.Errorf("%s: what to type next is not said: %s", name, said)
		}
		t.Logf("%s: %s", name, said)
	}
	p.has("portal-1")
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(p.db), ".drbot-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	p.env["DRBOT_DATABASE_URL"] = "postgres://drbot:s3cret@db/drbot?sslmode=verify-full"
	for _, args := range [][]string{{"backup", filepath.Join(dir, "pg")}, {"restore", good}} {
		if _, said := p.types(1, args...); !strings.Contains(said, "pg_") || strings.Contains(said, "s3cret") {
			t.Errorf("%s of PostgreSQL: %s", args[0], said)
		}
	}
}

func alter(t *testing.T, path string, data []byte, stmt string) {
	t.Helper()
	if data != nil {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), stmt); err != nil {
		t.Fatal(err)
	}
}
