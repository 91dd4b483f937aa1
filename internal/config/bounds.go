package config

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/drbot/drbot/dr"
)

const day = 24 * time.Hour

// bound is what one duration may be. The least of a wait is never nothing: a wait of no
// time is a loop that burns a core, or a promise nobody can keep. A cooldown of nothing
// is none.
type bound struct {
	path        string
	least, most time.Duration
}

// bounds are those of the file's own durations; serviceBounds those of each service.
func bounds() []bound {
	return []bound{
		{"slack.pace", 100 * time.Millisecond, time.Minute},
		{"terraform.lock_timeout", time.Second, time.Hour},
		{"aws.call_timeout", 100 * time.Millisecond, time.Minute},
		{"timing.poll", 10 * time.Millisecond, time.Minute},
		{"timing.review", time.Second, 5 * time.Minute},
		{"timing.recheck", time.Second, 15 * time.Minute},
		{"timing.outage_limit", 10 * time.Second, 30 * time.Minute},
		{"timing.promote", 10 * time.Second, 6 * time.Hour},
		{"timing.settle", time.Second, 10 * time.Minute},
		{"timing.gate", 5 * time.Second, day},
		{"timing.quiesce", 5 * time.Second, 6 * time.Hour},
		{"timing.apply", 10 * time.Second, day},
		{"timing.retry", 10 * time.Millisecond, time.Minute},
		{"timing.drain", time.Second, day},
	}
}

func serviceBounds() []bound {
	return []bound{
		{"objectives.rto", time.Minute, 30 * day},
		{"objectives.rpo", time.Second, 30 * day},
		{"cooldown", 0, 30 * day},
		{"expiry", time.Minute, 7 * day},
	}
}

// within checks the durations that were read below a path.
func (f *checker) within(at string, all []bound) {
	for _, b := range all {
		path := b.path
		if at != "" {
			path = at + "." + path
		}
		switch d, given := f.spans[path]; {
		case given && (d < 0 || d == 0 && b.least > 0):
			f.faults.add(path, dr.T("config.no-wait", "time", d.String(), "least", plain(b.least), "most", plain(b.most)))
		case given && (d < b.least || d > b.most):
			f.faults.add(path, dr.T("config.out-of-bounds", "time", d.String(), "least", plain(b.least), "most", plain(b.most)))
		}
	}
}

// plain writes a duration as people do: 24h, not 24h0m0s.
func plain(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// someDay is when a schedule is tried out: a leap day comes soon after it.
var someDay = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// cronFault says what is wrong with a cron expression; nothing where it is good. An
// interval has no place in the day to catch up with after a restart; for trying out it will do.
func cronFault(spec string, throwaway bool) dr.Text {
	switch {
	case strings.Contains(spec, "TZ="):
		return dr.T("config.cron.zone", "cron", quoted(spec))
	case strings.HasPrefix(strings.TrimSpace(spec), "@every") && !throwaway:
		return dr.T("config.cron.interval", "cron", quoted(spec))
	}
	s := schedules(spec)
	if s == nil {
		return dr.T("config.cron.none", "cron", quoted(spec))
	}
	if every, ok := s.(cron.ConstantDelaySchedule); ok && (every.Delay < shortestInterval || tooOften(spec)) {
		return dr.T("config.cron.often", "cron", quoted(spec), "least", plain(shortestInterval))
	}
	if s.Next(someDay).IsZero() {
		return dr.T("config.cron.never", "cron", quoted(spec))
	}
	return dr.Text{}
}

// shortestInterval is the least that lies between two reports, even for trying out.
const shortestInterval = time.Second

// tooOften tells an interval that the library rounds up to one that is taken.
func tooOften(spec string) bool {
	_, interval, _ := strings.Cut(spec, "@every ")
	d, err := time.ParseDuration(interval)
	return err == nil && d < shortestInterval
}

// schedules reads a cron expression; nil is for what is none. The library panics on some
// texts that are none.
func schedules(spec string) (s cron.Schedule) {
	defer func() {
		if recover() != nil {
			s = nil
		}
	}()
	s, err := cron.ParseStandard(spec)
	if err != nil {
		return nil
	}
	return s
}
