package aws

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// What follows reads the end state straight from Moto, past the proxy.

// GlobalWriter returns the Region of the global cluster's writer and the cluster's status as reported.
func (c *Cloud) GlobalWriter(ctx context.Context) (region, status string, err error) {
	found, err := c.home().rds.DescribeGlobalClusters(ctx, &rds.DescribeGlobalClustersInput{
		GlobalClusterIdentifier: &c.Layout.GlobalCluster,
	})
	if err != nil {
		return "", "", fmt.Errorf("read back the global cluster: %w", err)
	}
	for _, cluster := range found.GlobalClusters {
		if *cluster.GlobalClusterIdentifier == c.Layout.GlobalCluster {
			return writerRegion(cluster), *cluster.Status, nil
		}
	}
	return "", "", fmt.Errorf("read back: no global cluster %s", c.Layout.GlobalCluster)
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

// Running returns the desired and the running tasks of the service in a Region.
func (c *Cloud) Running(ctx context.Context, region string) (desired, running int, err error) {
	at, known := c.Layout.Regions[region]
	if !known {
		return 0, 0, fmt.Errorf("read back the service: no Region %s here", region)
	}
	found, err := c.clients[region].ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{
		Cluster: &at.ECSCluster, Services: []string{at.ECSService},
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read back the service in %s: %w", region, err)
	}
	if len(found.Services) == 0 {
		return 0, 0, fmt.Errorf("read back: no service %s in %s", at.ECSService, region)
	}
	return int(found.Services[0].DesiredCount), int(found.Services[0].RunningCount), nil
}

// HealthyTargets counts the healthy targets of a Region: of the seeded target group, or of all when nothing was seeded.
func (c *Cloud) HealthyTargets(ctx context.Context, region string) (int, error) {
	at, known := c.Layout.Regions[region]
	if !known {
		return 0, fmt.Errorf("read back the targets: no Region %s here", region)
	}
	groups := []string{at.TargetGroupARN}
	if at.TargetGroupARN == "" {
		found, err := c.clients[region].elb.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{})
		if err != nil {
			return 0, fmt.Errorf("read back the target groups of %s: %w", region, err)
		}
		groups = nil
		for _, group := range found.TargetGroups {
			groups = append(groups, *group.TargetGroupArn)
		}
	}
	healthy := 0
	for _, arn := range groups {
		found, err := c.clients[region].elb.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &arn})
		if err != nil {
			return 0, fmt.Errorf("read back the targets of %s: %w", region, err)
		}
		for _, target := range found.TargetHealthDescriptions {
			if target.TargetHealth.State == elbtypes.TargetHealthStateEnumHealthy {
				healthy++
			}
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
