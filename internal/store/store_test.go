package store

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/store/storetest"
)

var t0 = time.Date(2026, 8, 22, 3, 0, 0, 0, time.UTC)

// each runs a test on every database there is.
func each(t *testing.T, test func(t *testing.T, s *Store)) {
	open := func(t *testing.T, url string) *Store {
		s, err := Open(t.Context(), url, false, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "drbot.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, open(t, storetest.Database(t))) })
}

func aRun(id string) dr.Run {
	return dr.Run{Request: dr.Request{Run: id, Service: "portal", At: t0}, State: dr.RunRunning}
}

func TestRuns(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		ok(t, s.CreateRun(ctx, aRun("portal-1")))
		again := aRun("portal-1")
		again.Outcome = dr.T("another")
		ok(t, s.CreateRun(ctx, again))
		r, err := s.Run(ctx, "portal-1")
		ok(t, err)
		if !r.Outcome.Empty() || r.Version != 1 || !r.At.Equal(t0) {
			t.Errorf("the second record took the place of the first: %+v", r)
		}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				_, err := s.UpdateRun(ctx, "portal-1", func(r *dr.Run) { r.Accepts = append(r.Accepts, dr.T(dr.TextID(fmt.Sprint(i)))) })
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		r, err = s.Run(ctx, "portal-1")
		ok(t, err)
		if len(r.Accepts) != 20 || r.Version != 21 {
			t.Errorf("of 20 changes at once %d are there, version %d", len(r.Accepts), r.Version)
		}
		if _, err := s.Run(ctx, "portal-2"); dr.CodeOf(err) != dr.NotFound {
			t.Errorf("a run that is not there gives %v", err)
		}
		late := aRun("portal-3")
		late.At, late.State = t0.Add(time.Hour), dr.RunSucceeded
		ok(t, s.CreateRun(ctx, late))
		runs, err := s.Runs(ctx, "portal", 10)
		ok(t, err)
		open, err := s.OpenRuns(ctx)
		ok(t, err)
		other, err := s.Runs(ctx, "other", 10)
		ok(t, err)
		if len(runs) != 2 || runs[0].Run != "portal-3" || len(open) != 1 || len(other) != 0 {
			t.Errorf("%d runs, %d open, %d of another service", len(runs), len(open), len(other))
		}
	})
}

func TestOutbox(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		for _, key := range []string{"b", "a", "b"} {
			ok(t, s.Say(ctx, dr.Note{Key: key, Channel: "C1", Title: dr.T(dr.TextID(key))}))
		}
		ok(t, s.Say(ctx, dr.Note{Key: "c", Channel: "C2"}))
		notes, err := s.UnsaidNotes(ctx, "C1", 10)
		ok(t, err)
		if len(notes) != 2 || notes[0].Key != "b" || notes[1].Key != "a" || notes[0].Tried {
			t.Fatalf("the outbox holds %+v", notes)
		}
		ok(t, s.NoteTried(ctx, "b"))
		ok(t, s.NoteSaid(ctx, "a", "1.2"))
		notes, err = s.UnsaidNotes(ctx, "C1", 10)
		ok(t, err)
		if len(notes) != 1 || !notes[0].Tried {
			t.Errorf("the outbox holds %+v", notes)
		}
		channels, err := s.UnsaidChannels(ctx)
		ok(t, err)
		if len(channels) != 2 {
			t.Errorf("channels %v", channels)
		}
	})
}

func TestShown(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		ok(t, s.CreateRun(ctx, aRun("portal-1")))
		behind := func(want int) {
			t.Helper()
			ids, err := s.UnshownRuns(ctx)
			ok(t, err)
			if len(ids) != want {
				t.Errorf("%d messages are behind, not %d", len(ids), want)
			}
		}
		behind(1)
		ok(t, s.SaveShown(ctx, "portal-1", dr.Shown{Channel: "C1", TS: "1.2", Version: 1}))
		behind(0)
		_, err := s.UpdateRun(ctx, "portal-1", func(*dr.Run) {})
		ok(t, err)
		behind(1)
		m, err := s.Shown(ctx, "portal-1")
		ok(t, err)
		if m != (dr.Shown{Channel: "C1", TS: "1.2", Version: 1}) {
			t.Errorf("%+v", m)
		}
	})
}

