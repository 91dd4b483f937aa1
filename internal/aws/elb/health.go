package elb

import (
	"context"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// Health counts the targets of a target group that are registered and not
// draining, and those of them that are healthy. dr.NotFound when there is no such
// group. API: elasticloadbalancing:DescribeTargetHealth.
func Health(ctx context.Context, cloud *aws.Client, service string, in dr.Region, groupARN string) (healthy, registered int, err error) {
	session, err := cloud.Session(service, in, aws.PurposeRead)
	if err != nil {
		return 0, 0, err
	}
	out, err := aws.Read(ctx, session, aws.Connect(session, elbv2.NewFromConfig).DescribeTargetHealth,
		&elbv2.DescribeTargetHealthInput{TargetGroupArn: awssdk.String(groupARN)})
	if err != nil {
		return 0, 0, err
	}
	for _, t := range out.TargetHealthDescriptions {
		if t.TargetHealth != nil && t.TargetHealth.State == types.TargetHealthStateEnumDraining {
			continue
		}
		registered++
		if t.TargetHealth != nil && t.TargetHealth.State == types.TargetHealthStateEnumHealthy {
			healthy++
		}
	}
	return healthy, registered, nil
}
