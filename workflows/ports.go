package workflows

import (
	"context"
	"database/sql"
	"time"

	"github.com/drbot/drbot/dr"
)

// What the runbooks need from the outside. Each port is small, owned here, and
// implemented by an adapter that does not know of it; cmd/drbot joins them. The ports
// of the steps after a merge stand beside their kinds.

// Files reads the active_region file of a repository.
type Files interface {
	// File reads the file on a ref (branch or SHA) and tells the commit it was read at.
	File(ctx context.Context, repo dr.Repository, ref string) (content, commit string, err error)
	// Parents lists the parents of a commit: the first of a merge is what it came upon.
	Parents(ctx context.Context, repo dr.Repository, sha string) ([]string, error)
	// Self is the bot's own login.
	Self(ctx context.Context) (string, error)
}

// Changes is the pull request of a run.
type Changes interface {
	// OpenChange makes branch, commit and pull request, or finds those it made before.
	OpenChange(ctx context.Context, req dr.ChangeRequest) (dr.Change, error)
	// ChangeState reads everything the approval rules look at, fresh.
	ChangeState(ctx context.Context, repo dr.Repository, number int) (dr.ChangeState, error)
	// Merge merges exactly this head, or fails with dr.Conflict when it moved.
	Merge(ctx context.Context, repo dr.Repository, number int, head string) (mergeSHA string, err error)
	// CloseChange closes the pull request and deletes the bot's branch.
	CloseChange(ctx context.Context, repo dr.Repository, change dr.Change) error
}

// Watcher reads the pull requests of the runs that wait.
type Watcher interface {
	// Look is ChangeState without reading again what the forge says has not changed. The
	// base's tip and people's rights may be some seconds old.
	Look(ctx context.Context, repo dr.Repository, number int) (dr.ChangeState, error)
}

// Unattended is what a forge merges by itself: by the queue of a base, and what somebody has
// set to merge as soon as it may.
type Unattended interface {
	// Queued tells whether the base takes changes by its queue alone, and where one stands there.
	Queued(ctx context.Context, repo dr.Repository, number int) (dr.Queued, error)
	// Enqueue puts exactly this head into the queue, unless it is there. It fails with
	// dr.Conflict when the head moved.
	Enqueue(ctx context.Context, repo dr.Repository, number int, head string) error
	// Dequeue takes a change out of the queue, if it is there.
	Dequeue(ctx context.Context, repo dr.Repository, number int) error
	// StopAutoMerge has a change not merge by itself, and gives who had set it to; nobody
	// where it was not set. Right before it does so it tells first who, whose error keeps it
	// from it. Beside an error that somebody is who has, and it stays so.
	StopAutoMerge(ctx context.Context, repo dr.Repository, number int, first func(by string) error) (by string, err error)
}

// Publisher tells the people on the pull request what the bot found.
type Publisher interface {
	// Comment writes or rewrites the one comment with this marker.
	Comment(ctx context.Context, repo dr.Repository, number int, marker, body string) error
	// Commented is which comment that is and when it was last written, by the forge's own
	// clock; dr.NotFound where there is none.
	Commented(ctx context.Context, repo dr.Repository, number int, marker string) (dr.Written, error)
	// Status sets a commit status.
	Status(ctx context.Context, repo dr.Repository, sha, name string, state dr.CommitState, text, url string) error
	// Restore has a change say what was posted there, and gives what stands there then. What
	// says something else is put back; right before that it tells first what it is and who
	// wrote it, whose error keeps it from it.
	Restore(ctx context.Context, repo dr.Repository, number int, want dr.Posted, first func([]dr.Rewritten) error) (dr.Posted, error)
}

// Rules reads what the forge asks of a merge, and of whoever approves it.
type Rules interface {
	// Rules makes a check of every rule of the service's repository. What cannot be read
	// is an unknown check, never an error.
	Rules(ctx context.Context, s dr.Service, mode dr.Mode) []dr.Check
}

// Pages puts into words what stands on a pull request.
type Pages interface {
	// Change is the title, the commit's message and the body of a run's pull request.
	Change(run dr.Run, s dr.Service) (title, message, body string)
	// Plan are the comments that carry the plan and its digest: as many as it takes.
	Plan(run dr.Run, plans dr.Plans, digest string, d dr.Decision) []string
	// Comment is any other comment.
	Comment(title dr.Text, lines []dr.Text) string
	// Line is the one line of a commit status.
	Line(t dr.Text) string
}

