package contract

import (
	"slices"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// promoting is one test of a database.
type promoting struct {
	*testing.T
	DatabaseWorld
}

// PromotedDatabase is the contract of a database.
func PromotedDatabase(t *testing.T, fresh NewDatabase, in ...In) {
	each(t, map[string]func(promoting){
		"a database at rest":                         promoting.atRest,
		"a planned promotion":                        promoting.planned,
		"there and back":                             promoting.thereAndBack,
		"a disaster, the source lost":                promoting.disaster,
		"a planned promotion needs the source":       promoting.plannedWithoutSource,
		"a promotion that makes no sense":            promoting.invalid,
		"no second promotion while one is under way": promoting.pending,
		"a lost answer is uncertain":                 promoting.lostAnswer,
		"raw statuses are told as they are":          promoting.rawStatus,
		"lag":                                        promoting.lag,
		"lag that is not known":                      promoting.lagUnknown,
		"events":                                     promoting.events,
	}, func(t *testing.T) promoting { return promoting{t, fresh(t)} }, in)
}

func (w promoting) state(through dr.Region) dr.DatabaseState {
	w.Helper()
	st, err := w.Database.State(w.Context(), w.Service, w.Resource, through)
	wellDone(w.T, err)
	return st
}

func (w promoting) promote(mode dr.Mode, from, to dr.Region) error {
	return w.Database.Promote(w.Context(), w.Service, w.Resource, dr.Promotion{Mode: mode, From: from, To: to})
}

// moved follows a promotion through the target alone. What is pending must be it.
func (w promoting) moved(mode dr.Mode, from, to dr.Region) {
	w.Helper()
	w.Await(w.T, "the writer is in "+string(to), func() bool {
		st := w.state(to)
		if st.Failover != "" && (st.FailoverFrom != from || st.FailoverTo != to || st.DataLoss != (mode == dr.Disaster)) {
			w.Fatalf("pending as %+v", st)
		}
		return st.Failover == "" && st.Writer == to && st.WriterReady
	})
	for _, m := range w.state(to).Members {
		if m.Writer != (m.Region == to) {
			w.Errorf("member %+v", m)
		}
	}
}

func (w promoting) asked(want ...Asked) {
	w.Helper()
	if got := w.Cloud.Asked(); !slices.Equal(got, want) {
		w.Errorf("asked %v, want %v", got, want)
	}
}

func (w promoting) atRest() {
	for _, through := range []dr.Region{w.Source, w.Target} {
		st := w.state(through)
		if st.Writer != w.Source || st.Failover != "" || st.FailoverFrom != "" || st.FailoverTo != "" || st.DataLoss {
			w.Errorf("state %+v", st)
		}
		if through == w.Source && !st.WriterReady { // elsewhere it may not be known
			w.Errorf("the writer is not ready: %s", st.WriterDetail)
		}
		if st.Status != "available" || st.ReadFrom != through || st.Engine == "" || st.WriterDetail.Empty() {
			w.Errorf("state %+v", st)
		}
		var members []dr.Region
		for _, m := range st.Members {
			if m.ARN == "" || m.Writer != (m.Region == w.Source) {
				w.Errorf("member %+v", m)
			}
			members = append(members, m.Region)
		}
		if len(members) != 2 || !slices.Contains(members, w.Source) || !slices.Contains(members, w.Target) {
			w.Errorf("members %v", members)
		}
	}
	w.asked()
}

func (w promoting) planned() {
	wellDone(w.T, w.promote(dr.Planned, w.Source, w.Target))
	w.moved(dr.Planned, w.Source, w.Target)
	w.asked(Asked{dr.Planned, w.Source})
	if st := w.state(w.Source); st.Writer != w.Target || st.Failover != "" {
		w.Errorf("the source says %+v", st)
	}
}

func (w promoting) thereAndBack() {
	wellDone(w.T, w.promote(dr.Planned, w.Source, w.Target))
	w.moved(dr.Planned, w.Source, w.Target)
	w.Await(w.T, "the old writer follows", func() bool {
		for _, m := range w.state(w.Target).Members {
			if m.Region == w.Source && m.Sync != "connected" {
				return false
			}
		}
		return true
	})
	wellDone(w.T, w.promote(dr.Planned, w.Target, w.Source))
	w.moved(dr.Planned, w.Target, w.Source)
	w.asked(Asked{dr.Planned, w.Source}, Asked{dr.Planned, w.Target})
}

func (w promoting) disaster() {
	w.Cloud.Lose(w.Source)
	_, err := w.Database.State(w.Context(), w.Service, w.Resource, w.Source)
	fails(w.T, err, dr.Temporary)
	if st := w.state(w.Target); st.Writer != w.Source {
		w.Errorf("state %+v", st)
	}
	wellDone(w.T, w.promote(dr.Disaster, w.Source, w.Target))
	w.moved(dr.Disaster, w.Source, w.Target)
	w.asked(Asked{dr.Disaster, w.Target})
}

func (w promoting) plannedWithoutSource() {
	w.Cloud.Lose(w.Source)
	fails(w.T, w.promote(dr.Planned, w.Source, w.Target), dr.Temporary, dr.Uncertain)
	if st := w.state(w.Target); st.Writer != w.Source || st.Failover != "" {
		w.Errorf("state %+v", st)
	}
}

func (w promoting) invalid() {
	for name, p := range map[string]dr.Promotion{
		"no mode":           {From: w.Source, To: w.Target},
		"an unknown mode":   {Mode: "careful", From: w.Source, To: w.Target},
		"to where it is":    {Mode: dr.Planned, From: w.Source, To: w.Source},
		"to nowhere":        {Mode: dr.Disaster, From: w.Source},
		"from nowhere":      {Mode: dr.Planned, To: w.Target},
		"to a third Region": {Mode: dr.Disaster, From: w.Source, To: "eu-central-1"},
	} {
		if err := w.Database.Promote(w.Context(), w.Service, w.Resource, p); err == nil || dr.CodeOf(err) != dr.Invalid {
			w.Errorf("%s: %v", name, err)
		}
	}
	w.asked()
}

func (w promoting) pending() {
	w.Cloud.Stuck()
	wellDone(w.T, w.promote(dr.Disaster, w.Source, w.Target))
	w.Await(w.T, "the promotion is under way", func() bool { return w.state(w.Target).Failover != "" })
	fails(w.T, w.promote(dr.Disaster, w.Source, w.Target), dr.Conflict)
	if st := w.state(w.Target); st.Failover == "" || st.FailoverTo != w.Target || !st.DataLoss || st.Writer == w.Target {
		w.Errorf("state %+v", st)
	}
}

func (w promoting) lostAnswer() {
	w.Cloud.LoseAnswer()
	fails(w.T, w.promote(dr.Disaster, w.Source, w.Target), dr.Uncertain)
	w.moved(dr.Disaster, w.Source, w.Target)
	w.asked(Asked{dr.Disaster, w.Target}) // nothing tried again by itself
}

func (w promoting) rawStatus() {
	for _, raw := range []string{"upgrading", "a-status-nobody-has-documented"} {
		w.Cloud.Status(raw)
		if st := w.state(w.Target); st.Status != raw {
			w.Errorf("the status is %q, the service says %q", st.Status, raw)
		}
	}
}

func (w promoting) lag() {
	var c dr.Check
	w.Await(w.T, "the lag is read", func() bool {
		var err error
		c, err = w.Database.Lag(w.Context(), w.Service, w.Resource, w.Target)
		wellDone(w.T, err)
		return c.Level == dr.OK
	})
	if c.Region != w.Target || c.Value == nil || *c.Value < 0 || *c.Value > w.Service.Objectives.RPO.Seconds() || c.Unit != "s" || c.At.IsZero() {
		w.Errorf("%s at %s", c.Line(), c.At)
	}
	_, err := w.Database.Lag(w.Context(), w.Service, w.Resource, "eu-central-1")
	fails(w.T, err, dr.Invalid)
}

// lagUnknown: no reading is not zero and not ok, and why is said.
func (w promoting) lagUnknown() {
	unknown := func() {
		w.Helper()
		c, err := w.Database.Lag(w.Context(), w.Service, w.Resource, w.Target)
		if err != nil || c.Level != dr.Unknown || c.Value != nil || c.Detail.Empty() {
			w.Errorf("%+v, %v", c, err)
		}
	}
	w.Cloud.NoLag()
	unknown()
	w.Cloud.Lose(w.Target)
	unknown()
}

func (w promoting) events() {
	since := time.Now().Add(-time.Hour)
	if _, err := w.Database.Events(w.Context(), w.Service, w.Resource, w.Target, since); err != nil {
		w.Error(err)
	}
	w.Cloud.Lose(w.Source)
	_, err := w.Database.Events(w.Context(), w.Service, w.Resource, w.Source, since)
	fails(w.T, err, dr.Temporary)
}
