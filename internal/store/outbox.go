package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/drbot/drbot/dr"
)

// Say puts a note into the outbox; a second note with the same key is the first one.
func (s *Store) Say(ctx context.Context, n dr.Note) error {
	doc, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encode a note: %w", err)
	}
	_, err = s.db.ExecContext(ctx, s.q(`INSERT INTO drbot_outbox (key, seq, channel, doc) SELECT ?, COALESCE(MAX(seq), 0) + 1, ?, ? FROM drbot_outbox WHERE true ON CONFLICT (key) DO NOTHING`), n.Key, n.Channel, string(doc))
	if err != nil {
		return fmt.Errorf("store a note: %w", err)
	}
	return nil
}

// UnsaidChannels lists the channels that have something to be told.
func (s *Store) UnsaidChannels(ctx context.Context) ([]string, error) {
	return s.strings(ctx, `SELECT DISTINCT channel FROM drbot_outbox WHERE ts = ''`)
}

func (s *Store) strings(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, s.q(query), args...)
	if err != nil {
		return nil, fmt.Errorf("read a list: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// UnsaidNotes lists what is to be said in a channel, in the order it was written.
func (s *Store) UnsaidNotes(ctx context.Context, channel string, limit int) ([]dr.Unsaid, error) {
	rows, err := s.db.QueryContext(ctx, s.q(`SELECT doc, tried FROM drbot_outbox WHERE ts = '' AND channel = ? ORDER BY seq LIMIT ?`), channel, limit)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []dr.Unsaid
	for rows.Next() {
		var doc string
		var tried int64
		if err := rows.Scan(&doc, &tried); err != nil {
			return nil, err
		}
		u := dr.Unsaid{Tried: tried > 0}
		if err := json.Unmarshal([]byte(doc), &u.Note); err != nil {
			return nil, fmt.Errorf("decode a note: %w", err)
		}
		out = append(out, u)
	}
	return out, rows.Err()
}

// NoteTried marks a note before the call that may post it.
func (s *Store) NoteTried(ctx context.Context, key string) error {
	_, err := s.db.ExecContext(ctx, s.q(`UPDATE drbot_outbox SET tried = tried + 1 WHERE key = ?`), key)
	return err
}

// NoteSaid marks a note as posted.
func (s *Store) NoteSaid(ctx context.Context, key, ts string) error {
	_, err := s.db.ExecContext(ctx, s.q(`UPDATE drbot_outbox SET ts = ? WHERE key = ?`), ts, key)
	return err
}

// Shown reads where a run's message stands.
func (s *Store) Shown(ctx context.Context, run string) (dr.Shown, error) {
	var m dr.Shown
	err := s.db.QueryRowContext(ctx, s.q(`SELECT channel, ts, shown FROM drbot_messages WHERE run = ?`), run).Scan(&m.Channel, &m.TS, &m.Version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return m, fmt.Errorf("read the message of %s: %w", run, err)
	}
	return m, nil
}

// SaveShown stores where a run's message stands.
func (s *Store) SaveShown(ctx context.Context, run string, m dr.Shown) error {
	_, err := s.db.ExecContext(ctx, s.q(`INSERT INTO drbot_messages (run, channel, ts, shown) VALUES (?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET channel = excluded.channel, ts = excluded.ts, shown = excluded.shown`),
		run, m.Channel, m.TS, m.Version)
	if err != nil {
		return fmt.Errorf("store the message of %s: %w", run, err)
	}
	return nil
}

// UnshownRuns lists the runs whose message is behind their record, oldest first.
func (s *Store) UnshownRuns(ctx context.Context) ([]string, error) {
	return s.strings(ctx, `SELECT r.id FROM drbot_runs r LEFT JOIN drbot_messages m ON m.run = r.id WHERE m.run IS NULL OR m.shown < r.version ORDER BY r.requested_at, r.id`)
}
