// Package elb reads the health of what stands behind a load balancer.
package elb
