package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/sandbox/reference"
)

// referenceStacks are the reference infrastructure, applied with the real provider.
type referenceStacks struct {
	*World
	stacks *reference.Stacks
}

// patience covers the provider's own waits: half a minute for a load balancer that is
// there at once.
func (r referenceStacks) patience() time.Duration { return 4 * time.Minute }

func (r referenceStacks) drifted() string { return "aws_lb." }

func (r referenceStacks) write(ctx context.Context, dir string) error {
	r.stacks.Dir = dir
	if err := r.stacks.Write(ctx); err != nil {
		return err
	}
	// The lock files belong to the repository, so that no other provider is ever chosen.
	return r.stacks.InitAll(ctx)
}

func (r referenceStacks) first(ctx context.Context) error { return r.stacks.First(ctx) }

func (r referenceStacks) configure() botInfra {
	environment := r.stacks.Environment()
	maps.DeleteFunc(environment, func(name, _ string) bool { return dr.GivesCredentials(name) })
	return botInfra{
		Environment: environment, Roles: true, PluginDir: r.stacks.PluginDir, Backend: r.stacks.Backend,
		TargetGroup: func(string) string { return Service }, // by name: its ARN is not known before there is one
	}
}

// lent looks who signed what Terraform asked of AWS: the team's own hand, or a session of a
// role, and never what the bot itself runs with.
func (r referenceStacks) lent() error {
	own := map[string]bool{}
	for _, line := range r.environment() {
		if name, key, _ := strings.Cut(line, "="); name == "AWS_ACCESS_KEY_ID" {
			own[key] = true
		}
	}
	sessions := 0
	for _, c := range r.Cloud.Proxy.Calls() {
		switch {
		case !c.Terraform():
		case own[c.AccessKey]:
			return fmt.Errorf("the bot's own credentials were used by Terraform for %s %s", c.Service, c.Operation)
		case c.AccessKey != r.stacks.Environment()["AWS_ACCESS_KEY_ID"]:
			sessions++
		}
	}
	if sessions == 0 {
		return errors.New("no session was lent to Terraform")
	}
	return nil
}

func (r referenceStacks) states(ctx context.Context, m moved) error {
	if err := r.lent(); err != nil {
		return err
	}
	for stack, want := range map[string]bool{m.to: true, m.from: !m.planned} {
		have, err := r.stacks.Managed(ctx, stack)
		if err != nil {
			return err
		}
		for _, kind := range []string{"aws_lb", "aws_ecs_service", "aws_transfer_server"} {
			if n := have[kind]; (n == 1) != want || n > 1 {
				return fmt.Errorf("the state of %s has %d of %s", stack, n, kind)
			}
		}
	}
	data, err := r.stacks.Pull(ctx, reference.Traffic)
	if err != nil {
		return err
	}
	if name := r.Cloud.Layout.Regions[m.to].RecordName; !strings.Contains(string(data), `"`+name) {
		return fmt.Errorf("the state of %s does not name %s", reference.Traffic, name)
	}
	return nil
}
