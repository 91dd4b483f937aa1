//go:build aws

package reference

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
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
	ctx := t.Context()
	if end, bound := t.Deadline(); bound { // what hangs is told by its own name
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-time.Minute))
		t.Cleanup(cancel)
	}
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

// empty fails when a plan of what was just applied would change something.
func (tr *trial) empty(plans map[string]*tfjson.Plan) {
	tr.t.Helper()
	for stack, p := range plans {
		for _, c := range p.ResourceChanges {
			if c.Change.Actions.NoOp() || c.Change.Actions.Read() {
				continue
			}
			for _, path := range changed(c.Change) {
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
	host, _, err := net.SplitHostPort(l.Regions[region].AppAddr)
	ok(tr.t, err)
	last := ""
	for {
		desired, running, err := tr.Cloud.Running(ctx, region)
		healthy, herr := tr.Cloud.HealthyTargets(ctx, region)
		addrs, derr := tr.Cloud.Resolver().LookupHost(ctx, l.RecordName)
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
	have, err := tr.Managed(tr.ctx, stack)
	ok(tr.t, err)
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
