package contract

import (
	"context"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// Database is the port of a database whose writer a run moves.
type Database interface {
	State(ctx context.Context, s dr.Service, db dr.Resource, through dr.Region) (dr.DatabaseState, error)
	Promote(ctx context.Context, s dr.Service, db dr.Resource, p dr.Promotion) error
	Events(ctx context.Context, s dr.Service, db dr.Resource, in dr.Region, since time.Time) ([]dr.Event, error)
	Lag(ctx context.Context, s dr.Service, db dr.Resource, passive dr.Region) (dr.Check, error)
}

// Workloads is the port of what runs in a Region.
type Workloads interface {
	State(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region) (dr.WorkloadState, error)
	Scale(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region, desired int) error
	Redeploy(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region) (dr.Deployment, error)
	Reasons(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region) ([]dr.Text, error)
}

// Network is the port of names and addresses.
type Network interface {
	Resolve(ctx context.Context, s dr.Service, name string) (dr.Resolution, error)
	Probe(ctx context.Context, s dr.Service, name string) ([]dr.Check, error)
}

// Way is a service in two Regions whose writer and users are in Source.
type Way struct {
	Service        dr.Service
	Source, Target dr.Region
	Await          Await
}

// DatabaseWorld is a healthy global database with its writer in Source.
type DatabaseWorld struct {
	Way
	Database Database
	Resource dr.Resource
	Cloud    DatabaseCloud
}

// Asked is one promotion that arrived at the database service.
type Asked struct {
	Mode    dr.Mode
	Through dr.Region // whose endpoint it was sent to
}

// DatabaseCloud is what happens to the database beside the port.
type DatabaseCloud interface {
	Lose(r dr.Region) // it answers nobody any more
	// Asked lists the promotions that arrived, refused ones too.
	Asked() []Asked
	// LoseAnswer lets the next promotion be accepted and its answer get lost.
	LoseAnswer()
	// Status makes the service report this of the global cluster.
	Status(raw string)
	// Stuck lets no promotion end that begins from now on.
	Stuck()
	// NoLag takes the readings of the replication lag away.
	NoLag()
}

// NewDatabase, NewWorkloads and NewNetwork make a fresh world for one test.
type (
	NewDatabase  func(t *testing.T) DatabaseWorld
	NewWorkloads func(t *testing.T) WorkloadsWorld
	NewNetwork   func(t *testing.T) NetworkWorld
)

// WorkloadsWorld is a workload with a load balancer in each Region, of which that in
// Source is meant to run one task or more.
type WorkloadsWorld struct {
	Way
	Workloads Workloads
	Resource  dr.Resource
	Cloud     WorkloadsCloud
}

// WorkloadsCloud is what happens to workloads beside the port.
type WorkloadsCloud interface {
	Lose(r dr.Region)
	// Sick keeps the targets in a Region from passing their health checks.
	Sick(r dr.Region)
	// Never keeps the tasks that are wanted in a Region from starting.
	Never(r dr.Region)
	// Trips has the circuit breaker end every new deployment in a Region.
	Trips(r dr.Region)
	// Changes counts the calls that changed a workload in a Region.
	Changes(r dr.Region) int
}

// NetworkWorld is the names of a service: the public one leads by way of the regional
// one of Source to an application that answers.
type NetworkWorld struct {
	Way
	Network Network
	Cloud   NetworkCloud
}

// NetworkCloud is what happens to names and applications beside the port.
type NetworkCloud interface {
	// Point makes the public name lead to the regional name of a Region.
	Point(to dr.Region)
	// Sick makes the application of a Region answer with a fault.
	Sick(r dr.Region)
	// Absent is a name of the zone that does not exist.
	Absent() string
	// Silence lets no name server answer.
	Silence()
}
