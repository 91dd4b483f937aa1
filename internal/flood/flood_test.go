package flood

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

var (
	each = Limit{Burst: 3, Every: time.Minute}
	all  = Limit{Burst: 10, Every: 10 * time.Second}
)

// TestHourOfFlood sends eighty a minute for an hour: some are let through, the rest is told
// by its count in a handful of windows, and nothing is lost between them.
func TestHourOfFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []Count
		m := NewMeter(each, all, func(_ context.Context, c Count) { told = append(told, c) })
		through, sent := 0, 0
		for range 60 * 80 {
			sent++
			if m.Allow("mallory") {
				through++
			}
			time.Sleep(750 * time.Millisecond)
		}
		m.Flush()
		counted := 0
		for _, c := range told {
			counted += c.N
			if c.Senders != 1 || c.Most[0] != (Sender{"mallory", c.N}) {
				t.Errorf("told %+v", c)
			}
		}
		if through < 60 || through > 65 || through+counted != sent || len(told) > 10 {
			t.Errorf("of %d let %d through and told %d in %d windows", sent, through, counted, len(told))
		}
	})
}

// TestOthersAreHeard has somebody else come while one floods, and a thousand who flood.
func TestOthersAreHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []Count
		m := NewMeter(each, all, func(_ context.Context, c Count) { told = append(told, c) })
		for range 1000 {
			m.Allow("mallory")
		}
		if !m.Allow("alice") {
			t.Error("one sender took another's share")
		}
		for i := range 5000 {
			m.Allow(fmt.Sprint("10.0.0.", i))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(told) != 1 || told[0].N < 5900 || told[0].Senders > mostSenders+1 || len(told[0].Most) != mostNamed || told[0].Most[0].Name != "" && told[0].Most[0].Name != "mallory" {
			t.Errorf("told %+v", told)
		}
		if len(m.senders) > mostSenders+1 {
			t.Errorf("%d senders are kept", len(m.senders))
		}
		// The hour has let everybody be forgotten; the first again opens a new window.
		for range 10 {
			m.Allow("bob")
		}
		time.Sleep(firstWindow)
		synctest.Wait()
		if len(told) != 2 || told[1].N != 7 || told[1].Senders != 1 {
			t.Errorf("the next flood was told as %+v", told[1:])
		}
	})
}
