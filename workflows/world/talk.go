package world

import (
	"context"
	"strings"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
)

// patience is how long a test waits for what it waits for, by its own clock.
const patience = 1 * time.Hour

// By is a person who talks to the bot in Slack.
func By(person string) workflows.Caller {
	return workflows.Caller{Via: "slack", SlackID: "U" + strings.ToUpper(person)}
}

// Planned and Disaster ask for a failover to Tokyo by alice.
var (
	Planned  = workflows.StartCommand{Kind: dr.Failover, Service: "portal", Target: Tokyo, Mode: "planned", Reason: "a drill", Channel: "C-PORTAL", Once: "1"}
	Disaster = workflows.StartCommand{Kind: dr.Failover, Service: "portal", Target: Tokyo, Mode: "disaster", Reason: "Seoul is gone", Channel: "C-PORTAL", Once: "1"}
)

// Back is a way back to Seoul.
func Back(cmd workflows.StartCommand) workflows.StartCommand {
	cmd.Kind, cmd.Target = dr.Failback, Seoul
	return cmd
}

// Start asks for a run as alice and gives its id.
func (w *World) Start(cmd workflows.StartCommand) string {
	w.t.Helper()
	run, _, err := w.Engine.Start(context.Background(), By("alice"), cmd)
	if err != nil {
		w.t.Fatalf("start: %v", err)
	}
	return run.Run
}

// Record is the record of a run.
func (w *World) Record(run string) dr.Run {
	w.t.Helper()
	r, err := w.Store.Run(context.Background(), run)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// glance is the record as the bot wrote it last, for who looks again and again: to read it
// from the database costs a test more than the run itself.
func (w *World) glance(run string) dr.Run {
	if r, ok := w.latest.Load(run); ok {
		return r.(dr.Run)
	}
	return w.Record(run)
}

// Await waits until a run is in a state and everything stands still, and gives its record.
func (w *World) Await(run string, state dr.RunState) dr.Run {
	w.t.Helper()
	return w.Until(run, func(r dr.Run) bool { return r.State == state })
}

// Until waits until a run's record is as wanted and everything stands still.
func (w *World) Until(run string, ok func(dr.Run) bool) dr.Run {
	w.t.Helper()
	limit := time.After(patience)
	for {
		r := w.glance(run)
		if ok(r) {
			synctest.Wait()
			return w.Record(run)
		}
		if err := w.Fatal(); err != nil {
			w.t.Fatalf("the engine gave up: %v", err)
		}
		if r.State.Final() {
			w.t.Fatalf("the run is %s: %s", r.State, r.Outcome)
		}
		select {
		case <-w.changed:
		case <-limit:
			w.t.Fatalf("the run is %s after %s: %s", r.State, patience, r.Outcome)
		}
	}
}

// End waits until a run is over.
func (w *World) End(run string) dr.Run {
	w.t.Helper()
	return w.Until(run, func(r dr.Run) bool { return r.State.Final() })
}

// Answer answers the question a run asks now. Where the bot is killed by that, nobody has
// heard it.
func (w *World) Answer(run, person, verb string) {
	w.t.Helper()
	reply, answered := workflows.Reply{Verb: verb, Digest: digestOf(w.Record(run), verb)}, make(chan error, 1)
	go func() { // the end of the bot is that of its caller, not of the test
		defer close(answered)
		_, _, err := w.Engine.Answer(context.Background(), By(person), run, reply)
		answered <- err
	}()
	if err := <-answered; err != nil {
		w.t.Fatalf("answer %s: %v", verb, err)
	}
}

// Stop answers stop, by as many people as it takes now.
func (w *World) Stop(run string) {
	w.t.Helper()
	w.Answer(run, "bob", "stop")
	if w.Record(run).PastMerge() {
		w.Answer(run, "carol", "stop")
	}
}

// Cancel asks a run to end.
func (w *World) Cancel(run, person string) {
	w.t.Helper()
	if _, _, err := w.Engine.Cancel(context.Background(), By(person), run); err != nil {
		w.t.Fatalf("cancel: %v", err)
	}
}

// Said lists the notes of the channel, each "key: title".
func (w *World) Said() []dr.Note {
	w.t.Helper()
	unsaid, err := w.Store.UnsaidNotes(context.Background(), "C-PORTAL", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	notes := make([]dr.Note, len(unsaid))
	for i, u := range unsaid {
		notes[i] = u.Note
	}
	return notes
}

// Schedule starts the scheduled runbooks.
func (w *World) Schedule(ctx context.Context) {
	w.t.Helper()
	if err := w.Books.Schedule(ctx, w.life); err != nil {
		w.t.Fatal(err)
	}
}

// digestOf is what a run's question says who types an answer has to name.
func digestOf(r dr.Run, verb string) string {
	if r.Question == nil {
		return ""
	}
	return r.Question.Names(r.Run, verb)
}
