//go:build aws

package reference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	tfjson "github.com/hashicorp/terraform-json"
	"golang.org/x/sync/errgroup"

	"github.com/drbot/drbot/internal/sandbox/aws"
)

// trial is one strategy on a cloud of its own.
type trial struct {
	*Stacks
	t        *testing.T
	ctx      context.Context
	from, to string
}

func newTrial(t *testing.T, strategy string) *trial {
	t.Helper()
	provider(t)
	ctx, cancel := context.WithTimeout(t.Context(), 17*time.Minute)
	t.Cleanup(cancel)
	cloud, err := aws.Start(ctx, aws.Options{Dir: t.TempDir(), ZoneOnly: true})
	if errors.Is(err, aws.ErrNoMoto) {
		t.Skipf("not proved here: %v", err)
	}
	ok(t, err)
	t.Cleanup(cloud.Close)
	from, err := Find(checkout)
	ok(t, err)
	dir, err := os.MkdirTemp("", "drbot-reference-") // t.TempDir would fail the test for a provider that is still writing
	ok(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	tr := &trial{t: t, ctx: ctx, from: cloud.Layout.Home, to: cloud.Layout.Standby, Stacks: &Stacks{
		Source: from, Dir: dir, Terraform: terraform(t), PluginDir: os.Getenv("TF_PLUGIN_DIR"), Strategy: strategy, Cloud: cloud,
	}}
	ok(t, tr.Write(ctx))
	return tr
}

func terraform(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("not proved here: there is no Terraform")
	}
	return path
}

// provider skips a test where the provider cannot be had: neither a mirror nor the
// registry.
func provider(t *testing.T) {
	t.Helper()
	if err := hasProvider(); err != nil {
		t.Skipf("not proved here: no provider hashicorp/aws (set TF_PLUGIN_DIR to a mirror): %v", err)
	}
}

var hasProvider = sync.OnceValue(func() error {
	path, err := exec.LookPath("terraform")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "drbot-provider-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	src := `terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(src), 0o600); err != nil {
		return err
	}
	args := []string{"init", "-input=false", "-no-color"}
	if mirror := os.Getenv("TF_PLUGIN_DIR"); mirror != "" {
		args = append(args, "-plugin-dir="+mirror)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, tail(string(out)))
	}
	return nil
})

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lap does a part of the trial and says how long it took.
func (tr *trial) lap(what string, do func()) {
	tr.t.Helper()
	began := time.Now()
	do()
	tr.t.Logf("%-52s %6.1fs", what, time.Since(began).Seconds())
}

func (tr *trial) apply(stacks ...string) {
	tr.t.Helper()
	for _, stack := range stacks {
		tr.lap("apply "+stack, func() { ok(tr.t, tr.Apply(tr.ctx, stack)) })
	}
}

// plans plans stacks, side by side.
func (tr *trial) plans(stacks ...string) map[string]*tfjson.Plan {
	tr.t.Helper()
	var mu sync.Mutex
	out := map[string]*tfjson.Plan{}
	work, ctx := errgroup.WithContext(tr.ctx)
	for _, stack := range stacks {
		work.Go(func() error {
			data, err := tr.Plan(ctx, stack)
			if err != nil {
				return err
			}
			p := &tfjson.Plan{}
			mu.Lock()
			defer mu.Unlock()
			out[stack] = p
			return p.UnmarshalJSON(data)
		})
	}
	ok(tr.t, work.Wait())
	return out
}

// steady are the attributes that an emulated AWS does not give back as they were
// given, with the reason: of anything else a second plan shows nothing.
var steady = map[string]string{}

// empty fails when a plan of what was just applied would change something.
func (tr *trial) empty(plans map[string]*tfjson.Plan) {
	tr.t.Helper()
	for stack, p := range plans {
		for _, c := range p.ResourceChanges {
			if c.Change.Actions.NoOp() || c.Change.Actions.Read() {
				continue
			}
			for _, path := range changed(c.Change) {
				if why, known := steady[c.Type+"."+path]; known && c.Change.Actions.Update() {
					tr.t.Logf("%s: %s.%s differs: %s", stack, c.Address, path, why)
					continue
				}
				tr.t.Errorf("the plan of %s, just applied, would %v %s (%s)", stack, c.Change.Actions, c.Address, path)
			}
		}
		for name, o := range p.OutputChanges {
			if !o.Actions.NoOp() {
				tr.t.Errorf("the plan of %s, just applied, would change the output %s", stack, name)
			}
		}
	}
}

