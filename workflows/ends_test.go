package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// The ends of runs of the pilot light from Seoul to Tokyo.
var (
	untouched     = world.Left{Base: world.Seoul, Writer: world.Seoul, Seoul: 3}
	plannedDone   = world.Left{State: dr.RunSucceeded, Base: world.Tokyo, Writer: world.Tokyo, Promotions: 1, Merges: 1, Tokyo: 3}
	disasterDone  = world.Left{State: dr.RunSucceeded, Base: world.Tokyo, Writer: world.Tokyo, Promotions: 1, Merges: 1, Seoul: 3, Tokyo: 3}
	mergedNotMore = world.Left{Base: world.Tokyo, Writer: world.Seoul, Merges: 1, Seoul: 3}
	promotedOnly  = world.Left{State: dr.RunStopped, Base: world.Tokyo, Writer: world.Tokyo, Promotions: 1, Merges: 1, Seoul: 3}
)

func with(l world.Left, change func(*world.Left)) world.Left {
	change(&l)
	return l
}

func ending(l world.Left, s dr.RunState) world.Left { l.State = s; return l }

// ends are the ends of the scenarios that are not those of an ordinary run.
var ends = map[string]world.Left{
	"refused-authorize":      ending(untouched, dr.RunRefused),
	"refused-active":         {State: dr.RunRefused, Base: world.Tokyo, Writer: world.Tokyo, Tokyo: 3},
	"refused-strange-region": {State: dr.RunRefused, Base: "us-east-1", Writer: world.Seoul, Seoul: 3},
	"refused-cooldown":       {State: dr.RunRefused, Base: world.Seoul, Writer: world.Seoul, Seoul: 3, Promotions: 1, Merges: 1},
	"cooldown-overridden":    with(plannedDone, func(l *world.Left) { l.Promotions, l.Merges = 2, 2 }),
	"refused-readiness":      ending(untouched, dr.RunRefused),
	"refused-unknown":        ending(untouched, dr.RunRefused),
	"refused-policy":         ending(untouched, dr.RunRefused),
	"resume-planned":         with(plannedDone, func(l *world.Left) { l.Merges = 0 }),
	"resume-disaster":        with(disasterDone, func(l *world.Left) { l.Merges = 0 }),
	"expired":                ending(untouched, dr.RunExpired),
	"cancelled":              ending(untouched, dr.RunCancelled),
	"merge-queue-cancelled":  ending(untouched, dr.RunCancelled),
	"closed-by-hand":         ending(untouched, dr.RunCancelled),
	"merged-by-hand":         ending(mergedNotMore, dr.RunCancelled),
	"head-moved-five-times":  ending(untouched, dr.RunStopped),
	"promoted-by-hand":       with(disasterDone, func(l *world.Left) { l.Promotions = 0 }),
	"apply-wider-stopped":    promotedOnly,
	"abandoned":              promotedOnly,
	"quiesce-stopped":        ending(mergedNotMore, dr.RunStopped),
	"gone-on-as-disaster":    with(disasterDone, func(l *world.Left) { l.Seoul = 0 }),
	"promote-stopped":        with(ending(mergedNotMore, dr.RunStopped), func(l *world.Left) { l.Promotions = 1 }),
}

// wantEnd is how a scenario leaves the world.
func wantEnd(s scenario) world.Left {
	if want, ok := ends[s.name]; ok {
		return want
	}
	svc := world.NewService()
	if s.Service != nil {
		s.Service(&svc)
	}
	tasks := map[dr.Region]int{s.cmd.Target: 3, svc.Other(s.cmd.Target): 3}
	if s.cmd.Mode == "planned" { // the source is as Git says then
		switch svc.Strategy {
		case dr.PilotLight, dr.BackupRestore:
			tasks[svc.Other(s.cmd.Target)] = 0
		case dr.WarmStandby:
			tasks[svc.Other(s.cmd.Target)] = 1
		}
	}
	return world.Left{
		State: dr.RunSucceeded, Base: s.cmd.Target, Writer: s.cmd.Target, Promotions: 1, Merges: 1,
		Seoul: tasks[world.Seoul], Tokyo: tasks[world.Tokyo],
	}
}

