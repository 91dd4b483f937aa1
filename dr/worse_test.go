package dr

import (
	"testing"
	"time"
)

// shownAt is when people were shown what they approved.
var shownAt = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

func reading(seconds float64) Check {
	return Check{Name: "lag", Region: "a", Role: RoleLag, Level: OK, Value: &seconds, Unit: "s", At: shownAt}
}

func later(c Check, by time.Duration) Check {
	c.At = c.At.Add(by)
	return c
}

func TestCeiling(t *testing.T) {
	for _, c := range []struct {
		shown float64
		rpo   time.Duration
		want  float64
	}{
		{0, 5 * time.Minute, 10}, {0.4, 5 * time.Minute, 10}, {2, 5 * time.Minute, 20}, {100, 5 * time.Minute, 300},
		{400, 5 * time.Minute, 400}, {0.4, 5 * time.Second, 5}, {100, 0, 1000},
	} {
		if got := Ceiling(c.shown, c.rpo); got != c.want {
			t.Errorf("shown %v s with an RPO of %s: up to %v s, not %v", c.shown, c.rpo, got, c.want)
		}
	}
}

func TestWorse(t *testing.T) {
	const rpo = 5 * time.Minute
	up := Check{Name: "source", Role: RoleSource, Need: NeedFact, Level: OK}
	down := Check{Name: "source", Role: RoleSource, Need: NeedFact, Level: Unknown}
	silent := Check{Name: "lag", Region: "a", Role: RoleLag, Level: Unknown}
	sync := func(l Level) Check { return Check{Name: "sync", Level: l} }
	for _, c := range []struct {
		name       string
		mode       Mode
		shown, now []Check
		want       int
	}{
		{"case 1: 0.4 s, then 40 min, the source alive", Disaster, []Check{up, reading(0.4)}, []Check{up, reading(2400)}, 1},
		{"case 1b: 0.47 s", Planned, []Check{up, reading(0.4)}, []Check{up, reading(0.47)}, 0},
		{"case 1b: 4 s", Planned, []Check{up, reading(0.4)}, []Check{up, reading(4)}, 0},
		{"planned, 11 s", Planned, []Check{up, reading(0.4)}, []Check{up, reading(11)}, 1},
		{"the source is gone: its lag is counted on", Disaster, []Check{up, reading(0.4)}, []Check{down, later(reading(2400), 40*time.Minute)}, 0},
		{"the source is gone, and its lag has outrun the clock", Disaster, []Check{up, reading(0.4)}, []Check{down, later(reading(2400), 38*time.Minute)}, 1},
		{"the source was gone when it was shown, and its lag is counted on", Disaster, []Check{down, reading(7200)}, []Check{down, later(reading(7500), 5*time.Minute)}, 0},
		{"the source was gone when it was shown, and was back since", Disaster, []Check{down, reading(3)}, []Check{down, later(reading(2400), 30*time.Minute)}, 1},
		{"the worst of a period in which the outage was", Disaster, []Check{up, reading(0.4)}, []Check{down, reading(59)}, 0},
		{"a clock that was set back counts nothing on", Disaster, []Check{up, reading(0.4)}, []Check{down, later(reading(2400), -40*time.Minute)}, 1},
		{"within the ceiling, however fast", Disaster, []Check{up, reading(2)}, []Check{down, reading(20)}, 0},
		{"a loss nobody knew, counted on since the trouble began", Disaster, []Check{down, silent}, []Check{down, reading(7200)}, 0},
		{"a loss nobody knew, beyond the objective at the outage", Disaster, []Check{down, silent}, []Check{down, reading(7700)}, 1},
		{"a planned run counts nothing on", Planned, []Check{up, reading(0.4)}, []Check{down, later(reading(2400), 40*time.Minute)}, 1},
		{"case 2: silence after a good reading", Disaster, []Check{up, reading(0.4)}, []Check{down, silent}, 0},
		{"a loss nobody knew is beyond the objective", Disaster, []Check{up, silent}, []Check{up, reading(2400)}, 1},
		{"a loss nobody knew is within it", Disaster, []Check{up, silent}, []Check{up, reading(24)}, 0},
		{"a worse level", Planned, []Check{sync(OK)}, []Check{sync(Warn)}, 1},
		{"the same level", Planned, []Check{sync(Warn)}, []Check{sync(Warn)}, 0},
		{"a better level", Planned, []Check{sync(Fail)}, []Check{sync(Unknown)}, 0},
		{"a check nobody was shown", Planned, nil, []Check{sync(Warn)}, 1},
		{"a check nobody was shown, and good", Planned, nil, []Check{sync(OK)}, 0},
	} {
		if got := Worse(c.shown, c.now, c.mode, rpo, shownAt.Add(-2*time.Hour)); len(got) != c.want {
			t.Errorf("%s: %d are worse, not %d: %+v", c.name, len(got), c.want, got)
		}
	}
}