// ActiveRegionFile reads and rewrites the one value a failover changes.
type ActiveRegionFile interface {
	// ActiveRegion reads the literal; dr.Invalid when it is missing or no literal.
	ActiveRegion(content string) (dr.Region, error)
	// SetActiveRegion rewrites the literal alone, keeping comments and format.
	SetActiveRegion(content string, to dr.Region) (string, error)
}

// Planner plans stacks.
type Planner interface {
	Plan(ctx context.Context, req dr.PlanRequest) (dr.Plan, error)
	// Changed tells whether what stacks read differs between two trees: false means that
	// the plans of the one are those of the other. What cannot be told counts as changed.
	Changed(ctx context.Context, req dr.TreesRequest) (bool, error)
}

// Systems reads the checks of a service's resources.
type Systems interface {
	// Checks reads every fact about a switch of Regions, in parallel, each with a timeout
	// of its own. What cannot be read is an unknown check, never an error.
	Checks(ctx context.Context, s dr.Service, mode dr.Mode, source, target dr.Region) []dr.Check
	// Expected lists the checks that Checks has to make for a service.
	Expected(s dr.Service, mode dr.Mode) []dr.Expected
}

// Databases is what reports and results ask of the database service.
type Databases interface {
	State(ctx context.Context, s dr.Service, db dr.Resource, through dr.Region) (dr.DatabaseState, error)
	Lag(ctx context.Context, s dr.Service, db dr.Resource, passive dr.Region) (dr.Check, error)
	// Events lists what the service reported since a time.
	Events(ctx context.Context, s dr.Service, db dr.Resource, in dr.Region, since time.Time) ([]dr.Event, error)
}

// Names asks where names lead, the way users do.
type Names interface {
	// Resolve asks the zone's own name servers.
	Resolve(ctx context.Context, s dr.Service, name string) (dr.Resolution, error)
}

// Policy decides; code acts.
type Policy interface {
	Readiness(ctx context.Context, f dr.ReadinessFacts) (dr.Verdict, error)
	Plans(ctx context.Context, s dr.Service, source dr.Region, plans dr.Plans) (dr.Decision, error)
}

// Records keeps the records of runs.
type Records interface {
	// StartRun stores the record of a run and its audit line together with what begin
	// does in the same transaction: all or nothing. created is false, and nothing is
	// done, when a run of this id is there.
	StartRun(ctx context.Context, r dr.Run, line dr.AuditEntry, begin func(*sql.Tx) error) (created bool, err error)
	Run(ctx context.Context, id string) (dr.Run, error)
	Runs(ctx context.Context, service string, limit int) ([]dr.Run, error)
	OpenRuns(ctx context.Context) ([]dr.Run, error)
}

// Keeper keeps small values that must outlive a crash.
type Keeper interface {
	// Keep stores a value under a key unless one is there, and gives the stored one.
	Keep(ctx context.Context, key, value string) (stored string, err error)
}

// Seals is where it is written down what is of before the seals.
type Seals interface {
	// SealFormer seals what is kept and writes down the open runs that were begun without a
	// seal: once, by an entry of the audit log.
	SealFormer(ctx context.Context, now time.Time, unsealed []string) error
	// BegunBeforeSeals tells whether that has a run.
	BegunBeforeSeals(ctx context.Context, run string) (bool, error)
}

// Reports keeps what the scheduled runbooks found.
type Reports interface {
	AddReadings(ctx context.Context, service string, at time.Time, checks []dr.Check) error
	// LastReading gives the newest readings of a service and when they were due; no time
	// where there are none.
	LastReading(ctx context.Context, service string) (at time.Time, checks []dr.Check, err error)
	AddDrift(ctx context.Context, service string, at time.Time, drift []dr.Drift) error
}

// Directory knows what Slack says of a user.
type Directory interface {
	// Standing is dr.Denied with a reason when the account is a guest, a bot,
	// deactivated or of another workspace.
	Standing(ctx context.Context, slackID string) error
}
