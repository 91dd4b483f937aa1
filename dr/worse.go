package dr

import (
	"slices"
	"time"
)

// Worsened is a check that says something worse than the people were shown who approved.
type Worsened struct {
	Was     Check
	Now     Check
	Ceiling float64 // of a loss, seconds: up to this it was accepted
}

// Line puts what was shown beside what is so now.
func (w Worsened) Line() Text {
	if w.Ceiling > 0 {
		return T("worse.loss", "was", w.Was.Line(), "now", w.Now.Line(), "ceiling", w.Ceiling)
	}
	return T("worse.check", "was", w.Was.Line(), "now", w.Now.Line())
}

// The ceiling of a loss is this many times the reading people saw, and no less than
// leastCeiling seconds: a lag is never twice the same.
const (
	ceilingTimes = 10
	leastCeiling = 10
)

// Ceiling is up to how many seconds a loss counts as accepted by who was shown a reading
// of so many. The objective bounds it, unless the reading was beyond that itself.
func Ceiling(shown float64, rpo time.Duration) float64 {
	c := max(ceilingTimes*shown, leastCeiling)
	if rpo > 0 {
		c = min(c, rpo.Seconds())
	}
	return max(c, shown)
}

// Worse compares checks with those people were shown: a loss above its ceiling, another
// check at a worse level. What is a fact of the mode is nothing to accept. In a disaster
// the loss is the lag at the outage: while the source is gone its lag is counted on by
// the clock alone, and silence after a good reading is not worse. A lag that has grown by more
// than the time that has passed is that of another outage, or of a replication that broke before it.
//
// Since is when the trouble is said to have begun: a lag that nobody knew when people were
// shown it may have been counted on from there.
func Worse(shown, now []Check, mode Mode, rpo time.Duration, since time.Time) []Worsened {
	var out []Worsened
	alive := mode != Disaster || sourceAnswers(now)
	for _, n := range now {
		was, ok := sameCheck(shown, n)
		switch {
		case n.Role == RoleLag:
			before, known := was.Seconds()
			is, read := n.Seconds()
			c := Ceiling(before, rpo)
			from := was.At
			if !known {
				c, from = rpo.Seconds(), since // what nobody knew was accepted as that, not as more than the objective
				before = c
			}
			limit := c
			if !alive {
				limit = max(c, before+countedOn(from, n.At))
			}
			if ok && read && is > limit && c > 0 {
				out = append(out, Worsened{was, n, c})
			}
		case n.Need == NeedFact:
		case !ok && n.Level != OK, ok && n.Level.Worse(was.Level):
			out = append(out, Worsened{Was: was, Now: n})
		}
	}
	return out
}

// readingHolds is how much older the lag of a reading may be than its time says: a metric
// gives the worst of a period under the time at which that began.
const readingHolds = time.Minute

// countedOn is by how many seconds a lag grows at most between two readings by the clock
// alone.
func countedOn(from, to time.Time) float64 {
	passed := time.Duration(0)
	if !from.IsZero() {
		passed = max(0, to.Sub(from))
	}
	return (passed + readingHolds).Seconds()
}

// Silenced tells whether what a loss is told by answered when people were shown it and does
// not any more: the source, or a lag. One lost answer is no outage.
func Silenced(shown, now []Check) bool {
	if sourceAnswers(shown) && !sourceAnswers(now) {
		return true
	}
	for _, n := range now {
		if n.Role != RoleLag {
			continue
		}
		was, _ := sameCheck(shown, n)
		_, before := was.Seconds()
		if _, read := n.Seconds(); before && !read {
			return true
		}
	}
	return false
}

// LastRead are checks as of now, with each lag that cannot be read any more as people were
// shown it: what they know of the loss.
func LastRead(shown, now []Check) []Check {
	out := slices.Clone(now)
	for i, c := range out {
		if _, read := c.Seconds(); c.Role != RoleLag || read {
			continue
		}
		if was, ok := sameCheck(shown, c); ok {
			out[i] = was
		}
	}
	return out
}

// Back tells whether the source answers now, and did not when people were shown it.
func Back(shown, now []Check) bool { return sourceAnswers(now) && !sourceAnswers(shown) }

func sourceAnswers(checks []Check) bool {
	for _, c := range checks {
		if c.Role == RoleSource && c.Level == OK {
			return true
		}
	}
	return false
}

// sameCheck finds a check among others; one that nobody was shown was no trouble then.
func sameCheck(among []Check, c Check) (Check, bool) {
	for _, o := range among {
		if o.Name == c.Name && o.Region == c.Region && o.Resource == c.Resource {
			return o, true
		}
	}
	return Check{Name: c.Name, Region: c.Region, Resource: c.Resource, Level: OK}, false
}

// Seconds is the value of a check that measures time; false when there is none.
func (c Check) Seconds() (float64, bool) {
	if c.Value == nil || c.Level == Unknown {
		return 0, false
	}
	switch c.Unit {
	case "s":
		return *c.Value, true
	case "ms":
		return *c.Value / 1000, true
	default:
		return 0, false
	}
}
