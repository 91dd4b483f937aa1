package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"github.com/drbot/drbot/dr"
)

// Proof is what VerifyAudit has shown.
type Proof struct {
	Head
	Keyed int64 `json:"keyed"` // entries whose hash has a key, which nobody can write who has only the database
	// Outside is what the head kept outside the database names; 0 when there is none, and
	// then entries cut off at the end are seen by nothing but an earlier head in the log.
	Outside int64 `json:"outside"`
}

// VerifyAudit walks the whole audit log. An error names the first entry that was
// changed, removed or put in, the entries that were cut off at the end, or the key that
// is another one.
func (s *AuditTrail) VerifyAudit(ctx context.Context) (Proof, error) {
	// First, since it is written after its entry: the log may only be longer.
	out, err := s.readHead()
	if err != nil {
		return Proof{}, err
	}
	keys, err := s.auditKeys(ctx, s.db)
	if err != nil {
		return Proof{}, err
	}
	p := Proof{Outside: out.Seq}
	err = s.each(ctx, "read the audit log", func(rows *sql.Rows) error {
		var seq int64
		var doc, prev, hash string
		if err := rows.Scan(&seq, &doc, &prev, &hash); err != nil {
			return err
		}
		key, err := keyAt(keys, seq)
		if err != nil {
			return err
		}
		if seq != p.Seq+1 || prev != p.Hash || hash != entryHash(key, seq, prev, doc) {
			return changed(dr.T("audit-log.changed", "entry", seq))
		}
		if p.Head = (Head{seq, hash}); key != nil {
			p.Keyed++
		}
		if seq == out.Seq && hash != out.Hash {
			return anew(seq, s.headPath)
		}
		return nil
	}, `SELECT seq, doc, prev, hash FROM drbot_audit ORDER BY seq`)
	if err != nil {
		return p, err
	}
	if out.Seq > p.Seq {
		return p, cutOff(p.Seq, out.Seq, s.headPath)
	}
	return p, nil
}

func changed(what dr.Text) error {
	return &dr.Error{Code: dr.Conflict, What: what, Next: dr.T("audit-log.changed.next")}
}

func anew(seq int64, path string) error {
	return changed(dr.T("audit-log.anew", "entry", seq, "file", path))
}

func cutOff(end, want int64, path string) error {
	return &dr.Error{Code: dr.Conflict, What: dr.T("audit-log.cut", "end", end, "file", path, "entry", want), Next: dr.T("audit-log.cut.next")}
}

// keySpan is a key and the first entry it is for; the key is nil when it is not known here.
type keySpan struct {
	first int64
	key   []byte
}

func (s *AuditTrail) auditKeys(ctx context.Context, db rowser) ([]keySpan, error) {
	var spans []keySpan
	rows, err := db.QueryContext(ctx, `SELECT first, proof FROM drbot_audit_keys ORDER BY first`)
	if err != nil {
		return nil, failed("read the keys of the audit log", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var span keySpan
		var proof string
		if err := rows.Scan(&span.first, &proof); err != nil {
			return nil, failed("read the keys of the audit log", err)
		}
		if i := slices.IndexFunc(s.keys, func(key []byte) bool { return proof == keyProof(key, span.first) }); i >= 0 {
			span.key = s.keys[i]
		}
		spans = append(spans, span)
	}
	return spans, failed("read the keys of the audit log", rows.Err())
}

// keyAt gives the key of an entry: nil, and no error, for one of before there were keys.
func keyAt(spans []keySpan, seq int64) ([]byte, error) {
	for _, span := range slices.Backward(spans) {
		if seq < span.first {
			continue
		}
		if span.key == nil {
			return nil, &dr.Error{Code: dr.Conflict, What: dr.T("audit-log.other-key", "entry", span.first),
				Next: dr.T("audit-log.other-key.next", "command", dr.Cmd("audit verify --former-key FILE"))}
		}
		return span.key, nil
	}
	return nil, nil
}

// Audited tells whether the log has a granted entry of a run that somebody asked for, by its
// words in it, that only who has the key can have made or vouched for.
func (s *AuditTrail) Audited(ctx context.Context, run, who, action string) (bool, error) {
	var found []int64
	err := s.each(ctx, "look for a request in the audit log", func(rows *sql.Rows) error {
		var seq int64
		var doc string
		if err := rows.Scan(&seq, &doc); err != nil {
			return err
		}
		var e dr.AuditEntry
		if json.Unmarshal([]byte(doc), &e) == nil && e.Run == run && e.Who == who && e.Action == action && e.Granted {
			found = append(found, seq)
		}
		return nil
	}, `SELECT seq, doc FROM drbot_audit WHERE doc LIKE ?`, `%"`+run+`"%`) // a pattern finds too much at the most
	for _, seq := range found {
		if genuine, err := vouched(ctx, s, s.db, seq); err != nil || genuine {
			return genuine, err
		}
	}
	return false, err
}

// vouched tells whether an entry is one that only who has the key can have made: by its own
// hash, or, of one of before there were keys or of a key that is not known here, because an
// entry whose hash is of a known key hangs on it, link by link. A log without any key has
// nobody who vouches.
func vouched(ctx context.Context, s *AuditTrail, db rowser, seq int64) (bool, error) {
	if seq < 1 {
		return false, nil // the log begins at 1
	}
	keys, err := s.auditKeys(ctx, db)
	if err != nil {
		return false, err
	}
	rows, err := db.QueryContext(ctx, s.q(`SELECT seq, doc, prev, hash FROM drbot_audit WHERE seq >= ? ORDER BY seq`), seq)
	if err != nil {
		return false, failed("read the audit log", err)
	}
	defer func() { _ = rows.Close() }()
	for last := (Head{}); rows.Next(); {
		var at int64
		var doc, prev, hash string
		if err := rows.Scan(&at, &doc, &prev, &hash); err != nil {
			return false, failed("read the audit log", err)
		}
		if last.Seq > 0 && (at != last.Seq+1 || prev != last.Hash) {
			return false, nil
		}
		key, other := keyAt(keys, at)
		switch {
		case other != nil: // its hash can be made by nobody here
		case hash != entryHash(key, at, prev, doc):
			return false, nil
		case key != nil || len(s.keys) == 0:
			return true, nil
		}
		last = Head{at, hash}
	}
	return false, failed("read the audit log", rows.Err())
}
