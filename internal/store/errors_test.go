package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

// said is an error as people read it.
func said(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	c, bad := text.New(dr.Verbs())
	ok(t, bad)
	what, next := c.In("en", text.Shell).Error(err)
	if what == "" || next == "" {
		t.Errorf("the error %v is said as %q, %q", err, what, next)
	}
	return what
}

// away checks an error of a database that cannot be asked.
func away(t *testing.T, what string, err error) {
	t.Helper()
	var e *dr.Error
	if !errors.As(err, &e) || e.Code != dr.Temporary || e.What.ID != "store.away" || e.Next.Empty() || e.Err == nil {
		t.Errorf("%s: %v, code %s", what, err, dr.CodeOf(err))
	}
}

// TestClosed asks everything of a database that is not open any more.
func TestClosed(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ok(t, s.db.Close())
		for name, call := range everything(t.Context(), s) {
			away(t, name, call())
		}
		_, err := s.VerifyAudit(t.Context())
		away(t, "VerifyAudit", err)
		away(t, "Ping", s.Ping(t.Context()))
	})
}

// TestNoTime asks everything when there is no time for an answer.
func TestNoTime(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for name, call := range everything(ctx, s) {
			err := call()
			away(t, name, err)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: why there was no answer is lost: %v", name, err)
			}
		}
	})
}

// TestNoTimeForLock waits for a lock that another one holds until there is no time left.
func TestNoTimeForLock(t *testing.T) {
	urls(t, func(t *testing.T, url string) {
		first, err := AcquireLock(t.Context(), url, func(int) {})
		ok(t, err)
		defer first.Release()
		ctx, cancel := context.WithCancel(t.Context())
		_, err = AcquireLock(ctx, url, func(int) { cancel() })
		away(t, "AcquireLock", err)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("why the lock was not had is lost: %v", err)
		}
	})
}

// TestReadOnly writes where nothing can be written, and reads there all the same.
func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drbot.db")
	s := mustOpen(t, "sqlite:"+path)
	ok(t, s.CreateRun(t.Context(), aRun("portal-1")))
	plain := s.db
	defer func() { _ = plain.Close() }()
	var err error
	s.db, err = sql.Open("sqlite", "file:"+path+"?mode=ro")
	ok(t, err)
	calls, reads := everything(t.Context(), s), []string{"AuditHead", "AuditLog", "LastIntent", "LastReading", "Get", "UnsaidChannels", "UnsaidNotes", "Shown", "UnshownRuns", "Run", "Runs", "OpenRuns"}
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		if err := calls[name](); slices.Contains(reads, name) {
			ok(t, err)
		} else {
			away(t, name, err)
		}
	}
}

// TestBroken reads documents that somebody has spoilt: what they held is not known.
func TestBroken(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		calls := everything(ctx, s)
		for _, name := range []string{"CreateRun", "Audit", "Intend", "Say", "AddReadings"} {
			ok(t, calls[name]())
		}
		for _, table := range []string{"drbot_runs", "drbot_audit", "drbot_intents", "drbot_outbox", "drbot_readings"} {
			_, err := s.db.ExecContext(ctx, `UPDATE `+table+` SET doc = '{'`)
			ok(t, err)
		}
		for _, name := range []string{"Run", "Runs", "OpenRuns", "UpdateRun", "AuditLog", "Intend", "LastIntent", "UnsaidNotes", "LastReading"} {
			err := calls[name]()
			if what, next := dr.Told(err); dr.CodeOf(err) != dr.Uncertain || what.ID != "store.broken" || next.Empty() {
				t.Errorf("%s: %v, code %s", name, err, dr.CodeOf(err))
			}
		}
	})
}
