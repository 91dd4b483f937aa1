package workflows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// What the database service tells of a promotion, in both Regions: the old writer's fencing is
// recorded in the Region that was left where that can be reached, which it may be only later.

const (
	// eventsRead bounds the reading of one Region's events of a database: worth telling, not
	// worth waiting for.
	eventsRead = 5 * time.Second
	// aftermath is for how long events are told after a run that has promoted.
	aftermath = 6 * time.Hour
	// aftermathEvery is the time between two looks at them, and before the first.
	aftermathEvery = 10 * time.Minute
	// aftermathRuns bounds the newest runs that are looked through for it.
	aftermathRuns = 200
	// aftermathAtOnce is of how many of them they are read side by side.
	aftermathAtOnce = 20
)

// unread is a database whose events a Region did not tell.
type unread struct {
	database string
	in       dr.Region
}

// eventsOf lists what was reported about a service's databases since a time in these Regions,
// asked side by side, oldest first, and what could not be read.
func eventsOf(ctx context.Context, d Databases, s dr.Service, since time.Time, in ...dr.Region) (events []dr.Event, failed []unread) {
	var of []unread
	var dbs []dr.Resource
	for _, db := range s.ResourcesOf(dr.AuroraGlobal) {
		for _, r := range in {
			of, dbs = append(of, unread{db.Name, r}), append(dbs, db)
		}
	}
	found := make([][]dr.Event, len(of))
	errs := engine.Each(ctx, len(of), func(ctx context.Context, i int) (err error) {
		ctx, cancel := context.WithTimeout(ctx, eventsRead)
		defer cancel()
		found[i], err = d.Events(ctx, s, dbs[i], of[i].in, since)
		return err
	})
	for i, err := range errs {
		if err != nil {
			failed = append(failed, of[i])
		}
		events = append(events, found[i]...)
	}
	slices.SortStableFunc(events, func(a, b dr.Event) int { return a.At.Compare(b.At) })
	return events, failed
}

// follow tells, once each and in the run's thread, what was reported since a run that is over,
// for some hours; it stores nothing of the run. What its result has is told already.
func (b Watchman) follow(ctx context.Context) error {
	runs, err := b.Store.Records.Runs(ctx, "", aftermathRuns)
	if err != nil {
		return err
	}
	due := slices.DeleteFunc(runs, func(run dr.Run) bool {
		age := b.host.Now().Sub(run.Ended)
		_, known := b.Team.Services[run.Service]
		return !known || !run.State.Final() || age < aftermathEvery || age > aftermath || !beganToPromote(run) || promotedSince(runs, run)
	})
	var errs []error
	for some := range slices.Chunk(due, aftermathAtOnce) {
		errs = append(errs, engine.Each(ctx, len(some), func(ctx context.Context, i int) error { return b.tellSince(ctx, some[i]) })...)
	}
	return errors.Join(errs...)
}

func (b Watchman) tellSince(ctx context.Context, run dr.Run) error {
	s := b.Team.Services[run.Service]
	events, failed := eventsOf(ctx, b.Cloud.Databases, s, run.At, run.Source, run.Target)
	if len(failed) > 0 { // asked again at the next look
		b.host.Log.InfoContext(ctx, "the events of a promotion were not read everywhere", "run", run.Run, "n", len(failed))
	}
	var errs []error
	for _, e := range events {
		if run.Result == nil || !slices.ContainsFunc(run.Result.Events, func(o dr.Event) bool { return sameEvent(o, e) }) {
			errs = append(errs, b.tellEvent(ctx, run, s, e))
		}
	}
	return errors.Join(errs...)
}

func (b Watchman) tellEvent(ctx context.Context, run dr.Run, s dr.Service, e dr.Event) error {
	sum := sha256.Sum256([]byte(e.At.UTC().Format(time.RFC3339Nano) + " " + e.Source + " " + e.Text.String()))
	err := b.Store.Book.Say(ctx, dr.Note{
		Key: run.Run + "/event/" + hex.EncodeToString(sum[:8]), Run: run.Run, Channel: s.Channel, Level: dr.Warn, Title: dr.T("note.event", "service", run.Service),
		Lines: []dr.Text{dr.T("note.event.line", "at", e.At, "source", dr.Foreign(e.Source), "event", e.Text)},
	})
	b.host.Changed(run.Run)
	return err
}

func sameEvent(a, b dr.Event) bool {
	return a.At.Equal(b.At) && a.Source == b.Source && a.Text.Same(b.Text)
}

// promotedSince tells whether a later run of the service has begun to promote: what is reported
// then is of that one.
func promotedSince(runs []dr.Run, run dr.Run) bool {
	return slices.ContainsFunc(runs, func(o dr.Run) bool { return o.Service == run.Service && o.At.After(run.At) && beganToPromote(o) })
}

// beganToPromote tells whether a run came as far as a promotion, whatever became of it.
func beganToPromote(run dr.Run) bool {
	return slices.ContainsFunc(run.Steps, func(s dr.Step) bool {
		return steps.KindOf(s.Name) == string(steps.Promotion) && s.State != dr.StepPending && s.State != dr.StepSkipped
	})
}
