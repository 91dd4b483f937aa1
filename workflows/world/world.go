package world

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/store"
	"github.com/drbot/drbot/policies"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// Options is what a test wants otherwise.
type Options struct {
	Service func(*dr.Service)
	Timing  Timing
	Active  dr.Region // Seoul when empty
	More    int       // services of the same repository, with files of their own
	Former  bool      // it begins with an edition that has no seals

	Systems workflows.Systems // who reads the checks; the world itself when nil
	Kinds   []steps.Kind      // beside the program's own
}

// AKey is the key that seals what is said in a world.
func AKey() []byte { return []byte("a key of the world's tests") }

// Timing is how long the runbooks and their steps wait.
type Timing struct {
	Steps    steps.Timing
	Runbooks workflows.Timing
}

// World is the world of one test.
type World struct {
	t       testing.TB
	dir     string
	options Options

	mu      sync.Mutex
	forge   *forge
	tf      *terraform
	cloud   *cloud
	rules   []*Rule
	journal []Call
	watch   atomic.Pointer[func(call string)] // told of each call before anything else
	fatal   error
	kills   kills
	leaving []string // approvers who are to leave the configuration

	Key      []byte     // seals what is said to runs, from the next life on
	Config   string     // digest of the configuration, from the next life on
	portal   dr.Service // the one that a test means when it names none
	Services map[string]dr.Service
	People   dr.People
	Engine   workflows.Commands
	Books    *workflows.Runbooks
	Store    *store.Store
	life     *ports
	lives    int
	changed  chan struct{}
	latest   sync.Map // of records, by their run, since the database was opened
	logs     *logs
	forged   int // messages written by hand
}

// ports is what one life of the bot's process sees of the world.
type ports struct {
	w      *World
	store  *store.Store
	engine *idleDB // before the engine's handle of the store's database
	policy *policies.Policy
	gone   chan struct{} // closed when the process was killed: it can do nothing any more
}

// the rules are compiled once: nothing in them is of one bubble.
var compiled = sync.OnceValues(func() (*policies.Policy, error) { return policies.New(context.Background()) })

