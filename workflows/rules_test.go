package workflows_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// Cases github 3, 6, 7, 9: a rule of the repository that would stop the merge is told at
// readiness, before a pull request is opened and anybody is woken, with how to mend it.
// Mended, the same run asked for again goes through.
func TestARuleStopsAPlannedRunAtReadiness(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetRule("github.checks", dr.Fail)
		r := w.End(w.Start(world.Planned))
		if r.State != dr.RunRefused || r.Change.Number != 0 || w.Calls("OpenChange") > 0 || w.Calls("Plan") > 0 {
			t.Fatalf("it ends %s with the pull request %d", r.State, r.Change.Number)
		}
		for _, want := range []string{"required checks (github.checks): fail (", "not ready"} {
			if said := world.Words(r.Outcome); !strings.Contains(said, want) {
				t.Errorf("it says %q, not %q", said, want)
			}
		}
		if next := world.Words(r.Next); !strings.Contains(next, "Take the check out of what the base branch requires") || !strings.Contains(next, "failover") || strings.Contains(next, "disaster") {
			t.Errorf("what to do next is %q", next)
		}
		w.SetRule("github.checks", dr.OK)
		again := world.Planned
		again.Once = "another request"
		run := w.Start(again)
		approve(w, run)
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

// No rule stops a disaster run: who approves it reads what they accept. What was accepted
// once is asked of nobody again, though it is looked at again what else people were shown.
func TestARuleIsAcceptedInADisaster(t *testing.T) {
	t.Parallel()
	for _, level := range []dr.Level{dr.Fail, dr.Warn, dr.Unknown} {
		t.Run(string(level), func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.SetRule("github.checks", level)
				run := w.Start(world.Disaster)
				r := w.Await(run, dr.RunWaiting)
				if accepts := accepted(r.Accepts); !strings.Contains(accepts, "required checks (github.checks): "+string(level)) {
					t.Errorf("approvers accept %q", accepts)
				}
				time.Sleep(5 * time.Minute)
				approve(w, run)
				if r := w.Await(run, dr.RunSucceeded); w.Calls("Rules") != 1 || !strings.Contains(accepted(r.Accepts), "github.checks") {
					t.Errorf("the rules were read %d times; accepted: %q", w.Calls("Rules"), accepted(r.Accepts))
				}
				checkEnd(t, w, run, disasterDone)
			})
		})
	}
}

// What a token may not read denies no planned run either: it is told.
func TestWhatIsNotKnownDeniesNothing(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Rules", -1, nil)
		run := w.Start(world.Planned)
		if accepts := accepted(w.Await(run, dr.RunWaiting).Accepts); !strings.Contains(accepts, "merge queue (github.queue): unknown") {
			t.Errorf("approvers accept %q", accepts)
		}
		approve(w, run)
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
	})
}

func accepted(texts []dr.Text) string {
	var b strings.Builder
	for _, t := range texts {
		b.WriteString(world.Words(t) + "\n")
	}
	return b.String()
}

// A token that GitHub refuses, over a restart of the bot: the run waits as it did, keeps
// its pull request and its approvals, and goes on with a good token.
func TestARefusedTokenLosesNothing(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		number := w.Await(run, dr.RunWaiting).Change.Number
		bad := &dr.Error{Code: dr.Denied, What: dr.T("rule.token-refused"), Next: dr.T("github.bad-token.next")}
		for _, call := range []string{"File", "ChangeState", "Self", "Status", "Comment", "Merge"} {
			w.Fail(call, -1, bad)
		}
		w.Restart()
		time.Sleep(old)
		if r := w.Record(run); r.State.Final() || r.Change.Number != number {
			t.Fatalf("with a refused token it is %s: %s", r.State, world.Words(r.Outcome))
		}
		w.Heal()
		approve(w, run)
		if r := w.Await(run, dr.RunSucceeded); r.Change.Number != number {
			t.Errorf("it was merged by #%d, it was #%d", r.Change.Number, number)
		}
		checkEnd(t, w, run, disasterDone)
	})
}

// What would stop a merge is told every night, with how to mend it.
func TestARuleIsToldEveryNight(t *testing.T) {
	t.Parallel()
	nightly := func(s *dr.Service) { s.Schedule = dr.Schedule{TimeZone: "Asia/Seoul", Drift: "*/10 * * * *"} }
	world.Run(t, world.Options{Service: nightly}, func(t *testing.T, w *world.World) {
		w.SetRule("github.checks", dr.Fail)
		w.SetRule("github.access", dr.Unknown)
		w.Schedule(t.Context())
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		for _, n := range w.Said() {
			if n.Title.ID != "report.ready.disaster-only" {
				continue
			}
			for _, want := range []string{"required checks (github.checks): fail", "access to the repository (github.access): unknown", "Take the check out of what the base branch requires"} {
				if lines := accepted(n.Lines); n.Level != dr.Warn || !strings.Contains(lines, want) {
					t.Errorf("a %s says\n%snot %q", n.Level, lines, want)
				}
			}
			return
		}
		t.Errorf("nothing was told of readiness: %+v", w.Said())
	})
}
