package store

import (
	_ "embed"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/store/storetest"
)

// unnumbered is a database of before versions had numbers.
//
//go:embed testdata/unnumbered.sql
var unnumbered string

// urls gives a test every kind of database there is, each empty.
func urls(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "drbot.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, storetest.Database(t)) })
}

func mustOpen(t *testing.T, url string, opts ...Option) *Store {
	t.Helper()
	s, err := Open(t.Context(), url, false, slog.New(slog.DiscardHandler), opts...)
	ok(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// fill makes a database of SQL text, without a migration.
func fill(t *testing.T, url, text string) {
	t.Helper()
	db, err := connect(url)
	ok(t, err)
	defer func() { _ = db.Close() }()
	if !strings.HasPrefix(url, "sqlite:") {
		text = strings.Replace(text, "PRAGMA foreign_keys=OFF;", "", 1)
	}
	_, err = db.ExecContext(t.Context(), text)
	ok(t, err)
}

// TestUnnumbered opens a database of before versions had numbers and reads what is in it.
func TestUnnumbered(t *testing.T) {
	urls(t, func(t *testing.T, url string) {
		ctx := t.Context()
		fill(t, url, unnumbered)
		s := mustOpen(t, url)
		runs, err := s.Runs(ctx, "portal", 100)
		ok(t, err)
		ended := map[dr.RunState]bool{}
		for _, r := range runs {
			if r.State.Final() && !r.Ended.IsZero() && !r.Outcome.Empty() && r.Version == 2 {
				ended[r.State] = true
			}
		}
		if len(runs) != 8 || len(ended) != 5 {
			t.Errorf("%d runs, ended ones in the states %v", len(runs), ended)
		}
		open, err := s.OpenRuns(ctx)
		ok(t, err)
		behind, err := s.UnshownRuns(ctx)
		ok(t, err)
		if len(open) != 3 || len(behind) != 3 || behind[0] != open[0].Run {
			t.Errorf("%d open runs, %v are behind", len(open), behind)
		}
		notes, err := s.UnsaidNotes(ctx, "C0DR", 10)
		ok(t, err)
		if len(notes) != 4 || notes[3].Key != "drift/2026-08-29/portal" {
			t.Errorf("the outbox holds %+v", notes)
		}
		if p, err := s.VerifyAudit(ctx); err != nil || p.Seq != 13 || p.Keyed != 0 {
			t.Errorf("the audit log proves %+v, %v", p, err)
		}
		if fresh, err := s.FirstDelivery(ctx, "72d3162e-cc78-11e3-81ab-4c9367dc0958", t0); err != nil || fresh {
			t.Errorf("an old delivery is new: %t, %v", fresh, err)
		}
		if _, fresh, err := s.Intend(ctx, dr.Intent{Run: "portal-20260825-030000", Act: "promote/portal-global"}); err != nil || fresh {
			t.Errorf("an old intent is new: %t, %v", fresh, err)
		}
		if r, d := count(t, s, "drbot_readings"), count(t, s, "drbot_drift"); r != 8 || d != 8 {
			t.Errorf("%d readings and %d drift reports of 8 rounds, one of them repeated", r, d)
		}
		again := mustOpen(t, url)
		if v, err := again.version(ctx, again.db); err != nil || v != len(migrations) {
			t.Errorf("version %d, %v", v, err)
		}
	})
}

// TestMigrateAtOnce starts several programs on one old database: each version is made once.
func TestMigrateAtOnce(t *testing.T) {
	urls(t, func(t *testing.T, url string) {
		fill(t, url, unnumbered)
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				s, err := Open(t.Context(), url, false, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Error(err)
					return
				}
				_ = s.Close()
			})
		}
		wg.Wait()
		s := mustOpen(t, url)
		var n int
		ok(t, s.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM drbot_schema`).Scan(&n))
		if n != len(migrations) {
			t.Errorf("%d versions were noted", n)
		}
	})
}

// TestMigrateHalf breaks off in the middle of a version: nothing of it stays.
func TestMigrateHalf(t *testing.T) {
	urls(t, func(t *testing.T, url string) {
		s := mustOpen(t, url)
		real := migrations
		defer func() { migrations = real }()
		migrations = append(append([][]string{}, real...), []string{`CREATE TABLE drbot_half (a TEXT)`, `INSERT INTO drbot_nowhere (a) VALUES ('x')`})
		if err := s.migrate(t.Context(), false); err == nil {
			t.Fatal("a statement without its table did no harm")
		}
		half, err := s.hasTable(t.Context(), s.db, "drbot_half")
		ok(t, err)
		if v, err := s.version(t.Context(), s.db); err != nil || half || v != len(real) {
			t.Errorf("half a version stays: %t, version %d, %v", half, v, err)
		}
	})
}

// TestNewer opens a database that a newer program made.
func TestNewer(t *testing.T) {
	urls(t, func(t *testing.T, url string) {
		s := mustOpen(t, url)
		_, err := s.db.ExecContext(t.Context(), `INSERT INTO drbot_schema (version) VALUES (1000)`)
		ok(t, err)
		_, err = Open(t.Context(), url, false, slog.New(slog.DiscardHandler))
		if dr.CodeOf(err) != dr.Conflict || !strings.Contains(said(t, err), "version 1000") {
			t.Errorf("a newer database gives %v", err)
		}
	})
}