// changed names the top attributes that a change touches.
func changed(c *tfjson.Change) []string {
	before, _ := c.Before.(map[string]any)
	after, _ := c.After.(map[string]any)
	unknown, _ := c.AfterUnknown.(map[string]any)
	var out []string
	for k := range after {
		if encoded(before[k]) != encoded(after[k]) {
			out = append(out, k)
		}
	}
	for k := range unknown {
		if encoded(unknown[k]) != "false" && !slices.Contains(out, k) && strings.Contains(encoded(unknown[k]), "true") {
			out = append(out, k)
		}
	}
	if len(out) == 0 {
		out = []string{"the whole"}
	}
	return out
}

func encoded(v any) string {
	data, _ := json.Marshal(v) // it came from JSON
	return string(data)
}

// holdsData are the types of what a failover must never delete or replace.
var holdsData = []string{
	"aws_rds_global_cluster", "aws_rds_cluster", "aws_rds_cluster_instance", "aws_db_subnet_group", "aws_s3_bucket", "aws_secretsmanager_secret",
	"aws_secretsmanager_secret_version", "aws_kms_key", "aws_kms_replica_key", "aws_ecr_repository", "aws_backup_vault", "aws_dynamodb_table",
	"aws_cloudwatch_log_group", "aws_ebs_volume", "aws_efs_file_system",
}

// kept fails when a plan of any stack would delete or replace what holds data, or
// would make an IAM role, whose control plane is in one Region of the world.
func (tr *trial) kept(plans map[string]*tfjson.Plan) {
	tr.t.Helper()
	for stack, p := range plans {
		for _, c := range p.ResourceChanges {
			gone := c.Change.Actions.Delete() || c.Change.Actions.Replace()
			if gone && slices.Contains(holdsData, c.Type) {
				tr.t.Errorf("the plan of %s would %v %s, which holds data", stack, c.Change.Actions, c.Address)
			}
			if c.Type == "aws_rds_cluster" && !c.Change.Actions.NoOp() && !c.Change.Actions.Read() {
				for _, path := range changed(c.Change) {
					if path == "global_cluster_identifier" || path == "replication_source_identifier" {
						tr.t.Errorf("the plan of %s would change %s of %s, which takes it out of the global cluster", stack, path, c.Address)
					}
				}
			}
			if strings.HasPrefix(c.Type, "aws_iam_") && !c.Change.Actions.NoOp() && !c.Change.Actions.Read() {
				tr.t.Errorf("the plan of %s would %v %s: a failover must not need IAM's control plane", stack, c.Change.Actions, c.Address)
			}
		}
	}
}

// known fails when a plan has something unknown.
func (tr *trial) known(stack string, p *tfjson.Plan) {
	tr.t.Helper()
	n := 0
	for _, c := range p.ResourceChanges {
		if c.Change.Actions.NoOp() || c.Change.Actions.Read() {
			continue
		}
		n++
		if strings.Contains(encoded(c.Change.AfterUnknown), "true") {
			tr.t.Errorf("%s: %s has unknown values: %s", stack, c.Address, encoded(c.Change.AfterUnknown))
		}
	}
	if n == 0 {
		tr.t.Errorf("the plan of %s changes nothing, so nothing was looked at", stack)
	}
}

