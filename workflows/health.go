package workflows

import (
	"context"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// health is the runbook that posts how far the passive Region is behind.
func (b *Runbooks) health(run *engine.Run, in Due) string {
	r, ok := b.begin(run, in)
	if !ok {
		return ""
	}
	out := engine.Note(run, "read", r.replication)
	engine.Note(run, "post", func(ctx context.Context) (bool, error) {
		checks := out.Value
		switch {
		case !out.OK():
			checks = []dr.Check{r.unknownLag("", out.What)}
			checks[0].At = out.At
		case len(checks) == 0:
			return true, nil // nothing is replicated: there is no level of it
		}
		if err := r.Store.Reports.AddReadings(ctx, r.svc.Name, in.At, checks); err != nil {
			return false, err
		}
		lines := make([]dr.Text, len(checks))
		for i, c := range checks {
			lines[i] = c.Line()
		}
		worst := dr.Worst(checks)
		return true, run.Post(ctx, dr.Note{
			Key: run.ID, Channel: r.svc.Channel, Level: worst,
			Title: dr.T("report.health", "service", r.svc.Name, "level", worst.Text()),
			Lines: lines, Context: r.context(),
		})
	})
	return ""
}

// replication reads the lag of every database where it is measured: in the Region that
// does not hold the writer now, whatever the cluster's names say.
func (r *report) replication(ctx context.Context) ([]dr.Check, error) {
	dbs := r.svc.ResourcesOf(dr.AuroraGlobal)
	checks := make([]dr.Check, 0, len(dbs))
	for _, db := range dbs {
		c := r.lag(ctx, db)
		if len(dbs) > 1 {
			c.Resource = db.Name
		}
		checks = append(checks, c)
	}
	return checks, nil
}

func (r *report) lag(ctx context.Context, db dr.Resource) dr.Check {
	for _, through := range r.svc.Regions {
		st, err := r.Cloud.Databases.State(ctx, r.svc, db, through)
		if err != nil || st.Writer == "" {
			continue
		}
		passive := r.svc.Other(st.Writer)
		c, err := r.Cloud.Databases.Lag(ctx, r.svc, db, passive)
		if err != nil {
			what, _ := dr.Told(err)
			return r.unknownLag(passive, what)
		}
		return c
	}
	return r.unknownLag("", dr.T("report.no-writer"))
}

// unknownLag is the lag that could not be read, by the name its system gives it.
func (r *report) unknownLag(in dr.Region, why dr.Text) dr.Check {
	c := dr.Check{Region: in, Level: dr.Unknown, Detail: why, At: r.host.Now(), Role: dr.RoleLag}
	for _, e := range r.Cloud.Systems.Expected(r.svc, dr.Planned) {
		if e.Role == dr.RoleLag {
			c.Name = e.Name
		}
	}
	return c
}
