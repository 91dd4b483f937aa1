package dr

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Kind names the runbook of a run.
type Kind string

// The runbooks a run can be an execution of.
const (
	Failover Kind = "failover"
	Failback Kind = "failback"
	Resume   Kind = "resume" // of what a run, or somebody by hand, left half done
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{Failover, Failback, Resume} }

// RunState is where a run stands.
type RunState string

// The states of a run. The last five are final.
const (
	RunRunning   RunState = "running"
	RunWaiting   RunState = "waiting" // for approval
	RunPaused    RunState = "paused"  // asks a person: retry, skip or stop
	RunSucceeded RunState = "succeeded"
	RunRefused   RunState = "refused" // before anything was changed
	RunCancelled RunState = "cancelled"
	RunExpired   RunState = "expired"
	RunStopped   RunState = "stopped" // a person ended it, or it could not go on
)

// Final tells whether a run in this state is over.
func (s RunState) Final() bool {
	switch s {
	case RunRunning, RunWaiting, RunPaused:
		return false
	default:
		return true
	}
}

// Request is what somebody asked for. It is stored as the input of the runbook.
type Request struct {
	Run       string    `json:"run"`
	Kind      Kind      `json:"kind"`
	Service   string    `json:"service"`
	Target    Region    `json:"target"`
	Mode      Mode      `json:"mode"`
	Reason    string    `json:"reason"`
	Requester string    `json:"requester"`       // person
	Person    Person    `json:"person,omitzero"` // the same as the configuration had it then
	Via       string    `json:"via"`             // slack, cli
	Channel   string    `json:"channel"`         // where it was typed, if in Slack
	At        time.Time `json:"at"`
	Since     time.Time `json:"since"`    // when the trouble began; At by default
	Override  bool      `json:"override"` // of the cooldown, seen by the approvers
}

// AskedBy tells whether a person is who asked: by name, or by an account, whatever either
// is called by now.
func (r Request) AskedBy(p Person, ps People) bool {
	now, _ := ps.ByName(r.Requester)
	return p.Name == r.Requester || p.Same(now) || p.Same(r.Person)
}

// StepState is where a step stands.
type StepState string

// The states of a step.
const (
	StepPending StepState = "pending"
	StepRunning StepState = "running"
	StepDone    StepState = "done"
	StepFailed  StepState = "failed"
	StepSkipped StepState = "skipped"
)

