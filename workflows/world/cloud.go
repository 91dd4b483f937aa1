package world

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
)

// How long the cloud takes.
const (
	startTime   = 6 * time.Second  // tasks come up, or go down
	pendingTime = 4 * time.Second  // a promotion is accepted and has not begun
	moveTime    = 12 * time.Second // until the writer is elsewhere
	readyTime   = 16 * time.Second // until it takes writes
)

// cloud is the databases and the workloads.
type cloud struct {
	regions   map[dr.Region]*region
	databases map[string]*database // by the resource's name
	first     string               // of the databases, in the order they are moved
	levels    map[string]dr.Level  // of checks, over what the world would say
	refused   map[string]error     // Slack ids
	aliases   bool                 // names are alias records: they show addresses, and no name behind them
	silent    bool                 // no name server answers
}

// region is a Region.
type region struct {
	down  bool              // nothing answers there
	sick  bool              // no target is healthy
	never bool              // no task that is wanted starts
	blind bool              // its targets cannot be read
	trips bool              // the circuit breaker ends every new deployment
	backs bool              // and goes back to the last one that was good
	hides bool              // without showing the one that failed any more
	stale time.Duration     // for so long the deployment before is shown yet
	tasks map[string]*tasks // by the resource's name
}

// tasks are those of one workload in a Region.
type tasks struct {
	desired, was int
	changed      time.Time // of desired
	deployed     time.Time
	deployment   int
	fails        bool          // the newest deployment, by the circuit breaker
	good         dr.Deployment // the one before those that failed
	before       dr.Deployment // the one before the newest
	changes      int           // calls that changed something
}

// database is one global database.
type database struct {
	name     string
	writer   dr.Region
	moving   *move
	ready    time.Time      // from when the writer takes writes
	asked    []dr.Promotion // that arrived, refused ones too
	promoted []dr.Promotion
	status   string                   // reported of it, over what it would be
	stuck    bool                     // no promotion ends
	busy     bool                     // the writer is not available, which passes
	slow     time.Duration            // until the writer takes writes, over what it would take
	called   string                   // the state of an operation, over what it would be
	rebuilds bool                     // a promotion moves the writer, and then goes on over the other members
	events   map[dr.Region][]dr.Event // by the Region that has recorded them
	lag      *float64
}

// move is a promotion under way.
type move struct {
	dr.Promotion
	began time.Time
	fails bool // it ends with the writer where it was
	moved bool // the writer is elsewhere already
}

func newCloud(s dr.Service, active dr.Region) *cloud {
	c := &cloud{regions: map[dr.Region]*region{}, databases: map[string]*database{}, levels: map[string]dr.Level{}, refused: map[string]error{}}
	c.add(s, active)
	return c
}

// add puts a service beside the others.
func (c *cloud) add(s dr.Service, active dr.Region) {
	for _, db := range s.ResourcesOf(dr.AuroraGlobal) {
		lag := 0.4
		if c.first == "" {
			c.first = db.Name
		}
		c.databases[db.Name] = &database{name: db.Name, writer: active, lag: &lag, events: map[dr.Region][]dr.Event{}}
	}
	for _, r := range s.Regions {
		n := wants(s.Strategy, r == active)
		at := c.regions[r]
		if at == nil {
			at = &region{tasks: map[string]*tasks{}}
			c.regions[r] = at
		}
		for _, w := range s.ResourcesOf(dr.ECSService) {
			at.tasks[w.Name] = &tasks{desired: n, was: n, deployed: time.Now().Add(-24 * time.Hour)}
		}
	}
}

func (c *cloud) at(r dr.Region) *region { return c.regions[r] }

// of are the tasks of a service in a Region.
func (r *region) of(s dr.Service) []*tasks {
	var out []*tasks
	for _, w := range s.ResourcesOf(dr.ECSService) {
		if t := r.tasks[w.Name]; t != nil {
			out = append(out, t)
		}
	}
	return out
}

// wanted is how many tasks every workload of a service is to run in a Region.
func (r *region) wanted(s dr.Service) int {
	for _, t := range r.of(s) {
		return t.desired // Terraform scales all alike
	}
	return 0
}

func (r *region) scale(s dr.Service, n int) {
	for _, t := range r.of(s) {
		t.scale(n)
	}
}

func (r *region) serves(s dr.Service) bool {
	mine := r.of(s)
	for _, t := range mine {
		if t.running() == 0 {
			return false
		}
	}
	return !r.down && !r.sick && len(mine) > 0
}

func (t *tasks) scale(n int) {
	if n == t.desired {
		return
	}
	t.was, t.desired, t.changed = t.running(), n, time.Now()
	t.changes++
}

