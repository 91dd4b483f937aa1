package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/store/storetest"
)

// heard collects the statements that reached a database, with the arguments of the first time.
type heard struct {
	mu    sync.Mutex
	args  map[string][]any
	times map[string]int
}

func newHeard() *heard { return &heard{args: map[string][]any{}, times: map[string]int{}} }

func (h *heard) add(query string, args []any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.times[query]++
	if _, ok := h.args[query]; !ok && regexp.MustCompile(`(?i)^(SELECT|INSERT|UPDATE|DELETE|WITH)`).MatchString(query) && strings.Contains(query, "drbot_") {
		h.args[query] = args
	}
}

// TraceQueryStart is how pgx tells of a statement.
func (h *heard) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	h.add(d.SQL, d.Args)
	return ctx
}

// TraceQueryEnd is of no interest.
func (h *heard) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// listener stands between database/sql and the driver of SQLite.
type listener struct {
	real  driver.Driver
	dsn   string
	heard *heard
}

func (l listener) Connect(context.Context) (driver.Conn, error) {
	c, err := l.real.Open(l.dsn)
	return listened{c, l.heard}, err
}

type listened struct {
	driver.Conn
	heard *heard
}

func (c listened) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
}

func (c listened) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.heard.add(query, values(args))
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c listened) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.heard.add(query, values(args))
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (l listener) Driver() driver.Driver { return l.real }

func values(args []driver.NamedValue) []any {
	var out []any
	for _, a := range args {
		out = append(out, a.Value)
	}
	return out
}

// useAll calls every method of the store that runs while the bot works.
func useAll(t *testing.T, s *Store) {
	ctx := t.Context()
	calls := everything(ctx, s)
	// What reads nothing, or everything by its purpose.
	without := []string{"Close", "Ping", "DB", "EngineDB", "Fresh", "Tx", "VerifyAudit", "Audited", "SealFormer", "BegunBeforeSeals"}
	ok(t, calls["CreateRun"]())
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		if err := calls[name](); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for m := range reflect.TypeFor[*Store]().Methods() {
		if calls[m.Name] == nil && !slices.Contains(without, m.Name) {
			t.Errorf("the cost of %s is not looked at", m.Name)
		}
	}
}

// everything calls each method of the store that asks the database.
func everything(ctx context.Context, s *Store) map[string]func() error {
	return map[string]func() error{
		"AuditHead": func() error { _, err := s.AuditHead(ctx); return err },
		"AuditTx": func() error {
			return s.Tx(ctx, "t", func(tx *sql.Tx) error { return s.AuditTx(ctx, tx, dr.AuditEntry{At: t0}) })
		},
		"Audit":      func() error { return s.Audit(ctx, dr.AuditEntry{At: t0, Once: "o"}) },
		"AuditLog":   func() error { _, err := s.AuditLog(ctx, 10); return err },
		"Intend":     func() error { _, _, err := s.Intend(ctx, dr.Intent{Run: "r", Act: "a"}); return err },
		"LastIntent": func() error { _, _, err := s.LastIntent(ctx, "r", "a"); return err },
		"Keep":       func() error { _, err := s.Keep(ctx, "k", "v"); return err },
		"Put":        func() error { return s.Put(ctx, "k", "v") },
		"ChannelGone": func() error {
			if _, _, err := s.ChannelGone(ctx, "gone", t0); err != nil {
				return err
			}
			_, _, err := s.ChannelGone(ctx, "gone", t0.Add(2*keepGone))
			return err
		},
		"Get":    func() error { _, err := s.Get(ctx, "k"); return err },
		"Forget": func() error { return s.Forget(ctx, "k") },
		"FirstDelivery": func() error {
			_, err := s.FirstDelivery(ctx, "d", t0)
			return err
		},
		"AddReadings":    func() error { return s.AddReadings(ctx, "portal", t0, nil) },
		"LastReading":    func() error { _, _, err := s.LastReading(ctx, "portal"); return err },
		"AddDrift":       func() error { return s.AddDrift(ctx, "portal", t0, nil) },
		"Say":            func() error { return s.Say(ctx, dr.Note{Key: "n", Channel: "C1"}) },
		"UnsaidChannels": func() error { _, err := s.UnsaidChannels(ctx); return err },
		"UnsaidNotes":    func() error { _, err := s.UnsaidNotes(ctx, "C1", 10); return err },
		"NoteTried":      func() error { return s.NoteTried(ctx, "n") },
		"NoteSaid":       func() error { return s.NoteSaid(ctx, "n", "1.2") },
		"Shown":          func() error { _, err := s.Shown(ctx, "portal-1"); return err },
		"SaveShown":      func() error { return s.SaveShown(ctx, "portal-1", dr.Shown{}) },
		"UnshownRuns":    func() error { _, err := s.UnshownRuns(ctx); return err },
		"CreateRunTx": func() error {
			return s.Tx(ctx, "t", func(tx *sql.Tx) error { _, err := s.CreateRunTx(ctx, tx, aRun("portal-1")); return err })
		},
		"CreateRun": func() error { return s.CreateRun(ctx, aRun("portal-1")) },
		"Run":       func() error { _, err := s.Run(ctx, "portal-1"); return err },
		"UpdateRun": func() error { _, err := s.UpdateRun(ctx, "portal-1", func(*dr.Run) {}); return err },
		"Runs": func() error {
			_, err := s.Runs(ctx, "portal", 10)
			_, all := s.Runs(ctx, "", 10)
			return cmp.Or(err, all)
		},
		"Prune":    func() error { _, err := s.Prune(ctx, t0, Retention{}); return err },
		"OpenRuns": func() error { _, err := s.OpenRuns(ctx); return err },
		"StartRun": func() error {
			_, err := s.StartRun(ctx, aRun("portal-9"), dr.AuditEntry{At: t0}, func(*sql.Tx) error { return nil })
			return err
		},
	}
}

