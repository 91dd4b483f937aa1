package steps

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

const promote = "promote"

// lagRead bounds the reading of the lag right before a promotion: it is worth knowing,
// not worth waiting for.
const lagRead = 5 * time.Second

// rebuildWait is for how long a promotion that has brought the writer, and goes on over the
// other members, is waited for all the same.
const rebuildWait = time.Minute

// Databases is what a failover needs from the database service.
type Databases interface {
	// State reads a database through a Region's endpoint.
	State(ctx context.Context, s dr.Service, db dr.Resource, through dr.Region) (dr.DatabaseState, error)
	// Promote makes the one call that moves the writer and does not wait.
	Promote(ctx context.Context, s dr.Service, db dr.Resource, p dr.Promotion) error
	// Lag reads how far the passive Region's copy is behind; Unknown when there is no
	// reading or the last is stale.
	Lag(ctx context.Context, s dr.Service, db dr.Resource, passive dr.Region) (dr.Check, error)
}

// promoteKind moves a database's writer to the target, once. There is no client token in
// the API, so the intent is stored before the call, the state is read before any call,
// and a call is never made while one is pending or after one took effect.
func promoteKind(w *World) Kind {
	return Kind{ID: promote, Skip: AsTheChange, Act: &dr.ActInfo{On: dr.AuroraGlobal, Needed: true, Before: gate}, Make: func(j Job) ([]engine.Step, error) {
		var out []engine.Step
		for _, db := range j.Service.ResourcesOf(dr.AuroraGlobal) {
			if j.Which == "" || j.Which == db.Name {
				out = append(out, promoteStep{world: w, job: j, db: db})
			}
		}
		if j.Which != "" && len(out) == 0 {
			return nil, &dr.Error{Code: dr.Invalid, What: dr.T("promote.no-database", "name", j.Which)}
		}
		return out, nil
	}}
}

type promoteStep struct {
	world *World
	job   Job
	db    dr.Resource
	// think looks once more whether what was approved is still so, where the look before
	// this attempt is of a time before the process died or a call failed.
	think   func(ctx context.Context) (engine.Outcome, error)
	thought bool // that look has just been made
}

// Thinking gives the step with that look, and tells whether it has just been made.
func (s promoteStep) Thinking(think func(ctx context.Context) (engine.Outcome, error), thought bool) Beginner {
	s.think, s.thought = think, thought
	return s
}

func (s promoteStep) Name() string { return Promotion.Name(s.db.Name) }

func (s promoteStep) target() dr.Region { return s.job.Request.Target }

// state is read through the target: a disaster run must not need the source.
func (s promoteStep) state(ctx context.Context) (dr.DatabaseState, error) {
	return s.world.Databases.State(ctx, s.job.Service, s.db, s.target())
}

// Do is one attempt; a person's retry is the next one. What it leaves behind with an error
// tells whether the promotion may take effect all the same.
func (s promoteStep) Do(ctx context.Context, r *engine.Run) (engine.Outcome, error) {
	out, err := promotion(ctx, s, r)
	if err == nil || len(out.Value) > 0 || !undecided(ctx, s, r, err) {
		return out, err
	}
	return Offer{Asked: true}.Outcome(err)
}

// undecided tells whether what this run has asked for may take effect still, or has: nobody
// has seen that it was refused, or is over.
func undecided(ctx context.Context, s promoteStep, r *engine.Run, because error) bool {
	if _, asked, err := asked(ctx, s, r); err != nil || !asked {
		return err != nil
	}
	short, cancel := budget(ctx, lagRead)
	defer cancel()
	st, err := s.state(short)
	return err != nil || st.Failover != "" || st.Writer != s.job.Source || dr.CodeOf(because) == dr.Uncertain
}

