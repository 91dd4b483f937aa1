package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// What follows reads the end state straight from Moto, past the proxy.

// ErrAbsent says that what should be read back is not there, or not yet.
var ErrAbsent = errors.New("not there")

// GlobalWriter is WriterOf the service's own global cluster.
func (c *Cloud) GlobalWriter(ctx context.Context) (region, status string, err error) {
	return c.WriterOf(ctx, c.Layout.GlobalCluster)
}

// WriterOf returns the Region of a global cluster's writer and the cluster's status as reported.
func (c *Cloud) WriterOf(ctx context.Context, id string) (region, status string, err error) {
	found, err := c.home().rds.DescribeGlobalClusters(ctx, &rds.DescribeGlobalClustersInput{
		GlobalClusterIdentifier: &id,
	})
	if gone := new(rdstypes.GlobalClusterNotFoundFault); errors.As(err, &gone) {
		return "", "", fmt.Errorf("read back the global cluster %s: %w", id, ErrAbsent)
	}
	if err != nil {
		return "", "", fmt.Errorf("read back the global cluster: %w", err)
	}
	for _, cluster := range found.GlobalClusters {
		if *cluster.GlobalClusterIdentifier == id {
			return writerRegion(cluster), *cluster.Status, nil
		}
	}
	return "", "", fmt.Errorf("read back the global cluster %s: %w", id, ErrAbsent)
}

func writerRegion(cluster rdstypes.GlobalCluster) string {
	for _, member := range cluster.GlobalClusterMembers {
		if *member.IsWriter {
			return arnRegion(*member.DBClusterArn)
		}
	}
	return ""
}

// arnRegion is the fourth part of an ARN.
func arnRegion(arn string) string {
	if parts := strings.SplitN(arn, ":", 5); len(parts) == 5 {
		return parts[3]
	}
	return ""
}

// Running is RunningOf the first ECS service.
func (c *Cloud) Running(ctx context.Context, region string) (desired, running int, err error) {
	return c.RunningOf(ctx, region, c.Layout.Services[0])
}

// RunningOf returns the desired and the running tasks of an ECS service in a Region; ErrAbsent when there is none.
func (c *Cloud) RunningOf(ctx context.Context, region, service string) (desired, running int, err error) {
	at, known := c.Layout.Regions[region]
	if !known {
		return 0, 0, fmt.Errorf("read back the service: no Region %s here", region)
	}
	found, err := c.clients[region].ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{
		Cluster: &at.ECSCluster, Services: []string{service},
	})
	if gone := new(ecstypes.ClusterNotFoundException); errors.As(err, &gone) {
		return 0, 0, fmt.Errorf("read back the ECS cluster %s in %s: %w", at.ECSCluster, region, ErrAbsent)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read back the service in %s: %w", region, err)
	}
	if len(found.Services) == 0 || *found.Services[0].Status == "INACTIVE" { // which a deleted one is for a while
		return 0, 0, fmt.Errorf("read back the service %s in %s: %w", service, region, ErrAbsent)
	}
	return int(found.Services[0].DesiredCount), int(found.Services[0].RunningCount), nil
}

// Live returns a Region of the layout with the load balancer, its listener and its
// target group that stand there now under the layout's names. What is not there is empty.
func (c *Cloud) Live(ctx context.Context, region string) (Region, error) {
	at, known := c.Layout.Regions[region]
	if !known {
		return at, fmt.Errorf("read back the load balancer: no Region %s here", region)
	}
	at.LoadBalancerARN, at.LoadBalancerDNS, at.ListenerARN, at.TargetGroupARN = "", "", "", ""
	client := c.clients[region].elb
	balancers, err := client.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{Names: []string{at.LoadBalancer}})
	if gone := new(elbtypes.LoadBalancerNotFoundException); errors.As(err, &gone) {
		return at, nil
	}
	if err != nil {
		return at, fmt.Errorf("read back the load balancer of %s: %w", region, err)
	}
	if len(balancers.LoadBalancers) == 0 {
		return at, nil
	}
	at.LoadBalancerARN, at.LoadBalancerDNS = *balancers.LoadBalancers[0].LoadBalancerArn, *balancers.LoadBalancers[0].DNSName
	listeners, err := client.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: &at.LoadBalancerARN})
	if err != nil {
		return at, fmt.Errorf("read back the listeners of %s: %w", region, err)
	}
	for _, listener := range listeners.Listeners {
		for _, action := range listener.DefaultActions {
			if action.Type == elbtypes.ActionTypeEnumForward {
				at.ListenerARN, at.TargetGroupARN = *listener.ListenerArn, forwardsTo(action)
			}
		}
	}
	return at, nil
}

// forwardsTo is the target group of an action, which may stand in either of two places.
func forwardsTo(action elbtypes.Action) string {
	if action.TargetGroupArn != nil {
		return *action.TargetGroupArn
	}
	if action.ForwardConfig != nil && len(action.ForwardConfig.TargetGroups) > 0 {
		return *action.ForwardConfig.TargetGroups[0].TargetGroupArn
	}
	return ""
}

// HealthyTargets counts the healthy targets behind the load balancer of a Region. It is
// ErrAbsent when there is no load balancer, or none that leads to targets.
func (c *Cloud) HealthyTargets(ctx context.Context, region string) (int, error) {
	at, err := c.Live(ctx, region)
	if err != nil {
		return 0, err
	}
	if at.TargetGroupARN == "" {
		return 0, fmt.Errorf("read back the targets of %s behind the load balancer %s: %w", region, at.LoadBalancer, ErrAbsent)
	}
	return c.HealthyIn(ctx, region, at.TargetGroupARN)
}

// HealthyIn counts the healthy targets of a target group.
func (c *Cloud) HealthyIn(ctx context.Context, region, targetGroup string) (int, error) {
	found, err := c.clients[region].elb.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &targetGroup})
	if err != nil {
		return 0, fmt.Errorf("read back the targets of %s: %w", region, err)
	}
	healthy := 0
	for _, target := range found.TargetHealthDescriptions {
		if target.TargetHealth.State == elbtypes.TargetHealthStateEnumHealthy {
			healthy++
		}
	}
	return healthy, nil
}

// Record returns the name that the public record points at, without the trailing dot.
func (c *Cloud) Record(ctx context.Context) (string, error) {
	return recordTarget(ctx, c.home().dns, c.Layout.ZoneID, c.Layout.RecordName)
}

// resourceID is the last part of an RDS ARN.
func resourceID(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }
