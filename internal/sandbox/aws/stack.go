package aws

import (
	"context"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// stackKey is the access key id of the calls below, by which a journal tells them from the bot's.
const stackKey = "STACKTOOL"

const recordTTL = 60

// Scale gives an ECS service its desired number of tasks. It is what the minimal
// stacks do in place of a provider; it changes nothing when the number is right.
func Scale(ctx context.Context, endpoint, region, cluster, service string, desired int) error {
	client := ecs.NewFromConfig(SDKConfig(endpoint, region, stackKey))
	found, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{service}})
	if err != nil {
		return fmt.Errorf("look at service %s in %s: %w", service, region, err)
	}
	if len(found.Services) == 0 {
		return fmt.Errorf("no service %s in cluster %s of %s", service, cluster, region)
	}
	if int(found.Services[0].DesiredCount) == desired {
		return nil
	}
	_, err = client.UpdateService(ctx, &ecs.UpdateServiceInput{
		Cluster: &cluster, Service: &service, DesiredCount: awssdk.Int32(int32(desired)),
	})
	if err != nil {
		return fmt.Errorf("scale service %s in %s to %d: %w", service, region, desired, err)
	}
	return nil
}

// PointTraffic makes a name of a zone an alias (CNAME, TTL 60) of another name; it
// changes nothing when it is that already.
func PointTraffic(ctx context.Context, endpoint, zoneID, name, targetName string) error {
	client := route53.NewFromConfig(SDKConfig(endpoint, "us-east-1", stackKey))
	target, err := recordTarget(ctx, client, zoneID, name)
	if err != nil {
		return err
	}
	if target == strings.TrimSuffix(targetName, ".") {
		return nil
	}
	_, err = client.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &zoneID,
		ChangeBatch: &route53types.ChangeBatch{Changes: []route53types.Change{{
			Action: route53types.ChangeActionUpsert,
			ResourceRecordSet: &route53types.ResourceRecordSet{
				Name: &name, Type: route53types.RRTypeCname, TTL: awssdk.Int64(recordTTL),
				ResourceRecords: []route53types.ResourceRecord{{Value: &targetName}},
			},
		}}},
	})
	if err != nil {
		return fmt.Errorf("point %s at %s: %w", name, targetName, err)
	}
	return nil
}

// recordTarget returns what a CNAME points at, without the trailing dot; empty when there is no such record.
func recordTarget(ctx context.Context, client *route53.Client, zoneID, name string) (string, error) {
	found, err := client.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
		HostedZoneId: &zoneID, StartRecordName: &name, StartRecordType: route53types.RRTypeCname, MaxItems: awssdk.Int32(1),
	})
	if err != nil {
		return "", fmt.Errorf("look at the record %s: %w", name, err)
	}
	for _, set := range found.ResourceRecordSets {
		if canonical(*set.Name) == canonical(name) && set.Type == route53types.RRTypeCname && len(set.ResourceRecords) > 0 {
			return strings.TrimSuffix(*set.ResourceRecords[0].Value, "."), nil
		}
	}
	return "", nil
}
