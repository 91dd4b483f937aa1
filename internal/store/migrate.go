package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/drbot/drbot/dr"
)

// migrations bring the tables from each version to the next. What has been released
// is never changed: another change of the tables is another entry at the end. A
// statement that one database alone understands begins with its name.
var migrations = [][]string{
	// 1: the tables as they were before versions had numbers, which may be there.
	{
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
	},
	// 2: every question is answered from an index, whatever has gathered in the tables;
	// a report of one service at one time is there once; a note knows when it was said.
	{
		`ALTER TABLE drbot_runs ADD COLUMN shown BIGINT NOT NULL DEFAULT 0`,
		`UPDATE drbot_runs SET shown = COALESCE((SELECT m.shown FROM drbot_messages m WHERE m.run = drbot_runs.id), 0)`,
		`CREATE INDEX drbot_runs_unshown ON drbot_runs (requested_at, id) WHERE shown < version`,
		`CREATE INDEX drbot_runs_open ON drbot_runs (requested_at, id) WHERE state IN ('running', 'waiting', 'paused')`,
		`DROP INDEX drbot_runs_by_service`,
		`CREATE INDEX drbot_runs_newest ON drbot_runs (requested_at DESC, id)`,
		`CREATE INDEX drbot_runs_newest_of ON drbot_runs (service, requested_at DESC, id)`,
		`ALTER TABLE drbot_outbox ADD COLUMN said_at BIGINT NOT NULL DEFAULT 0`,
		`sqlite: UPDATE drbot_outbox SET said_at = CAST(strftime('%s', 'now') AS INTEGER) WHERE ts <> ''`,
		`postgres: UPDATE drbot_outbox SET said_at = CAST(EXTRACT(EPOCH FROM now()) AS BIGINT) WHERE ts <> ''`,
		`DROP INDEX drbot_outbox_unsaid`,
		`CREATE INDEX drbot_outbox_unsaid ON drbot_outbox (channel, seq, key) WHERE ts = ''`,
		`CREATE INDEX drbot_outbox_said ON drbot_outbox (said_at) WHERE ts <> ''`,
		`CREATE INDEX drbot_outbox_by_seq ON drbot_outbox (seq)`,
		`CREATE TABLE drbot_readings_once (service TEXT NOT NULL, at BIGINT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (service, at))`,
		`INSERT INTO drbot_readings_once (service, at, doc) SELECT service, at, MAX(doc) FROM drbot_readings GROUP BY service, at`,
		`DROP TABLE drbot_readings`,
		`ALTER TABLE drbot_readings_once RENAME TO drbot_readings`,
		`CREATE INDEX drbot_readings_by_time ON drbot_readings (at)`,
		`CREATE TABLE drbot_drift_once (service TEXT NOT NULL, at BIGINT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (service, at))`,
		`INSERT INTO drbot_drift_once (service, at, doc) SELECT service, at, MAX(doc) FROM drbot_drift GROUP BY service, at`,
		`DROP TABLE drbot_drift`,
		`ALTER TABLE drbot_drift_once RENAME TO drbot_drift`,
		`CREATE INDEX drbot_drift_by_time ON drbot_drift (at)`,
		`CREATE INDEX drbot_deliveries_by_time ON drbot_deliveries (at)`,
	},
	// 3: from which entry on which key the audit log's hashes are made with.
	{
		`CREATE TABLE drbot_audit_keys (first BIGINT PRIMARY KEY, proof TEXT NOT NULL)`,
	},
	// 4: what an entry of the audit log is known by, where its step may be played again.
	{
		`ALTER TABLE drbot_audit ADD COLUMN once TEXT`,
		`CREATE UNIQUE INDEX drbot_audit_once ON drbot_audit (once) WHERE once IS NOT NULL`,
	},
	// 5: what shows that a row is of who has the key.
	{
		`ALTER TABLE drbot_kept ADD COLUMN seal TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE drbot_intents ADD COLUMN seal TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE drbot_outbox ADD COLUMN seal TEXT NOT NULL DEFAULT ''`,
	},
}

// migrate brings the tables up to date, each version in a transaction of its own.
func (s *database) migrate(ctx context.Context, asItIs bool) error {
	at, err := s.version(ctx, s.db)
	if err == nil && asItIs && at < len(migrations) {
		return &dr.Error{Code: dr.Conflict, What: dr.T("store.older", "version", at, "known", len(migrations)), Next: dr.T("store.older.next")}
	}
	for err == nil && at < len(migrations) {
		err = s.Tx(ctx, "migrate", func(tx *sql.Tx) error {
			// Asked again under the lock: another start may have been faster.
			if at, err = s.version(ctx, tx); err != nil || at >= len(migrations) {
				return err
			}
			if err := s.apply(ctx, tx, migrations[at]); err != nil {
				return failed(fmt.Sprintf("make version %d of the tables", at+1), err)
			}
			at++
			_, err := s.exec(ctx, tx, "note the version of the tables", `INSERT INTO drbot_schema (version) VALUES (?)`, at)
			return err
		})
	}
	if err == nil && at > len(migrations) {
		return newer(dr.T("store.newer", "version", at, "known", len(migrations)), dr.T("store.newer.next"))
	}
	return err
}

func newer(what, next dr.Text) error { return &dr.Error{Code: dr.Conflict, What: what, Next: next} }

func (s *database) apply(ctx context.Context, tx *sql.Tx, statements []string) error {
	for _, stmt := range append([]string{`CREATE TABLE IF NOT EXISTS drbot_schema (version BIGINT PRIMARY KEY)`}, statements...) {
		if s.postgres && strings.HasPrefix(stmt, "sqlite: ") || !s.postgres && strings.HasPrefix(stmt, "postgres: ") {
			continue
		}
		stmt = strings.TrimPrefix(strings.TrimPrefix(stmt, "sqlite: "), "postgres: ")
		if _, err := tx.ExecContext(ctx, stmt); err != nil {
			return err
		}
	}
	return nil
}

// queryer is a database or a transaction on it.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// version is the version of the tables: 0 when they are older than versions, or not there.
func (s *database) version(ctx context.Context, db queryer) (int, error) {
	there, err := s.hasTable(ctx, db, "drbot_schema")
	if err != nil || !there {
		return 0, err
	}
	var v sql.NullInt64
	if err := db.QueryRowContext(ctx, `SELECT MAX(version) FROM drbot_schema`).Scan(&v); err != nil {
		return 0, failed("read the version of the tables", err)
	}
	return int(v.Int64), nil
}

func (s *database) hasTable(ctx context.Context, db queryer, name string) (bool, error) {
	query := `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1`
	if s.postgres {
		// Not to_regclass: it may answer from before the lock was waited for.
		query = `SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1`
	}
	var n int
	if err := db.QueryRowContext(ctx, query, name).Scan(&n); err != nil {
		return false, failed("look for the table "+name, err)
	}
	return n == 1, nil
}