func (t *tasks) running() int {
	if time.Since(t.changed) >= startTime {
		return t.desired
	}
	return min(t.was, t.desired) // what is stopped goes at once, what is started takes its time
}

func unreachable(r dr.Region) error { return refused(dr.Temporary, "%s does not answer.", r) }

// reach refuses a Region that is none of the service's, and one that does not answer.
func (c *cloud) reach(r dr.Region) error {
	at := c.at(r)
	switch {
	case at == nil:
		return refused(dr.Invalid, "nothing is configured in %s.", r)
	case at.down:
		return unreachable(r)
	}
	return nil
}

// settle lets time do its work on a promotion. It needs the world's lock.
func (d *database) settle() {
	m := d.moving
	if m == nil || d.stuck || time.Since(m.began) < moveTime {
		return
	}
	if !d.rebuilds || m.fails {
		d.moving = nil
	}
	if m.fails || m.moved {
		return
	}
	m.moved = true
	d.writer, d.ready = m.To, m.began.Add(readyTime+d.slow)
	d.report(m.To, m.began.Add(moveTime), "Global failover to "+string(m.To)+" completed")
}

// report has a Region record an event of the database.
func (d *database) report(in dr.Region, at time.Time, words string) {
	d.events[in] = append(d.events[in], dr.Event{At: at, Source: d.name, Text: dr.T(dr.Words, "words", dr.Foreign(words))})
}

// databases are the databases as one life of the bot sees them.
type databases struct{ *ports }

// State implements workflows.Databases and steps.Databases.
func (p databases) State(ctx context.Context, s dr.Service, db dr.Resource, through dr.Region) (dr.DatabaseState, error) {
	return ask(ctx, p.ports, "DatabaseState", string(through)+" "+db.Name, func() (dr.DatabaseState, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		if err := p.w.cloud.reach(through); err != nil {
			return dr.DatabaseState{}, err
		}
		return p.w.cloud.databases[db.Name].state(s, db, through), nil
	})
}

// state needs the world's lock.
func (d *database) state(s dr.Service, db dr.Resource, through dr.Region) dr.DatabaseState {
	d.settle()
	st := dr.DatabaseState{Status: "available", Writer: d.writer, ReadFrom: through, Engine: "16.4", WriterReady: !time.Now().Before(d.ready)}
	st.WriterDetail = dr.T(dr.Words, "words", dr.Foreign("cluster available, instance available"))
	if !st.WriterReady {
		st.WriterDetail = dr.T(dr.Words, "words", dr.Foreign("cluster available, instance configuring-log-exports"))
	}
	if d.busy {
		st.WriterReady, st.WriterBusy, st.WriterDetail = false, true, dr.T(dr.Words, "words", dr.Foreign("cluster available, instance backing-up"))
	}
	for _, r := range s.Regions {
		st.Members = append(st.Members, dr.DatabaseMember{ARN: db.At(r, "cluster_arn"), Region: r, Writer: r == d.writer, Sync: "connected"})
	}
	if d.status != "" {
		st.Status = d.status
	}
	if m := d.moving; m != nil {
		st.Failover, st.FailoverFrom, st.FailoverTo, st.DataLoss = "pending", m.From, m.To, m.Mode == dr.Disaster
		if time.Since(m.began) >= pendingTime {
			st.Failover, st.Status = "failing-over", "failing-over"
			if m.Mode == dr.Planned {
				st.Failover, st.Status = "switching-over", "switching-over"
			}
		}
		if d.called != "" {
			st.Failover = d.called
		}
	}
	return st
}

// Promote implements steps.Databases.
func (p databases) Promote(ctx context.Context, _ dr.Service, db dr.Resource, pr dr.Promotion) error {
	return tell(ctx, p.ports, "Promote", db.Name, func() error { return p.w.promote(db.Name, pr) })
}

// through is the Region whose endpoint a promotion is sent to.
func through(pr dr.Promotion) dr.Region {
	if pr.Mode == dr.Planned {
		return pr.From
	}
	return pr.To
}

func (w *World) promote(name string, pr dr.Promotion) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.cloud.databases[name]
	d.settle()
	switch {
	case pr.Mode != dr.Planned && pr.Mode != dr.Disaster, pr.To == "" || pr.To == pr.From || pr.From == "", w.cloud.at(pr.To) == nil:
		return refused(dr.Invalid, "a promotion goes from one Region of the service to another.")
	case w.cloud.at(through(pr)).down:
		return unreachable(through(pr))
	}
	d.asked = append(d.asked, pr)
	switch {
	case w.cloud.at(pr.To).down:
		return unreachable(pr.To)
	case d.moving != nil:
		return refused(dr.Conflict, "an operation is pending on the global cluster.")
	case d.writer == pr.To:
		return refused(dr.Conflict, "the target is the writer already.")
	}
	d.promoted = append(d.promoted, pr)
	d.moving = &move{Promotion: pr, began: time.Now()}
	return nil
}

