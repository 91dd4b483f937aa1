package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/drbot/drbot/dr"
)

// AuditTrail is the audit log, a chain of entries each of which carries the hash of the
// one before it.
type AuditTrail struct {
	*database
	log      *slog.Logger
	keys     [][]byte // of the hashes; the first one writes
	headPath string
	head     headFile
}

// Audit appends to the audit log. Each entry carries the hash of the one before
// it, so that a changed or removed entry is seen by VerifyAudit.
func (s *AuditTrail) Audit(ctx context.Context, e dr.AuditEntry) error {
	return s.Tx(ctx, "audit", func(tx *sql.Tx) error { return s.AuditTx(ctx, tx, e) })
}

// AuditTx is Audit in a transaction of Tx, for what must be there together with its
// line of the log. It comes last: from here on no other entry can be written until the
// transaction ends.
func (s *AuditTrail) AuditTx(ctx context.Context, tx *sql.Tx, e dr.AuditEntry) error {
	doc, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode the audit entry: %w", err)
	}
	var now Head
	if !s.afterwards(tx, func() { s.keepHead(ctx, now) }) {
		return errors.New("write the audit log: the transaction is not one of Store.Tx")
	}
	if err := s.lock(ctx, tx, "audit"); err != nil {
		return err
	}
	if err := s.hangs(ctx, tx); err != nil {
		return err
	}
	before, err := s.lastEntry(ctx, tx)
	if err != nil {
		return err
	}
	once := sql.NullString{String: e.Once, Valid: e.Once != ""}
	if once.Valid {
		taken, genuine, err := s.written(ctx, tx, e.Once)
		if err != nil {
			return err
		}
		if genuine {
			now = before
			return nil
		}
		if taken { // by somebody who wants it not to be written
			s.log.ErrorContext(ctx, "AN ENTRY OF THE AUDIT LOG IS OF NOBODY WHO HAS THE KEY, and has the place of one that is written now", "run", e.Run, "action", e.Action)
			once.Valid = false
		}
	}
	key, err := s.keyFor(ctx, tx, before.Seq+1)
	if err != nil {
		return err
	}
	next := Head{before.Seq + 1, entryHash(key, before.Seq+1, before.Hash, string(doc))}
	if _, err := s.exec(ctx, tx, "write the audit log", `INSERT INTO drbot_audit (seq, doc, prev, hash, once) VALUES (?, ?, ?, ?, ?)`, next.Seq, string(doc), before.Hash, next.Hash, once); err != nil {
		return err
	}
	now = next
	return nil
}

// written tells whether an entry is in the log that is known by once, and whether it is one
// that only who has the key can have made or vouched for.
func (s *AuditTrail) written(ctx context.Context, tx *sql.Tx, once string) (taken, genuine bool, err error) {
	var seq int64
	var doc string
	err = tx.QueryRowContext(ctx, s.q(`SELECT seq, doc FROM drbot_audit WHERE once = ?`), once).Scan(&seq, &doc)
	if errors.Is(err, sql.ErrNoRows) {
		return false, false, nil
	}
	if err != nil {
		return false, false, failed("look for an audit entry", err)
	}
	var e dr.AuditEntry
	if json.Unmarshal([]byte(doc), &e) != nil || e.Once != once {
		return true, false, nil
	}
	genuine, err = vouched(ctx, s, tx, seq)
	return true, genuine, err
}

// Head is the last entry of the audit log: all before it hangs on its hash.
type Head struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

func (s *AuditTrail) lastEntry(ctx context.Context, db queryer) (Head, error) {
	var h Head
	err := db.QueryRowContext(ctx, `SELECT seq, hash FROM drbot_audit ORDER BY seq DESC LIMIT 1`).Scan(&h.Seq, &h.Hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return h, failed("read the end of the audit log", err)
}

// keyFor gives the key of the next entry. The first entry of a key is noted.
func (s *AuditTrail) keyFor(ctx context.Context, tx *sql.Tx, seq int64) ([]byte, error) {
	var first int64
	var proof string
	err := tx.QueryRowContext(ctx, `SELECT first, proof FROM drbot_audit_keys ORDER BY first DESC LIMIT 1`).Scan(&first, &proof)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, failed("read the keys of the audit log", err)
	}
	if len(s.keys) == 0 {
		if err == nil {
			return nil, &dr.Error{Code: dr.Conflict, What: dr.T("audit-log.no-key", "entry", first), Next: dr.T("audit-log.no-key.next")}
		}
		return nil, nil
	}
	if err == nil && proof == keyProof(s.keys[0], first) {
		return s.keys[0], nil
	}
	if err == nil {
		s.log.WarnContext(ctx, "the audit log goes on with another key", "seq", seq)
	}
	_, err = s.exec(ctx, tx, "note a key of the audit log", `INSERT INTO drbot_audit_keys (first, proof) VALUES (?, ?)`, seq, keyProof(s.keys[0], seq))
	return s.keys[0], err
}

// entryHash is the hash of an entry; without a key it is what it was before there was one.
func entryHash(key []byte, seq int64, prev, doc string) string {
	text := fmt.Appendf(nil, "%d\n%s\n%s", seq, prev, doc)
	if key == nil {
		h := sha256.Sum256(text)
		return hex.EncodeToString(h[:])
	}
	return mac(key, "entry", text)
}

// keyProof shows that whoever noted where a key begins had it.
func keyProof(key []byte, first int64) string { return mac(key, "key", fmt.Appendf(nil, "%d", first)) }

func mac(key []byte, what string, text []byte) string {
	m := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(m, "%s\n%s", what, text) // a hash takes everything
	return hex.EncodeToString(m.Sum(nil))
}

// AuditLog lists the newest entries, newest first.
func (s *AuditTrail) AuditLog(ctx context.Context, limit int) ([]dr.AuditEntry, error) {
	return docs[dr.AuditEntry](ctx, s.database, dr.T("store.of.audit"), `SELECT doc FROM drbot_audit ORDER BY seq DESC LIMIT ?`, limit)
}