// serves waits until a Region serves as the users see it: tasks run and are healthy
// behind the load balancer, and the public name is that Region's.
func (tr *trial) serves(region string) {
	tr.t.Helper()
	ctx, cancel := context.WithTimeout(tr.ctx, time.Minute)
	defer cancel()
	l := tr.Cloud.Layout
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", l.DNSAddr)
	}}
	host, _, err := net.SplitHostPort(l.Regions[region].AppAddr)
	ok(tr.t, err)
	last := ""
	for {
		desired, running, err := tr.Cloud.Running(ctx, region)
		healthy, herr := tr.Cloud.HealthyTargets(ctx, region)
		addrs, derr := resolver.LookupHost(ctx, l.RecordName)
		if err == nil && herr == nil && derr == nil && desired >= 1 && running == desired && healthy >= desired && slices.Equal(addrs, []string{host}) {
			return
		}
		last = encoded([]any{desired, running, healthy, addrs}) + errors.Join(err, herr, derr, errors.New("")).Error()
		select {
		case <-ctx.Done():
			tr.t.Fatalf("%s does not serve: wanted, running, healthy, addresses of %s (which must be %s): %s", region, l.RecordName, host, last)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// stands fails when a stack's state lacks a kind of resource, or has it.
func (tr *trial) stands(stack string, want map[string]bool) {
	tr.t.Helper()
	data, err := tr.Pull(tr.ctx, stack)
	ok(tr.t, err)
	var st struct {
		Resources []struct {
			Mode      string            `json:"mode"`
			Type      string            `json:"type"`
			Instances []json.RawMessage `json:"instances"`
		} `json:"resources"`
	}
	ok(tr.t, json.Unmarshal(data, &st))
	have := map[string]int{}
	for _, r := range st.Resources {
		if r.Mode == "managed" {
			have[r.Type] += len(r.Instances)
		}
	}
	for kind, there := range want {
		if have[kind] > 0 != there {
			tr.t.Errorf("%s has %d of %s; it must have some: %t", stack, have[kind], kind, there)
		}
	}
}

// promote moves the writer as drbot does: outside Terraform.
func (tr *trial) promote(to string, disaster bool) {
	tr.t.Helper()
	l := tr.Cloud.Layout
	target := l.Regions[to].ClusterARN
	var err error
	if disaster {
		_, err = rds.NewFromConfig(tr.config(to)).FailoverGlobalCluster(tr.ctx, &rds.FailoverGlobalClusterInput{
			GlobalClusterIdentifier: &l.GlobalCluster, TargetDbClusterIdentifier: &target, AllowDataLoss: awssdk.Bool(true)})
	} else {
		_, err = rds.NewFromConfig(tr.config(l.Other(to))).SwitchoverGlobalCluster(tr.ctx, &rds.SwitchoverGlobalClusterInput{
			GlobalClusterIdentifier: &l.GlobalCluster, TargetDbClusterIdentifier: &target})
	}
	ok(tr.t, err)
	ctx, cancel := context.WithTimeout(tr.ctx, time.Minute)
	defer cancel()
	for {
		region, status, err := tr.Cloud.GlobalWriter(ctx)
		if err == nil && region == to && status == "available" {
			return
		}
		select {
		case <-ctx.Done():
			tr.t.Fatalf("the writer did not come to %s: it is in %s, %s (%v)", to, region, status, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// passive is what a Region's own stack has when it does not serve.
var passive = map[string]map[string]bool{
	"backup-restore": {"aws_lb": false, "aws_ecs_service": false, "aws_transfer_server": false, "aws_vpc_endpoint": false},
	"pilot-light":    {"aws_lb": false, "aws_ecs_service": false, "aws_transfer_server": false, "aws_vpc_endpoint": false, "aws_ecs_cluster": true},
	"warm-standby":   {"aws_lb": true, "aws_ecs_service": true, "aws_transfer_server": true, "aws_vpc_endpoint": true},
	"active-active":  {"aws_lb": true, "aws_ecs_service": true, "aws_transfer_server": true, "aws_vpc_endpoint": true},
}

var serving = map[string]bool{"aws_lb": true, "aws_ecs_service": true, "aws_transfer_server": true, "aws_vpc_endpoint": true, "aws_route53_record": true}

// TestStrategies fails over and back, for every strategy, each on an AWS of its
// own: with the source's endpoints refusing, by Terraform alone.
func TestStrategies(t *testing.T) {
	for strategy := range passive {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, strategy)
			database := strategy != "backup-restore"
			all := tr.Names()
			var p map[string]*tfjson.Plan

			tr.lap("everything for the first time", func() { ok(t, tr.First(tr.ctx)) })
			tr.lap("plan all", func() { p = tr.plans(all...) })
			tr.empty(p)
			tr.secure(p)
			tr.serves(tr.from)
			tr.stands(tr.from, serving)
			tr.stands(tr.to, passive[strategy])

			ok(t, tr.Activate(tr.to))
			tr.lap("plan the flip", func() { p = tr.plans(all...) })
			tr.kept(p)
			tr.known(Traffic, p[Traffic])
			if database {
				tr.promote(tr.to, true)
			}
			ok(t, tr.Cloud.Outage(tr.ctx, tr.from, aws.Refuse))
			began := time.Now()
			tr.apply(tr.to, Traffic)
			tr.serves(tr.to)
			tr.stands(tr.to, serving)
			tr.lap("plan the target, without the source", func() { p = tr.plans(tr.to, Traffic) })
			tr.empty(p)
			for _, c := range tr.Cloud.Proxy.TerraformCalls(tr.from) {
				if c.Start.After(began) {
					t.Errorf("Terraform asked %s, which is gone: %s %s", tr.from, c.Service, c.Operation)
				}
			}
			if n := len(tr.Cloud.Proxy.TerraformCalls(tr.to)); n == 0 {
				t.Error("the journal has no call of Terraform's, so nothing was looked at")
			}

			ok(t, tr.Cloud.Lift(tr.ctx, tr.from))
			tr.lap("plan the source again", func() { p = tr.plans(tr.from, Data) })
			tr.kept(p)
			tr.apply(tr.from)
			tr.stands(tr.from, passive[strategy])
			tr.lap("plan all", func() { p = tr.plans(all...) })
			tr.empty(p)

			ok(t, tr.Activate(tr.from))
			tr.lap("plan the way back", func() { p = tr.plans(all...) })
			tr.kept(p)
			tr.known(Traffic, p[Traffic])
			if database {
				tr.promote(tr.from, false)
			}
			tr.apply(tr.from, Traffic)
			tr.serves(tr.from)
			tr.apply(tr.to)
			tr.stands(tr.to, passive[strategy])
			tr.lap("plan all", func() { p = tr.plans(all...) })
			tr.empty(p)
		})
	}
}

// oldest is Terraform 1.1.2, which scripts/terraform-1.1 builds.
const oldest = "../../../.cache/terraform-1.1.2"

// TestModules validates every module and stack and runs the tests of those that
// have some, with a mock of the provider.
func TestModules(t *testing.T) {
	provider(t)
	root := copied(t)
	tested := 0
	for _, dir := range modules(t, root) {
		_, err := os.Stat(filepath.Join(dir, "tests"))
		hasTests := err == nil
		if hasTests {
			tested++
		}
		t.Run(relative(t, root, dir), func(t *testing.T) {
			t.Parallel()
			program := terraform(t)
			readied(t, program, dir)
			switch {
			case !hasTests && !takesProviders(t, dir): // else it is validated by its tests, or in its caller
				tool(t, program, dir, "validate", "-no-color")
			case hasTests:
				out := strings.TrimSpace(tool(t, program, dir, "test", "-no-color"))
				t.Log(out[strings.LastIndex(out, "\n")+1:])
			}
		})
	}
	if tested < 10 {
		t.Errorf("only %d modules have tests", tested)
	}
}

// TestOldestTerraform validates everything with the oldest Terraform that is
// promised, which is what the case runs.
func TestOldestTerraform(t *testing.T) {
	provider(t)
	if _, err := os.Stat(oldest); err != nil {
		t.Skip("not proved here: there is no Terraform 1.1.2 (make test-aws builds it)")
	}
	program, err := filepath.Abs(oldest)
	ok(t, err)
	root := copied(t)
	for _, dir := range modules(t, root) {
		if takesProviders(t, dir) {
			continue
		}
		t.Run(relative(t, root, dir), func(t *testing.T) {
			t.Parallel()
			readied(t, program, dir)
			tool(t, program, dir, "validate", "-no-color")
		})
	}
}

func copied(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, sub := range []string{"modules", "live"} {
		ok(t, copyTree(filepath.Join(checkout, sub), filepath.Join(root, sub)))
	}
	return root
}

func relative(t *testing.T, root, dir string) string {
	t.Helper()
	name, err := filepath.Rel(root, dir)
	ok(t, err)
	return name
}

// takesProviders tells whether a module's providers are given by its caller.
func takesProviders(t *testing.T, dir string) bool {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(dir, "versions.tf"))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	ok(t, err)
	return strings.Contains(string(src), "configuration_aliases")
}

func readied(t *testing.T, program, dir string) {
	t.Helper()
	args := []string{"init", "-backend=false", "-input=false", "-no-color"}
	if mirror := os.Getenv("TF_PLUGIN_DIR"); mirror != "" {
		args = append(args, "-plugin-dir="+mirror)
	}
	tool(t, program, dir, args...)
}

func tool(t *testing.T, program, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "CHECKPOINT_DISABLE=1", "AWS_EC2_METADATA_DISABLED=true"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("terraform %s in %s: %v\n%s", args[0], dir, err, out)
	}
	return string(out)
}

// TestMissingLink plans a stack that does not know which Region serves: it must
// fail rather than plan with a guess.
func TestMissingLink(t *testing.T) {
	tr := newTrial(t, "pilot-light")
	for _, stack := range tr.Names() {
		ok(t, tr.Init(tr.ctx, stack))
		ok(t, os.Remove(filepath.Join(tr.dir(stack), flipFile)))
		if _, err := tr.Plan(tr.ctx, stack); err == nil || !strings.Contains(err.Error(), "active_region") {
			t.Errorf("%s plans without active_region: %v", stack, err)
		}
	}
}

// TestRefusedValues gives the stacks what they must refuse.
func TestRefusedValues(t *testing.T) {
	for _, c := range []struct{ file, name, value, says string }{
		{flipFile, "active_region", "us-east-1", "active_region"},
		{flipFile, "active_region", "ap-northeast-9", "active_region"},
		{sharedFile, "strategy", "lukewarm", "pilot-light"},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			tr := newTrial(t, "pilot-light")
			ok(t, tr.set(c.file, stringValue(c.name, c.value)))
			for _, stack := range tr.Names() {
				ok(t, tr.Init(tr.ctx, stack))
				if _, err := tr.Plan(tr.ctx, stack); err == nil || !strings.Contains(err.Error(), "Invalid value for variable") || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s takes %s = %q: %v", stack, c.name, c.value, err)
				}
			}
		})
	}
}

// modules lists every folder that holds Terraform.
func modules(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	ok(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".tf" && !slices.Contains(out, filepath.Dir(path)) {
			out = append(out, filepath.Dir(path))
		}
		return err
	}))
	return out
}
