package store

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// TestPrune keeps what is young, what was not said and what is kept for ever.
func TestPrune(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		for i, age := range []time.Duration{0, 29 * day, 31 * day, 89 * day, 91 * day, 364 * day, 366 * day} {
			at := t0.Add(-age)
			id := fmt.Sprint("n", i)
			ok(t, s.AddReadings(ctx, "portal", at, nil))
			ok(t, s.AddDrift(ctx, "portal", at, nil))
			_, err := s.FirstDelivery(ctx, id, at)
			ok(t, err)
			ok(t, s.Say(ctx, dr.Note{Key: id, Channel: "C1"}))
			ok(t, s.NoteSaid(ctx, id, fmt.Sprintf("%d.000100", at.Unix())))
			run := aRun(id)
			run.At, run.State = at, dr.RunSucceeded
			ok(t, s.CreateRun(ctx, run))
			ok(t, s.Audit(ctx, dr.AuditEntry{At: at}))
			_, _, err = s.Intend(ctx, dr.Intent{Run: id, Act: "promote", At: at})
			ok(t, err)
		}
		ok(t, s.Say(ctx, dr.Note{Key: "unsaid", Channel: "C1"}))
		got, err := s.Prune(ctx, t0, Retention{})
		ok(t, err)
		if want := (Pruned{Readings: 3, Drift: 1, Deliveries: 5, Notes: 3}); got != want {
			t.Errorf("dropped %+v, not %+v", got, want)
		}
		for table, want := range map[string]int{"drbot_readings": 4, "drbot_drift": 6, "drbot_deliveries": 2, "drbot_outbox": 5, "drbot_runs": 7, "drbot_audit": 7, "drbot_intents": 7} {
			if n := count(t, s, table); n != want {
				t.Errorf("%s holds %d rows, not %d", table, n, want)
			}
		}
		got, err = s.Prune(ctx, t0, Retention{Readings: time.Hour, Drift: time.Hour, Deliveries: time.Hour, Notes: time.Hour})
		ok(t, err)
		if want := (Pruned{Readings: 3, Drift: 5, Deliveries: 1, Notes: 3}); got != want {
			t.Errorf("with an hour of each dropped %+v, not %+v", got, want)
		}
		if notes, err := s.UnsaidNotes(ctx, "C1", 10); err != nil || len(notes) != 1 {
			t.Errorf("the note that was not said: %+v, %v", notes, err)
		}
	})
}

// TestPruneInBatches counts the statements that drop more than one batch.
func TestPruneInBatches(t *testing.T) {
	s := mustOpen(t, "sqlite:"+filepath.Join(t.TempDir(), "drbot.db"))
	_, err := s.db.ExecContext(t.Context(), onSQLite(`INSERT INTO drbot_deliveries (id, at) SELECT 'd' || i, i FROM generate_series(1, 1007) AS i`))
	ok(t, err)
	plain := s.db
	defer func() { _ = plain.Close() }()
	h := newHeard()
	s.db = sql.OpenDB(listener{plain.Driver(), sqliteDSN(s.url, "FULL"), h})
	got, err := s.Prune(t.Context(), t0, Retention{})
	ok(t, err)
	if got.Deliveries != 1007 || count(t, s, "drbot_deliveries") != 0 {
		t.Errorf("dropped %+v of 1007", got)
	}
	statements := 0
	for query, n := range h.times {
		if strings.HasPrefix(query, "DELETE FROM drbot_deliveries") {
			statements += n
		}
	}
	if statements != 3 {
		t.Errorf("1007 rows went in %d statements of at most %d", statements, batch)
	}
}

// TestNotesOfAChannelThatIsGone waits for a week of refusals before notes are given up, anew
// where Slack has taken one meanwhile, and drops them with what was said.
func TestNotesOfAChannelThatIsGone(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, start := t.Context(), time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
		for _, n := range []dr.Note{{Key: "a", Channel: "C1"}, {Key: "b", Channel: "C1"}, {Key: "c", Channel: "C2"}} {
			if err := s.Say(ctx, n); err != nil {
				t.Fatal(err)
			}
		}
		gone := func(after time.Duration, want int64) {
			t.Helper()
			if n, _, err := s.ChannelGone(ctx, "C1", start.Add(after)); n != want || err != nil {
				t.Errorf("after %v %d were given up, not %d: %v", after, n, want, err)
			}
		}
		gone(0, 0)
		gone(keepGone-time.Hour, 0)
		if err := s.NoteSaid(ctx, "a", "17.1"); err != nil { // it is there again
			t.Fatal(err)
		}
		gone(keepGone, 0)
		gone(2*keepGone-time.Second, 0)
		gone(2*keepGone, 1)
		if left, err := s.UnsaidNotes(ctx, "C1", 10); len(left) != 0 || err != nil {
			t.Errorf("left are %v, %v", left, err)
		}
		if other, err := s.UnsaidNotes(ctx, "C2", 10); len(other) != 1 || err != nil {
			t.Errorf("of another channel %v, %v", other, err)
		}
		if err := s.Say(ctx, dr.Note{Key: "b", Channel: "C1"}); err != nil { // a step that is played again
			t.Fatal(err)
		}
		gone(2*keepGone+time.Minute, 0)
		if p, err := s.Prune(ctx, start.Add(2*keepGone+91*day), Retention{}); err != nil || p.Notes != 2 {
			t.Errorf("pruned %+v, %v", p, err)
		}
	})
}
