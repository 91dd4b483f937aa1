package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// Config is what drbot runs with: checked, complete, with the secrets read.
type Config struct {
	Listen string
	Socket string
	// SocketGroup is whose members may use the socket; the process's own where it is empty.
	SocketGroup string
	Database    string
	WorkDir     string
	// Throwaway allows a database on a file system that does not survive the host.
	Throwaway bool
	// SealAnew is the command line's: what is kept is sealed as it is.
	SealAnew  bool
	Slack     Slack
	GitHub    GitHub
	Terraform Terraform
	AWS       AWS
	Timing    Timing
	People    dr.People
	Services  map[string]dr.Service
	// Notices tell of what is taken for one edition more, with what to write instead.
	Notices []dr.Text
	// Digest is that of the file: its SHA-256, as sha256sum prints it.
	Digest string

	environment []string // secrets that come by variables which the file does not name as such
}

// Options is what a file is read with.
type Options struct {
	Getenv func(string) string
	// Secrets has the named secrets read; without it a file can be checked on a machine
	// that has none of them.
	Secrets bool
	// Systems are what a resource can be.
	Systems []dr.SystemInfo
	// Acts are what a service may list of what a run does, and DefaultActs is what one
	// does that lists nothing.
	Acts        []dr.ActInfo
	DefaultActs []string
	// Fits says what else is wrong with a service that has no other fault; nil says nothing.
	Fits func(dr.Service) []dr.Text
}

// Slack is how to reach Slack.
type Slack struct {
	TeamID, Token, SigningSecret, APIURL string
	Channel                              string // where drbot tells of itself
	Pace                                 time.Duration
}

// GitHub is how to reach GitHub: by a token or as an App.
type GitHub struct {
	Token, WebhookSecret, APIURL, GitURL string
	ModuleToken                          string // that reads the repositories of modules; an App makes its own
	App                                  *App
}

// App is the GitHub App that drbot is.
type App struct {
	ID  int64
	Key []byte // in PEM; nil when secrets are not read
}

// Terraform is how to run Terraform.
type Terraform struct {
	Path, PluginDir string
	HashKey         []byte
	// Values may hold {service} and {region}; ApplyEnvironment is for applies alone.
	Environment, ApplyEnvironment map[string]string
	PassEnv                       []string
	LockTimeout                   time.Duration
	// Walled is whether Terraform and git must run behind a wall; it takes a written word to
	// do without.
	Walled bool
	// User is the id of the user that Terraform runs as; 0 for the one that the installation
	// names, else drbot's own. ApplyUser is that of applies, where it is another.
	User, ApplyUser int
	Paths           Paths
}

// Paths are what Terraform may use of this host beside its own: to be read, to be read and
// executed, and to be changed.
type Paths struct{ Read, Run, Write []string }

// AWS is how to reach AWS. Role names may hold {service} and {region}.
type AWS struct {
	// ApplyRole is Terraform's, when it applies; with it, Terraform is lent the sessions of it
	// and of ReadRole, and has no other credentials.
	Endpoint, ReadRole, ApplyRole, PromoteRole string
	CallTimeout                                time.Duration
}

// Timing is how long the runbooks wait; zero takes the runbooks' own defaults.
type Timing struct {
	Poll, Review, Recheck, OutageLimit, Promote, Settle, Gate, Quiesce, Apply, Retry, Drain time.Duration
}

// maxFile bounds the configuration file: more than a thousand services.
const maxFile = 4 << 20

// Load reads and checks a file.
func Load(path string, o Options) (*Config, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unread(path, err)
	}
	if info.Size() > maxFile {
		return nil, &dr.Error{Code: dr.Invalid, What: dr.T("config.too-large", "n", info.Size(), "most", maxFile), Next: dr.T("config.too-large.next")}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unread(path, err)
	}
	return Parse(data, o)
}

func unread(path string, err error) error {
	return &dr.Error{Code: dr.NotFound, What: dr.T("config.unread", "file", path), Next: dr.T("config.unread.next"), Err: err}
}

