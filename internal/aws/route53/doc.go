// Package route53 asks a service's names the way its users do: at the zone's own
// name servers, and by the service's HTTP requests. It needs no right in AWS: DNS
// is asked as DNS, not through the Route 53 API.
package route53