// Step is one line of the runbook as it went.
type Step struct {
	Name    string    `json:"name"`
	State   StepState `json:"state"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Detail  Text      `json:"detail,omitzero"`
}

// Took is how long the step has taken until now, or took.
func (s Step) Took(now time.Time) time.Duration {
	switch {
	case s.Started.IsZero():
		return 0
	case s.Ended.IsZero():
		return now.Sub(s.Started)
	default:
		return s.Ended.Sub(s.Started)
	}
}

// Progress is how far an apply has come.
type Progress struct {
	Stack   string `json:"stack"`
	Done    int    `json:"done"`
	Total   int    `json:"total"`
	Current string `json:"current,omitempty"` // address being worked on
}

// Question is what a paused run asks, with the answers it takes.
type Question struct {
	Number  int      `json:"number"` // in the run; an answer names the question it is for
	Step    string   `json:"step"`
	What    Text     `json:"what"`    // what happened
	Means   Text     `json:"means"`   // what it means for the run
	Answers []string `json:"answers"` // of retry, accept, disaster, skip, stop
	// Takes is how many people an answer takes, none of them the requester; one whom it
	// does not list takes anyone who may approve.
	Takes   map[string]int      `json:"takes,omitempty"`
	Voices  map[string][]string `json:"voices,omitempty"`  // who gave such an answer so far
	Without []string            `json:"without,omitempty"` // whose word does not count for those
	Digest  string              `json:"digest,omitempty"`  // of what accept accepts; those who type it name its beginning
	More    map[string]Text     `json:"more,omitempty"`    // what an answer leads to beside what it always does
	Loses   Text                `json:"loses,omitzero"`    // what the answer disaster leads to
}

// Names is the digest by which who types an answer that takes several people tells what they
// have read; empty for one that a single person gives. Two questions have never the same, but
// where the same is accepted.
func (q Question) Names(run, verb string) string {
	switch {
	case q.Digest != "" && verb == "accept":
		return q.Digest
	case q.Takes[verb] > 1:
		sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%s", run, q.Number, q.Step))
		return hex.EncodeToString(sum[:])[:8]
	}
	return ""
}

// Answer is the whole command that gives an answer.
func (q Question) Answer(run, verb string) Command {
	return Cmd("answer", "run", run, "answer", verb, "digest", q.Names(run, verb))
}

// Raise has what takes several people take so many at least.
func (q *Question) Raise(quorum int) {
	for verb, n := range q.Takes {
		if n > 1 {
			q.Takes[verb] = max(n, quorum)
		}
	}
}

// Result is what a run took against what was promised.
type Result struct {
	RTA      time.Duration `json:"rta"` // below zero when the clock was set back and nobody saw by how much
	RTO      time.Duration `json:"rto"`
	RPA      time.Duration `json:"rpa"`       // an estimate in disaster mode
	RPAKnown bool          `json:"rpa_known"` // false when the lag was unknown at the decision
	RPO      time.Duration `json:"rpo"`
	RPATold  Text          `json:"rpa_told,omitzero"` // the whole line, where it is no figure of this run
	Away     []Text        `json:"away,omitempty"`    // what was not where the run was to take it, where nobody had seen it serve
	Events   []Event       `json:"events,omitempty"`  // what the database service reported, fencing among it
	Left     []Text        `json:"left,omitempty"`    // what remains to be done later
	Accepted []Acceptance  `json:"accepted,omitempty"`
}

// Acceptance is what one person accepted beyond what was approved.
type Acceptance struct {
	By     string    `json:"by"`
	Step   string    `json:"step"`
	Digest string    `json:"digest"` // of what they were shown
	At     time.Time `json:"at"`
}

// Run is one execution of a runbook, as it is shown and kept.
type Run struct {
	Request
	Source    Region        `json:"source"`
	State     RunState      `json:"state"`
	Outcome   Text          `json:"outcome,omitzero"` // why it ended or waits
	Next      Text          `json:"next,omitzero"`    // what to do next
	Steps     []Step        `json:"steps"`
	Checks    []Check       `json:"checks,omitempty"`
	Accepts   []Text        `json:"accepts,omitempty"` // what an approval accepts: expected data loss, unknown lag
	Change    Change        `json:"change"`
	PlanLine  Text          `json:"plan_line,omitzero"` // "3 to add, 1 to change, 0 to destroy in 2 stacks"
	Digest    string        `json:"digest,omitempty"`
	Approval  Approval      `json:"approval"`
	Expires   time.Time     `json:"expires,omitzero"`
	ClockJump time.Duration `json:"clock_jump,omitempty"` // what the clock jumped by while it went; times before are of the old clock
	MergeSHA  string        `json:"merge_sha,omitempty"`
	// MergedApart says that its change was merged and the run ended without going on with it.
	MergedApart bool         `json:"merged_apart,omitempty"`
	Progress    *Progress    `json:"progress,omitempty"`
	Question    *Question    `json:"question,omitempty"`
	Result      *Result      `json:"result,omitempty"`
	Ended       time.Time    `json:"ended,omitzero"`
	Abandon     []string     `json:"abandon,omitempty"`   // persons who want a run past merge ended
	Accepting   []Acceptance `json:"accepting,omitempty"` // as they were said; a result has those that counted
	Version     int64        `json:"version"`             // grows with every change of the record
	Objective   Objectives   `json:"objectives"`
	Quorum      int          `json:"quorum"`
	GoneOn      *GoneOn      `json:"gone_on,omitempty"` // a planned run that people have made a disaster
	Decisions   []Decided    `json:"decisions,omitempty"`
	Configs     []string     `json:"configs,omitempty"` // digests of the configurations it ran under, in their order
}

// Decided is what was decided at a step of a run.
type Decided struct {
	Step string `json:"step,omitempty"` // empty in records from before it was kept
	Decision
}

// Decide keeps what was decided at a step, instead of what was decided there before: a step
// that is tried again decides anew.
func (r *Run) Decide(step string, d Decision) {
	i := slices.IndexFunc(r.Decisions, func(o Decided) bool { return o.Step == step })
	if i < 0 {
		r.Decisions = append(r.Decisions, Decided{step, d})
		return
	}
	r.Decisions[i].Decision = d
}

// GoneOn is that a run was begun as planned and goes on as a disaster, because its source
// does not answer any more and people have said so.
type GoneOn struct {
	Step  string    `json:"step"` // at which
	By    Voices    `json:"by"`
	At    time.Time `json:"at"`
	Loses Text      `json:"loses"` // what they were shown
}

// Line tells it.
func (g GoneOn) Line() Text {
	return T("gone-on.line", "step", g.Step, "who", g.By, "at", g.At, "loses", g.Loses)
}

// Requested and Began are when the run was asked for and when the trouble began, by
// the clock as it goes now.
func (r Run) Requested() time.Time { return r.At.Add(r.ClockJump) }

// Began is described at Requested.
func (r Run) Began() time.Time { return r.Since.Add(r.ClockJump) }

// AbandonedBy is how many people it takes to end a run past its merge, whether they abandon
// it or answer stop.
const AbandonedBy = 2

// PastMerge tells whether the change of a run has been merged.
func (r Run) PastMerge() bool { return r.MergeSHA != "" }

// StepIndex finds a step by name; -1 when it is not there.
func (r Run) StepIndex(name string) int {
	for i, s := range r.Steps {
		if s.Name == name {
			return i
		}
	}
	return -1
}

// Note is something to say in Slack apart from a run's one message: a reply in
// its thread, or a scheduled report. The key makes it be said once.
type Note struct {
	Key     string   `json:"key"`
	Run     string   `json:"run,omitempty"` // reply in this run's thread
	Channel string   `json:"channel"`
	Title   Text     `json:"title"`
	Level   Level    `json:"level,omitempty"`
	Lines   []Text   `json:"lines"`
	Context Text     `json:"context,omitzero"`
	Mention []string `json:"mention,omitempty"` // persons whose attention is wanted
	Link    string   `json:"link,omitempty"`
}

// AuditEntry is one line of the audit log: who asked for what and whether it
// was granted, or what the bot did.
type AuditEntry struct {
	At      time.Time `json:"at"`
	Who     string    `json:"who"` // person, or the foreign id of a stranger
	Via     string    `json:"via"`
	Action  string    `json:"action"`
	Service string    `json:"service,omitempty"`
	Run     string    `json:"run,omitempty"`
	Granted bool      `json:"granted"`
	Detail  Text      `json:"detail,omitzero"`
	Config  string    `json:"config,omitempty"` // digest of the configuration that the bot ran with
	// Once, where it is not empty, is what the entry is known by: a second one is the first.
	Once string `json:"once,omitempty"`
}

// Intent is an act the bot is about to ask the outside world for, stored before
// the call so that a restarted bot knows that it may have been made.
type Intent struct {
	Run  string    `json:"run"`
	Act  string    `json:"act"` // step name
	From string    `json:"from"`
	To   string    `json:"to"`
	At   time.Time `json:"at"`
}

// Drift is the nightly comparison of one stack with the world.
type Drift struct {
	Stack   string `json:"stack"`
	Level   Level  `json:"level"`
	Changes []Text `json:"changes"` // address: actions (attributes)
	Detail  Text   `json:"detail,omitzero"`
}

// Unsaid is a note that has not been said yet.
type Unsaid struct {
	Note
	// Tried says that a post may have been made whose answer was lost, so Slack
	// has to be searched before it is posted again.
	Tried bool
}

// Shown is where the one message of a run stands in Slack and which version of
// the record it shows. An empty TS means that it was not posted, as far as known.
type Shown struct {
	Channel string
	TS      string
	Version int64
}
