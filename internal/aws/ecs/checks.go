package ecs

import (
	"context"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

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
		func(ctx context.Context) []dr.Check { return l.target(ctx, t) },
	}
	if aws.TellsReachable(t.Service, t.Resource) {
		looks = append(looks, func(ctx context.Context) []dr.Check { return []dr.Check{l.reachable(ctx, t)} })
	}
	return l.cloud.Look(ctx, looks...)
}

// target looks for the target's ECS service, once for both of its checks.
func (l *Workloads) target(ctx context.Context, t dr.Target) []dr.Check {
	service, err := l.describe(ctx, t.Service, t.Resource, t.Target)
	return []dr.Check{l.targetCheck(ctx, t, service, err), l.controller(ctx, t, service, err)}
}

// targetCheck tells whether the target's ECS service is there. Where the strategy keeps one
// running its absence is a failure; where the run's own apply makes it, a warning.
func (l *Workloads) targetCheck(ctx context.Context, t dr.Target, service types.Service, err error) dr.Check {
	check := dr.Check{Name: workloadCheck, Region: t.Target, At: l.cloud.Now()}
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

// controller tells whether ECS itself deploys the service: under CODE_DEPLOY or EXTERNAL it
// refuses a new deployment of the same tasks. One that is not there is under none.
func (l *Workloads) controller(ctx context.Context, t dr.Target, service types.Service, err error) dr.Check {
	check := dr.Check{Name: controllerCheck, Region: t.Target, At: l.cloud.Now(), Level: dr.OK}
	switch {
	case err != nil && dr.CodeOf(err) == dr.NotFound:
		check.Detail = aws.Told(err)
	case err != nil:
		check = l.cloud.Unread(ctx, check, err)
	case service.DeploymentController == nil || service.DeploymentController.Type == types.DeploymentControllerTypeEcs:
		check.Detail = aws.Words(string(types.DeploymentControllerTypeEcs))
	default:
		check.Level = dr.Fail
		check.Detail = dr.T("ecs.controller", "service", t.Resource.At(t.Target, Service), "controller", dr.Foreign(service.DeploymentController.Type))
	}
	return check
}

func (l *Workloads) reachable(ctx context.Context, t dr.Target) dr.Check {
	return l.cloud.Reachable(ctx, t, "ECS", func(ctx context.Context) error {
		_, err := l.describe(ctx, t.Service, t.Resource, t.Source)
		return err
	})
}
