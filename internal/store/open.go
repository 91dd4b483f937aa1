// Package store keeps what drbot must remember: records of runs, the audit log,
// intents, what is still to be said in Slack, readings and drift reports. One
// database by URL, SQLite or PostgreSQL, shared with the workflow engine's tables.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // PostgreSQL driver
	_ "modernc.org/sqlite"             // SQLite driver

	"github.com/drbot/drbot/dr"
)

// Store is the open database. It is safe for concurrent use.
type Store struct {
	db       *sql.DB
	url      string
	postgres bool
	log      *slog.Logger
}

// Open opens the database of a URL, "sqlite:PATH" or "postgres://...", and
// brings its tables up to date. With durable set it refuses a SQLite file on a
// file system that does not survive the host or does not lock.
func Open(ctx context.Context, url string, durable bool, log *slog.Logger) (*Store, error) {
	s := &Store{url: url, log: log}
	driver, dsn := "pgx", url
	switch {
	case strings.HasPrefix(url, "sqlite:"):
		path := sqlitePath(url)
		if path == "" {
			return nil, &dr.Error{Code: dr.Invalid, Msg: "the database URL names no file.", Hint: "state.database: sqlite:/var/lib/drbot/drbot.db"}
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("make the database folder: %w", err)
		}
		if durable {
			if err := checkFileSystem(filepath.Dir(path)); err != nil {
				return nil, err
			}
		}
		// FULL, not NORMAL: an intent that a lost host forgets could become a second promotion.
		driver = "sqlite"
		dsn = "file:" + path + "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		s.postgres = true
	default:
		return nil, &dr.Error{Code: dr.Invalid, Msg: "the database URL is neither sqlite: nor postgres://.", Hint: "state.database: sqlite:/var/lib/drbot/drbot.db"}
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", scrub(err, url))
	}
	db.SetMaxOpenConns(4)
	s.db = db
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the database: %w", scrub(err, url)), db.Close())
	}
	return s, nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Ping asks whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

func sqlitePath(url string) string {
	path, _, _ := strings.Cut(strings.TrimPrefix(url, "sqlite:"), "?")
	return path
}

// scrub keeps a database password out of an error text.
func scrub(err error, url string) error {
	if err == nil || !strings.Contains(err.Error(), url) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), url, "the database URL"))
}

// schema is portable between the two databases; every statement can run again.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS drbot_runs (id TEXT PRIMARY KEY, service TEXT NOT NULL, state TEXT NOT NULL, requested_at BIGINT NOT NULL, version BIGINT NOT NULL, doc TEXT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS drbot_messages (run TEXT PRIMARY KEY, channel TEXT NOT NULL, ts TEXT NOT NULL, shown BIGINT NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS drbot_runs_by_service ON drbot_runs (service, requested_at)`,
	`CREATE TABLE IF NOT EXISTS drbot_audit (seq BIGINT PRIMARY KEY, doc TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS drbot_intents (run TEXT NOT NULL, act TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (run, act))`,
	`CREATE TABLE IF NOT EXISTS drbot_kept (name TEXT PRIMARY KEY, value TEXT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS drbot_outbox (key TEXT PRIMARY KEY, seq BIGINT NOT NULL, channel TEXT NOT NULL, doc TEXT NOT NULL, tried BIGINT NOT NULL DEFAULT 0, ts TEXT NOT NULL DEFAULT '')`,
	`CREATE INDEX IF NOT EXISTS drbot_outbox_unsaid ON drbot_outbox (ts, channel, seq)`,
	`CREATE TABLE IF NOT EXISTS drbot_readings (service TEXT NOT NULL, at BIGINT NOT NULL, doc TEXT NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS drbot_readings_by_service ON drbot_readings (service, at)`,
	`CREATE TABLE IF NOT EXISTS drbot_drift (service TEXT NOT NULL, at BIGINT NOT NULL, doc TEXT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS drbot_deliveries (id TEXT PRIMARY KEY, at BIGINT NOT NULL)`,
}

func (s *Store) migrate(ctx context.Context) error {
	for _, stmt := range schema {
		if _, err := s.db.ExecContext(ctx, stmt); err != nil {
			return err
		}
	}
	return nil
}

// q writes a query's question marks as PostgreSQL wants them.
func (s *Store) q(query string) string {
	if !s.postgres {
		return query
	}
	var b strings.Builder
	n := 0
	for _, r := range query {
		if r != '?' {
			b.WriteRune(r)
			continue
		}
		n++
		b.WriteString("$" + strconv.Itoa(n))
	}
	return b.String()
}

// tx runs f in a transaction. On PostgreSQL a writer takes an advisory lock of
// the topic first, which is what SQLite's immediate transactions give by themselves.
func (s *Store) tx(ctx context.Context, topic string, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit this does nothing
	if s.postgres {
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext($1))`, "drbot/"+topic); err != nil {
			return err
		}
	}
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}
