package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/drbot/drbot/dr"
)

// CreateRun stores the record of a run unless one with its id is there.
func (s *Store) CreateRun(ctx context.Context, r dr.Run) error {
	r.Version = 1
	doc, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode run %s: %w", r.Run, err)
	}
	_, err = s.db.ExecContext(ctx, s.q(`INSERT INTO drbot_runs (id, service, state, requested_at, version, doc) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`),
		r.Run, r.Service, string(r.State), r.At.UnixMilli(), r.Version, string(doc))
	if err != nil {
		return fmt.Errorf("store run %s: %w", r.Run, err)
	}
	return nil
}

// Run reads the record of a run; dr.NotFound when there is none.
func (s *Store) Run(ctx context.Context, id string) (dr.Run, error) {
	return readRun(s.db.QueryRowContext(ctx, s.q(`SELECT doc FROM drbot_runs WHERE id = ?`), id), id)
}

// UpdateRun changes the record of a run in one transaction.
func (s *Store) UpdateRun(ctx context.Context, id string, change func(*dr.Run)) (dr.Run, error) {
	var out dr.Run
	err := s.tx(ctx, "run/"+id, func(tx *sql.Tx) error {
		r, err := readRun(tx.QueryRowContext(ctx, s.q(`SELECT doc FROM drbot_runs WHERE id = ?`), id), id)
		if err != nil {
			return err
		}
		change(&r)
		r.Version++
		doc, err := json.Marshal(r)
		if err != nil {
			return err
		}
		out = r
		_, err = tx.ExecContext(ctx, s.q(`UPDATE drbot_runs SET state = ?, version = ?, doc = ? WHERE id = ?`), string(r.State), r.Version, string(doc), id)
		return err
	})
	if err != nil {
		return dr.Run{}, fmt.Errorf("update run %s: %w", id, err)
	}
	return out, nil
}

// Runs lists runs, newest first; of every service when service is empty.
func (s *Store) Runs(ctx context.Context, service string, limit int) ([]dr.Run, error) {
	rows, err := s.db.QueryContext(ctx, s.q(`SELECT doc FROM drbot_runs WHERE ? = '' OR service = ? ORDER BY requested_at DESC, id LIMIT ?`), service, service, limit)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return scanDocs[dr.Run](rows)
}

// OpenRuns lists the runs that are not over, oldest first.
func (s *Store) OpenRuns(ctx context.Context) ([]dr.Run, error) {
	rows, err := s.db.QueryContext(ctx, s.q(`SELECT doc FROM drbot_runs WHERE state IN (?, ?, ?) ORDER BY requested_at, id`),
		string(dr.RunRunning), string(dr.RunWaiting), string(dr.RunPaused))
	if err != nil {
		return nil, fmt.Errorf("list open runs: %w", err)
	}
	return scanDocs[dr.Run](rows)
}

func readRun(row *sql.Row, id string) (dr.Run, error) {
	var doc string
	var r dr.Run
	if err := row.Scan(&doc); errors.Is(err, sql.ErrNoRows) {
		return r, &dr.Error{Code: dr.NotFound, Msg: "there is no run " + id + ".", Hint: "/dr status"}
	} else if err != nil {
		return r, fmt.Errorf("read run %s: %w", id, err)
	}
	if err := json.Unmarshal([]byte(doc), &r); err != nil {
		return r, fmt.Errorf("decode run %s: %w", id, err)
	}
	return r, nil
}

func scanDocs[T any](rows *sql.Rows) ([]T, error) {
	defer func() { _ = rows.Close() }()
	var out []T
	for rows.Next() {
		var doc string
		var v T
		if err := rows.Scan(&doc); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(doc), &v); err != nil {
			return nil, fmt.Errorf("decode a record: %w", err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
