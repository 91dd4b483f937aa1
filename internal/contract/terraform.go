package contract

import (
	"context"
	"testing"

	"github.com/drbot/drbot/dr"
)

// Terraform is the port of plans, applies and of what they are made of.
type Terraform interface {
	Plan(ctx context.Context, req dr.PlanRequest) (dr.Plan, error)
	Changed(ctx context.Context, req dr.TreesRequest) (bool, error)
	Apply(ctx context.Context, req dr.ApplyRequest, progress func(dr.Progress)) (dr.ApplyResult, error)
	Began(ctx context.Context, key string) (bool, error)
}

// TerraformWorld is a repository with one stack, whose state is empty, and what applies it.
type TerraformWorld struct {
	// Terraform is the port as a process of its own has it: each call is the bot started
	// anew, on the same disk.
	Terraform func() Terraform
	Service   dr.Service
	Stack     dr.Stack
	Site      Site
	Await     Await
}

// NewTerraform makes a fresh world for one test.
type NewTerraform func(t *testing.T) TerraformWorld

// Thing is a resource of the stack. It is made after those that stand before it.
type Thing struct {
	Name  string
	Value string // an attribute that is known when it is planned
	Waits bool   // its making ends when the site is opened, and not before
	Fails bool   // its making fails
}

// Address is the resource's in plans, results and the state.
func (t Thing) Address() string { return "terraform_data." + t.Name }

// Site is the repository, the state, and what happens to an apply.
type Site interface {
	// Commit makes a commit on another in which the stack is these things; parent is
	// empty for the first.
	Commit(parent string, things ...Thing) (sha string)
	// Beside makes a commit on another of a file that no stack reads.
	Beside(parent string) (sha string)
	// Running makes a commit on another in which the making of a thing runs another program,
	// and all is planned as before.
	Running(parent string, thing Thing) (sha string)
	// State lists the addresses in the state.
	State() []string
	// Made tells how often the making of a thing was begun.
	Made(name string) int
	// Reached waits until the making of what waits has begun.
	Reached()
	// Open lets everything that waits be made.
	Open()
	// Kill ends everything of the apply with this key at once, as the loss of a host.
	// What waits is being made.
	Kill(key string)
	// Lock holds the state's lock as somebody else, until release.
	Lock() (release func())
}
