package config

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/drbot/drbot/dr"
)

// Config is what drbot runs with: checked, complete, with the secrets read.
type Config struct {
	Listen   string
	Socket   string
	Database string
	WorkDir  string
	// Throwaway allows a database on a file system that does not survive the host.
	Throwaway bool
	Slack     Slack
	GitHub    GitHub
	Terraform Terraform
	AWS       AWS
	Timing    Timing
	People    dr.People
	Services  map[string]dr.Service
}

// Slack is how to reach Slack.
type Slack struct {
	TeamID, Token, SigningSecret, APIURL string
	Pace                                 time.Duration
}

// GitHub is how to reach GitHub.
type GitHub struct{ Token, WebhookSecret, APIURL, GitURL string }

// Terraform is how to run Terraform.
type Terraform struct {
	Path, PluginDir string
	HashKey         []byte
	// Values may hold {service} and {region}; ApplyEnvironment is for applies alone.
	Environment, ApplyEnvironment map[string]string
	PassEnv                       []string
	LockTimeout                   time.Duration
}

// AWS is how to reach AWS. Role names may hold {service} and {region}.
type AWS struct {
	Endpoint, ReadRole, PromoteRole string
	CallTimeout                     time.Duration
}

// Timing is how long the runbooks wait; zero takes the runbooks' own defaults.
type Timing struct {
	Poll, Review, Promote, Settle, Gate, Quiesce, Apply, Retry, Drain time.Duration
}

// maxFile bounds the configuration file.
const maxFile = 4 << 20

// Load reads and checks a file. With secrets false the named secrets are not
// read, so that a file can be checked on a machine that has none of them.
func Load(path string, getenv func(string) string, secrets bool) (*Config, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, &dr.Error{Code: dr.NotFound, Msg: "the configuration " + path + " cannot be read.", Hint: "give it with --config, or start from drbot.example.yaml", Err: err}
	}
	if info.Size() > maxFile {
		return nil, &dr.Error{Code: dr.Invalid, Msg: fmt.Sprintf("the configuration has %d bytes; %d are the most.", info.Size(), maxFile)}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &dr.Error{Code: dr.NotFound, Msg: "the configuration " + path + " cannot be read.", Err: err}
	}
	return Parse(data, getenv, secrets)
}

// Parse reads and checks the text of a file.
func Parse(data []byte, getenv func(string) string, secrets bool) (*Config, error) {
	var doc map[string]any
	if err := unmarshal(data, &doc); err != nil {
		return nil, &dr.Error{Code: dr.Invalid, Msg: "the configuration is not YAML: " + yaml.FormatError(err, false, false)}
	}
	var f faults
	f.shape("", doc, reflect.TypeFor[file]())
	in := defaults()
	if err := unmarshal(data, &in); err != nil {
		if len(f.list) == 0 {
			f.add("", "%s", yaml.FormatError(err, false, false))
		}
		return nil, f.err() // what cannot be decoded cannot be looked at any further
	}
	c := f.build(in, getenv, secrets)
	if len(f.list) > 0 {
		return nil, f.err()
	}
	return c, nil
}

// unmarshal guards against the decoder's own panics, which some malformed tags
// cause: a configuration is what somebody typed.
func unmarshal(data []byte, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it cannot be decoded: %v", p)
		}
	}()
	return yaml.Unmarshal(data, v)
}

func (f *faults) err() error {
	what := "1 fault"
	if len(f.list) > 1 {
		what = fmt.Sprintf("%d faults", len(f.list))
	}
	return &dr.Error{Code: dr.Invalid, Msg: "the configuration has " + what + ":\n  " + strings.Join(f.list, "\n  "), Hint: "drbot.example.yaml documents every key"}
}

// secret reads one secret from where the file says it is.
func (f *faults) secret(path string, s Secret, getenv func(string) string, read bool) string {
	switch {
	case (s.Env == "") == (s.File == ""):
		f.add(path, "say where the secret is: either env: NAME or file: PATH")
		return ""
	case !read:
		return "not read"
	case s.Env != "":
		v := strings.TrimSpace(getenv(s.Env))
		if v == "" {
			f.add(path, "the environment variable %s is empty", s.Env)
		}
		return v
	}
	data, err := os.ReadFile(s.File)
	v := strings.TrimSpace(string(data))
	if err != nil || v == "" {
		f.add(path, "the file %s cannot be read or is empty", s.File)
	}
	return v
}

func (f *faults) build(in file, getenv func(string) string, secrets bool) *Config {
	c := &Config{
		Listen: in.Listen, Socket: in.Socket, Database: in.State.Database, WorkDir: in.State.WorkDir, Throwaway: in.State.Throwaway,
		Slack:  Slack{TeamID: in.Slack.TeamID, APIURL: in.Slack.APIURL, Pace: time.Duration(in.Slack.Pace)},
		GitHub: GitHub{APIURL: in.GitHub.APIURL, GitURL: strings.TrimSuffix(in.GitHub.GitURL, "/")},
		Terraform: Terraform{
			Path: in.Terraform.Path, PluginDir: in.Terraform.PluginDir, Environment: in.Terraform.Environment, ApplyEnvironment: in.Terraform.ApplyEnv,
			PassEnv: in.Terraform.PassEnv, LockTimeout: time.Duration(in.Terraform.LockTimeout),
		},
		AWS: AWS{Endpoint: in.AWS.Endpoint, ReadRole: in.AWS.ReadRole, PromoteRole: in.AWS.PromoteRole, CallTimeout: time.Duration(in.AWS.CallTimeout)},
		Timing: Timing{
			Poll: time.Duration(in.Timing.Poll), Review: time.Duration(in.Timing.Review), Promote: time.Duration(in.Timing.Promote),
			Settle: time.Duration(in.Timing.Settle), Gate: time.Duration(in.Timing.Gate), Quiesce: time.Duration(in.Timing.Quiesce),
			Apply: time.Duration(in.Timing.Apply), Retry: time.Duration(in.Timing.Retry), Drain: time.Duration(in.Timing.Drain),
		},
		Services: map[string]dr.Service{},
	}
	if url := getenv("DRBOT_DATABASE_URL"); url != "" {
		c.Database = url
	}
	if c.Slack.TeamID == "" {
		f.add("slack.team_id", "missing; commands of other workspaces are refused by it")
	}
	c.Slack.Token = f.secret("slack.token", in.Slack.Token, getenv, secrets)
	c.Slack.SigningSecret = f.secret("slack.signing_secret", in.Slack.SigningSecret, getenv, secrets)
	c.GitHub.Token = f.secret("github.token", in.GitHub.Token, getenv, secrets)
	c.GitHub.WebhookSecret = f.secret("github.webhook_secret", in.GitHub.WebhookSecret, getenv, secrets)
	c.Terraform.HashKey = []byte(f.secret("terraform.hash_key", in.Terraform.HashKey, getenv, secrets))
	if secrets && len(c.Terraform.HashKey) > 0 && len(c.Terraform.HashKey) < 16 {
		f.add("terraform.hash_key", "is shorter than 16 characters; make one with: openssl rand -hex 32")
	}
	c.People = f.people(in.People)
	if len(in.Services) == 0 {
		f.add("services", "there is none")
	}
	for i, s := range in.Services {
		path := fmt.Sprintf("services[%d]", i)
		if _, twice := c.Services[s.Name]; twice {
			f.add(path+".name", "%q is there twice", s.Name)
		}
		c.Services[s.Name] = f.service(path, s, c.People)
	}
	return c
}