// Parse reads and checks the text of a file.
func Parse(data []byte, o Options) (*Config, error) {
	_, c, err := parse(data, o)
	return c, err
}

// read takes a file's text into the keys it may have; an error is more than a fault of them.
func read(data []byte) (*reader, file, error) {
	in := defaults()
	doc, err := document(data)
	if err != nil {
		return nil, in, err
	}
	r := newReader()
	r.fill("", doc, reflect.ValueOf(&in).Elem())
	if r.read > maxValues {
		return r, in, r.err()
	}
	return r, in, nil
}

func parse(data []byte, o Options) (*reader, *Config, error) {
	r, in, err := read(data)
	if err != nil {
		return r, nil, err
	}
	f := &checker{faults: r.faults, spans: r.spans, acts: acts{o.Acts, o.DefaultActs}, fits: o.Fits, owners: &owners{faults: r.faults, held: map[string]holder{}}}
	if f.systems, err = compiled(o.Systems); err != nil {
		return r, nil, err
	}
	f.faults.built = true
	c := f.build(in, o.Getenv, o.Secrets)
	if len(f.faults.list) > 0 {
		return r, nil, f.faults.err()
	}
	c.Notices = f.notices
	sum := sha256.Sum256(data)
	c.Digest = hex.EncodeToString(sum[:])
	return r, c, nil
}

// checker makes what drbot runs with of what was read, and reports what is wrong with it.
type checker struct {
	faults  *faults
	spans   map[string]time.Duration
	systems map[string]system
	acts    acts
	fits    func(dr.Service) []dr.Text
	notices []dr.Text

	throwaway bool // the file is for trying out
	owners    *owners
}

// notRead stands for a secret that is there and was not wanted.
const notRead = "not read"

// Operations is the channel in which drbot tells of itself: the one that is named for it, or
// that of the first service by its name.
func (c *Config) Operations() string {
	if c.Slack.Channel != "" || len(c.Services) == 0 {
		return c.Slack.Channel
	}
	return c.Services[slices.Min(slices.Collect(maps.Keys(c.Services)))].Channel
}

// variable is a name that an environment variable can have; none where a file is named.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$|^$`)

// secret reads one secret from where the file says it is.
func (f *checker) secret(path string, s Secret, getenv func(string) string, read bool) string {
	switch {
	case (s.Env == "") == (s.File == ""):
		f.faults.add(path, dr.T("config.secret.where"))
		return ""
	case !variable.MatchString(s.Env) || secretly(s.Env) || secretly(s.File):
		f.faults.add(path, dr.T("config.secret.inside")) // and never what stands there
		return ""
	case !read:
		return notRead
	case s.Env != "":
		v := strings.TrimSpace(getenv(s.Env))
		if v == "" {
			f.faults.absent(path, dr.T("config.secret.env", "name", s.Env))
		}
		return v
	}
	data, err := os.ReadFile(s.File)
	v := strings.TrimSpace(string(data))
	if err != nil || v == "" {
		f.faults.absent(path, dr.T("config.secret.file", "file", s.File))
	}
	return v
}

