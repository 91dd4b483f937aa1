package store

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestAudited finds the request of a run in the log, and none that was written by hand, was
// refused, or is of another.
func TestAudited(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "drbot.db")
	open := func(opts ...Option) *Store {
		s, err := Open(t.Context(), url, false, slog.New(slog.DiscardHandler), opts...)
		ok(t, err)
		t.Cleanup(func() { ok(t, s.Close()) })
		return s
	}
	entry := func(run string, granted bool) dr.AuditEntry {
		return dr.AuditEntry{At: t0, Who: "alice", Via: "slack", Action: "failover", Service: "portal", Run: run, Granted: granted}
	}
	former := open(WithAuditKey([]byte("the key of before")))
	ok(t, former.Audit(t.Context(), entry("portal-0", true)))
	s := open(WithAuditKey([]byte("the key of now")))
	ok(t, s.Audit(t.Context(), entry("portal-1", true)))
	ok(t, s.Audit(t.Context(), entry("portal-2", false)))
	_, err := s.db.Exec(`INSERT INTO drbot_audit (seq, doc, prev, hash)
		SELECT seq + 1, REPLACE(REPLACE(doc, 'portal-2', 'portal-3'), 'false', 'true'), hash, 'guessed' FROM drbot_audit ORDER BY seq DESC LIMIT 1`)
	ok(t, err)
	for run, want := range map[string]bool{"portal-0": true, "portal-1": true, "portal-2": false, "portal-3": false, "portal-4": false, "portal_1": false} {
		got, err := s.Audited(t.Context(), run, "alice", "failover")
		ok(t, err)
		if got != want {
			t.Errorf("%s: %t", run, got)
		}
	}
	if got, err := s.Audited(t.Context(), "portal-1", "bob", "failover"); got || err != nil {
		t.Errorf("of another person: %t, %v", got, err)
	}
	if _, err := s.VerifyAudit(t.Context()); dr.CodeOf(err) != dr.Conflict {
		t.Errorf("the row that was written by hand is not found: %v", err)
	}
}

// TestAuditedForged has a request put into the log by the database alone, without any key:
// under a key that nobody knows, before the first key, and before the first entry. It does
// not count, nor does an entry that is known by the same keep another out.
func TestAuditedForged(t *testing.T) {
	for name, forge := range map[string]func(s *Store, doc string) error{
		"under an unknown key": func(s *Store, doc string) error {
			_, err := s.db.Exec(`INSERT INTO drbot_audit_keys (first, proof) VALUES (2, 'junk')`)
			if err == nil {
				_, err = s.db.Exec(`INSERT INTO drbot_audit (seq, doc, prev, hash, once) VALUES (2, ?, 'x', 'guessed', 'x')`, doc)
			}
			return err
		},
		"under an unknown key that ends": func(s *Store, doc string) error {
			_, err := s.db.Exec(`INSERT INTO drbot_audit_keys (first, proof) VALUES (0, 'junk'), (-5, 'junk')`)
			if err == nil {
				_, err = s.db.Exec(`INSERT INTO drbot_audit (seq, doc, prev, hash, once) VALUES (-4, ?, 'x', 'guessed', 'x')`, doc)
			}
			return err
		},
		"without the note of the key": func(s *Store, doc string) error {
			_, err := s.db.Exec(`DELETE FROM drbot_audit_keys`)
			last, unread := s.lastEntry(context.Background(), s.db)
			if errors.Join(err, unread) == nil {
				_, err = s.db.Exec(`INSERT INTO drbot_audit (seq, doc, prev, hash, once) VALUES (2, ?, ?, ?, 'x')`, doc, last.Hash, entryHash(nil, 2, last.Hash, doc))
			}
			return errors.Join(err, unread)
		},
		"before the first": func(s *Store, doc string) error {
			_, err := s.db.Exec(`INSERT INTO drbot_audit (seq, doc, prev, hash, once) VALUES (0, ?, '', ?, 'x')`, doc, entryHash(nil, 0, "", doc))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "drbot.db"), false, slog.New(slog.DiscardHandler), WithAuditKey([]byte("the key of now")))
			ok(t, err)
			t.Cleanup(func() { ok(t, s.Close()) })
			e := dr.AuditEntry{At: t0, Who: "alice", Via: "slack", Action: "failover", Service: "portal", Run: "portal-1", Granted: true}
			ok(t, s.Audit(t.Context(), e))
			doc := `{"who":"alice","via":"slack","action":"failover","service":"portal","run":"portal-9","granted":true,"once":"x"}`
			ok(t, forge(s, doc))
			if got, err := s.Audited(t.Context(), "portal-9", "alice", "failover"); got || err != nil {
				t.Errorf("a request that nobody made and that needed no key counts: %t, %v", got, err)
			}
			e.Run, e.Once = "portal-2", "x"
			ok(t, s.Audit(t.Context(), e))
			log, err := s.AuditLog(t.Context(), 1)
			if err != nil || len(log) != 1 || log[0].Run != "portal-2" {
				t.Errorf("the forged row keeps an entry out: %v, %v", log, err)
			}
		})
	}
}
