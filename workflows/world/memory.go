package world

import (
	"context"
	"database/sql"
	"time"

	"github.com/drbot/drbot/dr"
)

// The real store and the real policies, through the journal and the rules.

// Readiness implements workflows.Policy.
func (p *ports) Readiness(ctx context.Context, f dr.ReadinessFacts) (dr.Verdict, error) {
	return ask(ctx, p, "Readiness", "", func() (dr.Verdict, error) { return p.policy.Readiness(ctx, f) })
}

// Plans implements workflows.Policy.
func (p *ports) Plans(ctx context.Context, s dr.Service, source dr.Region, plans dr.Plans) (dr.Decision, error) {
	return ask(ctx, p, "Plans", "", func() (dr.Decision, error) { return p.policy.Plans(ctx, s, source, plans) })
}

// StartRun implements workflows.Records.
func (p *ports) StartRun(ctx context.Context, r dr.Run, line dr.AuditEntry, begin func(*sql.Tx) error) (bool, error) {
	return ask(ctx, p, "StartRun", "", func() (bool, error) { return p.store.StartRun(ctx, r, line, begin) })
}

// Run implements workflows.Records.
func (p *ports) Run(ctx context.Context, id string) (dr.Run, error) {
	return ask(ctx, p, "Run", "", func() (dr.Run, error) { return p.store.Run(ctx, id) })
}

// UpdateRun implements workflows.Records.
func (p *ports) UpdateRun(ctx context.Context, id string, change func(*dr.Run)) (dr.Run, error) {
	return ask(ctx, p, "UpdateRun", "", func() (dr.Run, error) {
		r, err := p.store.UpdateRun(ctx, id, change)
		if err == nil {
			p.w.latest.Store(id, r)
		}
		return r, err
	})
}

// Runs implements workflows.Records.
func (p *ports) Runs(ctx context.Context, service string, limit int) ([]dr.Run, error) {
	return ask(ctx, p, "Runs", "", func() ([]dr.Run, error) { return p.store.Runs(ctx, service, limit) })
}

// OpenRuns implements workflows.Records.
func (p *ports) OpenRuns(ctx context.Context) ([]dr.Run, error) {
	return ask(ctx, p, "OpenRuns", "", func() ([]dr.Run, error) { return p.store.OpenRuns(ctx) })
}

// Audit implements steps.Ledger.
func (p *ports) Audit(ctx context.Context, e dr.AuditEntry) error {
	return tell(ctx, p, "Audit", e.Action, func() error { return p.store.Audit(ctx, e) })
}

// Intend implements steps.Ledger.
func (p *ports) Intend(ctx context.Context, in dr.Intent) (dr.Intent, bool, error) {
	type intended struct {
		in    dr.Intent
		fresh bool
	}
	out, err := ask(ctx, p, "Intend", "", func() (intended, error) {
		stored, fresh, err := p.store.Intend(ctx, in)
		return intended{stored, fresh}, err
	})
	return out.in, out.fresh, err
}

// LastIntent implements steps.Ledger.
func (p *ports) LastIntent(ctx context.Context, run, prefix string) (dr.Intent, bool, error) {
	type last struct {
		in    dr.Intent
		found bool
	}
	out, err := ask(ctx, p, "LastIntent", "", func() (last, error) {
		in, found, err := p.store.LastIntent(ctx, run, prefix)
		return last{in, found}, err
	})
	return out.in, out.found, err
}

// Get implements steps.Ledger and engine.Memory.
func (p *ports) Get(ctx context.Context, key string) (string, error) {
	return ask(ctx, p, "Get", "", func() (string, error) { return p.store.Get(ctx, key) })
}

// Put implements engine.Memory.
func (p *ports) Put(ctx context.Context, key, value string) error {
	return tell(ctx, p, "Put", "", func() error { return p.store.Put(ctx, key, value) })
}

// Keep implements steps.Ledger.
func (p *ports) Keep(ctx context.Context, key, value string) (string, error) {
	return ask(ctx, p, "Keep", "", func() (string, error) { return p.store.Keep(ctx, key, value) })
}

// Say implements engine.Book.
func (p *ports) Say(ctx context.Context, n dr.Note) error {
	return tell(ctx, p, "Say", "", func() error { return p.store.Say(ctx, n) })
}

// LastReading implements workflows.Reports.
func (p *ports) LastReading(ctx context.Context, service string) (time.Time, []dr.Check, error) {
	var at time.Time
	checks, err := ask(ctx, p, "LastReading", "", func() (checks []dr.Check, err error) {
		at, checks, err = p.store.LastReading(ctx, service)
		return checks, err
	})
	return at, checks, err
}

// AddReadings implements workflows.Reports.
func (p *ports) AddReadings(ctx context.Context, service string, at time.Time, checks []dr.Check) error {
	return tell(ctx, p, "AddReadings", "", func() error { return p.store.AddReadings(ctx, service, at, checks) })
}

// AddDrift implements workflows.Reports.
func (p *ports) AddDrift(ctx context.Context, service string, at time.Time, drift []dr.Drift) error {
	return tell(ctx, p, "AddDrift", "", func() error { return p.store.AddDrift(ctx, service, at, drift) })
}

// recorded wakes who waits for a change of a record.
func (p *ports) recorded(string) {
	select {
	case p.w.changed <- struct{}{}:
	default: // somebody will look anyway
	}
}

// held says that this process is the one executor, until it was killed.
func (p *ports) held(ctx context.Context) error {
	return tell(ctx, p, "Held", "", func() error { return nil })
}

func (p *ports) alive() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}
