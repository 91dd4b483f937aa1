package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// Ledger keeps what must be known after a crash: intents, small values, deliveries.
type Ledger struct {
	*database
	audit *AuditTrail
}

// Intend stores an intent unless one for the same run and act is there.
func (s Ledger) Intend(ctx context.Context, in dr.Intent) (dr.Intent, bool, error) {
	doc, err := json.Marshal(in)
	if err != nil {
		return in, false, fmt.Errorf("encode the intent: %w", err)
	}
	n, err := s.exec(ctx, s.db, "store the intent", `INSERT INTO drbot_intents (run, act, doc, seal) VALUES (?, ?, ?, ?) ON CONFLICT (run, act) DO NOTHING`,
		in.Run, in.Act, string(doc), s.seals.of(intentTable, intentName(in.Run, in.Act), string(doc)))
	if err != nil || n == 1 {
		return in, err == nil, err
	}
	var stored, seal string
	err = s.db.QueryRowContext(ctx, s.q(`SELECT doc, seal FROM drbot_intents WHERE run = ? AND act = ?`), in.Run, in.Act).Scan(&stored, &seal)
	if err != nil {
		return in, false, failed("read the intent", err)
	}
	if err := sealed(ctx, s.audit, intentTable, intentName(in.Run, in.Act), stored, seal); err != nil {
		return in, false, err
	}
	var was dr.Intent
	if err := json.Unmarshal([]byte(stored), &was); err != nil {
		return in, false, broken(dr.T("store.of.intent", "act", in.Act, "run", in.Run), err)
	}
	return was, false, nil
}

// LastIntent gives the newest intent of a run whose act begins with a prefix.
func (s Ledger) LastIntent(ctx context.Context, run, prefix string) (dr.Intent, bool, error) {
	all, err := s.intents(ctx, run)
	if err != nil {
		return dr.Intent{}, false, err
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

// intents lists the intents of a run.
func (s Ledger) intents(ctx context.Context, run string) ([]dr.Intent, error) {
	type row struct{ act, doc, seal string }
	var all []row
	err := s.each(ctx, "read the intents of "+run, func(rows *sql.Rows) error {
		var r row
		err := rows.Scan(&r.act, &r.doc, &r.seal)
		all = append(all, r)
		return err
	}, `SELECT act, doc, seal FROM drbot_intents WHERE run = ?`, run)
	if err != nil {
		return nil, err
	}
	out := make([]dr.Intent, len(all))
	for i, r := range all {
		if err := sealed(ctx, s.audit, intentTable, intentName(run, r.act), r.doc, r.seal); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(r.doc), &out[i]); err != nil {
			return nil, broken(dr.T("store.of.intents", "run", run), err)
		}
	}
	return out, nil
}

// Keep stores a value under a key unless one is there, and gives the stored one.
func (s Ledger) Keep(ctx context.Context, key, value string) (string, error) {
	if _, err := s.exec(ctx, s.db, "keep "+key, `INSERT INTO drbot_kept (name, value, seal) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING`, key, value, s.seals.of(keptTable, key, value)); err != nil {
		return "", err
	}
	var stored, seal string
	if err := s.db.QueryRowContext(ctx, s.q(`SELECT value, seal FROM drbot_kept WHERE name = ?`), key).Scan(&stored, &seal); err != nil {
		return "", failed("read "+key, err)
	}
	if err := sealed(ctx, s.audit, keptTable, key, stored, seal); err != nil {
		return "", err
	}
	return stored, nil
}

// Put stores a value under a key, over an older one.
func (s Ledger) Put(ctx context.Context, key, value string) error {
	_, err := s.exec(ctx, s.db, "put "+key, `INSERT INTO drbot_kept (name, value, seal) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value, seal = excluded.seal`,
		key, value, s.seals.of(keptTable, key, value))
	return err
}

// Get reads the value under a key; empty when there is none, and dr.ErrUnsealed where it was
// written by nobody who has the key.
func (s Ledger) Get(ctx context.Context, key string) (string, error) {
	var v, seal string
	err := s.db.QueryRowContext(ctx, s.q(`SELECT value, seal FROM drbot_kept WHERE name = ?`), key).Scan(&v, &seal)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", failed("read "+key, err)
	}
	if err := sealed(ctx, s.audit, keptTable, key, v, seal); err != nil {
		return "", err
	}
	return v, nil
}

// Forget drops the value under a key.
func (s Ledger) Forget(ctx context.Context, key string) error {
	_, err := s.exec(ctx, s.db, "forget "+key, `DELETE FROM drbot_kept WHERE name = ?`, key)
	return err
}

// FirstDelivery tells whether a webhook delivery id is new, and remembers it until
// Prune forgets it.
func (s Ledger) FirstDelivery(ctx context.Context, id string, now time.Time) (bool, error) {
	n, err := s.exec(ctx, s.db, "store the delivery", `INSERT INTO drbot_deliveries (id, at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING`, id, now.Unix())
	return n == 1, err
}
