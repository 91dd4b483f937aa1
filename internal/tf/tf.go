package tf

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/drbot/drbot/dr"
)

const (
	defaultPoll        = 50 * time.Millisecond
	defaultPlanTimeout = 10 * time.Minute
	defaultLockTimeout = 30 * time.Second

	// shortestKey is what an HMAC key must have at least: low-entropy values such
	// as Region names are hashed with it.
	shortestKey = 16
)

// Options say where Terraform is, what its process sees and where runs are kept.
type Options struct {
	TerraformPath string // empty: on PATH, else a pinned version is installed into CacheDir
	CacheDir      string // empty: WorkDir/cache
	WorkDir       string // checkouts, git mirrors and the folders of applies
	PluginDir     string // for init -plugin-dir; empty leaves the search to Terraform

	// Environment and the variables named in PassEnv are all that Terraform's
	// process gets besides PATH, HOME and TMPDIR.
	// {service} and {region} in its values are those of the stack. ApplyEnvironment
	// comes on top for an apply and what belongs to one, so that plans may have fewer rights.
	Environment      map[string]string
	ApplyEnvironment map[string]string
	PassEnv          []string

	// SupervisorCommand starts the supervising process: an argv prefix that
	// Apply completes with the folder, and that ends up in Supervise.
	SupervisorCommand []string

	HashKey []byte // of the HMACs in plans; the same for planning and applying
	// Known are the secrets the bot holds: they are taken out of whatever Terraform, git and
	// the repositories say.
	Known  []string
	GitURL func(dr.Repository) string
	// GitToken gives a token for a repository; refused is one that the forge has just not
	// taken, empty at first. A source that has no other gives the same again. Nil: none
	// is needed.
	GitToken func(ctx context.Context, repo dr.Repository, refused string) (string, error)
	// ModuleToken gives a token that reads one repository, from which a service takes modules.
	// It is in reach while modules are fetched, never of a plan or an apply. Nil: there is none.
	ModuleToken func(ctx context.Context, repo dr.Repository) (string, error)

	ApplyPoll   time.Duration // how often an apply is looked at; 50 ms by default
	PlanTimeout time.Duration // of everything up to an apply; 10 min by default
	LockTimeout time.Duration // wait for somebody else's state lock; 30 s by default
	// PlanUnlocked makes plans that no apply follows take no state lock, which a
	// read-only role may be unable to do.
	PlanUnlocked bool

	// Processes is how many Terraform processes run at once in the whole program; by
	// default two, or as many as there are cores.
	Processes int

	// Held gives those of some types of resources that hold data: what of them an earlier
	// apply of the run left half made is not deleted without a question. Nil: none does.
	Held func(ctx context.Context, types []string) ([]string, error)
	// Lending gives Terraform its credentials for AWS; nil: it has what Environment and PassEnv
	// name, if that is any.
	Lending *Lending
	// Isolation is the wall that Terraform and git run behind; none by default.
	Isolation Isolation

	Logger *slog.Logger
}

// Terraform plans and applies stacks. It is safe for concurrent use.
type Terraform struct {
	opts   Options
	disk   disk
	places *places
	stacks *stacks

	install sync.Mutex // guards binary, and that one caller at a time installs it
	binary  string
}

// New checks the options and removes checkouts that a killed process left. It
// needs no network: a missing Terraform is installed when first used.
func New(o Options) (*Terraform, error) {
	if err := checkOptions(o); err != nil {
		return nil, err
	}
	o, err := complete(o)
	if err != nil {
		return nil, err
	}
	t := &Terraform{opts: o, disk: disk{o.WorkDir, o.CacheDir, o.Isolation, o.Logger}, places: newPlaces(o.Processes), stacks: newStacks(), binary: o.TerraformPath}
	if t.binary == "" {
		if found, err := exec.LookPath("terraform"); err == nil {
			t.binary = found
		}
	}
	for _, dir := range []string{o.WorkDir, t.disk.scratchDir(), t.disk.appliesDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, &dr.Error{Code: dr.Invalid, What: dr.T("tf.work-folder.unmade"), Next: dr.T("tf.work-folder.unmade.next"), Err: err}
		}
	}
	t.disk.sweepScratch()
	return t, nil
}

