package workflows

import (
	"context"
	"time"

	"github.com/drbot/drbot/dr"
)

// What the runbooks need from the outside. Each port is small, owned here, and
// implemented by an adapter that does not know of it; cmd/drbot joins them.

// ChangeControl is the forge: files, pull requests, reviews.
type ChangeControl interface {
	// File reads the active_region file on a ref (branch or SHA) and tells the
	// commit it was read at.
	File(ctx context.Context, repo dr.Repository, ref string) (content, commit string, err error)
	// OpenChange makes branch, commit and pull request, or finds those it made before.
	OpenChange(ctx context.Context, req dr.ChangeRequest) (dr.Change, error)
	// ChangeState reads everything the approval rules look at, fresh.
	ChangeState(ctx context.Context, repo dr.Repository, number int) (dr.ChangeState, error)
	// Merge merges exactly this head, or fails with dr.Conflict when it moved.
	Merge(ctx context.Context, repo dr.Repository, number int, head string) (mergeSHA string, err error)
	// CloseChange closes the pull request and deletes the bot's branch.
	CloseChange(ctx context.Context, repo dr.Repository, change dr.Change) error
	// Self is the bot's own login.
	Self(ctx context.Context) (string, error)
}

// Publisher tells the people on the pull request what the bot found.
type Publisher interface {
	// Comment writes or rewrites the one comment with this marker.
	Comment(ctx context.Context, repo dr.Repository, number int, marker, body string) error
	// Status sets a commit status.
	Status(ctx context.Context, repo dr.Repository, sha, name string, state dr.CommitState, text, url string) error
}

// ActiveRegionFile reads and rewrites the one value a failover changes.
type ActiveRegionFile interface {
	// ActiveRegion reads the literal; dr.Invalid when it is missing or no literal.
	ActiveRegion(content string) (dr.Region, error)
	// SetActiveRegion rewrites the literal alone, keeping comments and format.
	SetActiveRegion(content string, to dr.Region) (string, error)
}

// Terraform plans and applies stacks.
type Terraform interface {
	Plan(ctx context.Context, req dr.PlanRequest) (dr.Plan, error)
	// Apply plans again, refuses what is wider than approved, applies and follows.
	// It gives an error only when it could not find out how the apply ended.
	Apply(ctx context.Context, req dr.ApplyRequest, progress func(dr.Progress)) (dr.ApplyResult, error)
}

// Database is what a failover needs from the database service.
type Database interface {
	// DatabaseState reads the global cluster through a Region's endpoint.
	DatabaseState(ctx context.Context, s dr.Service, through dr.Region) (dr.DatabaseState, error)
	// Promote makes the one call that moves the writer and does not wait.
	Promote(ctx context.Context, s dr.Service, p dr.Promotion) error
	// DatabaseEvents lists what the service reported since a time.
	DatabaseEvents(ctx context.Context, s dr.Service, in dr.Region, since time.Time) ([]dr.Event, error)
}

// Workloads is what runs in a Region.
type Workloads interface {
	Workload(ctx context.Context, s dr.Service, in dr.Region) (dr.WorkloadState, error)
	Scale(ctx context.Context, s dr.Service, in dr.Region, desired int) error
	Redeploy(ctx context.Context, s dr.Service, in dr.Region) error
}

// Readiness reads every fact about a switch of Regions, in parallel, each with a
// timeout of its own. What cannot be read is an unknown check, never an error.
type Readiness interface {
	Checks(ctx context.Context, s dr.Service, mode dr.Mode, source, target dr.Region) []dr.Check
}

// Replication is how far the passive Region is behind.
type Replication interface {
	// Lag reads the database's replication lag in the passive Region. The check is
	// Unknown when there is no reading or the last is stale.
	Lag(ctx context.Context, s dr.Service, passive dr.Region) (dr.Check, error)
}

// Network asks names and addresses the way users do.
type Network interface {
	// Resolve asks the zone's own name servers.
	Resolve(ctx context.Context, s dr.Service, name string) (dr.Resolution, error)
	// Probe makes the service's HTTP requests with a name as the host.
	Probe(ctx context.Context, s dr.Service, name string) ([]dr.Check, error)
}

// Policy decides; code acts.
type Policy interface {
	Readiness(ctx context.Context, f dr.ReadinessFacts) (dr.Verdict, error)
	Plans(ctx context.Context, s dr.Service, source dr.Region, plans dr.Plans) (dr.Decision, error)
}

// RunStore keeps the records of runs.
type RunStore interface {
	CreateRun(ctx context.Context, r dr.Run) error
	Run(ctx context.Context, id string) (dr.Run, error)
	// UpdateRun changes the record under a lock and gives what it became.
	UpdateRun(ctx context.Context, id string, change func(*dr.Run)) (dr.Run, error)
	Runs(ctx context.Context, service string, limit int) ([]dr.Run, error)
	OpenRuns(ctx context.Context) ([]dr.Run, error)
}

// Ledger keeps what must be known after a crash and what must be provable later.
type Ledger interface {
	Audit(ctx context.Context, e dr.AuditEntry) error
	// Intend stores an intent unless one for the same run and act is there, and
	// gives the stored one.
	Intend(ctx context.Context, in dr.Intent) (stored dr.Intent, fresh bool, err error)
	// Get gives the value kept under a key; empty when there is none.
	Get(ctx context.Context, key string) (string, error)
	// LastIntent gives the newest intent of a run whose act begins with a prefix.
	LastIntent(ctx context.Context, run, prefix string) (in dr.Intent, found bool, err error)
	// Keep stores a value under a key unless one is there, and gives the stored one.
	Keep(ctx context.Context, key, value string) (stored string, err error)
}

// Outbox holds what is to be said in Slack until it has been said.
type Outbox interface {
	Say(ctx context.Context, n dr.Note) error
}

// Reports keeps what the scheduled runbooks found.
type Reports interface {
	AddReadings(ctx context.Context, service string, at time.Time, checks []dr.Check) error
	AddDrift(ctx context.Context, service string, at time.Time, drift []dr.Drift) error
}

// Directory knows what Slack says of a user.
type Directory interface {
	// Standing is dr.Denied with a reason when the account is a guest, a bot,
	// deactivated or of another workspace.
	Standing(ctx context.Context, slackID string) error
}

// Notifier is told that there is something new to show. It must not block.
type Notifier interface {
	Changed(run string)
}
