package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/drbot/drbot/dr"
)

// Records keeps the records of runs.
type Records struct {
	*database
	audit *AuditTrail
}

// CreateRun stores the record of a run unless one with its id is there.
func (s Records) CreateRun(ctx context.Context, r dr.Run) error {
	_, err := s.createRun(ctx, s.db, r)
	return err
}

// CreateRunTx is CreateRun in a transaction of Tx; it tells whether there was none.
func (s Records) CreateRunTx(ctx context.Context, tx *sql.Tx, r dr.Run) (created bool, err error) {
	return s.createRun(ctx, tx, r)
}

func (s Records) createRun(ctx context.Context, db execer, r dr.Run) (created bool, err error) {
	r.Version = 1
	doc, err := json.Marshal(r)
	if err != nil {
		return false, fmt.Errorf("encode run %s: %w", r.Run, err)
	}
	n, err := s.exec(ctx, db, "store run "+r.Run, `INSERT INTO drbot_runs (id, service, state, requested_at, version, doc) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		r.Run, r.Service, string(r.State), r.At.UnixMilli(), r.Version, string(doc))
	return n == 1, err
}

// Run reads the record of a run; dr.NotFound when there is none.
func (s Records) Run(ctx context.Context, id string) (dr.Run, error) {
	return readRun(s.db.QueryRowContext(ctx, s.q(`SELECT doc FROM drbot_runs WHERE id = ?`), id), id)
}

// UpdateRun changes the record of a run in one transaction.
func (s Records) UpdateRun(ctx context.Context, id string, change func(*dr.Run)) (dr.Run, error) {
	var out dr.Run
	err := s.Tx(ctx, "run/"+id, func(tx *sql.Tx) error {
		r, err := readRun(tx.QueryRowContext(ctx, s.q(`SELECT doc FROM drbot_runs WHERE id = ?`), id), id)
		if err != nil {
			return err
		}
		change(&r)
		r.Version++
		doc, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode run %s: %w", id, err)
		}
		out = r
		_, err = s.exec(ctx, tx, "update run "+id, `UPDATE drbot_runs SET state = ?, version = ?, doc = ? WHERE id = ?`, string(r.State), r.Version, string(doc), id)
		return err
	})
	if err != nil {
		return dr.Run{}, err
	}
	return out, nil
}

// Runs lists runs, newest first; of every service when service is empty.
func (s Records) Runs(ctx context.Context, service string, limit int) ([]dr.Run, error) {
	query, args := `SELECT doc FROM drbot_runs WHERE service = ? ORDER BY requested_at DESC, id LIMIT ?`, []any{service, limit}
	if service == "" {
		query, args = `SELECT doc FROM drbot_runs ORDER BY requested_at DESC, id LIMIT ?`, args[1:]
	}
	return docs[dr.Run](ctx, s.database, dr.T("store.of.runs"), query, args...)
}

// OpenRuns lists the runs that are not over, oldest first. The states are those of
// dr.RunState.Final, written as the index drbot_runs_open has them.
func (s Records) OpenRuns(ctx context.Context) ([]dr.Run, error) {
	return docs[dr.Run](ctx, s.database, dr.T("store.of.open-runs"), `SELECT doc FROM drbot_runs WHERE state IN ('running', 'waiting', 'paused') ORDER BY requested_at, id`)
}

func readRun(row *sql.Row, id string) (dr.Run, error) {
	var doc string
	var r dr.Run
	if err := row.Scan(&doc); errors.Is(err, sql.ErrNoRows) {
		return r, &dr.Error{Code: dr.NotFound, What: dr.T("run.none", "run", id), Next: dr.T("command.try", "command", dr.Cmd("status"))}
	} else if err != nil {
		return r, failed("read run "+id, err)
	}
	if err := json.Unmarshal([]byte(doc), &r); err != nil {
		return r, broken(dr.T("store.of.run", "run", id), err)
	}
	return r, nil
}

// docs reads the documents that a query finds.
func docs[T any](ctx context.Context, db *database, what dr.Text, query string, args ...any) ([]T, error) {
	var out []T
	err := db.each(ctx, "read "+what.String(), func(rows *sql.Rows) error {
		var doc string
		var v T
		if err := rows.Scan(&doc); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(doc), &v); err != nil {
			return broken(what, err)
		}
		out = append(out, v)
		return nil
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return out, nil
}
