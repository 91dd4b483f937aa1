package store

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// BenchmarkOutbox is what the poster's round costs on SQLite (a note written, found,
// tried and said, the runs to show asked for) on an empty database and on one with a
// million notes, runs and messages: the same.
//
//	go test -run '^$' -bench Outbox ./internal/store
func BenchmarkOutbox(b *testing.B) {
	for _, rows := range []int{0, 1_000_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			s, err := Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "drbot.db"), false, slog.New(slog.DiscardHandler))
			ok(b, err)
			defer func() { _ = s.Close() }()
			for _, stmt := range many(rows) {
				if !strings.Contains(stmt, "drbot_outbox") && !strings.Contains(stmt, "drbot_runs") && !strings.Contains(stmt, "drbot_messages") {
					continue
				}
				_, err := s.db.ExecContext(b.Context(), onSQLite(stmt))
				ok(b, err)
			}
			i := 0
			for b.Loop() {
				i++
				round(b, s, "now/"+strconv.Itoa(i))
			}
		})
	}
}

func round(b *testing.B, s *Store, key string) {
	ctx := b.Context()
	ok(b, s.Say(ctx, dr.Note{Key: key, Channel: "C1"}))
	channels, err := s.UnsaidChannels(ctx)
	ok(b, err)
	notes, err := s.UnsaidNotes(ctx, "C1", 20)
	ok(b, err)
	if len(channels) != 1 || len(notes) != 1 || notes[0].Key != key {
		b.Fatalf("channels %v, notes %+v", channels, notes)
	}
	ok(b, s.NoteTried(ctx, key))
	ok(b, s.NoteSaid(ctx, key, "1.2"))
	_, err = s.UnshownRuns(ctx)
	ok(b, err)
	_, err = s.OpenRuns(ctx)
	ok(b, err)
}

// onSQLite writes a statement of many as SQLite wants it.
func onSQLite(stmt string) string {
	head, tail, found := strings.Cut(stmt, "generate_series(1, ")
	if !found {
		return stmt
	}
	n, rest, _ := strings.Cut(tail, ")")
	insert, pick, _ := strings.Cut(head, " SELECT ")
	return insert + " WITH RECURSIVE series(i) AS (SELECT 1 WHERE " + n + " > 0 UNION ALL SELECT i + 1 FROM series WHERE i < " + n + ") SELECT " + pick + "series" + strings.TrimSuffix(rest, " AS i")
}