// first is the database that a test means when it names none. It needs the world's lock.
func (w *World) first() *database {
	if w.cloud.first == "" {
		return &database{}
	}
	return w.cloud.databases[w.cloud.first]
}

// PromoteByHand moves the writer as somebody at the console would.
func (w *World) PromoteByHand(to dr.Region) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.first()
	d.settle()
	d.moving = &move{Promotion: dr.Promotion{Mode: dr.Disaster, From: d.writer, To: to}, began: time.Now()}
}

// FailPromotion makes the promotion under way end with the writer where it was.
func (w *World) FailPromotion() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.first().moving.fails = true
}

// Stick makes no promotion of the first database end.
func (w *World) Stick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.first().stuck = true
}

// Rebuild makes the promotions of the first database go on after the writer has moved, over its
// other members, without an end.
func (w *World) Rebuild() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.first().rebuilds = true
}

// SetWriter makes this the writer of the first database; none where it is empty.
func (w *World) SetWriter(r dr.Region) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.first().writer = r
}

// Unready has the writer of the first database take writes this much later than it would.
func (w *World) Unready(longer time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.first().slow = longer
}

// Busy has the writer of the first database be about something that passes, or no more.
func (w *World) Busy(busy bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.first().busy = busy
}

// CallIt makes this the state of every operation on the first database.
func (w *World) CallIt(state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.first().called = state
}

// Promotions counts the promotions the bot asked for and the databases accepted.
func (w *World) Promotions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, d := range w.cloud.databases {
		n += len(d.promoted)
	}
	return n
}

// Writer is where the writer is now; of a service with several databases, of the first.
func (w *World) Writer() dr.Region {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.first()
	d.settle()
	return d.writer
}

// WriterOf is where the writer of a database is now.
func (w *World) WriterOf(name string) dr.Region {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.cloud.databases[name]
	d.settle()
	return d.writer
}

// Report has a Region record an event of the first database now.
func (w *World) Report(in dr.Region, words string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.first().report(in, time.Now(), words)
}

// Events implements workflows.Databases.
func (p databases) Events(ctx context.Context, _ dr.Service, db dr.Resource, in dr.Region, since time.Time) ([]dr.Event, error) {
	return ask(ctx, p.ports, "DatabaseEvents", string(in)+" "+db.Name, func() ([]dr.Event, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		if err := p.w.cloud.reach(in); err != nil {
			return nil, err
		}
		return slices.DeleteFunc(slices.Clone(p.w.cloud.databases[db.Name].events[in]), func(e dr.Event) bool { return e.At.Before(since) }), nil
	})
}

// workloads are what runs as one life of the bot sees it.
type workloads struct{ *ports }

// State implements steps.Workloads.
func (p workloads) State(ctx context.Context, _ dr.Service, res dr.Resource, in dr.Region) (dr.WorkloadState, error) {
	return ask(ctx, p.ports, "Workload", string(in)+" "+res.Name, func() (dr.WorkloadState, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		if err := p.w.cloud.reach(in); err != nil {
			return dr.WorkloadState{}, err
		}
		r := p.w.cloud.at(in)
		return r.tasks[res.Name].state(r), nil
	})
}

func (t *tasks) state(in *region) dr.WorkloadState {
	n := t.running()
	if time.Since(t.deployed) < in.stale {
		return dr.WorkloadState{Status: "ACTIVE", Desired: t.desired, Running: n, Pending: max(0, t.desired-n), Rollout: "COMPLETED",
			Deployment: t.before.ID, DeployedAt: t.before.At, Healthy: n, Targets: n}
	}
	if in.never {
		n = min(t.was, t.desired)
	}
	st := dr.WorkloadState{
		Status: "ACTIVE", Desired: t.desired, Running: n, Pending: max(0, t.desired-n), Rollout: "COMPLETED",
		Deployment: t.newest().ID, DeployedAt: t.deployed, Healthy: n, Targets: n,
	}
	switch {
	case time.Since(t.deployed) < startTime || n != t.desired && !t.fails:
		st.Rollout = "IN_PROGRESS"
	case t.fails: // the tasks of the deployment before go on
		st.Rollout, st.Failed = "FAILED", t.newest()
		if in.hides {
			st.Failed = dr.Deployment{}
		}
		if in.backs {
			st.Rollout, st.Deployment, st.DeployedAt = "COMPLETED", t.good.ID, t.good.At
		}
	}
	if in.sick {
		st.Healthy = 0
	}
	if in.blind {
		st.Healthy, st.Targets, st.Unread = 0, 0, said("the target group is not there.")
	}
	return st
}