// empty is a database with its tables and nothing in them: to make those anew for every
// test takes a tenth of all the tests' time.
var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "drbot-world-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "empty.db")
	log := slog.New(slog.DiscardHandler)
	st, err := store.Open(context.Background(), "sqlite:"+path, false, log)
	if err != nil {
		return nil, err
	}
	e, err := engine.New(engine.Options{DatabaseURL: "sqlite:" + path, Host: engine.Host{Now: time.Now, Log: log}})
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	if err := errors.Join(e.Close(time.Minute), st.Close(), withoutPartial(path)); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// withoutPartial takes the partial indexes away that demand nothing. A statement whose
// argument might make one of use is planned anew at each call, which in a database of a
// dozen rows was a fifth of all the tests' time; what is found without them is the same.
func withoutPartial(path string) error {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE 'CREATE INDEX%WHERE%'`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var drop []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		drop = append(drop, fmt.Sprintf("DROP INDEX %q", name))
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	_, err = db.Exec(strings.Join(drop, ";"))
	return err
}

// Run makes a world, lets the test live in it by a clock of its own and takes it down.
func Run(t *testing.T, o Options, test func(*testing.T, *World)) {
	t.Helper()
	dir := folder(t)
	if _, err := compiled(); err != nil {
		t.Fatal(err)
	}
	database, err := empty()
	if err != nil {
		t.Fatal(err)
	}
	first := filepath.Join(dir, "0.db")
	if err := os.WriteFile(first, database, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir, o)
		w.open(first)
		defer w.close()
		test(t, w)
	})
}

// folder is where a world keeps its databases: in memory where a machine has that as
// files, for half the time of a run is a disk's otherwise.
func folder(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "drbot-world-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func newWorld(t *testing.T, dir string, o Options) *World {
	s := NewService()
	if o.Service != nil {
		o.Service(&s)
	}
	if o.Active == "" {
		o.Active = Seoul
	}
	if o.Timing.Runbooks.Engine.Queue == 0 {
		o.Timing.Runbooks.Engine.Queue = 20 * time.Second // an idle hour is cheaper
	}
	if o.Timing.Steps.Gate == 0 {
		o.Timing.Steps.Gate = 3 * time.Minute // and so is a gate that stays shut
	}
	w := &World{
		t: t, dir: dir, options: o, Key: AKey(), People: everybody(), portal: s, Services: map[string]dr.Service{s.Name: s},
		forge: newForge(s.Repository, fileOf(o.Active)), changed: make(chan struct{}, 1), logs: &logs{}, kills: kills{now: make(chan struct{})},
		tf: newTerraform(),
	}
	w.SetClouds(s, o.Active)
	for n := range o.More {
		w.settle(n+1, o.Active)
	}
	if o.Former {
		w.Key = nil
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the calls:\n%s\nthe log:\n%s", strings.Join(w.Journal(), "\n"), w.logs)
		}
	})
	return w
}

// SetClouds makes the world be as the files want it with this Region active.
func (w *World) SetClouds(s dr.Service, active dr.Region) {
	w.cloud = newCloud(s, active)
	for _, st := range s.StacksOf(dr.TrafficStack) {
		w.tf.points[st.Name] = active
	}
}

// settle puts a further service beside the first, in folders of its own.
func (w *World) settle(n int, active dr.Region) {
	s := another(n)
	w.Services[s.Name] = s
	w.forge.push(s.Repository.Base, s.Repository.File, fileOf(active), "somebody", "somebody")
	w.cloud.add(s, active)
	for _, st := range s.StacksOf(dr.TrafficStack) {
		w.tf.points[st.Name] = active
	}
}

// open begins a life of the bot on a database.
func (w *World) open(path string) {
	w.t.Helper()
	if err := w.launch(path); err != nil {
		w.t.Fatal(err)
	}
}

func (w *World) launch(path string) error {
	policy, err := compiled()
	if err != nil {
		return err
	}
	w.latest.Clear()
	log := slog.New(slog.NewTextHandler(w.logs, nil))
	url := "sqlite:" + path
	st, err := store.Open(context.Background(), url, false, log, w.keys()...)
	if err != nil {
		return err
	}
	direct, err := st.EngineDB()
	if err != nil {
		return errors.Join(err, st.Close())
	}
	before := newIdle(direct)
	handle := before.open() // which the engine closes
	p := &ports{w: w, store: st, engine: before, policy: policy, gone: make(chan struct{})}
	works := &steps.World{
		Databases: databases{p}, Workloads: workloads{p}, Network: p, Terraform: p, Ledger: steps.Books{Ledger: p, Changing: p},
		Held: p.held, Now: time.Now, Timing: w.options.Timing.Steps.WithDefaults(),
	}
	var read workflows.Systems = p
	if w.options.Systems != nil {
		read = w.options.Systems
	}
	b, err := workflows.New(workflows.Deps{
		Team:  workflows.Team{Services: w.Services, People: w.People},
		Forge: workflows.Forge{Files: p, Changes: p, Publish: p, Region: p, Rules: p, Itself: p, Pages: pages()},
		Cloud: workflows.Cloud{Systems: read, Databases: databases{p}, Names: p}, Terraform: p, Policy: p, Directory: p,
		Store: workflows.Store{Records: p, Book: p, Memory: p, Keeper: p, Reports: p},
		Kinds: append(steps.Kinds(works), w.options.Kinds...),
	}, workflows.Host{
		DatabaseURL: url, SQLite: handle, Held: p.held,
		Audited: st.Audited,
		Config:  w.Config, Seals: st,
		Host: engine.Host{Now: time.Now, Log: log, Key: w.Key, Changed: p.recorded, Fatal: func(err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if p.alive() {
				w.fatal = err
			}
		}},
	}, w.options.Timing.Runbooks)
	if err != nil {
		return errors.Join(err, handle.Close(), st.Close())
	}
	// A run that is taken up may be killed before Launch returns.
	e, was, s, l := w.Engine, w.Books, w.Store, w.life
	w.Engine, w.Books, w.Store, w.life = b.Commands(), b, st, p
	if err := b.Launch(context.Background()); err != nil {
		w.Engine, w.Books, w.Store, w.life = e, was, s, l
		return errors.Join(err, b.Close(time.Minute), st.Close())
	}
	w.lives++
	return nil
}

// keys are those of the database, where there are seals.
func (w *World) keys() []store.Option {
	if w.Key == nil {
		return nil
	}
	return []store.Option{store.WithAuditKey(append([]byte("audit "), w.Key...)), store.WithSealKey(append([]byte("rows "), w.Key...))}
}

func (w *World) close() {
	w.t.Helper()
	if err := w.Books.Close(time.Minute); err != nil {
		w.t.Errorf("close the engine: %v", err)
	}
	if err := errors.Join(w.life.engine.unused(), w.Store.Close()); err != nil {
		w.t.Errorf("close the store: %v", err)
	}
}

// Restart ends the bot as a deploy does, waiting for the act in hand, and starts it again.
func (w *World) Restart() {
	w.t.Helper()
	w.RestartOver("")
}

// RestartOver changes the database by a statement while the bot is down.
func (w *World) RestartOver(statement string) {
	w.t.Helper()
	w.Drain()
	w.close()
	if statement != "" {
		if err := w.exec(statement); err != nil {
			w.t.Fatal(err)
		}
	}
	w.open(w.path(w.killed()))
}

// TryOver restarts the bot over a database that was changed behind its back, and over the
// one that it left where it does not start so. It gives why.
func (w *World) TryOver(statement, undo string) error {
	w.t.Helper()
	w.Drain()
	w.close()
	if err := w.exec(statement); err != nil {
		w.t.Fatal(err)
	}
	why := w.launch(w.path(w.killed()))
	if why != nil {
		if err := w.exec(undo); err != nil {
			w.t.Fatal(err)
		}
		w.open(w.path(w.killed()))
	}
	return why
}

// RestartWithout restarts the bot with a configuration that lacks a service, and with the
// whole one where it does not start so. It gives why.
func (w *World) RestartWithout(service string) error {
	w.t.Helper()
	w.Drain()
	w.close()
	whole := w.Services
	w.Services = maps.Clone(whole)
	delete(w.Services, service)
	why := w.launch(w.path(w.killed()))
	if why != nil {
		w.Services = whole
		w.open(w.path(w.killed()))
	}
	return why
}

// Drain lets the act in hand end and no other begin.
func (w *World) Drain() {
	w.t.Helper()
	if err := w.Books.Drain(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// path is where the database of a life is: a kill goes on with a copy of its moment.
func (w *World) path(n int) string { return filepath.Join(w.dir, fmt.Sprintf("%d.db", n)) }

// exec runs a statement on the database as another process would.
func (w *World) exec(statement string, args ...any) error {
	db, err := sql.Open("sqlite", "file:"+w.path(w.killed())+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	_, err = db.Exec(statement, args...)
	return errors.Join(err, db.Close())
}

// Fatal is what the engine gave up for; nil when it did not.
func (w *World) Fatal() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fatal
}

// logs is the bot's log, shown when a test fails.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
