package dr

import (
	"slices"
	"strings"
	"time"
)

// Region is an AWS Region code such as "ap-northeast-2".
type Region string

// Mode says whether data loss is accepted. A person chooses it; the program
// never turns one into the other.
type Mode string

const (
	// Planned is a switchover: both Regions up, no data loss.
	Planned Mode = "planned"
	// Disaster is a failover: the source may be gone, data loss is accepted.
	Disaster Mode = "disaster"
)

// ParseMode reads a mode as people type it.
func ParseMode(s string) (Mode, bool) {
	m := Mode(strings.ToLower(strings.TrimSpace(s)))
	return m, m == Planned || m == Disaster
}

// Strategy is how much of a service stands in the passive Region; the names are
// those of the AWS whitepaper "Disaster Recovery of Workloads on AWS".
type Strategy string

// The four strategies.
const (
	BackupRestore Strategy = "backup-restore"
	PilotLight    Strategy = "pilot-light"
	WarmStandby   Strategy = "warm-standby"
	ActiveActive  Strategy = "active-active"
)

// Strategies lists every strategy a service may name.
func Strategies() []Strategy {
	return []Strategy{BackupRestore, PilotLight, WarmStandby, ActiveActive}
}

// Objectives are what was promised.
type Objectives struct {
	RTO time.Duration `json:"rto"`
	RPO time.Duration `json:"rpo"`
}

// StackRole says what a stack is for, and thereby when a run applies it.
type StackRole string

const (
	// DataStack holds data (database, buckets) and is never applied in a failover.
	DataStack StackRole = "data"
	// RegionStack is what runs in one Region.
	RegionStack StackRole = "region"
	// TrafficStack points the public name at the active Region.
	TrafficStack StackRole = "traffic"
)

// Stack is one Terraform root module directory of a service.
type Stack struct {
	Name          string            `json:"name"`
	Dir           string            `json:"dir"` // in the repository, slash separated
	Role          StackRole         `json:"role"`
	Region        Region            `json:"region,omitempty"` // of a RegionStack
	BackendConfig map[string]string `json:"backend_config,omitempty"`
	Workspace     string            `json:"workspace,omitempty"` // of Terraform's; empty: default, where that is the only one
}

// Repository is where the Terraform of a service lives.
type Repository struct {
	Owner string `json:"owner"`
	Name  string `json:"name"`
	Base  string `json:"base"` // the branch that tells the truth
	File  string `json:"file"` // the tfvars file that holds active_region
}

// Names are the DNS names of a service.
type Names struct {
	Public   string            `json:"public"`   // what users resolve
	Regional map[Region]string `json:"regional"` // <region>.<service>.<zone>
	// Servers are the zone's own name servers as host:port. A resolver asked too
	// early caches the absence of a name for the zone's negative TTL, so drbot
	// asks the source.
	Servers []string `json:"servers,omitempty"`
}

// Probe is an HTTP request that must succeed before traffic moves and after.
type Probe struct {
	URL    string `json:"url"` // "{host}" stands for the regional, then the public name
	Status int    `json:"status"`
}

// Schedule is when the scheduled runbooks of a service run.
type Schedule struct {
	Health   string `json:"health"` // cron, five fields
	Drift    string `json:"drift"`
	TimeZone string `json:"time_zone"` // IANA name
}

// ActInfo is what a configuration may list as an act of a service: a kind of step, told
// where the kind is.
type ActInfo struct {
	ID      string
	Which   []string // one of these must stand behind a slash; nil where nothing must
	On      string   // the system whose resources it works on: one may be named behind a slash
	Repeats bool     // may stand several times
	Needed  bool     // without it the service is not moved
	After   string   // an act that must stand before this one, where it is listed
	Before  string   // an act that must not stand before the first of this one; before the last, where it works on resources
}

