package reference

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/sync/errgroup"

	"github.com/drbot/drbot/internal/sandbox/aws"
)

// Folder is where the stacks of the service are, below the root of a repository.
const Folder = "terraform/live/portal"

// The stacks that are named by their task; the others are named by their Region.
const (
	Data    = "data"
	Traffic = "traffic"
)

// Control is the Region of the states: neither of the two that are left or gone to.
const Control = "ap-northeast-3"

const (
	stateBucket = "drbot-state"
	flipFile    = "active_region.auto.tfvars"
	sharedFile  = "service.auto.tfvars"
)

// Stacks is a copy of the reference infrastructure that is applied to a cloud.
type Stacks struct {
	Source    string // terraform/ of a checkout of this project
	Dir       string // the copy's root, as that of a repository
	Terraform string // the program
	PluginDir string // a provider mirror; empty asks the registry
	Strategy  string // empty leaves what service.auto.tfvars says
	Cloud     *aws.Cloud
}

// Find gives terraform/ of the checkout that a program is run in, or says that it
// is not there.
func Find(dir string) (string, error) {
	if _, err := os.Stat(filepath.Join(dir, "live", "portal", flipFile)); err != nil {
		return "", fmt.Errorf("the reference infrastructure is not in %s: %w", dir, err)
	}
	return filepath.Abs(dir)
}

// Names of the stacks, in the order they are first applied.
func (s *Stacks) Names() []string {
	return []string{Data, s.Cloud.Layout.Home, s.Cloud.Layout.Standby, Traffic}
}

// Write makes the copy: the modules, the stacks with this cloud's zone and the
// strategy, and what a provider must be told of an emulated AWS.
func (s *Stacks) Write(ctx context.Context) error {
	for _, sub := range []string{"modules", "live"} {
		if err := copyTree(filepath.Join(s.Source, sub), filepath.Join(s.Dir, "terraform", sub)); err != nil {
			return fmt.Errorf("copy the reference infrastructure: %w", err)
		}
	}
	partner, err := publicKey()
	if err != nil {
		return err
	}
	values := map[string]cty.Value{
		"sftp_users": cty.ObjectVal(map[string]cty.Value{"partner": cty.ObjectVal(map[string]cty.Value{
			"public_keys": cty.ListVal([]cty.Value{cty.StringVal(partner)}), "home": cty.StringVal("partner"),
		})}),
		"zone_name": cty.StringVal(s.Cloud.Layout.ZoneName), "zone_id": cty.StringVal(s.Cloud.Layout.ZoneID),
		"home_region": cty.StringVal(s.Cloud.Layout.Home), "standby_region": cty.StringVal(s.Cloud.Layout.Standby),
	}
	if s.Strategy != "" {
		values["strategy"] = cty.StringVal(s.Strategy)
	}
	if err := s.set(sharedFile, values); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.Dir, ".gitignore"), []byte(".terraform/\n.plans/\n"), 0o644); err != nil {
		return err
	}
	for _, stack := range s.Names() {
		// Terraform merges it into the stack's own provider blocks.
		text := override("")
		if stack == Data {
			text += override("standby")
		}
		if err := os.WriteFile(filepath.Join(s.dir(stack), "sandbox_override.tf"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return makeBucket(ctx, s.Cloud.Layout.MotoEndpoint)
}

func override(alias string) string {
	if alias != "" {
		alias = fmt.Sprintf("  alias                       = %q\n", alias)
	}
	return "# An emulated AWS has one address for all buckets, and no account behind its keys.\nprovider \"aws\" {\n" + alias +
		"  s3_use_path_style           = true\n  skip_credentials_validation = true\n  skip_metadata_api_check     = true\n}\n\n"
}

// set gives attributes of a file of the service new values, and leaves all else.
func (s *Stacks) set(name string, values map[string]cty.Value) error {
	path := filepath.Join(s.Dir, filepath.FromSlash(Folder), name)
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	file, diags := hclwrite.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return diags
	}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		file.Body().SetAttributeValue(k, values[k])
	}
	return os.WriteFile(path, file.Bytes(), 0o644)
}

// Activate says in the file of the service which Region serves.
func (s *Stacks) Activate(region string) error {
	return s.set(flipFile, map[string]cty.Value{"active_region": cty.StringVal(region)})
}

func (s *Stacks) dir(stack string) string {
	return filepath.Join(s.Dir, filepath.FromSlash(Folder), stack)
}