// Scale implements steps.Workloads.
func (p workloads) Scale(ctx context.Context, _ dr.Service, res dr.Resource, in dr.Region, desired int) error {
	if desired < 0 {
		return refused(dr.Invalid, "%d tasks cannot run.", desired)
	}
	return tell(ctx, p.ports, "Scale", string(in)+" "+res.Name, func() error {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		if err := p.w.cloud.reach(in); err != nil {
			return err
		}
		p.w.cloud.at(in).tasks[res.Name].scale(desired)
		return nil
	})
}

// Redeploy implements steps.Workloads.
func (p workloads) Redeploy(ctx context.Context, _ dr.Service, res dr.Resource, in dr.Region) (dr.Deployment, error) {
	return ask(ctx, p.ports, "Redeploy", string(in)+" "+res.Name, func() (dr.Deployment, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		if err := p.w.cloud.reach(in); err != nil {
			return dr.Deployment{}, err
		}
		r := p.w.cloud.at(in)
		t := r.tasks[res.Name]
		t.changes++
		t.redeploy(r)
		return t.newest(), nil
	})
}

// Reasons implements steps.Workloads.
func (p workloads) Reasons(ctx context.Context, _ dr.Service, res dr.Resource, in dr.Region) ([]dr.Text, error) {
	return ask(ctx, p.ports, "Reasons", string(in)+" "+res.Name, func() ([]dr.Text, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		if err := p.w.cloud.reach(in); err != nil {
			return nil, err
		}
		if t := p.w.cloud.at(in).tasks[res.Name]; !t.fails || time.Since(t.deployed) < startTime {
			return nil, nil
		}
		return []dr.Text{
			dr.T(dr.Words, "words", dr.Foreign("(service "+res.Name+") deployment failed: tasks failed to start.")),
			dr.T(dr.Words, "words", dr.Foreign("CannotPullContainerError: the image is not there")),
		}, nil
	})
}

func (t *tasks) redeploy(in *region) {
	if !t.fails {
		t.good = t.newest()
	}
	t.before = t.newest()
	t.deployment++
	t.deployed, t.fails = time.Now(), in.trips
}

func (t *tasks) newest() dr.Deployment {
	return dr.Deployment{ID: fmt.Sprintf("ecs-svc/%d", t.deployment), At: t.deployed}
}

// Down takes a Region away, or gives it back: nothing answers there.
func (w *World) Down(r dr.Region, down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cloud.at(r).down = down
}

// Alias makes the names of the services alias records.
func (w *World) Alias() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cloud.aliases = true
}

// Sick makes the tasks of a Region fail their health checks.
func (w *World) Sick(r dr.Region, sick bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cloud.at(r).sick = sick
}

// Trips has the circuit breaker end every new deployment in a Region.
func (w *World) Trips(r dr.Region, trips bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cloud.at(r).trips = trips
}

// Blind keeps the targets in a Region from being read.
func (w *World) Blind(r dr.Region, blind bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cloud.at(r).blind = blind
}

// RollsBack has the circuit breaker go back to the deployment before, with the one that failed
// shown beside it or not.
func (w *World) RollsBack(r dr.Region, shown bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cloud.at(r).backs, w.cloud.at(r).hides = true, !shown
}

// ShowsLate has a new deployment in a Region show after a while, and the one before until then.
func (w *World) ShowsLate(r dr.Region, late time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cloud.at(r).stale = late
}

// Tasks is how many tasks of each workload a Region is to run.
func (w *World) Tasks(r dr.Region) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cloud.at(r).wanted(w.portal)
}

// SetTasks scales a Region as somebody at the console would.
func (w *World) SetTasks(r dr.Region, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cloud.at(r).scale(w.portal, n)
}

// Deployments counts the deployments of a Region.
func (w *World) Deployments(r dr.Region) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, t := range w.cloud.at(r).tasks {
		n += t.deployment
	}
	return n
}

// RedeployByHand starts new tasks in a Region as somebody at the console would.
func (w *World) RedeployByHand(r dr.Region) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.cloud.at(r).tasks {
		t.redeploy(w.cloud.at(r))
	}
}
