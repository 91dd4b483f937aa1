// Package config reads drbot.yaml: defaults first, unknown keys refused, every
// fault reported at once with its path, and nothing is connected to before that.
// Secrets are never in the file; it names the environment variable or file that
// holds each.
package config

import (
	"fmt"
	"time"

	"github.com/drbot/drbot/dr"
)

// Duration is a length of time written as "90s", "30m" or "4h".
type Duration time.Duration

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("read a duration: %w", err)
	}
	*d = Duration(v)
	return nil
}

// Secret says where a secret is: in an environment variable or in a file. Exactly
// one of the two.
type Secret struct {
	Env  string `yaml:"env"`
	File string `yaml:"file"`
}

// file is drbot.yaml as it is written.
type file struct {
	Listen string `yaml:"listen"`
	Socket string `yaml:"socket"`
	// SocketGroup is whose members may use the socket: a name or a number.
	SocketGroup string    `yaml:"socket_group"`
	State       state     `yaml:"state"`
	Slack       slack     `yaml:"slack"`
	GitHub      github    `yaml:"github"`
	Terraform   terraform `yaml:"terraform"`
	AWS         aws       `yaml:"aws"`
	Timing      timing    `yaml:"timing"`
	People      []person  `yaml:"people"`
	Services    []service `yaml:"services"`
}

type state struct {
	Database  string `yaml:"database"`
	WorkDir   string `yaml:"work_dir"`
	Throwaway bool   `yaml:"throwaway"`
}

type slack struct {
	TeamID        string `yaml:"team_id"`
	Token         Secret `yaml:"token"`
	SigningSecret Secret `yaml:"signing_secret"`
	APIURL        string `yaml:"api_url"`
	Channel       string `yaml:"channel"`
	// Pace is the time between two posts, or two updates, in one channel.
	Pace Duration `yaml:"pace"`
}

type github struct {
	Token         Secret `yaml:"token"`
	App           *app   `yaml:"app"` // in the place of the token
	ModuleToken   Secret `yaml:"module_token"`
	WebhookSecret Secret `yaml:"webhook_secret"`
	APIURL        string `yaml:"api_url"`
	GitURL        string `yaml:"git_url"`
}

type app struct {
	ID         int    `yaml:"id"`
	PrivateKey Secret `yaml:"private_key"`
}

type terraform struct {
	Path        string            `yaml:"path"`
	PluginDir   string            `yaml:"plugin_dir"`
	HashKey     Secret            `yaml:"hash_key"`
	Environment map[string]string `yaml:"environment"`
	ApplyEnv    map[string]string `yaml:"apply_environment"`
	PassEnv     []string          `yaml:"pass_env"`
	LockTimeout Duration          `yaml:"lock_timeout"`
	Isolation   string            `yaml:"isolation"`
	User        int               `yaml:"user"`
	ApplyUser   int               `yaml:"apply_user"`
	Paths       paths             `yaml:"paths"`
}

type paths struct {
	Read  []string `yaml:"read"`
	Run   []string `yaml:"run"`
	Write []string `yaml:"write"`
}

type aws struct {
	Endpoint    string   `yaml:"endpoint"`
	ReadRole    string   `yaml:"read_role"`
	ApplyRole   string   `yaml:"apply_role"`
	PromoteRole string   `yaml:"promote_role"`
	CallTimeout Duration `yaml:"call_timeout"`
}

type timing struct {
	Poll        Duration `yaml:"poll"`
	Review      Duration `yaml:"review"`
	Recheck     Duration `yaml:"recheck"`
	OutageLimit Duration `yaml:"outage_limit"`
	Promote     Duration `yaml:"promote"`
	Settle      Duration `yaml:"settle"`
	Gate        Duration `yaml:"gate"`
	Quiesce     Duration `yaml:"quiesce"`
	Apply       Duration `yaml:"apply"`
	Retry       Duration `yaml:"retry"`
	Drain       Duration `yaml:"drain"`
}

type person struct {
	Name       string   `yaml:"name"`
	Slack      []string `yaml:"slack"`
	GitHub     []string `yaml:"github"`
	LocalUsers []string `yaml:"local_users"`
}

