package store

import (
	"errors"
	"fmt"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestAuditOnce writes entries that are known by something again: each is in the log once,
// those that are known by nothing as often as they are written.
func TestAuditOnce(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		s = mustOpen(t, s.url, WithAuditKey(aKey))
		entry := func(once string) dr.AuditEntry {
			return dr.AuditEntry{At: t0, Who: "drbot", Action: "merge", Run: "portal-1", Granted: true, Once: once}
		}
		count := func(want int) {
			t.Helper()
			p, err := s.VerifyAudit(t.Context())
			if err != nil || p.Seq != int64(want) {
				t.Errorf("%d entries, want %d: %v", p.Seq, want, err)
			}
		}
		for _, once := range []string{"a", "b", "a", "", "b", ""} {
			ok(t, s.Audit(t.Context(), entry(once)))
		}
		count(4)
		s = mustOpen(t, s.url, WithAuditKey(anotherKey, aKey)) // as it is known from before
		ok(t, s.Audit(t.Context(), entry("a")))
		count(4)
		s = mustOpen(t, s.url, WithAuditKey(anotherKey)) // the former key is not known here
		ok(t, s.Audit(t.Context(), entry("c")))          // what hangs on those of before, and vouches for them
		ok(t, s.Audit(t.Context(), entry("b")))
		s = mustOpen(t, s.url, WithAuditKey(anotherKey, aKey))
		count(5)
	})
}

// TestAuditOnceCannotBeTaken has somebody who has the database and not the key keep an entry
// out of the log, by a row that is known by the same: it is written all the same.
func TestAuditOnceCannotBeTaken(t *testing.T) {
	for name, q := range map[string]string{
		"a row of another entry": `UPDATE drbot_audit SET once = 'x' WHERE seq = 1`,
		"a row that says so":     `UPDATE drbot_audit SET once = 'x', doc = REPLACE(doc, '"granted":true', '"granted":true,"once":"x"') WHERE seq = 1`,
		"a row that is no entry": `UPDATE drbot_audit SET once = 'x', doc = '?' WHERE seq = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *Store) {
				s = mustOpen(t, s.url, WithAuditKey(aKey))
				write(t, s, 2)
				_, err := s.db.ExecContext(t.Context(), q)
				ok(t, err)
				e := dr.AuditEntry{At: t0, Who: "drbot", Action: "merge", Run: "portal-1", Granted: true, Once: "x"}
				ok(t, s.Audit(t.Context(), e))
				log, err := s.AuditLog(t.Context(), 1)
				if len(log) != 1 || log[0].Once != "x" || log[0].Action != "merge" {
					t.Errorf("%v, %v", log, err)
				}
			})
		})
	}
}

// TestAuditOnceIsTheDatabases has the database refuse a second entry of the same, whoever
// writes it.
func TestAuditOnceIsTheDatabases(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		var errs []error
		for i := range 4 {
			once := "NULL"
			if i%2 == 0 {
				once = "'x'"
			}
			_, err := s.db.ExecContext(t.Context(), fmt.Sprintf(`INSERT INTO drbot_audit (seq, doc, prev, hash, once) VALUES (%d, '{}', '', '', %s)`, i+1, once))
			errs = append(errs, err)
		}
		if errors.Join(errs[0], errs[1], errs[3]) != nil || errs[2] == nil {
			t.Errorf("it takes %v", errs)
		}
	})
}
