package engine

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // for sqlite: URLs

	"github.com/drbot/drbot/dr"
)

// maxRecoveries is how often the engine takes up a run. Every deploy and every restart of
// the host counts, and what it gives up is lost without a word and holds its service: it is
// never to be met.
const maxRecoveries = 1_000_000

// Book is where a run is written down for people, and what it has to say.
type Book interface {
	// UpdateRun changes the record of a run under a lock and gives what it became.
	UpdateRun(ctx context.Context, id string, change func(*dr.Run)) (dr.Run, error)
	// Say keeps a note until it has been said; a second one of the same key is the first.
	Say(ctx context.Context, n dr.Note) error
	Audit(ctx context.Context, e dr.AuditEntry) error
}

// Timing is how long the engine waits for what. Zero values take the defaults.
type Timing struct {
	Queue time.Duration // between two looks at the queue of runs; 100 ms
	Retry time.Duration // first pause before something temporary is tried again; 1 s
	Tries int           // of a temporary failure before a person is asked; 6
}

// Options are what an engine is made of.
type Options struct {
	DatabaseURL string
	// SQLite is a handle of that database where it is SQLite, which its owner closes
	// after the engine; the engine opens its own where there is none.
	SQLite *sql.DB
	// Generation is the version of the runbooks as stored runs know them. Runs that wait
	// must survive a new build, so it is no hash of the binary.
	Generation string
	Book       Book
	Memory     Memory
	Timing     Timing
	Host
}

// Host is what an engine finds around it.
type Host struct {
	Now     func() time.Time
	Changed func(run string) // there is something new to show; must not block
	Log     *slog.Logger
	// Key seals what people say to runs; without one nothing is sealed.
	Key []byte
	// Fatal is told that the engine cannot write any more. The process must end and be
	// started again; the runs go on where they were.
	Fatal func(error)
}

// Engine runs runbooks. Exactly one engine may run on a database at a time: hold the
// store's lock before Launch.
type Engine struct {
	opts    Options
	ctx     dbos.Context
	drain   *drain
	nudged  sync.Map // runs that have a nudge in their inbox
	nudges  nudges
	hurries hurries  // that were cancelled
	leaving hurries  // that were abandoned
	bells   sync.Map // of the runs under way in this process
	former  []string // runs of before the seals
}

// New prepares the engine on a database; Launch starts it and takes up every run a
// former process left.
func New(o Options) (*Engine, error) {
	orDefault(&o.Timing.Queue, 100*time.Millisecond)
	orDefault(&o.Timing.Retry, time.Second)
	if o.Timing.Tries == 0 {
		o.Timing.Tries = 6
	}
	// A background context: a cancelled parent would mark every waiting run as cancelled.
	ctx, err := dbos.NewContext(context.Background(), dbos.Config{
		AppName:            "drbot",
		DatabaseURL:        o.DatabaseURL,
		SQLiteSystemDB:     o.SQLite,
		ApplicationVersion: o.Generation,
		ExecutorID:         "drbot",
		Logger:             slog.New(quiet{o.Log.Handler()}),
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the workflow engine: %w", err)
	}
	return &Engine{opts: o, ctx: ctx, drain: newDrain()}, nil
}

func orDefault(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

// Queue makes a queue of runs, of which so many go at once; zero is no limit. It is
// made before Launch: one made later is looked at a round late.
func (e *Engine) Queue(name string, most int, poll time.Duration) error {
	// What a former version stored of the queue is overwritten: this process is the only executor.
	opts := []dbos.QueueOption{dbos.WithQueueBasePollingInterval(poll), dbos.WithQueueOnConflict(dbos.QueueConflictAlwaysUpdate)}
	if most > 0 {
		opts = append(opts, dbos.WithWorkerConcurrency(most))
	}
	if _, err := dbos.RegisterQueue(e.ctx, name, opts...); err != nil {
		return fmt.Errorf("register the queue %s: %w", name, err)
	}
	return nil
}

// Poll is how long a run waits in a queue at most before it begins.
func (e *Engine) Poll() time.Duration { return e.opts.Timing.Queue }

// runbook is a registered function; DBOS tells instances of one method apart by name.
type runbook struct {
	engine *Engine
	name   string
	play   func(*Run, json.RawMessage) string
	strays Strays
}

// ConfigName names the instance.
func (b *runbook) ConfigName() string { return b.name }

// Register makes a function a runbook of that name. It gives a word for how the run
// ended, for the engine's own tables. Where nil is given for its strays, one that cannot be
// taken up stands still for ever.
func Register[In any](e *Engine, name string, play func(*Run, In) string, strays Strays) {
	b := &runbook{engine: e, name: name, strays: strays, play: func(r *Run, doc json.RawMessage) string {
		var in In
		if err := json.Unmarshal(doc, &in); err != nil {
			r.halt("input", fmt.Errorf("decode the input: %w: %w", errUnreadable, err))
		}
		return play(r, in)
	}}
	dbos.RegisterWorkflow(e.ctx, b.execute, dbos.WithWorkflowName(name), dbos.WithInstance(b), dbos.WithMaxRecoveryAttempts(maxRecoveries))
}

// execute gives an error only to stand still: every end of a run is in its record.
func (b *runbook) execute(ctx dbos.Context, in json.RawMessage) (end string, err error) {
	id, err := dbos.GetWorkflowID(ctx)
	if err != nil {
		return "", err
	}
	has, sealed := sealer(b.engine.opts.Key).began(id, in)
	keyed := has || !slices.Contains(b.engine.former, id)
	r := &Run{Record: &Record{ID: id, opts: &b.engine.opts}, engine: b.engine, ctx: ctx, strays: b.strays, outcomes: map[string]Outcome{}, skipped: map[string]bool{}, granted: map[string]any{}, begun: map[string]int{}, bell: make(bell, 1), keyed: keyed, sealed: sealed}
	b.engine.bells.Store(id, r.bell)
	defer b.engine.bells.Delete(id)
	var by dr.Voices
	if end, by, err = unwound(func() string { return b.play(r, in) }); len(by) > 0 {
		end, _, err = unwound(func() string { return leave(r, by) })
	}
	if err != nil {
		return "", err
	}
	b.engine.hurries.end(id)
	b.engine.leaving.end(id)
	return end, nil
}

// unwound plays, and gives what has ended that before its end: people, of a run that stood
// still, or an error.
func unwound(play func() string) (end string, by dr.Voices, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case halted:
			err = p.err
		case left:
			by = p.by
		default:
			panic(p)
		}
	}()
	return play(), nil, nil
}

// Launch starts the engine. Runs that were under way go on.
func (e *Engine) Launch() error {
	if err := dbos.Launch(e.ctx); err != nil {
		return fmt.Errorf("launch the workflow engine: %w", err)
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
