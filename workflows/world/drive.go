package world

import (
	"slices"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// KillWhen kills the bot at the first call of a port of which this is true.
func (w *World) KillWhen(now func(call string) bool) {
	done := false
	one := make(chan struct{}, 1) // a mutex would hold up the test's own clock
	watch := func(call string) {
		one <- struct{}{}
		hit := !done && now(call)
		done = done || hit
		<-one
		if hit {
			w.Kill()
		}
	}
	w.watch.Store(&watch)
}

// Drive lives through a run as people do who want it to succeed: bob and carol approve
// each plan that is put before them, both accept what is asked to be accepted, bob says
// retry to every other question, and a bot that was killed is started again. It gives the record of the end.
func (w *World) Drive(run string) dr.Run {
	w.t.Helper()
	approved, answered := map[string]bool{}, 0
	for {
		r, killed := w.news(run, func(r dr.Run) bool {
			return r.State.Final() || r.State == dr.RunWaiting && !approved[r.Digest+r.Change.Branch] ||
				r.State == dr.RunPaused && r.Question != nil && r.Question.Number > answered
		})
		switch {
		case killed:
			w.Revive(time.Minute)
			answered = 0 // what was said to a dead bot was said to nobody
		case r.State.Final():
			return r
		case r.State == dr.RunWaiting:
			approved[r.Digest+r.Change.Branch] = true
			w.Approve("bob", "carol")
		default:
			answered = r.Question.Number
			if slices.Contains(r.Question.Answers, engine.Accept) {
				w.Answer(run, "bob", engine.Accept)
				w.Answer(run, "carol", engine.Accept)
			} else {
				w.Answer(run, "bob", engine.Retry)
			}
		}
	}
}

// news waits until a run is as asked for and everything stands still, or until the bot
// is killed.
func (w *World) news(run string, ok func(dr.Run) bool) (r dr.Run, killed bool) {
	w.t.Helper()
	limit := time.After(patience)
	for {
		if r = w.glance(run); ok(r) {
			synctest.Wait()
			if r = w.Record(run); ok(r) {
				return r, false
			}
		}
		if err := w.Fatal(); err != nil {
			w.t.Fatalf("the engine gave up: %v", err)
		}
		select {
		case <-w.changed:
		case <-w.kills.now:
			return r, true
		case <-limit:
			w.t.Fatalf("the run is %s after %s: %s", r.State, patience, r.Outcome)
		}
	}
}

// Left is how the world is left by a run, in what must never be wrong.
type Left struct {
	State             dr.RunState
	Base, Writer      dr.Region
	Promotions        int // the database accepted from the bot
	Merges, OpenPulls int
	Seoul, Tokyo      int // tasks
}

// Left is how the world is now, with the state of a run.
func (w *World) Left(run string) Left {
	return Left{
		State: w.Record(run).State, Base: w.Base(), Writer: w.Writer(), Promotions: w.Promotions(),
		Merges: w.Merges(), OpenPulls: w.OpenPulls(), Seoul: w.Tasks(Seoul), Tokyo: w.Tasks(Tokyo),
	}
}