// complete fills in defaults and makes paths absolute: Terraform and the
// supervisor run in folders of their own.
func complete(o Options) (Options, error) {
	command, err := exec.LookPath(o.SupervisorCommand[0])
	if err != nil {
		return o, &dr.Error{Code: dr.Invalid, What: dr.T("tf.supervisor.missing"), Err: err}
	}
	o.SupervisorCommand = slices.Clone(o.SupervisorCommand)
	o.SupervisorCommand[0] = command
	for _, path := range []*string{&o.WorkDir, &o.CacheDir, &o.PluginDir, &o.TerraformPath, &o.SupervisorCommand[0]} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return o, &dr.Error{Code: dr.Invalid, What: dr.T("tf.path"), Err: err}
		}
	}
	o.CacheDir = cmp.Or(o.CacheDir, filepath.Join(o.WorkDir, "cache"))
	o.ApplyPoll = cmp.Or(max(o.ApplyPoll, 0), defaultPoll)
	o.PlanTimeout = cmp.Or(max(o.PlanTimeout, 0), defaultPlanTimeout)
	o.LockTimeout = cmp.Or(max(o.LockTimeout, 0), defaultLockTimeout)
	o.Processes = cmp.Or(max(o.Processes, 0), defaultProcesses())
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

func checkOptions(o Options) error {
	invalid := func(what dr.Text) error { return &dr.Error{Code: dr.Invalid, What: what} }
	if o.WorkDir == "" {
		return invalid(dr.T("tf.no-work-folder"))
	}
	if len(o.HashKey) < shortestKey {
		return invalid(dr.T("tf.short-key", "least", shortestKey))
	}
	if o.GitURL == nil {
		return invalid(dr.T("tf.no-repositories"))
	}
	if len(o.SupervisorCommand) == 0 {
		return invalid(dr.T("tf.no-supervisor"))
	}
	if o.TerraformPath != "" {
		if info, err := os.Stat(o.TerraformPath); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return &dr.Error{Code: dr.Invalid, What: dr.T("tf.no-executable"), Next: dr.T("tf.no-executable.next"), Err: err}
		}
	}
	if err := CheckEnvironment(o.ApplyEnvironment, nil); err != nil {
		return err
	}
	return CheckEnvironment(o.Environment, o.PassEnv)
}

// CheckEnvironment is dr.Invalid when a variable is among what Terraform's process
// shall get that terraform-exec keeps for itself or that would change a plan unseen, such
// as TF_VAR_*.
func CheckEnvironment(environment map[string]string, passed []string) error {
	names := make(map[string]string, len(passed))
	for _, name := range passed {
		names[name] = ""
	}
	maps.Copy(names, environment)
	if bad := tfexec.ProhibitedEnv(names); len(bad) > 0 {
		slices.Sort(bad)
		return &dr.Error{
			Code: dr.Invalid,
			What: dr.T("tf.environment", "variables", bad),
			Next: dr.T("tf.environment.next"),
		}
	}
	return nil
}

// purpose is what Terraform is started for.
type purpose int

const (
	toPlan purpose = iota
	toLook         // to plan as the apply will
	toApply
)

// environment is everything Terraform's process gets.
func (t *Terraform) environment(svc dr.Service, stack dr.Stack, why purpose) map[string]string {
	env := baseEnvironment()
	for _, name := range t.opts.PassEnv {
		if v, ok := os.LookupEnv(name); ok {
			env[name] = v
		}
	}
	given := maps.Clone(t.opts.Environment)
	if why == toApply {
		if given == nil {
			given = map[string]string{}
		}
		maps.Copy(given, t.opts.ApplyEnvironment)
	}
	fill := strings.NewReplacer("{service}", svc.Name, "{region}", string(regionOf(svc, stack)))
	for name, v := range given {
		env[name] = fill.Replace(v)
	}
	env["CHECKPOINT_DISABLE"] = "1" // no call home on the path of a failover
	switch named := slices.ContainsFunc(slices.Collect(maps.Keys(env)), dr.GivesCredentials); {
	case t.opts.Lending != nil:
		lent(env)
	case !named && env[metadataDisabled] == "":
		env[metadataDisabled] = "true" // who wants this host's own role for Terraform writes so
	}
	return env
}

