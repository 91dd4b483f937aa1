package steps

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// Offer is what a step found that goes beyond what was approved, and that people may
// accept all the same. The step leaves it behind with its error.
type Offer struct {
	Digest string     `json:"offer"`
	Plans  dr.Plans   `json:"plans,omitempty"`  // that stacks are applied by
	Checks []dr.Check `json:"checks,omitempty"` // that are worse than people were shown
	Worse  []dr.Text  `json:"worse,omitempty"`  // all of it in words
	Blind  bool       `json:"blind,omitempty"`  // what Git says could not be read, which is in them
	Commit string     `json:"commit,omitempty"` // newer than the one in use: what it is planned and applied at
	Again  []string   `json:"again,omitempty"`  // steps that were done and have something to do there
	Gone   *Gone      `json:"gone,omitempty"`   // the source, without which people may go on; also where there is nothing to accept
	Asked  bool       `json:"asked,omitempty"`  // a promotion was asked for that may take effect still; this is no offer then
}

// Beyond makes an offer and names it by what it is.
func Beyond(plans dr.Plans, checks []dr.Check, worse []dr.Text) (Offer, error) {
	digest, err := digestOf(plans.Digest(), worse)
	return Offer{Digest: digest, Plans: plans, Checks: checks, Worse: worse}, err
}

// Newer makes an offer to go on at a newer commit. Where nothing of it is wider than what
// was approved, it is one that nobody has to be asked about.
func Newer(commit string, plans dr.Plans, worse []dr.Text, again []string) (Offer, error) {
	digest, err := digestOf(plans.Digest(), worse, commit)
	return Offer{Digest: digest, Plans: plans, Worse: worse, Commit: commit, Again: again}, err
}

func digestOf(what ...any) (string, error) {
	doc, err := json.Marshal(what)
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:]), err
}

// Outcome is the offer beside the error it goes with.
func (o Offer) Outcome(because error) (engine.Outcome, error) {
	doc, err := json.Marshal(o)
	if err != nil {
		return engine.Outcome{}, because
	}
	return engine.Outcome{Value: doc}, because
}

// Offered is the offer that a step left behind with its error.
func Offered(out engine.Outcome) (Offer, bool) {
	var o Offer
	if out.OK() || len(out.Value) == 0 || json.Unmarshal(out.Value, &o) != nil {
		return Offer{}, false
	}
	return o, o.Digest != ""
}

// Gone is a source that does not answer, beside the error of a planned step that needs it.
type Gone struct {
	Why     dr.Text    `json:"why"` // what is known of it
	Seen    time.Time  `json:"seen"`
	Checks  []dr.Check `json:"checks,omitempty"`  // as a disaster is judged by
	Accepts []dr.Text  `json:"accepts,omitempty"` // what the policy has people accept
	Lag     *float64   `json:"lag,omitempty"`     // seconds, as it was last read
	LagAt   time.Time  `json:"lag_at,omitzero"`
}

// lagHolds is for how long a reading of the lag tells what an outage after it loses.
const lagHolds = 10 * time.Minute

// Loss is the lag at the outage; false where nobody knows it.
func (g Gone) Loss() (time.Duration, bool) {
	if g.Lag == nil || g.Seen.Sub(g.LagAt) > lagHolds {
		return 0, false
	}
	return time.Duration(*g.Lag * float64(time.Second)), true
}

// Loses says what is lost by a promotion without the source.
func (g Gone) Loses() dr.Text {
	switch loss, known := g.Loss(); {
	case known:
		return dr.T("gone.loses", "loss", loss, "at", g.LagAt)
	case g.Lag != nil:
		return dr.T("gone.loses.old", "lag", time.Duration(*g.Lag*float64(time.Second)), "at", g.LagAt)
	default:
		return dr.T("gone.loses.unknown")
	}
}

// Without puts beside what a step left behind with its error that the source is gone.
func Without(out engine.Outcome, g Gone) engine.Outcome {
	var o Offer
	if len(out.Value) > 0 && json.Unmarshal(out.Value, &o) != nil {
		return out
	}
	o.Gone = &g
	if doc, err := json.Marshal(o); err == nil {
		out.Value = doc
	}
	return out
}

// GoneOf is what a step left behind of a source that is gone.
func GoneOf(out engine.Outcome) (Gone, bool) {
	var o Offer
	if out.OK() || len(out.Value) == 0 || json.Unmarshal(out.Value, &o) != nil || o.Gone == nil {
		return Gone{}, false
	}
	return *o.Gone, true
}

