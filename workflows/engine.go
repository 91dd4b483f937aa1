package workflows

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // for sqlite: URLs

	"github.com/drbot/drbot/dr"
)

// generation is the version of the runbooks as stored runs know them. Runs that
// wait for approval must survive a new build, so it is not a hash of the binary;
// a live runbook is changed behind dbos.Patch instead.
const generation = "1"

// maxRecoveries is how often a run is taken up again after a crash before it is
// left for a person: a run that kills the process must not do it for ever.
const maxRecoveries = 50

// queuePoll bounds the time between a command and its first step.
const queuePoll = 100 * time.Millisecond

// Deps is everything the runbooks work with.
type Deps struct {
	Services  map[string]dr.Service
	People    dr.People
	Change    ChangeControl
	Publish   Publisher
	File      ActiveRegionFile
	Terraform Terraform
	Database  Database
	Workloads Workloads
	Readiness Readiness
	Lag       Replication
	Network   Network
	Policy    Policy
	Runs      RunStore
	Ledger    Ledger
	Outbox    Outbox
	Reports   Reports
	Directory Directory
	Notify    Notifier
	Now       func() time.Time
	Timing    Timing
	Log       *slog.Logger
	// Fatal is told that the engine cannot write any more. The process must end
	// and be started again; the runs go on where they were.
	Fatal func(error)
}

// say puts a note into the outbox and has it posted now rather than at the
// poster's next round.
func (d *Deps) say(ctx context.Context, n dr.Note) error {
	err := d.Outbox.Say(ctx, n)
	d.Notify.Changed(n.Run)
	return err
}

// Timing is how long the runbooks wait for what. Zero values take the defaults.
type Timing struct {
	Poll        time.Duration // between two looks at something that changes within seconds
	Review      time.Duration // between two looks at the reviews when no webhook comes
	Promote     time.Duration // for a promotion to take effect
	Settle      time.Duration // for a request that may have been made to show
	Gate        time.Duration // for a Region to become healthy
	Quiesce     time.Duration // for tasks to end
	Apply       time.Duration // for one apply
	Retry       time.Duration // first pause before something temporary is tried again
	Tries       int           // of a temporary failure before a person is asked
	StaleIntent time.Duration // age at which an unanswered promotion request needs a person
}

func (t Timing) withDefaults() Timing {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&t.Poll, 2*time.Second)
	def(&t.Review, 15*time.Second)
	def(&t.Promote, 30*time.Minute)
	def(&t.Settle, 15*time.Second)
	def(&t.Gate, 30*time.Minute)
	def(&t.Quiesce, 10*time.Minute)
	def(&t.Apply, 2*time.Hour)
	def(&t.Retry, time.Second)
	def(&t.StaleIntent, 10*time.Minute)
	if t.Tries == 0 {
		t.Tries = 6
	}
	return t
}

// Engine runs the runbooks durably. Exactly one engine may run on a database at
// a time: hold the store's lock before New.
type Engine struct {
	deps  Deps
	ctx   dbos.Context
	queue dbos.Queue            // of runs
	posts map[string]dbos.Queue // of scheduled runbooks, by kind
	drain *drain

	nudged sync.Map // runs that have a nudge in their inbox
}

