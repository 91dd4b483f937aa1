package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"
)

// Retention is how long what grows is kept. A field that is zero takes its default.
// Runs, the audit log and intents are kept for ever: they are few, and they are the proof.
type Retention struct {
	Readings   time.Duration // of health rounds; 90 days
	Drift      time.Duration // reports of drift rounds; a year
	Deliveries time.Duration // ids of GitHub's webhooks, which it redelivers for three days; 30 days
	Notes      time.Duration // what was said in Slack; 90 days. What was not yet said is dropped where its channel is gone alone.
}

const day = 24 * time.Hour

// Pruned is how many rows Prune dropped.
type Pruned struct{ Readings, Drift, Deliveries, Notes int64 }

// batch is how many rows one statement drops, and those of the same moment as the
// last of them, so that no writer waits for long.
const batch = 500

// Prune drops what is older than its retention, in small batches. When the context
// ends in between, what was dropped stays dropped and the next Prune goes on.
func (s *Store) Prune(ctx context.Context, now time.Time, keep Retention) (Pruned, error) {
	before := func(set, otherwise time.Duration) time.Time { return now.Add(-cmp.Or(set, otherwise)) }
	var p Pruned
	for _, part := range []struct {
		gone      *int64
		table, at string
		only      string
		cutoff    int64
	}{
		{&p.Readings, "drbot_readings", "at", "", before(keep.Readings, 90*day).UnixMilli()},
		{&p.Drift, "drbot_drift", "at", "", before(keep.Drift, 365*day).UnixMilli()},
		{&p.Deliveries, "drbot_deliveries", "at", "", before(keep.Deliveries, 30*day).Unix()},
		{&p.Notes, "drbot_outbox", "said_at", "ts <> '' AND ", before(keep.Notes, 90*day).Unix()},
	} {
		more := true
		for more {
			var n int64
			var err error
			if n, more, err = s.drop(ctx, part.table, part.only+part.at, part.at, part.cutoff-1); err != nil {
				return p, err
			}
			*part.gone += n
		}
	}
	return p, nil
}

// drop drops one batch of the oldest rows up to a moment and tells whether there may
// be more. The batch's end is looked up first: a range with two known ends is found in
// the index, however the database guesses.
func (s *database) drop(ctx context.Context, table, where, at string, last int64) (n int64, more bool, err error) {
	end := last
	err = s.db.QueryRowContext(ctx, s.q(`SELECT `+at+` FROM `+table+` WHERE `+where+` <= ? ORDER BY `+at+` LIMIT 1 OFFSET ?`), last, batch-1).Scan(&end)
	if more = err == nil; !more && !errors.Is(err, sql.ErrNoRows) {
		return 0, false, failed("look for what is old", err)
	}
	n, err = s.exec(ctx, s.db, "drop what is old", `DELETE FROM `+table+` WHERE `+where+` <= ?`, end)
	return n, more, err
}