// regionOf is the Region whose roles a stack is planned and applied with. One that belongs
// to none takes the second, the standby's: what a role may do there does not depend on
// the Region that answers.
func regionOf(svc dr.Service, stack dr.Stack) dr.Region {
	if stack.Region != "" || len(svc.Regions) < 2 {
		return stack.Region
	}
	return svc.Regions[1]
}

func baseEnvironment() map[string]string {
	env := make(map[string]string)
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env[name] = v
		}
	}
	return env
}

// job gathers what one plan or apply of a stack needs.
func (t *Terraform) job(ctx context.Context, svc dr.Service, stack dr.Stack, why purpose) (job, error) {
	binary, err := t.terraform(ctx)
	if err != nil {
		return job{}, err
	}
	j, err := t.reader(ctx, svc, stack, why)
	if err != nil {
		return job{}, err
	}
	j.Place.Terraform = binary
	j.Secrets.Modules, err = t.moduleAccess(ctx, svc)
	return j, err
}

// reader is a job that reads the repository and starts no Terraform.
func (t *Terraform) reader(ctx context.Context, svc dr.Service, stack dr.Stack, why purpose) (job, error) {
	url, err := checkGitURL(t.opts.GitURL(svc.Repository))
	if err != nil {
		return job{}, err
	}
	token, err := t.gitToken(ctx, svc.Repository, "")
	if err != nil {
		return job{}, err
	}
	j := job{
		file: svc.Repository.File,
		again: func(ctx context.Context, refused string) (string, error) {
			return t.gitToken(ctx, svc.Repository, refused)
		},
		Place: place{
			PluginDir:   t.opts.PluginDir,
			Wall:        t.opts.Isolation.of(why),
			WorkDir:     t.opts.WorkDir,
			GitURL:      url,
			LockTimeout: t.opts.LockTimeout,
			PlanTimeout: t.opts.PlanTimeout,
		},
		Secrets: secrets{
			HashKey:     t.opts.HashKey,
			Known:       t.opts.Known,
			GitToken:    token,
			Environment: t.environment(svc, stack, why),
			Loan:        t.opts.Lending.loan(svc, stack, why),
		},
		warn: func(err error) {
			t.opts.Logger.WarnContext(ctx, "no session for Terraform could be made", "service", svc.Name, "stack", stack.Name, "error", err)
		},
	}
	if l := t.opts.Lending; l != nil {
		j.borrow = l.Keys
	}
	return j, nil
}

// gitToken is the token for a repository; empty where none is needed.
func (t *Terraform) gitToken(ctx context.Context, repo dr.Repository, refused string) (string, error) {
	if t.opts.GitToken == nil {
		return "", nil
	}
	token, err := t.opts.GitToken(ctx, repo, refused)
	if err == nil || is[*dr.Error](err) {
		return token, err
	}
	return "", &dr.Error{Code: dr.Temporary, What: dr.T("git.no-token"), Err: err}
}

// job is what it takes to check out, plan and apply: the bot and the supervisor
// work from the same.
type job struct {
	Place   place
	Secrets secrets
	file    string // that a run changes; the supervisor has no need of it
	// again gives another Git token for a refused one; nil in the supervisor, whose token
	// is new when it starts.
	again func(ctx context.Context, refused string) (string, error)
	// borrow makes sessions of roles, where Terraform is lent some; warn hears of those that
	// could not be made.
	borrow   Borrow
	warn     func(error)
	patience time.Duration // for the first
}

// place is the part of a job that may be written to disk.
type place struct {
	Terraform   string
	PluginDir   string
	Wall        Isolation
	WorkDir     string
	GitURL      string
	LockTimeout time.Duration
	PlanTimeout time.Duration
}

// secrets is the part of a job that reaches the supervisor through a pipe and
// nothing else.
type secrets struct {
	HashKey     []byte
	Known       []string
	GitToken    string
	Modules     []moduleAccess
	Environment map[string]string
	Loan        *Loan  // nil where Terraform is lent nothing
	Source      Source // of the supervisor's sessions
}
