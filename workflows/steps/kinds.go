// Package steps holds the kinds of steps that follow a merge, a file a kind: what it is
// called, who may skip it, what it works on for a service, what it does, and the port of
// one to three methods that it needs for that. The configuration's check, the list that
// is shown before a run starts and the run itself all read the same kinds.
package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// Quorum is how many people it takes to skip a step.
type Quorum string

const (
	AnyApprover Quorum = "any"    // whoever may approve
	AsTheChange Quorum = "quorum" // as many as the change takes, without its requester
)

// Job is what a line of a runbook is made into steps for.
type Job struct {
	Service dr.Service
	Request dr.Request
	Source  dr.Region
	Which   string // of what the kind works on; empty for all
	N       int    // the how-manieth line of its kind this is, from 1
}

// Kind is a kind of step.
type Kind struct {
	ID   string
	Skip Quorum
	// Act is what a configuration may list of it; nil when the runbook alone does.
	Act *dr.ActInfo
	// Make gives the steps of one line. An error is a dr.Error: the line fits no service
	// like this one.
	Make func(Job) ([]engine.Step, error)
}

// Teller is a step that says beforehand what it does, and what cannot work without it.
type Teller interface {
	// Tell gives what people accept by it, which is empty where it only looks, and what is so
	// afterwards where it is skipped.
	Tell() (does, missed dr.Text)
}

// Ledger keeps what must be known after a crash.
type Ledger interface {
	// Intend stores an intent unless one for the same run and act is there, and gives the
	// stored one.
	Intend(ctx context.Context, in dr.Intent) (stored dr.Intent, fresh bool, err error)
	// LastIntent gives the newest intent of a run whose act begins with a prefix.
	LastIntent(ctx context.Context, run, prefix string) (in dr.Intent, found bool, err error)
	// Get gives the value kept under a key; empty when there is none.
	Get(ctx context.Context, key string) (string, error)
	// Keep stores a value under a key unless one is there, and gives the stored one.
	Keep(ctx context.Context, key, value string) (stored string, err error)
}

// Changing keeps what of a service changes from run to run.
type Changing interface {
	// Put stores a value under a key, over an older one.
	Put(ctx context.Context, key, value string) error
}

// Books are all that is kept.
type Books struct {
	Ledger
	Changing
}

// Timing is how long steps wait for what. Zero values take the defaults.
type Timing struct {
	Poll        time.Duration // between two looks at something that changes within seconds; 2 s
	Promote     time.Duration // for a promotion to take effect; 30 min
	Settle      time.Duration // for a request that may have been made to show; 15 s
	Gate        time.Duration // for a Region to become healthy; 30 min
	Quiesce     time.Duration // for tasks to end; 10 min
	Apply       time.Duration // for one apply; 2 h
	StaleIntent time.Duration // age at which an unanswered promotion request needs a person; 10 min
}

// WithDefaults fills what is not set.
func (t Timing) WithDefaults() Timing {
	for _, d := range []struct {
		at *time.Duration
		v  time.Duration
	}{
		{&t.Poll, 2 * time.Second}, {&t.Promote, 30 * time.Minute}, {&t.Settle, 15 * time.Second}, {&t.Gate, 30 * time.Minute},
		{&t.Quiesce, 10 * time.Minute}, {&t.Apply, 2 * time.Hour}, {&t.StaleIntent, 10 * time.Minute},
	} {
		if *d.at == 0 {
			*d.at = d.v
		}
	}
	return t
}

// World is what the kinds work on. For showing a list of steps it may be empty.
type World struct {
	Databases Databases
	Workloads Workloads
	Network   Network
	Terraform Applier
	Ledger    Books
	// Held looks, right before what cannot be taken back, whether this process is still
	// the one executor.
	Held   func(context.Context) error
	Now    func() time.Time
	Timing Timing
}

// Kinds lists every kind.
func Kinds(w *World) []Kind {
	return []Kind{quiesceKind(w), promoteKind(w), applyKind(w), redeployKind(w), gateKind(w), verifyKind(w), giveBackKind(w), restoreKind(w)}
}

// Acts lists what a configuration may list as an act.
func Acts(kinds []Kind) []dr.ActInfo {
	var out []dr.ActInfo
	for _, k := range kinds {
		if k.Act != nil {
			info := *k.Act
			info.ID = k.ID
			out = append(out, info)
		}
	}
	return out
}

// DefaultActs is the order that suits a service with a database.
func DefaultActs() []string {
	return []string{promote, key(Apply, applyTarget), redeploy, gate, key(Apply, applyTraffic)}
}

// Named finds a kind by its id.
func Named(kinds []Kind, id string) (Kind, bool) {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.ID == id })
	if i < 0 {
		return Kind{}, false
	}
	return kinds[i], true
}

// KindOf is the kind of a step by its name.
func KindOf(step string) string {
	kind, _, _ := strings.Cut(step, "/")
	return kind
}

// one makes a kind's only step out of a job, and takes nothing behind a slash.
func one(make func(Job) engine.Step) func(Job) ([]engine.Step, error) {
	return func(j Job) ([]engine.Step, error) {
		if j.Which != "" {
			return nil, &dr.Error{Code: dr.Invalid, What: dr.T("list.takes-nothing", "which", j.Which)}
		}
		return []engine.Step{make(j)}, nil
	}
}

// again makes an answer that was lost a reason to ask once more: these acts do no
// harm when they are done twice, unlike a promotion.
func again(err error) error {
	if err == nil || dr.CodeOf(err) != dr.Uncertain {
		return err
	}
	what, next := dr.Told(err)
	return &dr.Error{Code: dr.Temporary, What: what, Next: next, Err: err}
}

// budget gives a step's act time of its own: it must not end because its caller's does.
func budget(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), d)
}

func commit(sha string) string { return sha[:min(len(sha), 7)] }

func key(parts ...string) string { return strings.Join(parts, "/") }

func number(n int) string { return fmt.Sprint(n) }
