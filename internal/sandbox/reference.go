package sandbox

import (
	"context"
	"fmt"
	"strings"
	"time"

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
	return botInfra{
		Environment: r.stacks.Environment(), PluginDir: r.stacks.PluginDir, Backend: r.stacks.Backend,
		TargetGroup: func(string) string { return Service }, // by name: its ARN is not known before there is one
	}
}

func (r referenceStacks) states(ctx context.Context, m moved) error {
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
