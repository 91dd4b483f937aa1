package workflows

import (
	"context"
	"fmt"
	"time"

	"github.com/drbot/drbot/dr"
)

// promoted is what the promotion left behind for the account of the run.
type promoted struct {
	At      time.Time `json:"at"`             // when the promotion was asked for
	Lag     *float64  `json:"lag,omitempty"`  // seconds the target was behind, nil when unknown
	LagAt   time.Time `json:"lag_at"`         // when that was true
	Already bool      `json:"already"`        // the writer was there before
	Took    float64   `json:"took,omitempty"` // seconds
	To      dr.Region `json:"to"`
	// Deployed is when the target's tasks were last deployed before the promotion, by
	// the platform's own clock; zero when that is not known.
	Deployed time.Time `json:"deployed,omitzero"`
}

func (p promoted) detail() string {
	if p.Already {
		return "the writer was in " + string(p.To) + " already"
	}
	return "writer in " + string(p.To)
}

// promote moves the database's writer to the target, once. There is no client
// token in the API, so the intent is stored before the call, the state is read
// before any call, and a call is never made while one is pending or after one
// took effect.
func (r *runbook) promote() (promoted, error) {
	p, _, err := must(r, r.promoteStep(), func(ctx context.Context, n int) (promoted, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.deps.Timing.Promote)
		defer cancel()
		return r.movedWriter(ctx, n)
	})
	if err == nil {
		r.quiet = false
	}
	return p, err
}

func (r *runbook) promoteStep() string { return "promote/" + r.svc.Database.GlobalCluster }

// movedWriter is one attempt; a person's retry is the next one.
func (r *runbook) movedWriter(ctx context.Context, n int) (promoted, error) {
	// The state is read through the target: a disaster run must not need the source.
	st, err := r.deps.Database.DatabaseState(ctx, r.svc, r.req.Target)
	if err != nil {
		return promoted{}, err
	}
	_, asked, err := r.deps.Ledger.LastIntent(ctx, r.req.Run, r.promoteStep())
	if err != nil {
		return promoted{}, err
	}
	going := st.Failover != "" && st.FailoverTo == r.req.Target
	switch {
	case (going || st.Writer == r.req.Target) && !asked && n == 1:
		return promoted{}, &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("the database is moving to %s, or has moved, and this run did not ask for it.", r.req.Target), Hint: "somebody is failing over by hand: talk to them, then answer retry to go on from there, or stop"}
	case r.writerMoved(st):
		return r.account(ctx)
	case st.Failover != "" && !going:
		return promoted{}, &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("the database is already moving to %s (%s), which this run did not ask for.", st.FailoverTo, st.Failover), Hint: "find out who is failing over by hand; answer retry when it is over"}
	case !going && st.Writer != r.req.Target:
		if err := r.requestPromotion(ctx, stepName(r.promoteStep(), n), st); err != nil {
			return promoted{}, err
		}
	}
	if _, err = r.awaitWriter(ctx); err != nil {
		return promoted{}, err
	}
	return r.account(ctx)
}

func (r *runbook) writerMoved(st dr.DatabaseState) bool {
	return st.Failover == "" && st.Writer == r.req.Target && st.WriterReady
}

// requestPromotion stores the intent and makes the one call. An intent that is
// there already means that the call may have been made by a process that died:
// then the state is watched for a sign of it first.
func (r *runbook) requestPromotion(ctx context.Context, act string, st dr.DatabaseState) error {
	if st.Writer != r.source {
		return &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("the writer is in %q, not in %s.", st.Writer, r.source), Hint: "somebody changed the database by hand; look at the global cluster " + r.svc.Database.GlobalCluster}
	}
	if err := r.keepLag(ctx, act); err != nil {
		return err
	}
	intent, fresh, err := r.deps.Ledger.Intend(ctx, dr.Intent{Run: r.req.Run, Act: act, From: string(r.source), To: string(r.req.Target), At: r.deps.Now()})
	if err != nil {
		return err
	}
	if !fresh {
		// An intent of the future is of a clock that was set back: its age is not known.
		if age := r.deps.Now().Sub(intent.At); age.Abs() > r.deps.Timing.StaleIntent {
			return &dr.Error{Code: dr.Uncertain, Msg: fmt.Sprintf("the promotion was asked for at %s, and nothing shows that it was accepted.", intent.At.UTC().Format("15:04:05 MST")), Hint: "look at the RDS events of " + r.svc.Database.GlobalCluster + "; answer retry to ask for it again"}
		}
		if shown, err := r.signOfPromotion(ctx); err != nil || shown {
			return err
		}
	}
	if err := r.audit(ctx, "promote", fmt.Sprintf("%s from %s to %s, %s", r.svc.Database.GlobalCluster, r.source, r.req.Target, r.req.Mode)); err != nil {
		return err
	}
	err = r.deps.Database.Promote(ctx, r.svc, dr.Promotion{Mode: r.req.Mode, From: r.source, To: r.req.Target})
	switch {
	case err == nil:
		return nil
	case dr.CodeOf(err) == dr.Uncertain || dr.CodeOf(err) == dr.Conflict:
		// It may have been accepted, or another one is pending: the state tells.
		if shown, look := r.signOfPromotion(ctx); look != nil || shown {
			return look
		}
		return err
	default:
		return err
	}
}

