// Package ecs reads, scales and redeploys the ECS services of a service, and tells
// whether the target's is there.
package ecs