func TestLedger(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		in := dr.Intent{Run: "r", Act: "promote/g", From: "a", To: "b", At: t0}
		_, fresh, err := s.Intend(ctx, in)
		ok(t, err)
		later := in
		later.At = t0.Add(time.Hour)
		stored, again, err := s.Intend(ctx, later)
		ok(t, err)
		if !fresh || again || !stored.At.Equal(t0) {
			t.Errorf("fresh %t, then %t, stored at %v", fresh, again, stored.At)
		}
		first, err := s.Keep(ctx, "k", "1")
		ok(t, err)
		second, err := s.Keep(ctx, "k", "2")
		ok(t, err)
		if first != "1" || second != "1" {
			t.Errorf("kept %q, then %q", first, second)
		}
		ok(t, s.Forget(ctx, "k"))
		third, err := s.Keep(ctx, "k", "3")
		ok(t, err)
		if third != "3" {
			t.Errorf("after it was forgotten %q was kept", third)
		}
		for i, want := range []bool{true, false} {
			got, err := s.FirstDelivery(ctx, "d1", t0)
			ok(t, err)
			if got != want {
				t.Errorf("delivery %d is new: %t", i+1, got)
			}
		}
	})
}

// TestReports repeats a round: its second record adds nothing, that of another time does.
func TestReports(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		for _, at := range []time.Time{t0, t0, t0.Add(time.Minute)} {
			ok(t, s.AddReadings(ctx, "portal", at, []dr.Check{{Name: "aurora.lag"}}))
			ok(t, s.AddDrift(ctx, "portal", at, []dr.Drift{{Stack: "traffic"}}))
		}
		for _, table := range []string{"drbot_readings", "drbot_drift"} {
			if n := count(t, s, table); n != 2 {
				t.Errorf("%d rows in %s", n, table)
			}
		}
		if at, checks, err := s.LastReading(ctx, "portal"); err != nil || !at.Equal(t0.Add(time.Minute)) || len(checks) != 1 || checks[0].Name != "aurora.lag" {
			t.Errorf("the last reading is of %s: %v (%v)", at, checks, err)
		}
		if at, checks, err := s.LastReading(ctx, "orders"); err != nil || !at.IsZero() || len(checks) != 0 {
			t.Errorf("a service without a reading has one of %s: %v (%v)", at, checks, err)
		}
	})
}

func count(t *testing.T, s *Store, table string) int {
	t.Helper()
	var n int
	ok(t, s.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n))
	return n
}

// TestFresh opens an empty database, one in use, and a copy of it without its -wal file.
func TestFresh(t *testing.T) {
	urls(t, func(t *testing.T, url string) {
		for i, want := range []bool{true, true, false} {
			s := mustOpen(t, url)
			if s.Fresh() != want {
				t.Errorf("at start %d the database is fresh: %t", i+1, s.Fresh())
			}
			if i == 1 {
				ok(t, s.CreateRun(t.Context(), aRun("portal-1")))
			}
		}
		if path := SQLitePath(url); path != "" {
			data, err := os.ReadFile(path)
			ok(t, err)
			bare := filepath.Join(t.TempDir(), "drbot.db")
			ok(t, os.WriteFile(bare, data, 0o600))
			if !mustOpen(t, "sqlite:"+bare).Fresh() {
				t.Error("a copy without its -wal file is taken for the database")
			}
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for _, url := range []string{"", "mysql://x", "sqlite:"} {
		if _, err := Open(t.Context(), url, false, slog.New(slog.DiscardHandler)); dr.CodeOf(err) != dr.Invalid {
			t.Errorf("%q gives %v", url, err)
		}
		if _, err := AcquireLock(t.Context(), url, func(int) {}); dr.CodeOf(err) != dr.Invalid {
			t.Errorf("the lock of %q gives %v", url, err)
		}
	}
	_, err := Open(t.Context(), "postgres://drbot:s3cret-pa55@127.0.0.1:1/x", false, slog.New(slog.DiscardHandler))
	if err == nil || strings.Contains(err.Error(), "s3cret-pa55") {
		t.Errorf("a database that is not there gives %v", err)
	}
	if _, err := Open(t.Context(), "sqlite:/dev/shm/drbot-test/drbot.db", true, slog.New(slog.DiscardHandler)); dr.CodeOf(err) != dr.Invalid {
		t.Errorf("a database on tmpfs gives %v", err)
	}
	_ = os.RemoveAll("/dev/shm/drbot-test")
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