// TestPlansSQLite asks SQLite how it goes about every statement of the store: none
// walks through a table or sorts, but through what it is limited to or an index of the few.
func TestPlansSQLite(t *testing.T) {
	s := mustOpen(t, "sqlite:"+filepath.Join(t.TempDir(), "drbot.db"), WithAuditKey(aKey), WithAuditHead(filepath.Join(t.TempDir(), "head")))
	plain := s.db
	h := newHeard()
	s.db = sql.OpenDB(listener{plain.Driver(), sqliteDSN(s.url, "FULL"), h})
	defer func() { _ = plain.Close() }()
	useAll(t, s)
	few := plan(t, plain, `SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'`)
	walk := regexp.MustCompile(`^(?:SCAN|SEARCH) (?:drbot_\w+|[a-z])$|^SCAN .* USING (?:COVERING )?INDEX (\w+)$`)
	for query, args := range h.args {
		for _, line := range plan(t, plain, "EXPLAIN QUERY PLAN "+query, args...) {
			if strings.Contains(line, "TEMP B-TREE") {
				t.Errorf("%s\n%s", query, line)
			}
			m := walk.FindStringSubmatch(line)
			if m == nil || slices.Contains(few, m[1]) {
				continue
			}
			// The first of all in an index's own order are found at once.
			if first := strings.Contains(query, "LIMIT") && !strings.Contains(query, "WHERE"); m[1] == "" || !first {
				t.Errorf("%s\n%s", query, line)
			}
		}
	}
	if len(h.args) < 25 {
		t.Errorf("only %d statements were heard", len(h.args))
	}
}

// TestPlansPostgres is the same on PostgreSQL, whose plans depend on what is there.
func TestPlansPostgres(t *testing.T) {
	s := mustOpen(t, storetest.Database(t), WithAuditKey(aKey), WithAuditHead(filepath.Join(t.TempDir(), "head")))
	plain := s.db
	defer func() { _ = plain.Close() }()
	for _, stmt := range many(20_000) {
		_, err := plain.ExecContext(t.Context(), stmt)
		ok(t, err)
	}
	cfg, err := pgx.ParseConfig(s.url)
	ok(t, err)
	h := newHeard()
	cfg.Tracer = h
	s.db = stdlib.OpenDB(*cfg)
	useAll(t, s)
	for query, args := range h.args {
		lines := plan(t, plain, "EXPLAIN "+query, args...)
		for _, line := range lines {
			if strings.Contains(line, "Seq Scan on drbot_") || strings.Contains(line, "Sort") {
				t.Errorf("%s\n%s", query, strings.Join(lines, "\n"))
				break
			}
		}
	}
	if len(h.args) < 25 {
		t.Errorf("only %d statements were heard", len(h.args))
	}
}

// many fills every table that grows with n rows, on PostgreSQL.
func many(n int) []string {
	const from = ` FROM generate_series(1, $n) AS i`
	out := []string{
		`INSERT INTO drbot_runs (id, service, state, requested_at, version, doc, shown) SELECT 'r' || i, 's' || i % 50, 'succeeded', i, 9, '{}', 9` + from,
		`INSERT INTO drbot_messages (run, channel, ts, shown) SELECT 'r' || i, 'C1', i || '.1', 9` + from,
		`INSERT INTO drbot_audit (seq, doc, prev, hash) SELECT i, '{}', 'p', 'h'` + from,
		`INSERT INTO drbot_intents (run, act, doc) SELECT 'r' || i, 'promote', '{}'` + from,
		`INSERT INTO drbot_kept (name, value) SELECT 'k' || i, 'v'` + from,
		`INSERT INTO drbot_outbox (key, seq, channel, doc, ts, said_at) SELECT 'n' || i, i, 'C' || i % 50, '{}', i || '.1', i` + from,
		`INSERT INTO drbot_readings (service, at, doc) SELECT 's' || i % 50, i, '[]'` + from,
		`INSERT INTO drbot_drift (service, at, doc) SELECT 's' || i % 50, i, '[]'` + from,
		`INSERT INTO drbot_deliveries (id, at) SELECT 'd' || i, i` + from,
		`ANALYZE`,
	}
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], "$n", strconv.Itoa(n))
	}
	return out
}

// plan reads the last column of every row.
func plan(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	ok(t, err)
	var out []string
	for rows.Next() {
		cells := make([]any, len(cols))
		for i := range cells {
			cells[i] = new(string)
		}
		ok(t, rows.Scan(cells...))
		out = append(out, *cells[len(cells)-1].(*string))
	}
	ok(t, rows.Err())
	return out
}