// Service is an application that fails over as one.
type Service struct {
	Name       string        `json:"name"`
	Strategy   Strategy      `json:"strategy"`
	Objectives Objectives    `json:"objectives"`
	Regions    []Region      `json:"regions"` // two
	Channel    string        `json:"channel"` // Slack channel id
	Cooldown   time.Duration `json:"cooldown"`
	Expiry     time.Duration `json:"expiry"` // of the wait for approval
	Quorum     int           `json:"quorum"` // two or more
	Repository Repository    `json:"repository"`
	Stacks     []Stack       `json:"stacks"`
	Resources  []Resource    `json:"resources,omitempty"` // everything a check or a step looks at
	Names      Names         `json:"names"`
	Probes     []Probe       `json:"probes"`
	Unstable   []Unstable    `json:"unstable,omitempty"`
	Code       CodeRules     `json:"code,omitzero"` // what its stacks' code may do
	Acts       []string      `json:"acts"`          // what a run does after the merge, in order
	Schedule   Schedule      `json:"schedule"`
	Requesters []string      `json:"requesters"` // persons
	Approvers  []string      `json:"approvers"`  // persons
}

// Has tells whether a Region is one of the service's two.
func (s Service) Has(r Region) bool { return slices.Contains(s.Regions, r) }

// Other is the Region of the service that is not r.
func (s Service) Other(r Region) Region {
	for _, o := range s.Regions {
		if o != r {
			return o
		}
	}
	return ""
}

// RegionStack finds the stack of a Region.
func (s Service) RegionStack(r Region) (Stack, bool) {
	for _, st := range s.Stacks {
		if st.Role == RegionStack && st.Region == r {
			return st, true
		}
	}
	return Stack{}, false
}

// StacksOf lists the stacks with a role, in the order of the configuration.
func (s Service) StacksOf(role StackRole) []Stack {
	var out []Stack
	for _, st := range s.Stacks {
		if st.Role == role {
			out = append(out, st)
		}
	}
	return out
}

// RunStacks lists the stacks a failover applies, in order: the target, the
// traffic, and in planned mode the source at the end, so that both Regions end
// as Git says. A stack that holds data is never among them.
func (s Service) RunStacks(mode Mode, source, target Region) []Stack {
	var out []Stack
	if st, ok := s.RegionStack(target); ok {
		out = append(out, st)
	}
	out = append(out, s.StacksOf(TrafficStack)...)
	if st, ok := s.RegionStack(source); ok && mode == Planned {
		out = append(out, st)
	}
	return out
}

// Person is one human with every account they own; the same person is never
// counted twice because they have two logins.
type Person struct {
	Name         string   `json:"name"`
	SlackIDs     []string `json:"slack_ids"`
	GitHubLogins []string `json:"github_logins"`
	LocalUsers   []string `json:"local_users"`
}

// HasLogin tells whether a GitHub login is this person's; case is ignored, as
// GitHub ignores it.
func (p Person) HasLogin(login string) bool {
	return slices.ContainsFunc(p.GitHubLogins, func(l string) bool { return strings.EqualFold(l, login) })
}

// Same tells whether two entries are of one human being: they have an account in common.
func (p Person) Same(o Person) bool {
	return slices.ContainsFunc(p.GitHubLogins, o.HasLogin) ||
		slices.ContainsFunc(p.SlackIDs, func(id string) bool { return slices.Contains(o.SlackIDs, id) })
}

// People is everybody the configuration knows.
type People []Person

// ByLogin finds a person by GitHub login.
func (ps People) ByLogin(login string) (Person, bool) {
	return ps.find(func(p Person) bool { return login != "" && p.HasLogin(login) })
}

// BySlack finds a person by Slack user id.
func (ps People) BySlack(id string) (Person, bool) {
	return ps.find(func(p Person) bool { return id != "" && slices.Contains(p.SlackIDs, id) })
}

// ByLocalUser finds a person by the user name on the bot's host.
func (ps People) ByLocalUser(user string) (Person, bool) {
	return ps.find(func(p Person) bool { return user != "" && slices.Contains(p.LocalUsers, user) })
}

// ByName finds a person by name.
func (ps People) ByName(name string) (Person, bool) {
	return ps.find(func(p Person) bool { return p.Name == name })
}

func (ps People) find(match func(Person) bool) (Person, bool) {
	if i := slices.IndexFunc(ps, match); i >= 0 {
		return ps[i], true
	}
	return Person{}, false
}
