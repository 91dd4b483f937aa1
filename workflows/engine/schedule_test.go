package engine

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/drbot/drbot/dr"
)

func TestNewestDue(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	nightly, err := cron.ParseStandard("CRON_TZ=Asia/Seoul 0 3 * * *")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		last, now string
		due       string // empty: nothing is due
	}{
		"not yet":               {"2026-08-21T18:00:00Z", "2026-08-22T17:59:59Z", ""},
		"now, 3 in Seoul":       {"2026-08-21T18:00:00Z", "2026-08-22T18:00:00Z", "2026-08-22T18:00:00Z"},
		"down for a night":      {"2026-08-21T18:00:00Z", "2026-08-23T10:00:00Z", "2026-08-22T18:00:00Z"},
		"down for a week, once": {"2026-08-21T18:00:00Z", "2026-08-28T20:00:00Z", "2026-08-28T18:00:00Z"},
		"a clock set back":      {"2026-08-21T18:00:00Z", "2026-08-20T18:00:00Z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			due := newestDue(nightly, at(c.last), at(c.now))
			if c.due == "" && !due.IsZero() || c.due != "" && !due.Equal(at(c.due)) {
				t.Errorf("due is %v", due)
			}
		})
	}
}

// byHand is a memory of which one value was written by hand.
type byHand struct{ remembered }

func (m byHand) Get(ctx context.Context, key string) (string, error) {
	if m.remembered[key] == "by hand" {
		return "", &dr.Error{Code: dr.Conflict, Err: dr.ErrUnsealed}
	}
	return m.remembered.Get(ctx, key)
}

// TestScheduleByHand goes on as at the first time where the last one was written by hand.
func TestScheduleByHand(t *testing.T) {
	now := time.Date(2026, 8, 22, 18, 0, 0, 0, time.UTC)
	hourly, err := cron.ParseStandard("0 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	c := Clockwork{Memory: byHand{remembered{"k": "by hand"}}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	started := 0
	s := Schedule{Key: "k", Start: func(Due) error { started++; return nil }}
	for range 2 {
		if err := c.start(t.Context(), s, hourly); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
	}
	if started != 1 {
		t.Errorf("started %d times", started)
	}
}