func (f *checker) build(in file, getenv func(string) string, secrets bool) *Config {
	c := &Config{
		Listen: in.Listen, Socket: in.Socket, SocketGroup: in.SocketGroup, Database: in.State.Database, WorkDir: in.State.WorkDir, Throwaway: in.State.Throwaway,
		Slack:  Slack{TeamID: in.Slack.TeamID, APIURL: in.Slack.APIURL, Channel: in.Slack.Channel, Pace: time.Duration(in.Slack.Pace)},
		GitHub: GitHub{APIURL: in.GitHub.APIURL, GitURL: strings.TrimSuffix(in.GitHub.GitURL, "/")},
		Terraform: Terraform{
			Path: in.Terraform.Path, PluginDir: in.Terraform.PluginDir, Environment: in.Terraform.Environment, ApplyEnvironment: in.Terraform.ApplyEnv,
			PassEnv: in.Terraform.PassEnv, LockTimeout: time.Duration(in.Terraform.LockTimeout),
			Walled: in.Terraform.Isolation != isolationNone, User: in.Terraform.User, ApplyUser: in.Terraform.ApplyUser, Paths: Paths(in.Terraform.Paths),
		},
		AWS: AWS{Endpoint: in.AWS.Endpoint, ReadRole: in.AWS.ReadRole, ApplyRole: in.AWS.ApplyRole, PromoteRole: in.AWS.PromoteRole, CallTimeout: time.Duration(in.AWS.CallTimeout)},
		Timing: Timing{
			Poll: time.Duration(in.Timing.Poll), Review: time.Duration(in.Timing.Review), Recheck: time.Duration(in.Timing.Recheck), OutageLimit: time.Duration(in.Timing.OutageLimit), Promote: time.Duration(in.Timing.Promote),
			Settle: time.Duration(in.Timing.Settle), Gate: time.Duration(in.Timing.Gate), Quiesce: time.Duration(in.Timing.Quiesce),
			Apply: time.Duration(in.Timing.Apply), Retry: time.Duration(in.Timing.Retry), Drain: time.Duration(in.Timing.Drain),
		},
		Services: map[string]dr.Service{},
	}
	if url := getenv("DRBOT_DATABASE_URL"); url != "" {
		c.Database = url
	}
	if secrets {
		c.environment = held(in.Terraform.PassEnv, getenv)
	}
	f.throwaway = in.State.Throwaway
	f.owners.accounts = strings.Contains(in.AWS.PromoteRole, "{service}")
	f.within("", bounds())
	f.faults.filled(in)
	if own := f.faults.lent(in); len(own) > 0 {
		f.notices = append(f.notices, dr.T("config.lent.none", "variables", own))
	}
	f.faults.formed(in, c.Database)
	if unproved(c.Database, getenv) {
		f.faults.add("state.database", dr.T("config.form.verify-full")) // its value may hold a password
	}
	f.faults.isolated(in.Terraform)
	if c.Slack.Channel != "" && !channelForm.MatchString(c.Slack.Channel) {
		f.faults.add("slack.channel", dr.T("config.no-ops-channel", "channel", quoted(c.Slack.Channel)))
	}
	if c.Slack.TeamID == "" {
		f.faults.add("slack.team_id", dr.T("config.no-team"))
	}
	c.Slack.Token = f.secret("slack.token", in.Slack.Token, getenv, secrets)
	c.Slack.SigningSecret = f.secret("slack.signing_secret", in.Slack.SigningSecret, getenv, secrets)
	f.forge(in.GitHub, c, getenv, secrets)
	c.GitHub.WebhookSecret = f.secret("github.webhook_secret", in.GitHub.WebhookSecret, getenv, secrets)
	c.Terraform.HashKey = []byte(f.secret("terraform.hash_key", in.Terraform.HashKey, getenv, secrets))
	switch key := string(c.Terraform.HashKey); {
	case !secrets || key == "":
	case len(key) < shortestKey:
		f.faults.add("terraform.hash_key", dr.T("config.hash-key.short"))
	case weak(key):
		f.faults.add("terraform.hash_key", dr.T("config.hash-key.weak")) // and never what it is
	}
	c.People = f.people(in.People)
	if len(in.People) == 0 {
		f.faults.add("people", dr.T("config.none"))
	}
	if len(in.Services) == 0 {
		f.faults.add("services", dr.T("config.none"))
	}
	for i, s := range in.Services {
		path := fmt.Sprintf("services[%d]", i)
		if _, twice := c.Services[s.Name]; twice {
			f.faults.add(path+".name", dr.T("config.twice", "value", quoted(s.Name)))
		}
		before := len(f.faults.list)
		made := f.service(path, s, c.People)
		f.faults.inTime(path, made, c.Timing)
		if len(s.Terraform.ModuleRepos) > 0 && c.GitHub.App == nil && in.GitHub.ModuleToken == (Secret{}) {
			f.faults.add(path+".terraform.module_repositories", dr.T("config.module-token.none"))
		}
		if f.fits != nil && len(f.faults.list) == before {
			for _, why := range f.fits(made) {
				f.faults.add(path, why)
			}
		}
		c.Services[s.Name] = made
	}
	return c
}