// AskedFor tells whether a step left behind with its error that what it asked for may take
// effect still.
func AskedFor(out engine.Outcome) bool {
	var o Offer
	return !out.OK() && len(out.Value) > 0 && json.Unmarshal(out.Value, &o) == nil && o.Asked
}

// ApplyOf is the name of the step that applies a stack.
func ApplyOf(st dr.Stack) string { return key(Apply, st.Name) }

// Approve makes a plan the one by which its stack is applied.
func Approve(r *engine.Run, p dr.Plan) { r.Grant(key(Apply, p.Stack), p) }

// approvedOf is the plan of a stack that people approved, or what they accepted since.
func approvedOf(r *engine.Run, merged Merged, st dr.Stack) (dr.Plan, bool) {
	if since, ok := engine.Granted[dr.Plan](r, ApplyOf(st)); ok {
		return since, true
	}
	return merged.Plans.Of(st.Name)
}

// GoOnAt makes a commit the one that stacks are applied at from now on.
func GoOnAt(r *engine.Run, sha string) { r.Grant(string(Merge), sha) }

// commitOf is the commit that stacks are applied at: the merge, or a newer one.
func commitOf(r *engine.Run, merged Merged) string {
	if newer, ok := engine.Granted[string](r, string(Merge)); ok {
		return newer
	}
	return merged.SHA
}

// Beginner is a step that does something which cannot be taken back.
type Beginner interface {
	engine.Step
	// Begun tells whether this attempt has begun to: then there is nothing to think over.
	Begun(ctx context.Context, r *engine.Run) (bool, error)
}

// Thinker is a beginner whose attempt may have been cut off before the act itself. Then
// it thinks over for itself, right before that.
type Thinker interface {
	Thinking(think func(ctx context.Context) (engine.Outcome, error), thought bool) Beginner
}

// Begun tells whether anything that the source ran has been stopped: that its count was
// remembered right before that is not enough. A person's retry can come hours later, and is
// thought over again.
func (s quiesceStep) Begun(ctx context.Context, r *engine.Run) (bool, error) {
	if engine.Attempt(ctx) > 1 {
		return false, nil
	}
	for _, w := range s.job.Service.ResourcesOf(dr.ECSService) {
		kept, err := s.world.Ledger.Get(ctx, countKey(r.ID, s.job.Source, w))
		if err != nil {
			return false, err
		}
		if n, err := strconv.Atoi(kept); err != nil || n == 0 {
			continue
		}
		st, err := s.world.Workloads.State(ctx, s.job.Service, w, s.job.Source)
		if err != nil || st.Desired == 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// Stopper is a step that stops what the source runs.
type Stopper interface {
	// Stopped tells whether it may have stopped something, at whatever attempt.
	Stopped(ctx context.Context, r *engine.Run) (bool, error)
}

// Stopped tells whether the source's counts were remembered.
func (s quiesceStep) Stopped(ctx context.Context, r *engine.Run) (bool, error) {
	for _, w := range s.job.Service.ResourcesOf(dr.ECSService) {
		kept, err := s.world.Ledger.Get(ctx, countKey(r.ID, s.job.Source, w))
		if err != nil || kept != "" {
			return kept != "", err
		}
	}
	return false, nil
}

// Begun tells whether Terraform's supervisor has the apply, or had it.
func (s applyStep) Begun(ctx context.Context, r *engine.Run) (bool, error) {
	id, err := s.keyOf(ctx, r, engine.Attempt(ctx))
	if err != nil {
		return false, err
	}
	begun, err := s.world.Ledger.Get(ctx, id+"/begun")
	if err != nil || begun == "" {
		return false, err
	}
	return s.world.Terraform.Began(ctx, id) // the bot may have died before it was handed over
}

// Begun tells whether the promotion was asked for, or is seen.
func (s promoteStep) Begun(ctx context.Context, r *engine.Run) (bool, error) {
	_, asked, err := s.world.Ledger.LastIntent(ctx, r.ID, intentsOf(s.db)+number(engine.Attempt(ctx)))
	if err != nil || asked {
		return asked, err
	}
	st, err := s.state(ctx)
	return err == nil && (st.Writer == s.target() || st.Failover != "" && st.FailoverTo == s.target()), err
}
