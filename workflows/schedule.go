package workflows

import (
	"context"
	"fmt"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	"github.com/robfig/cron/v3"

	"github.com/drbot/drbot/dr"
)

// Due is the input of a scheduled runbook: the service, and the time it was due,
// which is part of the run's id, so that one due time makes one run.
type Due struct {
	Service string    `json:"service"`
	At      time.Time `json:"at"`
	Late    bool      `json:"late"` // the bot was down at that time
}

// Memory keeps when a schedule last ran.
type Memory interface {
	Get(ctx context.Context, key string) (string, error)
	Put(ctx context.Context, key, value string) error
}

// late is the delay from which a scheduled run says that it is late.
const late = time.Minute

// Schedule starts the scheduled runbooks of every service on their cron, until
// the context ends. The cron itself remembers nothing, so the last due time of
// each is kept: what was missed while the bot was down is caught up once.
func (e *Engine) Schedule(ctx context.Context, mem Memory) error {
	c := cron.New(cron.WithChain(cron.Recover(cron.DiscardLogger)))
	for name, s := range e.deps.Services {
		for kind, spec := range map[string]string{"health": s.Schedule.Health, "drift": s.Schedule.Drift} {
			if spec == "" {
				continue
			}
			sched, err := cron.ParseStandard("CRON_TZ=" + s.Schedule.TimeZone + " " + spec)
			if err != nil {
				return fmt.Errorf("schedule %s of %s: %w", kind, name, err)
			}
			job := func() {
				if err := e.startDue(ctx, mem, kind, name, sched); err != nil {
					e.deps.Log.ErrorContext(ctx, "a scheduled run was not started", "kind", kind, "service", name, "error", err)
				}
			}
			job() // what was missed
			c.Schedule(sched, cron.FuncJob(job))
		}
	}
	c.Start()
	context.AfterFunc(ctx, func() { c.Stop() })
	return nil
}

// startDue starts the newest run that is due and has not been started. Older
// missed ones are left out: their answer would be about the same moment.
func (e *Engine) startDue(ctx context.Context, mem Memory, kind, service string, sched cron.Schedule) error {
	key := "schedule/" + kind + "/" + service
	stored, err := mem.Get(ctx, key)
	if err != nil {
		return err
	}
	now := e.deps.Now()
	last, err := time.Parse(time.RFC3339Nano, stored)
	if err != nil || last.After(now) {
		// The first time nothing was missed. A time of the future is of a clock that was
		// set back: nothing would be due until it comes.
		return mem.Put(ctx, key, now.Format(time.RFC3339Nano))
	}
	due := newestDue(sched, last, now)
	if due.IsZero() {
		return nil
	}
	in := Due{Service: service, At: due, Late: now.Sub(due) > late}
	fn := e.health
	if kind == "drift" {
		fn = e.drift
	}
	id := kind + "/" + service + "/" + due.UTC().Format("2006-01-02T15:04:05Z")
	if _, err := dbos.RunWorkflow(e.ctx, fn, in, dbos.WithWorkflowID(id), dbos.WithQueue(e.posts[kind])); err != nil {
		return fmt.Errorf("start %s: %w", id, err)
	}
	return mem.Put(ctx, key, due.Format(time.RFC3339Nano))
}

// newestDue is the newest time of a schedule after last and not after now; zero
// when there is none. A clock that was set back gives none.
func newestDue(sched cron.Schedule, last, now time.Time) time.Time {
	var due time.Time
	// A schedule of every second looked at after a month off is not worth more steps than this.
	const most = 3_000_000
	for i, t := 0, sched.Next(last); i < most && !t.IsZero() && !t.After(now); i, t = i+1, sched.Next(t) {
		due = t
	}
	return due
}

// scheduled is the part of the scheduled runbooks that is alike: a runbook
// without a record of its own, whose only trace is its report.
func (e *Engine) scheduled(ctx dbos.Context, in Due, report func(*runbook)) (err error) {
	id, err := dbos.GetWorkflowID(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			h, ok := p.(halted)
			if !ok {
				panic(p)
			}
			err = h.err
		}
	}()
	r := &runbook{Engine: e, ctx: ctx, req: dr.Request{Run: id, Service: in.Service}}
	// The service as it was at the beginning, so that a report taken up again has the
	// same steps; nothing for one that was removed from the configuration.
	r.svc = record(r, "begin", func(context.Context) (dr.Service, error) { return e.deps.Services[in.Service], nil }).Value
	if r.svc.Name != "" {
		report(r)
	}
	return nil
}

func lateNote(in Due) string {
	s := "due " + in.At.Format("2006-01-02 15:04 MST")
	if in.Late {
		s += ", late because drbot was not running then"
	}
	return s
}
