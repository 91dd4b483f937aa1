package dr_test

import (
	"testing"

	"github.com/drbot/drbot/dr"
)

func TestMayLead(t *testing.T) {
	for kind, leads := range map[string]bool{
		"aws_route53_record": true, "aws_lb_listener_rule": true, "aws_cloudfront_distribution": true, "aws_globalaccelerator_endpoint_group": true,
		"awscc_route53_record_set": true, "aws_cloudformation_stack": true, "cloudflare_record": true, "terraform_data": true, "": true,
		"aws_ssm_parameter": false, "aws_cloudwatch_metric_alarm": false, "aws_iam_role": false, "awscc_ssm_parameter": false, "random_id": false,
	} {
		if got := (dr.ResourceChange{Type: kind}).MayLead(); got != leads {
			t.Errorf("%q may lead users: %t", kind, got)
		}
	}
}