// checkEnd compares how a run left the world with how it should have.
func checkEnd(t *testing.T, w *world.World, run string, want world.Left) {
	t.Helper()
	w.Books.StoredWhole(t, run) // what it says comes after its record
	if got := w.Left(run); got != want {
		t.Errorf("the run leaves\n%+v, not\n%+v\n%s", got, want, w.Record(run).Outcome)
	}
	if r := w.Record(run); r.State != dr.RunSucceeded && !leadsOn(r) {
		t.Errorf("no command leads on from %s", whereabouts(r))
	}
	for _, s := range w.Record(run).Steps {
		if s.State == dr.StepFailed && w.Record(run).State == dr.RunSucceeded {
			t.Errorf("a run that succeeded shows %s as failed: %s", s.Name, world.Words(s.Detail))
		}
	}
	checkSaid(t, w, run)
}

// checkSaid sees that the end was said, and nothing twice.
func checkSaid(t *testing.T, w *world.World, run string) {
	t.Helper()
	said, ends := map[string]bool{}, 0
	for _, n := range w.Said() {
		if n.Run != run {
			continue
		}
		if strings.HasSuffix(n.Key, "/result") || strings.HasSuffix(n.Key, "/end") {
			ends++
		}
		text := world.Words(n.Title)
		for _, l := range n.Lines {
			text += "\n" + world.Words(l)
		}
		if said[text] {
			t.Errorf("said twice: %s", text)
		}
		said[text] = true
	}
	if ends != 1 {
		t.Errorf("%d notes say how it ended", ends)
	}
}

// TestStopTakesTwo stops a run past its merge: one person is not enough, the same person
// twice neither; whoever asked for the run has a say, and who abandons it counts as well.
func TestStopTakesTwo(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote portal-global", 1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Answer(run, "bob", "stop")
		w.Answer(run, "bob", "stop")
		time.Sleep(time.Minute)
		if r := w.Record(run); r.State != dr.RunPaused || r.Question == nil {
			t.Fatalf("one person has ended it: %s", r.State)
		}
		w.Answer(run, "alice", "stop")
		if r := w.Await(run, dr.RunStopped); !strings.Contains(world.Words(r.Outcome), "bob, alice") {
			t.Errorf("it says %q", world.Words(r.Outcome))
		}
	})
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote portal-global", 1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		asks(w, run, "promote/portal-global")
		w.Cancel(run, "carol")
		w.Answer(run, "bob", "stop")
		w.Await(run, dr.RunStopped)
	})
}

// A vote to stop counts for the question that it was given to: when that was answered
// otherwise, it takes two for the next one.
func TestStopOfAnOlderQuestion(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(world.Disaster)
		w.Await(run, dr.RunWaiting)
		w.Approve("bob", "carol")
		w.Await(run, dr.RunPaused)
		w.Answer(run, "dave", "stop") // one of two
		w.NextApply("traffic", dr.ApplyFailed)
		w.Answer(run, "bob", "retry")
		w.Until(run, func(r dr.Run) bool { return r.State == dr.RunPaused && r.Question != nil && r.Question.Number == 2 })
		time.Sleep(old)
		w.Answer(run, "carol", "stop") // the only one who says so about this question
		time.Sleep(time.Minute)
		if r := w.Record(run); r.State.Final() {
			t.Errorf("one vote about this question ended it: %s, %v", r.State, r.Abandon)
		}
	})
}

// TestNothingRunsOfARunThatIsOver cancels a run that waits: no line of it says any more
// that something is under way.
func TestNothingRunsOfARunThatIsOver(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Cancel(run, "alice")
		for _, st := range w.Await(run, dr.RunCancelled).Steps {
			if st.State == dr.StepRunning {
				t.Errorf("%s is still told as running", st.Name)
			}
		}
	})
}

// A run is over by its record and has not let go of its service: who asks then is not
// answered with it, and has a run of their own as soon as it has. Where it does not, nothing
// is started, in words.
func TestAskedAtTheEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lost  int // notes of the end that are not stored at once
		taken bool
	}{"lets go": {1, true}, "hangs": {4, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				w.Fail("Say", c.lost, nil)
				w.Cancel(run, "alice")
				w.Await(run, dr.RunCancelled)
				cmd := world.Planned
				cmd.Once = "again"
				next, existing, err := w.Engine.Start(t.Context(), world.By("alice"), cmd)
				if c.taken && (err != nil || existing || next.Run == run) || !c.taken && dr.CodeOf(err) != dr.Conflict {
					t.Errorf("given %s (existing %t): %v", next.Run, existing, err)
				}
				time.Sleep(time.Minute)
				if !c.taken {
					cmd.Once = "once more"
					next.Run = w.Start(cmd)
				}
				w.Await(next.Run, dr.RunWaiting)
			})
		})
	}
}