// signOfPromotion watches the state for a while for a promotion that may have
// been asked for: pending, or done.
func (r *runbook) signOfPromotion(ctx context.Context) (bool, error) {
	until := r.deps.Now().Add(r.deps.Timing.Settle)
	for {
		st, err := r.deps.Database.DatabaseState(ctx, r.svc, r.req.Target)
		if err == nil && (st.Failover != "" || st.Writer == r.req.Target) {
			return true, nil
		}
		if !r.deps.Now().Before(until) {
			return false, err // not read at the end is not known
		}
		if err := wait(ctx, r.deps.Timing.Poll); err != nil {
			return false, err
		}
	}
}

// awaitWriter waits until the promotion has taken effect. An operation that is
// over while the writer is still elsewhere was cancelled or has failed.
func (r *runbook) awaitWriter(ctx context.Context) (dr.DatabaseState, error) {
	var idleSince time.Time
	last := ""
	for {
		st, err := r.deps.Database.DatabaseState(ctx, r.svc, r.req.Target)
		now := r.deps.Now()
		switch {
		case err != nil:
			last = "the state could not be read"
		case r.writerMoved(st):
			return st, nil
		case st.Failover == "" && st.Writer != r.req.Target:
			if idleSince.IsZero() {
				idleSince = now
			}
			if now.Sub(idleSince) >= r.deps.Timing.Settle {
				return st, &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("the promotion is over and the writer is still in %s.", st.Writer), Hint: "look at the RDS events of " + r.svc.Database.GlobalCluster + ", then answer retry"}
			}
		default:
			idleSince = time.Time{}
			last = sentence(st.Status, st.Failover, st.WriterDetail)
		}
		r.mark(ctx, r.promoteStep(), func(s *dr.Step, _ time.Time) { s.Detail = last })
		if wait(ctx, r.deps.Timing.Poll) != nil {
			return st, &dr.Error{Code: dr.Uncertain, Msg: fmt.Sprintf("the promotion is not over after %s; last seen: %s.", dr.Human(r.deps.Timing.Promote), last), Hint: "it may still end well; answer retry to go on watching"}
		}
	}
}

type lagReading struct {
	Lag      *float64  `json:"lag"`
	At       time.Time `json:"at"`
	Deployed time.Time `json:"deployed,omitzero"`
}

// keepLag notes how far behind the target is, right before the promotion: what
// the estimate of the data loss is made from. So that nothing depends on two clocks
// being alike, it also notes which deployment the target has then.
func (r *runbook) keepLag(ctx context.Context, act string) error {
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	reading := lagReading{At: r.deps.Now()}
	if c, err := r.deps.Lag.Lag(short, r.svc, r.req.Target); err == nil && c.Level != dr.Unknown {
		reading = lagReading{Lag: c.Value, At: c.At}
	}
	if st, err := r.deps.Workloads.Workload(short, r.svc, r.req.Target); err == nil {
		reading.Deployed = st.DeployedAt
	}
	return keepJSON(ctx, r.deps.Ledger, r.req.Run+"/lag/"+act, &reading)
}

// account tells what the promotion took, from what was stored before it.
func (r *runbook) account(ctx context.Context) (promoted, error) {
	p := promoted{At: r.deps.Now(), To: r.req.Target}
	intent, asked, err := r.deps.Ledger.LastIntent(ctx, r.req.Run, r.promoteStep())
	if err != nil || !asked {
		p.LagAt, p.Already = p.At, true
		return p, err
	}
	reading := lagReading{At: intent.At}
	if err := keepJSON(ctx, r.deps.Ledger, r.req.Run+"/lag/"+intent.Act, &reading); err != nil {
		return p, err
	}
	p.Took = p.At.Sub(intent.At).Seconds()
	p.At, p.Lag, p.LagAt, p.Deployed = intent.At, reading.Lag, reading.At, reading.Deployed
	return p, nil
}
