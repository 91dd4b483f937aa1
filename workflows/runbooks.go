package workflows

import (
	"context"
	"database/sql"
	"sort"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// generation is the version of the runbooks as stored runs know them; a live runbook is
// changed behind a patch of the engine, not by another number.
const generation = "2"

// The queues of runs. Two hundred services share one night: their plans must not run
// all at once.
const (
	runQueue    = "runs"
	healthQueue = "health"
	driftQueue  = "drift"
	readyQueue  = "ready"

	healthAtOnce = 8
	driftAtOnce  = 2
	reportPoll   = time.Second
)

// Team is what the configuration says of services and people.
type Team struct {
	Services map[string]dr.Service
	People   dr.People
}

// Forge is where the Terraform lives.
type Forge struct {
	Files   Files
	Changes Changes
	Watch   Watcher // everything is read at every look when nil
	Publish Publisher
	Pages   Pages
	Region  ActiveRegionFile
	Rules   Rules
	Itself  Unattended
}

// Cloud is what is looked at apart from the steps.
type Cloud struct {
	Systems   Systems
	Databases Databases
	Names     Names
}

// Store is what is kept.
type Store struct {
	Records Records
	Book    engine.Book
	Memory  engine.Memory
	Keeper  Keeper
	Reports Reports
}

// Host is what the runbooks find around them.
type Host struct {
	engine.Host
	DatabaseURL string
	SQLite      *sql.DB // a handle of that database where it is SQLite, as in engine.Options
	// Held looks whether this process is still the one executor.
	Held func(context.Context) error
	// Audited looks whether the audit log has an entry of a run, by whom and of what, with a
	// hash that only who has the key can make. Nil: every run that is there was asked for.
	Audited func(ctx context.Context, run, who, action string) (bool, error)
	Seals   Seals  // nil: what is kept has none
	Config  string // digest of the configuration
}

// Timing is how long the runbooks wait for what beside their steps.
type Timing struct {
	Review time.Duration // between two looks at the reviews when no webhook comes; 15 s
	// OutageLimit is how long the source stays without tasks after its promotion was refused,
	// while nobody answers; 15 min.
	OutageLimit time.Duration
	Recheck     time.Duration // how old what was approved may be before it is looked at again; 2 min
	Engine      engine.Timing
}

// Deps is everything the runbooks work with.
type Deps struct {
	Team      Team
	Forge     Forge
	Cloud     Cloud
	Terraform Planner
	Policy    Policy
	Directory Directory
	Store     Store
	Kinds     []steps.Kind
}

// Runbooks are the runbooks on an engine: what people ask of them, and what runs by
// itself.
type Runbooks struct {
	*parts
	engine *engine.Engine
	former bool // what is of before the seals is known
}

// parts are what the runbooks and the runs of them work with. They have no methods: who holds
// them cannot start or end anything.
type parts struct {
	Deps
	host   Host
	timing Timing
}

// New prepares the runbooks; Launch starts them and takes up every run a former
// process left.
func New(d Deps, h Host, t Timing) (*Runbooks, error) {
	if t.Recheck == 0 {
		t.Recheck = 2 * time.Minute
	}
	if t.OutageLimit == 0 {
		t.OutageLimit = 15 * time.Minute
	}
	if t.Review == 0 {
		t.Review = 15 * time.Second
	}
	if h.Held == nil {
		h.Held = func(context.Context) error { return nil }
	}
	e, err := engine.New(engine.Options{
		DatabaseURL: h.DatabaseURL, SQLite: h.SQLite, Generation: generation, Book: d.Store.Book, Memory: d.Store.Memory, Timing: t.Engine, Host: h.Host,
	})
	if err != nil {
		return nil, err
	}
	b := &Runbooks{parts: &parts{Deps: d, host: h, timing: t}, engine: e}
	engine.Register(e, string(dr.Failover), b.failover, strays{b.parts})
	engine.Register(e, healthQueue, b.health, nil)
	engine.Register(e, driftQueue, b.drift, nil)
	engine.Register(e, readyQueue, b.ready, nil)
	return b, nil
}

// Seal seals what an edition before the seals has kept, once in the life of a database, and
// finds out which open runs are of that edition. What is kept is read after that.
func (b *Runbooks) Seal(ctx context.Context) error {
	if b.host.Seals == nil || b.former {
		return nil
	}
	unsealed, err := engine.Unsealed(b.engine, string(dr.Failover))
	if err != nil {
		return err
	}
	if err := b.host.Seals.SealFormer(ctx, b.host.Now(), unsealed); err != nil {
		return err
	}
	var former []string
	for _, run := range unsealed {
		switch was, err := b.host.Seals.BegunBeforeSeals(ctx, run); {
		case err != nil:
			return err
		case was:
			former = append(former, run)
		default:
			b.host.Log.ErrorContext(ctx, "WHAT THE RUN WAS BEGUN WITH HAS NO SEAL, and it is of no former edition: what is said to it without one does not count", "run", run)
		}
	}
	engine.BegunBefore(b.engine, former)
	b.former = true
	return nil
}

// Launch starts the engine. Runs that were under way go on.
func (b *Runbooks) Launch(ctx context.Context) error {
	w := b.Watchman()
	for _, look := range []func(context.Context) error{b.Seal, w.missing, w.settleFormer, w.withoutGone, w.configured} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	for name, most := range map[string]int{healthQueue: healthAtOnce, driftQueue: driftAtOnce, readyQueue: healthAtOnce} {
		if err := b.engine.Queue(name, most, max(reportPoll, b.engine.Poll())); err != nil {
			return err
		}
	}
	if err := b.engine.Queue(runQueue, 0, b.engine.Poll()); err != nil {
		return err
	}
	return b.engine.Launch()
}

// Drain lets no run take another step and waits for the acts in hand.
func (b *Runbooks) Drain(ctx context.Context) error { return b.engine.Drain(ctx) }

// Close shuts the engine down at once; for tests, after Drain.
func (b *Runbooks) Close(timeout time.Duration) error { return b.engine.Close(timeout) }

// Commands are what people ask of these runbooks.
func (b *Runbooks) Commands() Commands { return Commands{b.parts, b.engine} }

// Watchman looks after the runs of these runbooks.
func (b *Runbooks) Watchman() Watchman { return Watchman{b.parts, b.engine} }

// ServiceNames lists the services, sorted.
func (b Commands) ServiceNames() []string { return serviceNames(b.Team) }

func serviceNames(t Team) []string {
	names := make([]string, 0, len(t.Services))
	for n := range t.Services {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
