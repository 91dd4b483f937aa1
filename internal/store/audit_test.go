package store

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/drbot/drbot/dr"
)

var (
	aKey       = []byte("a key of tests, 16 bytes or more")
	anotherKey = []byte("another key of 16 bytes or more")
)

func write(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := range n {
		ok(t, s.Audit(t.Context(), dr.AuditEntry{At: t0, Who: fmt.Sprint("p", i), Action: "start", Granted: true}))
	}
}

// TestAudit changes a log behind the store's back in every way, as somebody would who
// has the database and not the key, and expects each to be seen.
func TestAudit(t *testing.T) {
	forge := func(seq int64, doc string) func(*Store) string {
		return func(s *Store) string {
			var prev string
			_ = s.db.QueryRowContext(t.Context(), s.q(`SELECT hash FROM drbot_audit WHERE seq = ?`), seq-1).Scan(&prev)
			return fmt.Sprintf(`INSERT INTO drbot_audit (seq, doc, prev, hash) VALUES (%d, '%s', '%s', '%s')`, seq, doc, prev, entryHash(nil, seq, prev, doc))
		}
	}
	plain := func(q string) func(*Store) string { return func(*Store) string { return q } }
	cases := []struct {
		name  string
		do    func(*Store) string
		wants string
	}{
		{"an entry changed", plain(`UPDATE drbot_audit SET doc = replace(doc, 'p2', 'p9') WHERE seq = 3`), "entry 3"},
		{"an entry removed", plain(`DELETE FROM drbot_audit WHERE seq = 2`), "entry 3"},
		{"the first entry removed", plain(`DELETE FROM drbot_audit WHERE seq = 1`), "entry 2"},
		{"a hash changed", plain(`UPDATE drbot_audit SET hash = prev WHERE seq = 4`), "entry 4"},
		{"the last entry cut off", plain(`DELETE FROM drbot_audit WHERE seq = 5`), "ends at entry 4"},
		{"all entries cut off", plain(`DELETE FROM drbot_audit`), "ends at entry 0"},
		{"an entry put in at the end", forge(6, `{"who":"p9"}`), "entry 6"},
		{"the note of the key removed", plain(`DELETE FROM drbot_audit_keys`), "entry 1"},
		{"the key said to begin later", plain(`UPDATE drbot_audit_keys SET first = 4`), "entry 1"},
	}
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		for _, c := range cases {
			_, err := s.db.ExecContext(ctx, `DELETE FROM drbot_audit`)
			ok(t, err)
			_, err = s.db.ExecContext(ctx, `DELETE FROM drbot_audit_keys`)
			ok(t, err)
			head := filepath.Join(t.TempDir(), "head")
			s := mustOpen(t, s.url, WithAuditKey(aKey), WithAuditHead(head))
			write(t, s, 5)
			if p, err := s.VerifyAudit(ctx); err != nil || p.Seq != 5 || p.Keyed != 5 || p.Outside != 5 {
				t.Fatalf("%+v, %v", p, err)
			}
			_, err = s.db.ExecContext(ctx, c.do(s))
			ok(t, err)
			_, err = s.VerifyAudit(ctx)
			if msg := said(t, err); dr.CodeOf(err) != dr.Conflict || !strings.Contains(msg, c.wants) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	})
}

// TestAuditWrittenAnew makes a whole new log without the key, its note and its head: the
// file outside does not fit.
func TestAuditWrittenAnew(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		head := filepath.Join(t.TempDir(), "head")
		keyed := mustOpen(t, s.url, WithAuditKey(aKey), WithAuditHead(head))
		write(t, keyed, 5)
		for _, q := range []string{`DELETE FROM drbot_audit`, `DELETE FROM drbot_audit_keys`} {
			_, err := s.db.ExecContext(ctx, q)
			ok(t, err)
		}
		write(t, s, 7)
		for _, file := range []string{"", fmt.Sprintf(`{"seq":7,"hash":%q}`, lastHash(t, s))} {
			if file != "" {
				ok(t, os.WriteFile(head, []byte(file), 0o600))
			}
			if _, err := keyed.VerifyAudit(ctx); dr.CodeOf(err) != dr.Conflict {
				t.Errorf("a log written anew, head %q: %v", file, err)
			}
		}
	})
}

func lastHash(t *testing.T, s *Store) string {
	t.Helper()
	h, err := s.lastEntry(t.Context(), s.db)
	ok(t, err)
	return h.Hash
}

// TestAuditKeys goes on with a key after a log without one, and with another key after that.
func TestAuditKeys(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		write(t, s, 3)
		keyed := mustOpen(t, s.url, WithAuditKey(aKey))
		write(t, keyed, 2)
		if p, err := keyed.VerifyAudit(ctx); err != nil || p.Seq != 5 || p.Keyed != 2 {
			t.Errorf("%+v, %v", p, err)
		}
		if _, err := s.VerifyAudit(ctx); dr.CodeOf(err) != dr.Conflict {
			t.Errorf("without the key: %v", err)
		}
		if err := s.Audit(ctx, dr.AuditEntry{}); dr.CodeOf(err) != dr.Conflict {
			t.Errorf("a store without the key writes on: %v", err)
		}
		changed := mustOpen(t, s.url, WithAuditKey(anotherKey))
		_, err := changed.VerifyAudit(ctx)
		if dr.CodeOf(err) != dr.Conflict || !strings.Contains(said(t, err), "another key") {
			t.Errorf("with another key: %v", err)
		}
		write(t, changed, 2)
		both := mustOpen(t, s.url, WithAuditKey(anotherKey, aKey))
		if p, err := both.VerifyAudit(ctx); err != nil || p.Seq != 7 || p.Keyed != 4 {
			t.Errorf("with the former key too: %+v, %v", p, err)
		}
	})
}

