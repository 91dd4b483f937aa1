package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// Outbox keeps what is still to be said in Slack, and where each run is shown there.
type Outbox struct {
	*database
	audit *AuditTrail
}

// Say puts a note into the outbox; a second note with the same key is the first one.
func (s Outbox) Say(ctx context.Context, n dr.Note) error {
	doc, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encode a note: %w", err)
	}
	_, err = s.exec(ctx, s.db, "store a note", `INSERT INTO drbot_outbox (key, seq, channel, doc, seal) VALUES (?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM drbot_outbox), ?, ?, ?) ON CONFLICT (key) DO NOTHING`,
		n.Key, n.Channel, string(doc), s.seals.of(outboxTable, intentName(n.Key, n.Channel), string(doc)))
	return err
}

// UnsaidChannels lists the channels that have something to be told. It steps from
// one channel to the next, so that it costs what the channels are and not the notes.
func (s Outbox) UnsaidChannels(ctx context.Context) ([]string, error) {
	return s.list(ctx, "list the channels to be told", `WITH RECURSIVE told(channel) AS (
		SELECT (SELECT MIN(channel) FROM drbot_outbox WHERE ts = '')
		UNION ALL
		SELECT (SELECT MIN(o.channel) FROM drbot_outbox o WHERE o.ts = '' AND o.channel > told.channel) FROM told WHERE told.channel IS NOT NULL
	) SELECT channel FROM told WHERE channel IS NOT NULL`)
}

func (s Outbox) list(ctx context.Context, doing, query string) ([]string, error) {
	var out []string
	err := s.each(ctx, doing, func(rows *sql.Rows) error {
		var v string
		err := rows.Scan(&v)
		out = append(out, v)
		return err
	}, query)
	return out, err
}

// UnsaidNotes lists what is to be said in a channel, in the order it was written. What nobody
// who has the key has put there is taken away, and said to nobody.
func (s Outbox) UnsaidNotes(ctx context.Context, channel string, limit int) ([]dr.Unsaid, error) {
	var out []dr.Unsaid
	type row struct{ key, doc, seal string }
	var foreign []row
	err := s.each(ctx, "read the outbox", func(rows *sql.Rows) error {
		var r row
		var tried int64
		if err := rows.Scan(&r.key, &r.doc, &tried, &r.seal); err != nil {
			return err
		}
		if len(s.seals.key) > 0 && r.seal != s.seals.of(outboxTable, intentName(r.key, channel), r.doc) {
			foreign = append(foreign, r)
			return nil
		}
		u := dr.Unsaid{Tried: tried > 0}
		if err := json.Unmarshal([]byte(r.doc), &u.Note); err != nil {
			return broken(dr.T("store.of.outbox"), err)
		}
		out = append(out, u)
		return nil
	}, `SELECT key, doc, tried, seal FROM drbot_outbox WHERE ts = '' AND channel = ? ORDER BY seq, key LIMIT ?`, channel, limit)
	for _, r := range foreign {
		if err := sealed(ctx, s.audit, outboxTable, intentName(r.key, channel), r.doc, r.seal); !errors.Is(err, dr.ErrUnsealed) {
			continue
		}
		if _, err := s.exec(ctx, s.db, "take a note away", `DELETE FROM drbot_outbox WHERE key = ? AND doc = ? AND ts = ''`, r.key, r.doc); err != nil {
			return out, err
		}
	}
	return out, err
}

// NoteTried marks a note before the call that may post it.
func (s Outbox) NoteTried(ctx context.Context, key string) error {
	_, err := s.exec(ctx, s.db, "mark a note as tried", `UPDATE drbot_outbox SET tried = tried + 1 WHERE key = ?`, key)
	return err
}

// NoteSaid marks a note as posted. When it was said is in Slack's ts itself, which
// begins with the seconds since 1970.
func (s Outbox) NoteSaid(ctx context.Context, key, ts string) error {
	seconds, _, _ := strings.Cut(ts, ".")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		at = time.Now().Unix()
	}
	if _, err = s.exec(ctx, s.db, "mark a note as said", `UPDATE drbot_outbox SET ts = ?, said_at = ? WHERE key = ?`, ts, at, key); err != nil {
		return err
	}
	_, err = s.exec(ctx, s.db, "mark a channel as there", `DELETE FROM drbot_kept WHERE name = (SELECT ? || channel FROM drbot_outbox WHERE key = ?)`, gonePrefix, key)
	return err
}

// keepGone is how long notes wait for a channel of which Slack says that it is not there: who
// can mend that has had the time, and what the notes say stands in the records.
const keepGone = 7 * day

// gonePrefix begins the key under which it is kept since when a channel is not there.
const gonePrefix = "slack-gone/"

// ChannelGone notes that Slack says of a channel that it is not there. Where it has said so
// for long and taken nothing meanwhile, the channel's notes are given up: they are kept as
// what was said is, and never said. It gives how many, and since when.
func (s Outbox) ChannelGone(ctx context.Context, channel string, now time.Time) (givenUp int64, since time.Time, err error) {
	first, err := Ledger(s).Keep(ctx, gonePrefix+channel, now.UTC().Format(time.RFC3339))
	if err != nil {
		return 0, now, err
	}
	if since, err = time.Parse(time.RFC3339, first); err != nil {
		return 0, now, broken(dr.T("store.of.outbox"), err)
	}
	if now.Sub(since) < keepGone {
		return 0, since, nil
	}
	givenUp, err = s.exec(ctx, s.db, "give up notes", `UPDATE drbot_outbox SET ts = ?, said_at = ? WHERE ts = '' AND channel = ?`, neverSaid, now.Unix(), channel)
	return givenUp, since, err
}

// neverSaid stands in the place of a message's time in Slack for a note that was given up.
const neverSaid = "never"

// Shown reads where a run's message stands.
func (s Outbox) Shown(ctx context.Context, run string) (dr.Shown, error) {
	var m dr.Shown
	err := s.db.QueryRowContext(ctx, s.q(`SELECT channel, ts, shown FROM drbot_messages WHERE run = ?`), run).Scan(&m.Channel, &m.TS, &m.Version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return m, failed("read the message of "+run, err)
	}
	return m, nil
}

// SaveShown stores where a run's message stands.
func (s Outbox) SaveShown(ctx context.Context, run string, m dr.Shown) error {
	doing := "store the message of " + run
	return s.Tx(ctx, "run/"+run, func(tx *sql.Tx) error {
		if _, err := s.exec(ctx, tx, doing, `INSERT INTO drbot_messages (run, channel, ts, shown) VALUES (?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET channel = excluded.channel, ts = excluded.ts, shown = excluded.shown`,
			run, m.Channel, m.TS, m.Version); err != nil {
			return err
		}
		// Beside the version of the record, so that an index can hold the runs that are behind.
		_, err := s.exec(ctx, tx, doing, `UPDATE drbot_runs SET shown = ? WHERE id = ?`, m.Version, run)
		return err
	})
}

// UnshownRuns lists the runs whose message is behind their record, oldest first.
func (s Outbox) UnshownRuns(ctx context.Context) ([]string, error) {
	return s.list(ctx, "list the runs to be shown", `SELECT id FROM drbot_runs WHERE shown < version ORDER BY requested_at, id`)
}