// Backend is what init is told of a stack's state.
func (s *Stacks) Backend(stack string) map[string]string {
	return map[string]string{
		"bucket": stateBucket, "key": "portal/" + stack + ".tfstate", "region": Control, "use_path_style": "true", "use_lockfile": "true",
		"skip_credentials_validation": "true", "skip_requesting_account_id": "true", "skip_metadata_api_check": "true", "skip_region_validation": "true",
	}
}

// Environment is what Terraform's process needs to reach the emulated AWS, through
// the proxy.
func (s *Stacks) Environment() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL": s.Cloud.Layout.Endpoint, "AWS_ACCESS_KEY_ID": "TERRAFORM", "AWS_SECRET_ACCESS_KEY": "sandbox",
		"AWS_EC2_METADATA_DISABLED": "true", "CHECKPOINT_DISABLE": "1",
	}
}

// InitAll readies all stacks, those that are not ready yet.
func (s *Stacks) InitAll(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	for _, stack := range s.Names() {
		if _, err := os.Stat(filepath.Join(s.dir(stack), ".terraform", "terraform.tfstate")); err == nil {
			continue
		}
		work.Go(func() error { return s.Init(ctx, stack) })
	}
	return work.Wait()
}

// Init readies a stack.
func (s *Stacks) Init(ctx context.Context, stack string) error {
	args := initArgs(s.PluginDir)
	backend := s.Backend(stack)
	for _, k := range slices.Sorted(maps.Keys(backend)) {
		args = append(args, "-backend-config="+k+"="+backend[k])
	}
	_, err := s.run(ctx, stack, args...)
	return err
}

// initArgs begin an init that takes its providers from a mirror, if there is one.
func initArgs(mirror string) []string {
	args := []string{"init", "-input=false", "-no-color"}
	if mirror != "" {
		args = append(args, "-plugin-dir="+mirror)
	}
	return args
}

// Apply applies a stack, or the given modules of it.
func (s *Stacks) Apply(ctx context.Context, stack string, targets ...string) error {
	args := []string{"apply", "-input=false", "-no-color", "-auto-approve", "-lock-timeout=30s"}
	for _, t := range targets {
		args = append(args, "-target="+t)
	}
	_, err := s.run(ctx, stack, args...)
	return err
}

// Plan plans a stack and gives the plan as JSON.
func (s *Stacks) Plan(ctx context.Context, stack string) ([]byte, error) {
	file := filepath.Join(s.Dir, ".plans", stack)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	if _, err := s.run(ctx, stack, "plan", "-input=false", "-no-color", "-lock=false", "-out="+file); err != nil {
		return nil, err
	}
	return s.run(ctx, stack, "show", "-json", file)
}

// Pull gives a stack's state.
func (s *Stacks) Pull(ctx context.Context, stack string) ([]byte, error) {
	return s.run(ctx, stack, "state", "pull")
}

// Managed counts what a stack's state holds, by type.
func (s *Stacks) Managed(ctx context.Context, stack string) (map[string]int, error) {
	data, err := s.Pull(ctx, stack)
	if err != nil {
		return nil, err
	}
	var st struct {
		Resources []struct {
			Mode      string            `json:"mode"`
			Type      string            `json:"type"`
			Instances []json.RawMessage `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(data, &st); err != nil {
		return nil, fmt.Errorf("read the state of %s: %w", stack, err)
	}
	have := map[string]int{}
	for _, r := range st.Resources {
		if r.Mode == "managed" {
			have[r.Type] += len(r.Instances)
		}
	}
	return have, nil
}

func (s *Stacks) run(ctx context.Context, stack string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.Terraform, args...)
	cmd.Dir = s.dir(stack)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
	env := s.Environment()
	// Of the database's administrator, at the first apply alone; later plans do without.
	env["TF_VAR_aurora_bootstrap_password"] = "sandbox-only-password"
	for _, k := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, k+"="+env[k])
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // Terraform then writes its state
	cmd.WaitDelay = 20 * time.Second
	var out, problem strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("terraform %s in %s: %w\n%s", args[0], stack, err, tail(cmp.Or(problem.String(), out.String())))
	}
	return []byte(out.String()), nil
}

// tail keeps the end of what Terraform printed.
func tail(s string) string {
	const most = 4000
	if len(s) > most {
		return "..." + s[len(s)-most:]
	}
	return s
}

// copyTree copies files and links; what Terraform leaves in a folder stays behind.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.Name() == ".terraform" {
			return fs.SkipDir
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		case !d.Type().IsRegular():
			return errors.New(path + " is neither a file nor a link")
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
}
