//go:build aws

package reference

import (
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/drbot/drbot/internal/sandbox/aws"
)

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