func promotion(ctx context.Context, s promoteStep, r *engine.Run) (engine.Outcome, error) {
	n := engine.Attempt(ctx)
	ctx, cancel := budget(ctx, s.world.Timing.Promote)
	defer cancel()
	st, err := s.state(ctx)
	if err == nil {
		st, err = steady(ctx, s, st)
	}
	if err != nil {
		return engine.Outcome{}, err
	}
	_, asked, err := asked(ctx, s, r)
	if err != nil {
		return engine.Outcome{}, err
	}
	going := st.Failover != "" && st.FailoverTo == s.target()
	switch {
	case (going || st.Writer == s.target()) && !asked && s.job.Request.Kind != dr.Resume && !toldOfOthers(ctx, s, r, n):
		return engine.Outcome{}, &dr.Error{Code: dr.Conflict, What: dr.T("promote.by-others", "target", s.target()), Next: dr.T("promote.by-others.next")}
	case s.moved(st):
		return s.account(ctx, r, "")
	case st.Failover != "" && !going:
		return engine.Outcome{}, &dr.Error{Code: dr.Conflict, What: dr.T("promote.elsewhere", "region", st.FailoverTo, "state", dr.Foreign(st.Failover)), Next: dr.T("promote.elsewhere.next")}
	case !going && st.Writer != s.target():
		if out, err := s.request(ctx, r, n, st); err != nil {
			return out, err
		}
	}
	rebuilding, err := s.await(ctx, r)
	if err != nil {
		return engine.Outcome{}, err
	}
	return s.account(ctx, r, rebuilding)
}

// toldOfOthers tells whether people were asked about a promotion that is none of this
// run's, in an attempt before this one. In this attempt they are.
func toldOfOthers(ctx context.Context, s promoteStep, r *engine.Run, n int) bool {
	told, err := s.world.Ledger.Keep(ctx, key(r.ID, "by-others", s.db.Name), strconv.Itoa(n))
	first, unread := strconv.Atoi(told)
	return err == nil && unread == nil && first < n
}

// unaskedKey is where it is kept that an intent was stored and not acted on yet: a process
// that dies while it thinks has asked for nothing. Right before the call it is taken away.
func unaskedKey(run, act string) string { return key(run, "unasked", act) }

// asked is the newest intent of this run by which the promotion may have been asked for.
func asked(ctx context.Context, s promoteStep, r *engine.Run) (dr.Intent, bool, error) {
	for n := engine.Attempt(ctx); n >= 1; n-- {
		intent, meant, err := s.world.Ledger.LastIntent(ctx, r.ID, intentsOf(s.db)+number(n))
		if err != nil {
			return dr.Intent{}, false, err
		}
		if !meant || intent.Act != intentsOf(s.db)+number(n) {
			continue
		}
		unasked, err := s.world.Ledger.Get(ctx, unaskedKey(r.ID, intent.Act))
		if err != nil || unasked == "" {
			return intent, true, err
		}
	}
	return dr.Intent{}, false, nil
}

func (s promoteStep) moved(st dr.DatabaseState) bool {
	return st.Failover == "" && st.Writer == s.target() && st.WriterReady
}

// intentsOf is what the acts of a promotion's intents begin with; the attempt follows.
func intentsOf(db dr.Resource) string { return Promotion.Name(db.Name) + "#" }

// request stores the intent and makes the one call. An intent that is there already
// means that the call may have been made by a process that died: then the state is
// watched for a sign of it first.
func (s promoteStep) request(ctx context.Context, r *engine.Run, n int, st dr.DatabaseState) (engine.Outcome, error) {
	source := s.job.Source
	if st.Writer != source {
		if out, err := fromNowhere(ctx, s, r, st); err != nil {
			return out, err
		}
	}
	again, err := quiesceAgain(ctx, s, r, n)
	if err != nil {
		return engine.Outcome{}, err
	}
	if err := quiet(ctx, s, r, n); err != nil {
		return engine.Outcome{}, err
	}
	act := intentsOf(s.db) + number(n)
	_, meant, err := s.world.Ledger.LastIntent(ctx, r.ID, act)
	if err != nil {
		return engine.Outcome{}, err
	}
	if !meant { // a reading of a process that died before it meant to is of another time
		if err := s.world.Ledger.Put(ctx, unaskedKey(r.ID, act), "yes"); err != nil {
			return engine.Outcome{}, err
		}
		if err := s.keepLag(ctx, r, act); err != nil {
			return engine.Outcome{}, err
		}
	}
	now := s.world.Now()
	intent, fresh, err := s.world.Ledger.Intend(ctx, dr.Intent{Run: r.ID, Act: act, From: string(source), To: string(s.target()), At: now})
	if err != nil {
		return engine.Outcome{}, err
	}
	if !fresh {
		// An intent of the future is of a clock that was set back: its age is not known.
		if age := now.Sub(intent.At); age.Abs() > s.world.Timing.StaleIntent {
			return engine.Outcome{}, &dr.Error{Code: dr.Uncertain, What: dr.T("promote.stale", "at", intent.At), Next: dr.T("promote.stale.next", "database", s.db.Name)}
		}
		if shown, err := s.sign(ctx); err != nil || shown {
			return engine.Outcome{}, err
		}
		if err := s.keepLag(ctx, r, act); err != nil { // it is asked for now, and not then
			return engine.Outcome{}, err
		}
	}
	if s.think != nil && (!fresh || !s.thought || again || st.Writer != source) {
		if out, err := s.think(ctx); err != nil {
			return out, err
		}
		if err := quiet(ctx, s, r, n); err != nil { // thinking takes its time
			return engine.Outcome{}, err
		}
	}
	if st.Writer != source {
		if err := stillNowhere(ctx, s); err != nil {
			return engine.Outcome{}, err
		}
	}
	if err := r.Audit(ctx, promote, dr.T("audit.promote", "database", s.db.Name, "source", source, "target", s.target(), "mode", s.job.Request.Mode)); err != nil {
		return engine.Outcome{}, err
	}
	return engine.Outcome{}, s.call(ctx, r.ID, act)
}

