package aws

import (
	"context"
	"fmt"
	"math"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/drbot/drbot/dr"
)

// serviceActive is the status of an ECS service that can run tasks; the others
// are DRAINING and INACTIVE, both on the way out.
const serviceActive = "ACTIVE"

// Workload reads the ECS service of a Region and the health of its targets.
// Targets are those registered and not draining. dr.NotFound when there is no
// such service or target group. API: ecs:DescribeServices,
// elasticloadbalancing:DescribeTargetHealth.
func (c *Client) Workload(ctx context.Context, s dr.Service, in dr.Region) (dr.WorkloadState, error) {
	service, err := c.ecsService(ctx, s, in)
	if err != nil {
		return dr.WorkloadState{}, err
	}
	state := dr.WorkloadState{
		Status:  awssdk.ToString(service.Status),
		Desired: int(service.DesiredCount),
		Running: int(service.RunningCount),
		Pending: int(service.PendingCount),
	}
	for _, d := range service.Deployments {
		if awssdk.ToString(d.Status) == "PRIMARY" {
			state.Rollout = string(d.RolloutState)
			state.Deployment = awssdk.ToString(d.Id)
			state.DeployedAt = awssdk.ToTime(d.CreatedAt)
		}
	}
	group, err := targetGroup(s.Workloads[in], service, in)
	if err != nil || group == "" {
		return state, err
	}
	state.Healthy, state.Targets, err = c.targets(ctx, s, in, group)
	return state, err
}

// ecsService reads the service; one that ECS lists as missing is dr.NotFound.
func (c *Client) ecsService(ctx context.Context, s dr.Service, in dr.Region) (ecstypes.Service, error) {
	w, ok := s.Workloads[in]
	if !ok || w.Service == "" {
		return ecstypes.Service{}, &dr.Error{Code: dr.Invalid,
			Msg: fmt.Sprintf("%s has no workload configured in %s.", s.Name, in)}
	}
	sv, err := c.in(s, in, PurposeRead)
	if err != nil {
		return ecstypes.Service{}, err
	}
	out, err := read(ctx, sv, sv.ecs.DescribeServices, &ecs.DescribeServicesInput{
		Cluster: awssdk.String(w.Cluster), Services: []string{w.Service},
	})
	if err != nil && dr.CodeOf(err) != dr.NotFound {
		return ecstypes.Service{}, err
	}
	if err == nil {
		for _, found := range out.Services {
			if awssdk.ToString(found.ServiceName) == w.Service || awssdk.ToString(found.ServiceArn) == w.Service {
				return found, nil
			}
		}
	}
	return ecstypes.Service{}, &dr.Error{Code: dr.NotFound, Err: err,
		Msg: fmt.Sprintf("There is no ECS service %s in the cluster %s of %s.", w.Service, w.Cluster, in)}
}

// targetGroup finds the ARN of the target group. It may be configured by name:
// a load balancer that is made when disaster strikes has an ARN nobody knew
// before, but the ECS service names it.
func targetGroup(w dr.Workload, service ecstypes.Service, in dr.Region) (string, error) {
	if w.TargetGroup == "" || strings.HasPrefix(w.TargetGroup, "arn:") {
		return w.TargetGroup, nil
	}
	for _, lb := range service.LoadBalancers {
		// arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID
		if parts := strings.Split(awssdk.ToString(lb.TargetGroupArn), "/"); len(parts) == 3 && parts[1] == w.TargetGroup {
			return awssdk.ToString(lb.TargetGroupArn), nil
		}
	}
	return "", &dr.Error{Code: dr.NotFound,
		Msg: fmt.Sprintf("The ECS service %s in %s is behind no target group %s.", w.Service, in, w.TargetGroup)}
}

func (c *Client) targets(ctx context.Context, s dr.Service, in dr.Region, group string) (healthy, all int, err error) {
	sv, err := c.in(s, in, PurposeRead)
	if err != nil {
		return 0, 0, err
	}
	out, err := read(ctx, sv, sv.elb.DescribeTargetHealth,
		&elb.DescribeTargetHealthInput{TargetGroupArn: awssdk.String(group)})
	if err != nil {
		return 0, 0, err
	}
	for _, t := range out.TargetHealthDescriptions {
		if t.TargetHealth != nil && t.TargetHealth.State == elbtypes.TargetHealthStateEnumDraining {
			continue
		}
		all++
		if t.TargetHealth != nil && t.TargetHealth.State == elbtypes.TargetHealthStateEnumHealthy {
			healthy++
		}
	}
	return healthy, all, nil
}

// Scale sets how many tasks a service is to run. It reads first and makes no
// call when that is so already. API: ecs:UpdateService.
func (c *Client) Scale(ctx context.Context, s dr.Service, in dr.Region, desired int) error {
	if desired < 0 || desired > math.MaxInt32 {
		return &dr.Error{Code: dr.Invalid, Msg: fmt.Sprintf("A service cannot run %d tasks.", desired)}
	}
	service, err := c.ecsService(ctx, s, in)
	if err != nil {
		return err
	}
	if int(service.DesiredCount) == desired {
		return nil
	}
	return c.update(ctx, s, in, &ecs.UpdateServiceInput{DesiredCount: awssdk.Int32(int32(desired))})
}

// Redeploy replaces every task, so that no connection pool keeps holding the
// old writer. dr.Uncertain when the call may have been accepted: Workload then
// tells by the time of the deployment. API: ecs:UpdateService.
func (c *Client) Redeploy(ctx context.Context, s dr.Service, in dr.Region) error {
	if s.Workloads[in].Service == "" {
		return &dr.Error{Code: dr.Invalid, Msg: fmt.Sprintf("%s has no workload configured in %s.", s.Name, in)}
	}
	return c.update(ctx, s, in, &ecs.UpdateServiceInput{ForceNewDeployment: true})
}

func (c *Client) update(ctx context.Context, s dr.Service, in dr.Region, change *ecs.UpdateServiceInput) error {
	sv, err := c.in(s, in, PurposePromote)
	if err != nil {
		return err
	}
	w := s.Workloads[in]
	change.Cluster, change.Service = awssdk.String(w.Cluster), awssdk.String(w.Service)
	_, err = act(ctx, sv, sv.ecs.UpdateService, change)
	return err
}
