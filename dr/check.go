package dr

import "time"

// Level is the verdict of a check.
type Level string

// The levels. Missing or stale data is Unknown: never zero and never ok.
const (
	OK      Level = "ok"
	Warn    Level = "warn"
	Fail    Level = "fail"
	Unknown Level = "unknown"
)

// Worse orders levels: ok, warn, unknown, fail.
func (l Level) Worse(o Level) bool { return l.rank() > o.rank() }

func (l Level) rank() int {
	switch l {
	case OK:
		return 0
	case Warn:
		return 1
	case Unknown:
		return 2
	default:
		return 3
	}
}

// Check is one fact about readiness or replication.
type Check struct {
	Name      string    `json:"name"` // "aurora.lag"
	Region    Region    `json:"region,omitempty"`
	Resource  string    `json:"resource,omitempty"` // name of what was looked at; empty when there is but one
	Need      Need      `json:"need,omitempty"`     // of the mode, from the check's Spec
	Role      Role      `json:"role,omitempty"`     // from the check's Spec
	Level     Level     `json:"level"`
	Value     *float64  `json:"value,omitempty"` // nil when unknown
	Unit      string    `json:"unit,omitempty"`
	Threshold *float64  `json:"threshold,omitempty"`
	Detail    Text      `json:"detail,omitzero"`
	At        time.Time `json:"at"` // when the fact was true, not when it was read
}

// MeansOf is what a check means, by its id.
func MeansOf(check string) Text { return T(TextID("check." + check)) }

// MendOf is how what a check found is mended.
func MendOf(check string) Text { return T(TextID("mend." + check)) }

// DoesOf is what a kind of step does, by its id.
func DoesOf(kind string) Text { return T(TextID("kind." + kind)) }

// Worst is the worst level among checks; Unknown for an empty list, because
// nothing looked at is nothing known.
func Worst(checks []Check) Level {
	if len(checks) == 0 {
		return Unknown
	}
	worst := OK
	for _, c := range checks {
		if c.Level.Worse(worst) {
			worst = c.Level
		}
	}
	return worst
}

// DatabaseState is what the database service says of a global cluster.
// The statuses are the service's raw strings: the documented list is longer
// than the API's own enumeration (switching-over), so nothing is enumerated here.
type DatabaseState struct {
	Status       string           `json:"status"`                // of the global cluster
	Failover     string           `json:"failover"`              // FailoverState.Status; empty when nothing is pending
	FailoverFrom Region           `json:"failover_from"`         // of the pending operation
	FailoverTo   Region           `json:"failover_to"`           // of the pending operation
	DataLoss     bool             `json:"data_loss"`             // IsDataLossAllowed of the pending operation
	Writer       Region           `json:"writer"`                // empty when there is none
	Members      []DatabaseMember `json:"members"`               // every member the service lists
	ReadFrom     Region           `json:"read_from"`             // the Region that answered
	WriterReady  bool             `json:"writer_ready"`          // the writer's cluster and its writer instance are available
	WriterBusy   bool             `json:"writer_busy,omitempty"` // they are not, and in statuses that pass by themselves
	WriterDetail Text             `json:"writer_detail"`         // the writer's cluster and instances by their raw statuses, or why they were not read
	Engine       string           `json:"engine_version"`        // of the global cluster
}

// Rebuilds tells that a Region has the writer, which takes writes, while the promotion that
// brought it there goes on over the other members: that takes minutes to hours. One that has
// not begun, or is being taken back, is none of these.
func (s DatabaseState) Rebuilds(in Region) bool {
	under := s.Failover != "" && s.Failover != "pending" && s.Failover != "cancelling"
	return under && s.FailoverTo == in && s.Writer == in && s.WriterReady
}

// DatabaseMember is one cluster of a global database.
type DatabaseMember struct {
	ARN    string `json:"arn"`
	Region Region `json:"region"`
	Writer bool   `json:"writer"`
	Sync   string `json:"sync"` // raw SynchronizationStatus: connected, pending-resync
}

// Promotion is one request to move the writer.
type Promotion struct {
	Mode Mode   `json:"mode"`
	From Region `json:"from"`
	To   Region `json:"to"`
}

// WorkloadState is what ECS and ELB say of one workload.
type WorkloadState struct {
	Status     string    `json:"status"` // of the ECS service
	Desired    int       `json:"desired"`
	Running    int       `json:"running"`
	Pending    int       `json:"pending"`
	Rollout    string    `json:"rollout"`     // of the primary deployment: COMPLETED, IN_PROGRESS, FAILED, or empty
	Deployment string    `json:"deployment"`  // id of the primary deployment
	DeployedAt time.Time `json:"deployed_at"` // when the primary deployment was made
	Healthy    int       `json:"healthy"`     // targets that answer their health check
	Targets    int       `json:"targets"`     // all targets registered

	// Unread is why the targets are not known; empty where they are, or there are none to know.
	Unread Text `json:"unread,omitzero"`

	// Failed is the newest deployment that its circuit breaker ended, as long as it is shown.
	// With rollback an older one is the primary one by then.
	Failed Deployment `json:"failed,omitzero"`
}

// Deployment is one of a workload, by the platform's own clock.
type Deployment struct {
	ID string    `json:"id"`
	At time.Time `json:"at"` // when it was made
}

// Event is something a service reported about itself, such as an RDS event.
type Event struct {
	At     time.Time `json:"at"`
	Source string    `json:"source"`
	Text   Text      `json:"text"` // its own words, with what drbot makes of them
}

// ReadinessFacts is what a policy looks at before a run changes anything.
type ReadinessFacts struct {
	Mode     Mode     `json:"mode"`
	Source   Region   `json:"source"`
	Target   Region   `json:"target"`
	Strategy Strategy `json:"strategy"`
	RPO      float64  `json:"rpo_seconds"`
	Checks   []Check  `json:"checks"`
	// Expected are the checks of the service's resources that have to be among
	// Checks: one that was not made says as much as one that failed. Nil when nobody
	// told, which denies.
	Expected  []Expected `json:"expected"`
	Resources int        `json:"resources"` // how many resources the service has
}

// Expected is a check that is to be made, as its Spec tells it for a mode.
type Expected struct {
	Name     string `json:"name"`
	Resource string `json:"resource,omitempty"` // as in the Check
	Need     Need   `json:"need,omitempty"`
	Role     Role   `json:"role,omitempty"`
}

// Verdict is a decision about readiness: no, go, or go if people accept what is
// listed in Accepts.
type Verdict struct {
	Decision
	Accepts []Text `json:"accepts"`
}