func (s promoteStep) call(ctx context.Context, run, act string) error {
	if err := s.world.Ledger.Put(ctx, unaskedKey(run, act), ""); err != nil {
		return err
	}
	if err := s.world.Held(ctx); err != nil {
		return err
	}
	err := s.world.Databases.Promote(ctx, s.job.Service, s.db, dr.Promotion{Mode: s.job.Request.Mode, From: s.job.Source, To: s.target()})
	if err != nil && (dr.CodeOf(err) == dr.Uncertain || dr.CodeOf(err) == dr.Conflict) {
		// It may have been accepted, or another one is pending: the state tells.
		if shown, look := s.sign(ctx); look != nil || shown {
			return look
		}
	}
	if err != nil && dr.CodeOf(err) != dr.Uncertain {
		_ = s.world.Ledger.Put(ctx, refusedKey(run, act), "yes") // where that is not kept it counts as asked for
	}
	return err
}

// sign watches the state for a while for a promotion that may have been asked for:
// pending, or done.
func (s promoteStep) sign(ctx context.Context) (bool, error) {
	until := s.world.Now().Add(s.world.Timing.Settle)
	for {
		st, err := s.state(ctx)
		if err == nil && (st.Failover != "" || st.Writer == s.target()) {
			return true, nil
		}
		if !s.world.Now().Before(until) {
			return false, err // not read at the end is not known
		}
		if err := engine.Wait(ctx, s.world.Timing.Poll); err != nil {
			return false, promoteOverdue(s.world.Timing.Promote, dr.T("promote.unread"), err)
		}
	}
}

// await waits until the promotion has taken effect, and gives the state of one that goes on
// over the other members all the same. An operation that is over while the
// writer is still elsewhere was cancelled or has failed.
func (s promoteStep) await(ctx context.Context, r *engine.Run) (rebuilding string, err error) {
	var idleSince, readySince time.Time
	var last dr.Text
	for {
		st, err := s.state(ctx)
		now := s.world.Now()
		if err == nil && !st.Rebuilds(s.target()) {
			readySince = time.Time{}
		}
		switch {
		case err != nil:
			last = dr.T("promote.unread")
		case s.moved(st):
			return "", nil
		case st.Rebuilds(s.target()) && !readySince.IsZero() && now.Sub(readySince) >= rebuildWait:
			return st.Failover, nil
		case st.Failover == "" && st.Writer != s.target():
			if idleSince.IsZero() {
				idleSince = now
			}
			if now.Sub(idleSince) >= s.world.Timing.Settle {
				return "", &dr.Error{Code: dr.Conflict, What: dr.T("promote.over", "writer", OrNowhere(st.Writer)), Next: dr.T("promote.over.next", "database", s.db.Name)}
			}
		default:
			idleSince = time.Time{}
			if st.Rebuilds(s.target()) && readySince.IsZero() {
				readySince = now
			}
			last = dr.T("promote.moving", "status", dr.Foreign(st.Status), "failover", dr.Foreign(st.Failover), "detail", st.WriterDetail)
		}
		r.Waits(ctx, s.Name(), last)
		if err := engine.Wait(ctx, s.world.Timing.Poll); err != nil {
			return "", promoteOverdue(s.world.Timing.Promote, last, err)
		}
	}
}

