package sandbox

import (
	"context"
	"time"
)

// infrastructure is what the service of a world stands on.
type infrastructure interface {
	// write writes the team's repository into a folder.
	write(ctx context.Context, dir string) error
	// first applies all of it, as the team did long ago.
	first(ctx context.Context) error
	// states looks into Terraform's states for what a run must have left there.
	states(ctx context.Context, m moved) error
	// configure is what the bot's configuration says of it.
	configure() botInfra
	// patience is how long a step of the script may take.
	patience() time.Duration
	// drifted names a resource that differs from Git in the source of a disaster.
	drifted() string
}

// botInfra is the part of the bot's configuration that an infrastructure decides.
type botInfra struct {
	Environment map[string]string // of Terraform's process
	Roles       bool              // Terraform is lent the sessions of roles, and has no credentials of its own
	PluginDir   string
	Run         []string // programs that the stacks' provisioners start
	Backend     func(stack string) map[string]string
	TargetGroup func(region string) string
	Allow       []string // of what the stacks' code does that no plan shows
}

// Infra names an infrastructure.
type Infra string

// The infrastructures there are.
const (
	Minimal   Infra = "minimal"   // terraform_data, in seconds
	Reference Infra = "reference" // terraform/ of this project with the real provider, in minutes
)
