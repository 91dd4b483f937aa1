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
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drbot/drbot/dr"
)

// What the bot keeps for itself and acts by is sealed row by row with a key that is not in
// the database: whoever can write there, and has not the key, can take a row away, or put
// one back that was there before, and cannot make one.

// WithSealKey has what is kept sealed with a key, which is not kept in the database.
func WithSealKey(key []byte) Option { return func(s *Store) { s.seals.key = key } }

// WithSealsAnew has what is kept sealed at the next SealFormer as it is, at the word of whoever
// starts the program: what the database itself says of that anybody could have written.
func WithSealsAnew() Option { return func(s *Store) { s.seals.anew = true } }

// seals makes and checks the seals of rows; without a key it makes none and takes all.
type seals struct {
	key  []byte
	anew bool
	told sync.Map // seals of what was told of rows that have a wrong one
}

// The tables whose rows have seals.
const (
	keptTable   = "drbot_kept"
	intentTable = "drbot_intents"
	outboxTable = "drbot_outbox"
)

// of is the seal of a row, by its table, by what it is found by, and by what it says.
func (s *seals) of(table, name, value string) string {
	if len(s.key) == 0 {
		return ""
	}
	return mac(s.key, table, fmt.Appendf(nil, "%q\n%s", name, value))
}

// intentName is what an intent is found by.
func intentName(run, act string) string { return fmt.Sprintf("%q %q", run, act) }

// sealed is an error where a row has not its seal. It is told once of each, in the program's
// log and in the audit log.
func sealed(ctx context.Context, s *AuditTrail, table, name, value, seal string) error {
	want := s.seals.of(table, name, value)
	if len(s.seals.key) == 0 || hmac.Equal([]byte(want), []byte(seal)) {
		return nil
	}
	if _, told := s.seals.told.LoadOrStore(want, true); !told {
		s.log.ErrorContext(ctx, "A ROW OF THE DATABASE IS OF NOBODY WHO HAS THE KEY, and does not count", "table", table, "row", name)
		sum := sha256.Sum256([]byte(want))
		err := s.Audit(ctx, dr.AuditEntry{
			At: time.Now(), Who: "drbot", Via: "serve", Action: "unheard-row", Detail: dr.T("audit.unsealed", "table", table, "row", dr.Foreign(name)), Once: hex.EncodeToString(sum[:16]),
		})
		if err != nil {
			s.log.ErrorContext(ctx, "that was not audited", "table", table, "row", name, "error", err)
		}
	}
	return &dr.Error{Code: dr.Conflict, What: dr.T("store.unsealed", "table", table, "row", dr.Foreign(name)), Next: dr.T("store.unsealed.next"), Err: dr.ErrUnsealed}
}

// BeforeSeals is the action of the entry that a run was begun before there were seals.
const BeforeSeals = "before-seals"

// SealFormer seals what an edition before the seals has kept, and writes down which open runs
// were begun without one: once in the life of a database, by an entry of the audit log, so
// that nobody has it done again for what they have written. After a change of the key it is
// done anew, for what is kept alone. What the audit log does not bear out is an error: nothing
// that is kept would count, and no run could go on.
func (s *Store) SealFormer(ctx context.Context, now time.Time, unsealed []string) error {
	if len(s.seals.key) == 0 || len(s.keys) == 0 {
		return nil
	}
	mark := "sealed/" + mac(s.keys[0], "sealed", s.seals.key)[:32]
	past, err := s.past(ctx, mark)
	if err != nil || past.done {
		return err
	}
	if !past.whole && !s.seals.anew && (past.kept || len(unsealed) > 0) { // an empty database has nothing that could be forged
		return &dr.Error{Code: dr.Conflict, What: dr.T("store.unsealed.all"), Next: dr.T("store.unsealed.all.next", "log", dr.Cmd("audit verify"), "anew", dr.Cmd("serve --seal-anew"))}
	}
	if past.marks > 0 { // under this key, before another
		mark = fmt.Sprintf("%s/%d", mark, past.marks)
	}
	if past.otherKey {
		unsealed = nil // the seals are older than this key
	}
	return s.Tx(ctx, "seal", func(tx *sql.Tx) error {
		n, err := s.sealAll(ctx, tx)
		if err != nil {
			return err
		}
		line := dr.AuditEntry{At: now, Who: "drbot", Via: "serve", Granted: true}
		for _, run := range unsealed {
			line.Action, line.Run, line.Detail = BeforeSeals, run, dr.T("audit.before-seals")
			if err := s.AuditTx(ctx, tx, line); err != nil {
				return err
			}
		}
		line.Action, line.Run, line.Once, line.Detail = "seal", "", mark, dr.T("audit.sealed", "n", n)
		return s.AuditTx(ctx, tx, line)
	})
}

