package workflows

import (
	"context"
	"fmt"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/drbot/drbot/dr"
)

// health is the runbook that posts how far the passive Region is behind.
func (e *Engine) health(ctx dbos.Context, in Due) (string, error) {
	return "", e.scheduled(ctx, in, func(r *runbook) {
		out := record(r, "read", r.replicationHealth)
		record(r, "post", func(ctx context.Context) (bool, error) {
			checks := out.Value
			if !out.ok() {
				checks = []dr.Check{{Name: "aurora.lag", Level: dr.Unknown, Detail: out.Msg, At: out.At}}
			}
			if err := r.deps.Reports.AddReadings(ctx, r.svc.Name, in.At, checks); err != nil {
				return false, err
			}
			lines := make([]string, len(checks))
			for i, c := range checks {
				lines[i] = c.Line()
			}
			worst := dr.Worst(checks)
			return true, r.deps.say(ctx, dr.Note{
				Key: r.req.Run, Channel: r.svc.Channel, Level: worst,
				Title: fmt.Sprintf("%s: replication is %s", r.svc.Name, worst),
				Lines: lines, Context: lateNote(in),
			})
		})
	})
}

// replicationHealth reads the lag where it is measured: in the Region that does
// not hold the writer now, whatever the cluster's names say.
func (r *runbook) replicationHealth(ctx context.Context) ([]dr.Check, error) {
	now := r.deps.Now()
	for _, through := range r.svc.Regions {
		st, err := r.deps.Database.DatabaseState(ctx, r.svc, through)
		if err != nil || st.Writer == "" {
			continue
		}
		c, err := r.deps.Lag.Lag(ctx, r.svc, r.svc.Other(st.Writer))
		if err != nil {
			msg, _ := dr.Public(err, "CloudWatch did not answer")
			c = dr.Check{Name: "aurora.lag", Region: r.svc.Other(st.Writer), Level: dr.Unknown, Detail: msg, At: now}
		}
		return []dr.Check{c}, nil
	}
	return []dr.Check{{Name: "aurora.lag", Level: dr.Unknown, Detail: "neither Region tells where the writer is", At: now}}, nil
}
