package dr

import "strings"

// What the types of AWS that lead users, or have others in them that may, begin with.
var leading = []string{
	"alb", "amplify_domain_", "api_gateway_", "apigateway", "apprunner_custom_domain_", "appmesh_", "cloudcontrolapi_", "cloudformation_", "cloudfront",
	"elasticloadbalancing", "elb", "globalaccelerator_", "lb", "lightsail_domain", "networkfirewall_", "route53", "service_discovery_", "servicediscovery_", "vpclattice_",
}

// What the types of providers begin with that make something for the configuration alone.
var aside = []string{"archive_", "external", "http", "local_", "random_", "time_", "tls_"}

// MayLead tells whether a change may be one of what leads the users, by its type. A type
// that nobody knows may.
func (c ResourceChange) MayLead() bool {
	begins := func(name string, with []string) bool {
		for _, w := range with {
			if strings.HasPrefix(name, w) {
				return true
			}
		}
		return false
	}
	for _, provider := range []string{"aws_", "awscc_"} {
		if name, is := strings.CutPrefix(c.Type, provider); is {
			return begins(name, leading)
		}
	}
	return !begins(c.Type, aside)
}