func promoteOverdue(after time.Duration, last dr.Text, err error) error {
	return &dr.Error{Code: dr.Uncertain, What: dr.T("promote.overdue", "after", after, "last", last), Next: dr.T("promote.overdue.next"), Err: err}
}

type lagReading struct {
	Lag  *float64  `json:"lag"`
	At   time.Time `json:"at"`
	Read time.Time `json:"read,omitzero"`
	Mode dr.Mode   `json:"mode,omitempty"` // in which it was asked for
}

// keepLag notes how far behind the target is, right before the promotion: what
// the estimate of the data loss is made from. What was known is not forgotten because nobody
// can read it any more.
func (s promoteStep) keepLag(ctx context.Context, r *engine.Run, act string) error {
	short, cancel := context.WithTimeout(ctx, lagRead)
	defer cancel()
	at := key(r.ID, "lag", act)
	c, err := s.world.Databases.Lag(short, s.job.Service, s.db, s.target())
	if err != nil || c.Level == dr.Unknown {
		return keep(ctx, s.world.Ledger, at, &lagReading{At: s.world.Now(), Mode: s.job.Request.Mode})
	}
	doc, err := json.Marshal(lagReading{c.Value, c.At, s.world.Now(), s.job.Request.Mode})
	if err != nil {
		return err
	}
	return s.world.Ledger.Put(ctx, at, string(doc))
}

// keepDeployments notes which deployments the target has when the promotion has taken
// effect, so that nothing depends on two clocks being alike.
func (s promoteStep) keepDeployments(ctx context.Context, r *engine.Run, act string) error {
	short, cancel := context.WithTimeout(ctx, lagRead)
	defer cancel()
	for _, w := range s.job.Service.ResourcesOf(dr.ECSService) {
		st, err := s.world.Workloads.State(short, s.job.Service, w, s.target())
		if err != nil || st.DeployedAt.IsZero() {
			continue // known from the redeployment's own first look on
		}
		if err := keep(ctx, s.world.Ledger, deployedKey(r.ID, s.target(), w, act), &st.DeployedAt); err != nil {
			return err
		}
	}
	return nil
}

// account tells what the promotion took, from what was stored before it.
func (s promoteStep) account(ctx context.Context, r *engine.Run, rebuilding string) (engine.Outcome, error) {
	p := Promoted{At: s.world.Now(), To: s.target(), Rebuilding: rebuilding}
	if rebuilding != "" {
		if err := r.Say(ctx, "rebuilding/"+s.db.Name, dr.Warn, dr.T("note.rebuilding", "database", s.db.Name, "region", s.target()), dr.T("note.rebuilding.line", "state", dr.Foreign(rebuilding))); err != nil {
			return engine.Outcome{}, err
		}
	}
	intent, asked, err := asked(ctx, s, r)
	if err != nil {
		return engine.Outcome{}, err
	}
	if !asked {
		p.LagAt, p.Already = p.At, true
		return engine.Done(p, p.Line())
	}
	reading := lagReading{At: intent.At}
	if err := keep(ctx, s.world.Ledger, key(r.ID, "lag", intent.Act), &reading); err != nil {
		return engine.Outcome{}, err
	}
	if err := s.keepDeployments(ctx, r, intent.Act); err != nil {
		return engine.Outcome{}, err
	}
	p.Took = p.At.Sub(intent.At).Seconds()
	p.At, p.Lag, p.LagAt, p.Mode = intent.At, reading.Lag, reading.At, reading.Mode
	if reading.Read.After(p.At) { // that is when it was asked for, by a process after the one that meant to
		p.At = reading.Read
	}
	return engine.Done(p, p.Line())
}

// Tell implements Teller.
func (s promoteStep) Tell() (does, missed dr.Text) {
	missed = dr.T("missed.promote", "database", s.db.Name, "source", s.job.Source, "target", s.target())
	if s.job.Request.Mode == dr.Planned {
		return dr.T("does.promote.planned", "database", s.db.Name, "source", s.job.Source, "target", s.target()), missed
	}
	return dr.T("does.promote.disaster", "database", s.db.Name, "source", s.job.Source, "target", s.target()), missed
}