// TestAuditHead starts on a log that was cut off: it is said, and the head stays as the
// proof however much is written after.
func TestAuditHead(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		head := filepath.Join(t.TempDir(), "deeper", "head")
		first := mustOpen(t, s.url, WithAuditKey(aKey), WithAuditHead(head))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 5 {
					if err := first.Audit(ctx, dr.AuditEntry{At: t0}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if p, err := first.VerifyAudit(ctx); err != nil || p.Outside != 20 {
			t.Errorf("after 20 entries at once: %+v, %v", p, err)
		}
		_, err := s.db.ExecContext(ctx, `DELETE FROM drbot_audit WHERE seq > 18`)
		ok(t, err)
		was, err := os.ReadFile(head)
		ok(t, err)
		next := mustOpen(t, s.url, WithAuditKey(aKey), WithAuditHead(head))
		if h, err := next.AuditHead(ctx); dr.CodeOf(err) != dr.Conflict || h.Seq != 18 {
			t.Errorf("a cut-off log is at %+v, %v", h, err)
		}
		write(t, next, 4) // past the entry the head names
		if now, err := os.ReadFile(head); err != nil || string(now) != string(was) {
			t.Errorf("the head became %s, %v", now, err)
		}
		if _, err := next.VerifyAudit(ctx); dr.CodeOf(err) != dr.Conflict {
			t.Errorf("a log that grew again over its cut: %v", err)
		}
		ok(t, os.Remove(head))
		if h, err := next.AuditHead(ctx); err != nil || h.Seq != 22 {
			t.Errorf("with the head moved aside: %+v, %v", h, err)
		}
		again := mustOpen(t, s.url, WithAuditKey(aKey), WithAuditHead(head))
		if h, err := again.AuditHead(ctx); err != nil || h.Seq != 22 {
			t.Errorf("the next start: %+v, %v", h, err)
		}
		if p, err := again.VerifyAudit(ctx); err != nil || p.Outside != 22 {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

// TestTx writes a run and its audit line together, or neither; the head outside follows
// what was committed.
func TestTx(t *testing.T) {
	each(t, func(t *testing.T, plain *Store) {
		ctx := t.Context()
		s := mustOpen(t, plain.url, WithAuditKey(aKey), WithAuditHead(filepath.Join(t.TempDir(), "head")))
		both := func(id string, wants bool, end error) error {
			return s.Tx(ctx, "start", func(tx *sql.Tx) error {
				made, err := s.CreateRunTx(ctx, tx, aRun(id))
				if err != nil || made != wants {
					t.Errorf("%s made: %t, %v", id, made, err)
				}
				if err := s.AuditTx(ctx, tx, dr.AuditEntry{At: t0, Run: id}); err != nil {
					t.Error(err)
				}
				return end
			})
		}
		ok(t, both("portal-1", true, nil))
		ok(t, both("portal-1", false, nil))
		broken := errors.New("the engine does not take it")
		if err := both("portal-2", true, broken); !errors.Is(err, broken) {
			t.Errorf("a transaction that fails gives %v", err)
		}
		if _, err := s.Run(ctx, "portal-2"); dr.CodeOf(err) != dr.NotFound {
			t.Errorf("a run of a failed transaction: %v", err)
		}
		if p, err := s.VerifyAudit(ctx); err != nil || p.Seq != 2 || p.Outside != 2 {
			t.Errorf("%+v, %v", p, err)
		}
		tx, err := s.DB().BeginTx(ctx, nil)
		ok(t, err)
		defer func() { _ = tx.Rollback() }()
		if err := s.AuditTx(ctx, tx, dr.AuditEntry{}); err == nil {
			t.Error("an entry in a transaction whose end nobody sees")
		}
	})
}

// TestTailRemovedUnderALivingBot removes entries that the bot then writes over.
func TestTailRemovedUnderALivingBot(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		head := filepath.Join(t.TempDir(), "head")
		live := mustOpen(t, s.url, WithAuditKey(aKey), WithAuditHead(head))
		write(t, live, 5)
		_, err := live.db.ExecContext(ctx, `DELETE FROM drbot_audit WHERE seq >= 4`) // by somebody who has the database alone
		ok(t, err)
		write(t, live, 4) // the bot goes on: 4, 5, 6, 7
		p, err := mustOpen(t, s.url, WithAuditKey(aKey), WithAuditHead(head)).VerifyAudit(ctx)
		if err == nil {
			t.Errorf("two entries were removed and verify says %+v", p)
		}
	})
}

// TestWrittenAnewUnderALivingBot has the whole log written anew, without the key.
func TestWrittenAnewUnderALivingBot(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		head := filepath.Join(t.TempDir(), "head")
		live := mustOpen(t, s.url, WithAuditKey(aKey), WithAuditHead(head))
		write(t, live, 5)
		for _, q := range []string{`DELETE FROM drbot_audit`, `DELETE FROM drbot_audit_keys`} {
			_, err := live.db.ExecContext(ctx, q)
			ok(t, err)
		}
		forger := mustOpen(t, s.url)
		write(t, forger, 5)
		write(t, live, 1)
		p, err := mustOpen(t, s.url, WithAuditKey(aKey), WithAuditHead(head)).VerifyAudit(ctx)
		if err == nil {
			t.Errorf("all was written anew without the key and verify says %+v", p)
		}
	})
}