// BegunBeforeSeals tells whether the audit log has that a run was begun before the seals.
func (s *Store) BegunBeforeSeals(ctx context.Context, run string) (bool, error) {
	return s.Audited(ctx, run, "drbot", BeforeSeals)
}

// past is what the audit log shows of whether what has no seal is of a former edition.
type past struct {
	done     bool // it was sealed already
	whole    bool // nothing speaks against it
	otherKey bool // the log has entries of another key
	marks    int  // how often it was sealed with this key
	kept     bool // there is something to be sealed
}

func (s *Store) past(ctx context.Context, mark string) (past, error) {
	var p past
	keys, err := s.auditKeys(ctx, s.db)
	if err != nil {
		return p, err
	}
	out, err := s.readHead()
	if err != nil {
		out = Head{} // of another key: it says nothing of this one
	}
	// With a key that came after the mark all was sealed anew.
	foreign := int64(0)
	for _, k := range keys {
		if !slices.Equal(k.key, s.keys[0]) {
			foreign = max(foreign, k.first)
		}
	}
	var last Head
	broken, own, met := false, false, out.Seq == 0
	err = s.each(ctx, "read the audit log", func(rows *sql.Rows) error {
		var seq int64
		var doc, prev, hash string
		if err := rows.Scan(&seq, &doc, &prev, &hash); err != nil {
			return err
		}
		key, other := keyAt(keys, seq)
		broken = broken || seq != last.Seq+1 || prev != last.Hash || other == nil && hash != entryHash(key, seq, prev, doc) || own && other != nil
		last = Head{seq, hash}
		met = met || last == out
		if key == nil || !slices.Equal(key, s.keys[0]) {
			return nil
		}
		own = true
		var e dr.AuditEntry
		if json.Unmarshal([]byte(doc), &e) == nil && strings.HasPrefix(e.Once, mark) && hash == entryHash(key, seq, prev, doc) {
			p.marks++
			p.done = p.done || seq >= foreign
		}
		return nil
	}, `SELECT seq, doc, prev, hash FROM drbot_audit ORDER BY seq`)
	if err != nil || p.done {
		return p, err
	}
	some, kept, err := s.someSealed(ctx)
	p.kept = kept
	p.whole, p.otherKey = !broken && met && !some, slices.ContainsFunc(keys, func(k keySpan) bool { return !slices.Equal(k.key, s.keys[0]) })
	return p, err
}

// sealedRows are the tables with what each row is sealed by, two columns that it is found by
// and what it says, and how it is given its seal. What was said has none.
var sealedRows = []struct{ table, read, write string }{
	{keptTable, `SELECT name, '', value, seal FROM drbot_kept`, `UPDATE drbot_kept SET seal = ? WHERE name = ? AND '' = ?`},
	{intentTable, `SELECT run, act, doc, seal FROM drbot_intents`, `UPDATE drbot_intents SET seal = ? WHERE run = ? AND act = ?`},
	{outboxTable, `SELECT key, channel, doc, seal FROM drbot_outbox WHERE ts = ''`, `UPDATE drbot_outbox SET seal = ? WHERE key = ? AND channel = ?`},
}

// nameOf is what a row is sealed by beside what it says.
func nameOf(table, first, second string) string {
	if table == keptTable {
		return first
	}
	return intentName(first, second)
}

// someSealed tells whether a row has a seal of this key: then there were seals before; and
// whether there is a row at all.
func (s *Store) someSealed(ctx context.Context) (some, kept bool, err error) {
	for _, t := range sealedRows {
		err = errors.Join(err, s.each(ctx, "read the seals", func(rows *sql.Rows) error {
			var first, second, value, seal string
			if err := rows.Scan(&first, &second, &value, &seal); err != nil {
				return err
			}
			kept = true
			some = some || seal == s.seals.of(t.table, nameOf(t.table, first, second), value)
			return nil
		}, t.read))
	}
	return some, kept, err
}

// sealAll seals what is there, and gives how many rows that were.
func (s *Store) sealAll(ctx context.Context, tx *sql.Tx) (n int, err error) {
	type row struct{ first, second, value, seal string }
	for _, t := range sealedRows {
		rows, err := tx.QueryContext(ctx, t.read)
		if err != nil {
			return 0, failed("read what is kept", err)
		}
		var all []row
		for rows.Next() {
			var r row
			if err := rows.Scan(&r.first, &r.second, &r.value, &r.seal); err != nil {
				return 0, errors.Join(failed("read what is kept", err), rows.Close())
			}
			all = append(all, r)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return 0, failed("read what is kept", err)
		}
		for _, r := range all {
			seal := s.seals.of(t.table, nameOf(t.table, r.first, r.second), r.value)
			if _, err := s.exec(ctx, tx, "mark what is kept with its seal", t.write, seal, r.first, r.second); err != nil {
				return 0, err
			}
		}
		n += len(all)
	}
	return n, nil
}
