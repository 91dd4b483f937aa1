package workflows

import (
	"context"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// Due is the input of a scheduled runbook: the service, and the time it was due,
// which is part of the run's id, so that one due time makes one run.
type Due struct {
	Service string    `json:"service"`
	At      time.Time `json:"at"`
	Late    bool      `json:"late"` // the bot was down at that time
}

// Schedule starts the scheduled runbooks of every service on their cron, until
// the context ends.
func (b *Runbooks) Schedule(ctx context.Context, mem engine.Memory) error {
	var all []engine.Schedule
	for _, name := range serviceNames(b.Team) {
		s := b.Team.Services[name]
		// Whether the service could be moved is told with the nightly drift.
		for kind, spec := range map[string]string{healthQueue: s.Schedule.Health, driftQueue: s.Schedule.Drift, readyQueue: s.Schedule.Drift} {
			if spec == "" {
				continue
			}
			all = append(all, engine.Schedule{
				Key: "schedule/" + kind + "/" + name, Spec: spec, Zone: s.Schedule.TimeZone,
				Start: func(due engine.Due) error { return b.startReport(kind, name, due) },
			})
		}
	}
	return engine.Clockwork{Memory: mem, Now: b.host.Now, Log: b.host.Log}.Run(ctx, all)
}

func (b *Runbooks) startReport(kind, service string, due engine.Due) error {
	return b.engine.Enqueue(nil, engine.Job{
		Runbook: kind, Queue: kind, ID: kind + "/" + service + "/" + due.At.UTC().Format("2006-01-02T15:04:05Z"),
		Input: Due{Service: service, At: due.At, Late: due.Late},
	})
}

// report is a runbook without a record of its own, whose only trace is what it posts.
type report struct {
	*parts
	run *engine.Run
	in  Due
	svc dr.Service
}

// begin gives the report with the service as it was at the beginning, so that one taken
// up again has the same steps; false when the service was removed from the configuration.
func (b *Runbooks) begin(r *engine.Run, in Due) (*report, bool) {
	r.Service = in.Service
	svc := engine.Note(r, "begin", func(context.Context) (dr.Service, error) { return b.Team.Services[in.Service], nil }).Value
	r.Channel = svc.Channel
	return &report{parts: b.parts, run: r, in: in, svc: svc}, svc.Name != ""
}

func (r *report) context() dr.Text {
	if r.in.Late {
		return dr.T("report.late", "at", r.in.At)
	}
	return dr.T("report.due", "at", r.in.At)
}
