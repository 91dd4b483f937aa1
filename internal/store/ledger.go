package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// Audit appends to the audit log. Each entry carries the hash of the one before
// it, so that a changed or removed entry is seen by VerifyAudit.
func (s *Store) Audit(ctx context.Context, e dr.AuditEntry) error {
	doc, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode the audit entry: %w", err)
	}
	err = s.tx(ctx, "audit", func(tx *sql.Tx) error {
		var seq int64
		var prev string
		err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM drbot_audit ORDER BY seq DESC LIMIT 1`).Scan(&seq, &prev)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		_, err = tx.ExecContext(ctx, s.q(`INSERT INTO drbot_audit (seq, doc, prev, hash) VALUES (?, ?, ?, ?)`),
			seq+1, string(doc), prev, auditHash(seq+1, prev, string(doc)))
		return err
	})
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

func auditHash(seq int64, prev, doc string) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s", seq, prev, doc))
	return hex.EncodeToString(h[:])
}

// VerifyAudit walks the whole audit log and gives the number of entries; an
// error names the first entry that does not fit the one before it. Entries cut
// off at the end are only seen by comparing the number with an earlier one.
func (s *Store) VerifyAudit(ctx context.Context) (int64, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT seq, doc, prev, hash FROM drbot_audit ORDER BY seq`)
	if err != nil {
		return 0, fmt.Errorf("read the audit log: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var n int64
	last := ""
	for rows.Next() {
		var seq int64
		var doc, prev, hash string
		if err := rows.Scan(&seq, &doc, &prev, &hash); err != nil {
			return n, err
		}
		if seq != n+1 || prev != last || hash != auditHash(seq, prev, doc) {
			return n, &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("audit entry %d does not fit the one before it: the log was changed.", seq)}
		}
		n, last = seq, hash
	}
	return n, rows.Err()
}

// AuditLog lists the newest entries, newest first.
func (s *Store) AuditLog(ctx context.Context, limit int) ([]dr.AuditEntry, error) {
	rows, err := s.db.QueryContext(ctx, s.q(`SELECT doc FROM drbot_audit ORDER BY seq DESC LIMIT ?`), limit)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return scanDocs[dr.AuditEntry](rows)
}

// Intend stores an intent unless one for the same run and act is there.
func (s *Store) Intend(ctx context.Context, in dr.Intent) (dr.Intent, bool, error) {
	doc, err := json.Marshal(in)
	if err != nil {
		return in, false, fmt.Errorf("encode the intent: %w", err)
	}
	res, err := s.db.ExecContext(ctx, s.q(`INSERT INTO drbot_intents (run, act, doc) VALUES (?, ?, ?) ON CONFLICT (run, act) DO NOTHING`), in.Run, in.Act, string(doc))
	if err != nil {
		return in, false, fmt.Errorf("store the intent: %w", err)
	}
	if n, err := res.RowsAffected(); err == nil && n == 1 {
		return in, true, nil
	}
	var stored string
	err = s.db.QueryRowContext(ctx, s.q(`SELECT doc FROM drbot_intents WHERE run = ? AND act = ?`), in.Run, in.Act).Scan(&stored)
	if err != nil {
		return in, false, fmt.Errorf("read the intent: %w", err)
	}
	var was dr.Intent
	if err := json.Unmarshal([]byte(stored), &was); err != nil {
		return in, false, fmt.Errorf("decode the intent: %w", err)
	}
	return was, false, nil
}

// LastIntent gives the newest intent of a run whose act begins with a prefix.
func (s *Store) LastIntent(ctx context.Context, run, prefix string) (dr.Intent, bool, error) {
	rows, err := s.db.QueryContext(ctx, s.q(`SELECT doc FROM drbot_intents WHERE run = ?`), run)
	if err != nil {
		return dr.Intent{}, false, fmt.Errorf("read the intents: %w", err)
	}
	all, err := scanDocs[dr.Intent](rows)
	if err != nil {
		return dr.Intent{}, false, fmt.Errorf("read the intents: %w", err)
	}
	var last dr.Intent
	found := false
	for _, in := range all {
		if strings.HasPrefix(in.Act, prefix) && (!found || in.At.After(last.At)) {
			last, found = in, true
		}
	}
	return last, found, nil
}

// Keep stores a value under a key unless one is there, and gives the stored one.
func (s *Store) Keep(ctx context.Context, key, value string) (string, error) {
	if _, err := s.db.ExecContext(ctx, s.q(`INSERT INTO drbot_kept (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`), key, value); err != nil {
		return "", fmt.Errorf("keep %s: %w", key, err)
	}
	var stored string
	if err := s.db.QueryRowContext(ctx, s.q(`SELECT value FROM drbot_kept WHERE name = ?`), key).Scan(&stored); err != nil {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	return stored, nil
}

// Put stores a value under a key, over an older one.
func (s *Store) Put(ctx context.Context, key, value string) error {
	_, err := s.db.ExecContext(ctx, s.q(`INSERT INTO drbot_kept (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`), key, value)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

// Get reads the value under a key; empty when there is none.
func (s *Store) Get(ctx context.Context, key string) (string, error) {
	var v string
	err := s.db.QueryRowContext(ctx, s.q(`SELECT value FROM drbot_kept WHERE name = ?`), key).Scan(&v)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	return v, nil
}

// FirstDelivery tells whether a webhook delivery id is new, and remembers it.
// Ids older than a month are forgotten; GitHub redelivers for three days.
func (s *Store) FirstDelivery(ctx context.Context, id string, now time.Time) (bool, error) {
	res, err := s.db.ExecContext(ctx, s.q(`INSERT INTO drbot_deliveries (id, at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING`), id, now.Unix())
	if err != nil {
		return false, fmt.Errorf("store the delivery: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, err
	}
	_, err = s.db.ExecContext(ctx, s.q(`DELETE FROM drbot_deliveries WHERE at < ?`), now.AddDate(0, -1, 0).Unix())
	return n == 1, err
}

// AddReadings stores what a health round found.
func (s *Store) AddReadings(ctx context.Context, service string, at time.Time, checks []dr.Check) error {
	return s.addReport(ctx, "drbot_readings", service, at, checks)
}

// AddDrift stores what a drift round found.
func (s *Store) AddDrift(ctx context.Context, service string, at time.Time, drift []dr.Drift) error {
	return s.addReport(ctx, "drbot_drift", service, at, drift)
}

func (s *Store) addReport(ctx context.Context, table, service string, at time.Time, v any) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode a report: %w", err)
	}
	if _, err := s.db.ExecContext(ctx, s.q(`INSERT INTO `+table+` (service, at, doc) VALUES (?, ?, ?)`), service, at.UnixMilli(), string(doc)); err != nil {
		return fmt.Errorf("store a report: %w", err)
	}
	return nil
}
