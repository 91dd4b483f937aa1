package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// github.md 20: GitHub cannot be read for far longer than the request lasts while two approvals are there. The request does not expire
// meanwhile, also over a restart, and the message says so; afterwards it goes on.
func TestExpiryStandsStill(t *testing.T) {
	t.Parallel()
	for name, over := range map[string]func(*world.World){"one life": func(*world.World) {}, "two lives": (*world.World).Restart} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{Service: soon}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Disaster)
				w.Await(run, dr.RunWaiting)
				back := w.Gone("ChangeState")
				w.Approve("bob", "carol")
				time.Sleep(4 * time.Minute)
				over(w)
				time.Sleep(4 * time.Minute)
				r := w.Record(run)
				if said := world.Words(dr.T("await.status", "reasons", r.Approval.Reasons)); r.State != dr.RunWaiting || !strings.Contains(said, "does not expire while GitHub cannot be read") {
					t.Errorf("it is %s and says %q", r.State, said)
				}
				back()
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, disasterDone)
			})
		})
	}
}

// What is left of a request is what was left when GitHub fell silent.
func TestExpiryGoesOn(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: soon}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		from := w.Await(run, dr.RunWaiting).Expires
		back := w.Gone("ChangeState")
		began := time.Now()
		time.Sleep(10 * time.Minute)
		back()
		silent := time.Since(began)
		r := w.End(run)
		if late := r.Ended.Sub(from) - silent; r.State != dr.RunExpired || late.Abs() > 30*time.Second {
			t.Errorf("it is %s %s later than the expiry and the silence say", r.State, late)
		}
		checkEnd(t, w, run, ending(untouched, dr.RunExpired))
	})
}

// github.md 22: GitHub takes the first call and never answers, or is gone: after 30 s the message says what is waited
// for, and a cancel is obeyed at once.
func TestCancelAtTheFirstStep(t *testing.T) {
	t.Parallel()
	for name, silence := range map[string]func(*world.World){
		"silent": func(w *world.World) { w.Block("File main") },
		"gone":   func(w *world.World) { w.Gone("File") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				silence(w)
				run := w.Start(world.Disaster)
				w.Until(run, func(r dr.Run) bool { return r.Steps[r.StepIndex("lock")].State == dr.StepRunning })
				time.Sleep(29 * time.Second)
				says := func() string {
					r := w.Record(run)
					return world.Words(r.Steps[r.StepIndex("lock")].Detail)
				}
				if said := says(); said != "" {
					t.Errorf("it says %q too soon", said)
				}
				time.Sleep(1500 * time.Millisecond)
				if said := says(); !strings.Contains(said, "GitHub has not answered yet; waiting for") {
					t.Errorf("after 30 s it says %q", said)
				}
				asked := time.Now()
				w.Cancel(run, "alice")
				r := w.End(run)
				if took := r.Ended.Sub(asked); r.State != dr.RunCancelled || took > 5*time.Second {
					t.Errorf("it is %s %s after the cancel: %s", r.State, took, world.Words(r.Outcome))
				}
			})
		})
	}
}

// A cancel is obeyed as soon while GitHub is silent to a look.
func TestCancelInALook(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		w.Await(run, dr.RunWaiting)
		w.Block("ChangeState")
		w.Block("Status drbot/approval")
		time.Sleep(time.Minute)
		asked := time.Now()
		w.Cancel(run, "bob")
		r := w.End(run)
		if took := r.Ended.Sub(asked); r.State != dr.RunCancelled || took > 5*time.Second {
			t.Errorf("it is %s %s after the cancel", r.State, took)
		}
		checkEnd(t, w, run, ending(untouched, dr.RunCancelled))
	})
}

// github.md 21: sixty pushes a minute. To unrelated branches they make no look, to the base
// one in fifteen seconds at most, which now and then falls beside one that a run makes
// anyway; what is about the pull request makes one in three seconds, but for the first few.
func TestNews(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Disaster)
		change := w.Await(run, dr.RunWaiting).Change
		of := world.NewService().Repository
		about := func(n workflows.News) workflows.News { n.Owner, n.Repo = of.Owner, strings.ToUpper(of.Name); return n }
		for _, c := range []struct {
			name        string
			news        workflows.News
			every       time.Duration
			least, most int // looks in a minute
		}{
			{"nothing", workflows.News{}, time.Second, 3, 5},
			{"pushes elsewhere", about(workflows.News{Branch: "somebody/else"}), time.Second, 3, 5},
			{"another pull request", about(workflows.News{Number: change.Number + 1}), time.Second, 3, 5},
			{"another repository", workflows.News{Owner: of.Owner, Repo: "other", Number: change.Number}, time.Second, 3, 5},
			{"pushes to the base", about(workflows.News{Branch: of.Base}), time.Second, 3, 8},
			{"its own branch", about(workflows.News{Branch: change.Branch}), 200 * time.Millisecond, 18, 25},
			{"reviews", about(workflows.News{Number: change.Number}), 200 * time.Millisecond, 18, 25},
		} {
			before := w.Calls("ChangeState")
			for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(c.every) {
				if err := w.Engine.Nudge(t.Context(), c.news); err != nil {
					t.Fatal(err)
				}
			}
			if n := w.Calls("ChangeState") - before; n < c.least || n > c.most {
				t.Errorf("%s: %d looks in a minute", c.name, n)
			} else {
				t.Logf("%s: %d looks in a minute", c.name, n)
			}
		}
	})
}
