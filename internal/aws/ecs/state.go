package ecs

import (
	"context"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/elb"
)

// State reads the ECS service of a Region and the health of its targets.
// Targets are those registered and not draining. dr.NotFound when there is no
// such service. Targets that cannot be read are told in the state: most who ask
// have no need of them. API: ecs:DescribeServices,
// elasticloadbalancing:DescribeTargetHealth.
func (l *Workloads) State(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region) (dr.WorkloadState, error) {
	service, err := l.describe(ctx, s, w, in)
	if err != nil {
		return dr.WorkloadState{}, err
	}
	state := dr.WorkloadState{
		Status:  awssdk.ToString(service.Status),
		Desired: int(service.DesiredCount),
		Running: int(service.RunningCount),
		Pending: int(service.PendingCount),
	}
	d := primary(service)
	state.Rollout, state.Deployment, state.DeployedAt = string(d.RolloutState), awssdk.ToString(d.Id), awssdk.ToTime(d.CreatedAt)
	for _, d := range newestFirst(service.Deployments) {
		if d.RolloutState == types.DeploymentRolloutStateFailed {
			state.Failed = deployment(d)
			break
		}
	}
	group, err := targetGroupARN(w, service, in)
	if err == nil && group != "" {
		state.Healthy, state.Targets, err = elb.Health(ctx, l.cloud, s.Name, in, group)
	}
	if err != nil {
		l.cloud.Logger().WarnContext(ctx, "targets not read", "service", s.Name, "region", in, "error", err)
		state.Unread = aws.Told(err)
	}
	return state, nil
}

// primary is the deployment that a service is to come to; empty when none is shown.
func primary(service types.Service) types.Deployment {
	for _, d := range service.Deployments {
		if awssdk.ToString(d.Status) == "PRIMARY" {
			return d
		}
	}
	return types.Deployment{}
}

func deployment(d types.Deployment) dr.Deployment {
	return dr.Deployment{ID: awssdk.ToString(d.Id), At: awssdk.ToTime(d.CreatedAt)}
}

// targetGroupARN finds the ARN of the target group. It may be configured by name:
// a load balancer that is made when disaster strikes has an ARN nobody knew
// before, but the ECS service names it.
func targetGroupARN(w dr.Resource, service types.Service, in dr.Region) (string, error) {
	group := w.At(in, TargetGroup)
	if group == "" || strings.HasPrefix(group, "arn:") {
		return group, nil
	}
	for _, lb := range service.LoadBalancers {
		// arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID
		if parts := strings.Split(awssdk.ToString(lb.TargetGroupArn), "/"); len(parts) == 3 && parts[1] == group {
			return awssdk.ToString(lb.TargetGroupArn), nil
		}
	}
	return "", &dr.Error{Code: dr.NotFound,
		What: dr.T("ecs.no-target-group", "service", w.At(in, Service), "region", in, "group", group)}
}
