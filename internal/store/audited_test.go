package store

import (
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