// New prepares the engine on a database; Launch starts it and takes up every run
// a former process left.
func New(databaseURL string, deps Deps) (*Engine, error) {
	deps.Timing = deps.Timing.withDefaults()
	// A background context: a cancelled parent would mark every waiting run as cancelled.
	ctx, err := dbos.NewContext(context.Background(), dbos.Config{
		AppName:            "drbot",
		DatabaseURL:        databaseURL,
		ApplicationVersion: generation,
		ExecutorID:         "drbot",
		Logger:             slog.New(quiet{deps.Log.Handler()}),
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the workflow engine: %w", err)
	}
	e := &Engine{deps: deps, ctx: ctx, drain: newDrain()}
	dbos.RegisterWorkflow(ctx, e.failover, dbos.WithWorkflowName("failover"), dbos.WithMaxRecoveryAttempts(maxRecoveries))
	dbos.RegisterWorkflow(ctx, e.health, dbos.WithWorkflowName("health"), dbos.WithMaxRecoveryAttempts(maxRecoveries))
	dbos.RegisterWorkflow(ctx, e.drift, dbos.WithWorkflowName("drift"), dbos.WithMaxRecoveryAttempts(maxRecoveries))
	return e, nil
}

// Launch starts the engine. Runs that were under way go on.
func (e *Engine) Launch() error {
	if err := dbos.Launch(e.ctx); err != nil {
		return fmt.Errorf("launch the workflow engine: %w", err)
	}
	q, err := dbos.RegisterQueue(e.ctx, "runs", dbos.WithQueueBasePollingInterval(queuePoll))
	if err != nil {
		return fmt.Errorf("register the queue of runs: %w", err)
	}
	e.queue = q
	// Two hundred services share one night: their plans must not run all at once.
	e.posts = map[string]dbos.Queue{}
	for kind, most := range map[string]int{"health": 8, "drift": 2} {
		q, err := dbos.RegisterQueue(e.ctx, kind, dbos.WithQueueBasePollingInterval(time.Second), dbos.WithWorkerConcurrency(most))
		if err != nil {
			return fmt.Errorf("register the queue %s: %w", kind, err)
		}
		e.posts[kind] = q
	}
	return nil
}

// Watch looks every minute, and at once, for runs that the engine has ended while
// their record says otherwise (given up after too many crashes), and says so: such
// a run does nothing any more and holds nobody's service.
func (e *Engine) Watch(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	// What happened while nobody listened is looked at now, not at the next look.
	if err := e.nudgeAll(ctx); err != nil {
		e.deps.Log.WarnContext(ctx, "the waiting runs were not nudged; their next look is soon", "error", err)
	}
	for {
		if err := e.settleEnded(ctx); err != nil && ctx.Err() == nil {
			e.deps.Log.ErrorContext(ctx, "the open runs were not compared with the engine's", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (e *Engine) nudgeAll(ctx context.Context) error {
	runs, err := e.deps.Runs.OpenRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if run.State == dr.RunWaiting {
			if err := e.send(run, message{Kind: "nudge"}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Engine) settleEnded(ctx context.Context) error {
	runs, err := e.deps.Runs.OpenRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range runs {
		h, err := dbos.RetrieveWorkflow[string](e.ctx, run.Run)
		if err != nil {
			continue // being started this moment
		}
		st, err := h.GetStatus()
		if err != nil {
			return err
		}
		switch st.Status {
		case dbos.WorkflowStatusPending, dbos.WorkflowStatusEnqueued, dbos.WorkflowStatusDelayed:
			continue
		}
		why := fmt.Sprintf("the workflow engine ended this run (%s): it does nothing any more.", st.Status)
		_, err = e.deps.Runs.UpdateRun(ctx, run.Run, func(r *dr.Run) {
			if !r.State.Final() {
				r.State, r.Outcome, r.Hint, r.Ended, r.Question = dr.RunStopped, why, "look at what it had done in its steps, then ask for another run", e.deps.Now(), nil
			}
		})
		if err != nil {
			return err
		}
		s := e.deps.Services[run.Service]
		if err := e.deps.say(ctx, dr.Note{Key: run.Run + "/engine-ended", Run: run.Run, Channel: s.Channel, Level: dr.Fail, Title: "The run is over", Lines: []string{why}}); err != nil {
			return err
		}
		e.deps.Notify.Changed(run.Run)
	}
	return nil
}

// Drain lets no run take another step and waits for the acts in hand, or for the
// context. The process is expected to end then, without shutting the engine down:
// that would cancel what waits, while runs whose process is simply gone are taken
// up again by the next one.
func (e *Engine) Drain(ctx context.Context) error { return e.drain.close(ctx) }

// Close shuts the engine down at once; for tests, after Drain.
func (e *Engine) Close(timeout time.Duration) error { return dbos.Shutdown(e.ctx, timeout) }

// drain counts the acts in hand and can refuse new ones.
type drain struct {
	mu      sync.Mutex
	closing bool
	inHand  int
	idle    chan struct{}
}

func newDrain() *drain { return &drain{idle: make(chan struct{})} }

// enter admits an act; while draining it waits for the end of the process, or of
// the engine in a test.
func (d *drain) enter(ctx context.Context) error {
	d.mu.Lock()
	if !d.closing {
		d.inHand++
		d.mu.Unlock()
		return nil
	}
	d.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

func (d *drain) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inHand--
	if d.closing && d.inHand == 0 {
		close(d.idle)
	}
}

func (d *drain) close(ctx context.Context) error {
	d.mu.Lock()
	if !d.closing {
		d.closing = true
		if d.inHand == 0 {
			close(d.idle)
		}
	}
	d.mu.Unlock()
	select {
	case <-d.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// quiet passes on the engine's warnings and errors: its information lines speak
// of its own tables, not of anybody's failover.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}

// Handle leaves out what the engine calls a warning and is every wait's normal end.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "Recv() timeout reached" {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}

func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }

func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
