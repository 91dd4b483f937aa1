package engine

import (
	"testing"
	"time"

	"github.com/robfig/cron/v3"
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
