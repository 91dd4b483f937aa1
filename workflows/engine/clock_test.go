package engine

import (
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// TestMoveAlong sets the clock while a run waits: the request is as old as it is, and
// what is over stays as it was.
func TestMoveAlong(t *testing.T) {
	at := time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC)
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		run := dr.Run{
			Request: dr.Request{At: at, Since: at.Add(-time.Minute)}, Expires: at.Add(time.Hour),
			Steps: []dr.Step{
				{Name: "plan", State: dr.StepDone, Started: at, Ended: at.Add(time.Second)},
				{Name: "await-approval", State: dr.StepRunning, Started: at.Add(time.Second)},
				{Name: "merge", State: dr.StepPending},
			},
		}
		moveAlong(&run, by)
		now := at.Add(10*time.Minute + by)
		if left := run.Expires.Sub(now); left != 50*time.Minute {
			t.Errorf("set by %s: the request has %s left", by, left)
		}
		if took := run.Steps[1].Took(now); took != 10*time.Minute-time.Second {
			t.Errorf("set by %s: the wait took %s", by, took)
		}
		if took := run.Steps[0].Took(now); took != time.Second || !run.Steps[2].Started.IsZero() {
			t.Errorf("set by %s: %+v", by, run.Steps)
		}
		if rta := now.Sub(run.Began()); rta != 11*time.Minute || now.Sub(run.Requested()) != 10*time.Minute {
			t.Errorf("set by %s: the trouble began %s ago", by, rta)
		}
	}
}

// TestNoJump gives times that carry nothing but the time of day, and real ones.
func TestNoJump(t *testing.T) {
	var j jumps
	at := time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC)
	for _, now := range []time.Time{at, at.Add(time.Hour), at.Add(-time.Hour), time.Now(), time.Now()} {
		if by := j.since(now); by != 0 {
			t.Errorf("at %s the clock had jumped by %s", now, by)
		}
	}
}