type service struct {
	Name       string              `yaml:"name"`
	Strategy   string              `yaml:"strategy"`
	Regions    []string            `yaml:"regions"`
	Objectives objectives          `yaml:"objectives"`
	Channel    string              `yaml:"channel"`
	Cooldown   *Duration           `yaml:"cooldown"`
	Expiry     *Duration           `yaml:"expiry"`
	Quorum     *int                `yaml:"quorum"`
	Repository repository          `yaml:"repository"`
	Stacks     []stack             `yaml:"stacks"`
	Resources  []resource          `yaml:"resources"`
	Database   *database           `yaml:"database"`  // as it was before resources
	Workloads  map[string]workload `yaml:"workloads"` // likewise
	Names      names               `yaml:"names"`
	Probes     []probe             `yaml:"probes"`
	Unstable   []unstable          `yaml:"unstable"`
	Terraform  code                `yaml:"terraform"`
	Acts       []string            `yaml:"acts"`
	Schedule   schedule            `yaml:"schedule"`
	Requesters []string            `yaml:"requesters"`
	Approvers  []string            `yaml:"approvers"`
}

type objectives struct {
	RTO Duration `yaml:"rto"`
	RPO Duration `yaml:"rpo"`
}

type repository struct {
	Owner string `yaml:"owner"`
	Name  string `yaml:"name"`
	Base  string `yaml:"base"`
	File  string `yaml:"file"`
}

type stack struct {
	Name          string            `yaml:"name"`
	Dir           string            `yaml:"dir"`
	Role          string            `yaml:"role"`
	Region        string            `yaml:"region"`
	BackendConfig map[string]string `yaml:"backend_config"`
	Workspace     string            `yaml:"workspace"`
}

// resource has beside these keys those of its system.
type resource struct {
	Name   string                       `yaml:"name"`
	System string                       `yaml:"system"`
	After  []string                     `yaml:"after"`
	In     map[string]map[string]string `yaml:"in"`
	Spec   map[string]string            `yaml:",inline"`
}

type database struct {
	GlobalCluster string            `yaml:"global_cluster"`
	Clusters      map[string]string `yaml:"clusters"`
	Headless      bool              `yaml:"headless"`
}

type workload struct {
	Cluster     string `yaml:"cluster"`
	Service     string `yaml:"service"`
	TargetGroup string `yaml:"target_group"`
}

type names struct {
	Public   string            `yaml:"public"`
	Regional map[string]string `yaml:"regional"`
	Servers  []string          `yaml:"servers"`
}

type probe struct {
	URL    string `yaml:"url"`
	Status int    `yaml:"status"`
}

type unstable struct {
	Stack     string `yaml:"stack"`
	Address   string `yaml:"address"`
	Attribute string `yaml:"attribute"`
	Reason    string `yaml:"reason"`
}

// code is what a service's code may do.
type code struct {
	Allow       []allow  `yaml:"allow"`
	ModuleHosts []string `yaml:"module_hosts"`
	ModuleRepos []string `yaml:"module_repositories"`
	LockFile    string   `yaml:"lock_file"`
}

type allow struct {
	What   string `yaml:"what"`
	Path   string `yaml:"path"`
	Reason string `yaml:"reason"`
}

type schedule struct {
	Health   string `yaml:"health"`
	Drift    string `yaml:"drift"`
	TimeZone string `yaml:"time_zone"`
}

// defaults is what holds where the file is silent.
func defaults() file {
	return file{
		Listen: ":8080",
		Socket: "/run/drbot/drbot.sock",
		State:  state{Database: "sqlite:/var/lib/drbot/drbot.db", WorkDir: "/var/lib/drbot/work"},
		AWS:    aws{CallTimeout: Duration(5 * time.Second)},
		Slack:  slack{Pace: Duration(1200 * time.Millisecond)},
		GitHub: github{GitURL: "https://github.com"},
		Timing: timing{Drain: Duration(30 * time.Minute)},
		Terraform: terraform{
			LockTimeout: Duration(30 * time.Second), Isolation: isolationAuto,
		},
	}
}

// The defaults of a service.
const (
	defaultCooldown = 30 * time.Minute
	defaultExpiry   = 60 * time.Minute
	minQuorum       = 2
)

// strategyNames lists the strategies for a message.
func strategyNames() []string {
	var out []string
	for _, v := range dr.Strategies() {
		out = append(out, string(v))
	}
	return out
}
