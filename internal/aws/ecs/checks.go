package ecs

import (
	"context"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// Specs lists the checks that Read makes.
func (l *Workloads) Specs() []dr.Spec { return specs() }

// Read makes every check of one ECS service, at the same time, each in the time of
// one call. It always gives all of them; what cannot be read is Unknown with words
// for people. Whether the source answers is told by the first ECS service alone, and
// only where the service has no database that tells it.
func (l *Workloads) Read(ctx context.Context, t dr.Target) []dr.Check {
	looks := []func(context.Context) []dr.Check{
		func(ctx context.Context) []dr.Check { return []dr.Check{l.targetCheck(ctx, t)} },
	}
	if aws.TellsReachable(t.Service, t.Resource) {
		looks = append(looks, func(ctx context.Context) []dr.Check { return []dr.Check{l.reachable(ctx, t)} })
	}
	return l.cloud.Look(ctx, looks...)
}

// targetCheck looks for the target's ECS service. Where the strategy keeps one
// running its absence is a failure; where the run's own apply makes it, a warning.
func (l *Workloads) targetCheck(ctx context.Context, t dr.Target) dr.Check {
	check := dr.Check{Name: workloadCheck, Region: t.Target, At: l.cloud.Now()}
	service, err := l.describe(ctx, t.Service, t.Resource, t.Target)
	switch {
	case err != nil && dr.CodeOf(err) == dr.NotFound:
		check.Level, check.Detail = dr.Fail, aws.Told(err)
		if t.Service.Strategy == dr.PilotLight || t.Service.Strategy == dr.BackupRestore {
			check.Level = dr.Warn
		}
	case err != nil:
		check = l.cloud.Unread(ctx, check, err)
	default:
		status := awssdk.ToString(service.Status)
		check.Level, check.Detail = dr.OK, dr.T("ecs.tasks", "status", aws.Status(status),
			"running", int(service.RunningCount), "desired", int(service.DesiredCount))
		if status != active {
			check.Level = dr.Fail
		}
	}
	return check
}

func (l *Workloads) reachable(ctx context.Context, t dr.Target) dr.Check {
	return l.cloud.Reachable(ctx, t, "ECS", func(ctx context.Context) error {
		_, err := l.describe(ctx, t.Service, t.Resource, t.Source)
		return err
	})
}
