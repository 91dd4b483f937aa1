package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// A planned run whose source dies goes on as a disaster when a quorum says so in that run,
// with the loss shown (DESIGN.md, step 9 and `resume`; issue 9, 6).

func offersDisaster(r dr.Run) bool {
	return r.Question != nil && slices.Contains(r.Question.Answers, "disaster")
}

// sourceDies has a planned run ask at its promotion, the source quiesced and gone.
func sourceDies(t *testing.T, w *world.World) (run string) {
	t.Helper()
	run = w.Start(world.Planned)
	w.Before("Lag", func() { w.Down(world.Seoul, true) })
	approve(w, run)
	if r := asks(w, run, "promote/portal-global"); !offersDisaster(r) {
		t.Fatalf("no answer goes on as a disaster: %s", whereabouts(r))
	}
	return run
}

// wentOn sees that a run has ended as a disaster that was begun as planned, with one call.
func wentOn(t *testing.T, w *world.World, run string) dr.Run {
	t.Helper()
	r := w.Await(run, dr.RunSucceeded)
	if w.Promotions() != 1 || w.Writer() != world.Tokyo || w.Points() != world.Tokyo || r.Mode != dr.Disaster || r.GoneOn == nil {
		t.Errorf("%d promotions, writer in %s, users in %s, %s, %v: %s", w.Promotions(), w.Writer(), w.Points(), r.Mode, r.GoneOn, whereabouts(r))
	}
	return r
}

// toldInThread tells whether a note whose key holds this says these words.
func toldInThread(w *world.World, key, words string) bool {
	return slices.ContainsFunc(saidOf(w, key), func(s string) bool { return strings.Contains(s, words) })
}

func goOn(w *world.World, run string) {
	w.Answer(run, "bob", "disaster")
	w.Answer(run, "carol", "disaster")
}

func TestGoesOnAsDisaster(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step string
		die  func(w *world.World)
	}{
		"look":      {"quiesce/" + string(world.Seoul), func(w *world.World) { w.After("Merge", func() { w.Down(world.Seoul, true) }) }},
		"quiesce":   {"quiesce/" + string(world.Seoul), func(w *world.World) { w.Before("Scale "+string(world.Seoul), func() { w.Down(world.Seoul, true) }) }},
		"promotion": {"promote/portal-global", func(w *world.World) { w.Before("Lag", func() { w.Down(world.Seoul, true) }) }},
		"call":      {"promote/portal-global", func(w *world.World) { w.Before("Promote", func() { w.Down(world.Seoul, true) }) }},
		"refused by RDS": {"promote/portal-global", func(w *world.World) {
			w.After("Promote", func() { w.FailPromotion(); w.Down(world.Seoul, true) })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.SetLag(3)
				c.die(w)
				approve(w, run)
				r := asks(w, run, c.step)
				if means := world.Words(r.Question.Means); !offersDisaster(r) || !strings.Contains(means, "data loss of about 3s") || !strings.Contains(means, "does not answer") {
					t.Fatalf("%s: %s", whereabouts(r), means)
				}
				before := w.Promotions()
				goOn(w, run)
				r = w.Await(run, dr.RunSucceeded)
				if w.Promotions() != before+1 || w.Writer() != world.Tokyo || w.Points() != world.Tokyo || r.Mode != dr.Disaster {
					t.Errorf("%d promotions, writer in %s, users in %s: %s", w.Promotions(), w.Writer(), w.Points(), whereabouts(r))
				}
				if said := rpa(r); !r.Result.RPAKnown || strings.Contains(said, "loses nothing") {
					t.Errorf("it says of its loss %q", said)
				}
				want := "Begun as planned, gone on as disaster at " + c.step + ", said by bob, carol"
				lines := ""
				for _, l := range r.ResultLines() {
					lines += world.Words(l) + "\n"
				}
				page := comment(w.Pull(1), "drbot:result:"+run)
				if !strings.Contains(lines, want) || !strings.Contains(page, want) || !toldInThread(w, "/gone-on", want) || !strings.Contains(comment(w.Pull(1), "drbot:disaster:"+run), want) {
					t.Errorf("it is told\n%s\n%s", lines, page)
				}
			})
		})
	}
}

// Where the source answers, or a promotion is under way, a planned run stays one.
func TestDisasterIsNotOffered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step string
		make func(w *world.World)
	}{
		"refused":    {"promote/portal-global", func(w *world.World) { w.Fail("Promote", 1, errMended) }},
		"backing up": {"promote/portal-global", func(w *world.World) { w.Before("Promote", func() { w.Busy(true) }); w.Fail("Promote", 1, errMended) }},
		"silent lag": {"promote/portal-global", func(w *world.World) { w.Before("Promote", func() { w.SetLag(-1) }); w.Fail("Promote", 1, errMended) }},
		"pending":    {"promote/portal-global", func(w *world.World) { w.After("Promote", func() { w.Stick(); w.Down(world.Seoul, true) }) }},
		"target gone": {"promote/portal-global", func(w *world.World) {
			w.Before("Promote", func() { w.Down(world.Seoul, true); w.Down(world.Tokyo, true) })
		}},
		"after it": {"apply/tokyo", func(w *world.World) {
			w.NextApply("tokyo", dr.ApplyFailed)
			w.Before("Apply tokyo", func() { w.Down(world.Seoul, true) })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				c.make(w)
				approve(w, run)
				if r := asks(w, run, c.step); offersDisaster(r) {
					t.Errorf("disaster is offered: %s", whereabouts(r))
				}
			})
		})
	}
}

// It takes as many as the change took, and neither who asked for the run nor one person twice.
func TestDisasterTakesAQuorum(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := sourceDies(t, w)
		w.Answer(run, "bob", "disaster")
		w.Answer(run, "bob", "disaster")
		if _, _, err := w.Engine.Answer(t.Context(), world.By("alice"), run, workflows.Reply{Verb: "disaster"}); dr.CodeOf(err) != dr.Denied {
			t.Errorf("the requester's word is heard: %v", err)
		}
		time.Sleep(5 * time.Minute)
		if r := w.Record(run); r.State != dr.RunPaused || w.Promotions() > 0 || r.Mode != dr.Planned {
			t.Fatalf("one person's word sufficed: %s", whereabouts(r))
		}
		w.Answer(run, "carol", "disaster")
		wentOn(t, w, run)
	})
}

// A death right before and right after the decision is stored, and around the call.
func TestGoesOnAsDisasterThroughADeath(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(w *world.World){
		"before the decision": func(w *world.World) { w.KillBefore("Audit disaster") },
		"after the decision":  func(w *world.World) { w.KillAfter("Audit disaster") },
		"told":                func(w *world.World) { w.KillAfter("Comment") },
		"before the call":     func(w *world.World) { w.KillBefore("Promote") },
		"after the call":      func(w *world.World) { w.KillAfter("Promote") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := sourceDies(t, w)
				kill(w)
				goOn(w, run)
				w.Revive(time.Minute)
				wentOn(t, w, run)
			})
		})
	}
}

// The source comes back before the decision is stored: nothing is lost, and nothing more is
// asked for.
func TestSourceComesBackBeforeTheDecision(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := sourceDies(t, w)
		w.Down(world.Seoul, false)
		goOn(w, run)
		r := w.Await(run, dr.RunSucceeded)
		if r.Mode != dr.Planned || r.GoneOn != nil || w.Promotions() != 1 || !strings.Contains(rpa(r), "loses nothing") {
			t.Errorf("%d promotions, %s, %q: %s", w.Promotions(), r.Mode, rpa(r), whereabouts(r))
		}
		if !toldInThread(w, "/not-gone-on/", "answers again: the run goes on as planned") {
			t.Error("that is not told")
		}
	})
}

// It comes back when the decision is a while old, and the database is not asked yet: that is
// put before people once more.
func TestSourceComesBackAfterTheDecision(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := sourceDies(t, w)
		w.KillBefore("Promote")
		goOn(w, run)
		w.Revive(5 * time.Minute)
		w.Down(world.Seoul, false)
		r := asks(w, run, "promote/portal-global")
		if !strings.Contains(world.Words(r.Question.What), "answers again") || w.Promotions() != 0 {
			t.Fatalf("%d promotions: %s", w.Promotions(), whereabouts(r))
		}
		accept(t, w, run)
		wentOn(t, w, run)
	})
}

// A switchover is seen under way after all, once people have said disaster: it is followed.
func TestDisasterNeverFollowsAPromotion(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := sourceDies(t, w)
		w.PromoteByHand(world.Tokyo)
		goOn(w, run)
		whatNext(w, run, 1)
		if w.Promotions() != 0 {
			t.Errorf("%d promotions were asked for beside the one under way", w.Promotions())
		}
	})
}

// Stopped after it has gone on and before the database has moved, the source has its tasks
// again if it answers.
func TestStoppedAfterGoingOn(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := sourceDies(t, w)
		w.Fail("Promote", -1, errMended)
		goOn(w, run)
		if r := w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Number == 2 }); !strings.Contains(world.Words(r.Question.Means), "gives "+string(world.Seoul)+" its tasks back") {
			t.Errorf("of stop it says %q", world.Words(r.Question.Means))
		}
		w.Down(world.Seoul, false)
		w.Stop(run)
		r := w.Await(run, dr.RunStopped)
		if w.Tasks(world.Seoul) != 3 || !strings.Contains(world.Words(r.Next), "disaster") {
			t.Errorf("%d tasks in the source: %s", w.Tasks(world.Seoul), whereabouts(r))
		}
	})
}

// Of two databases the first has switched over when the source dies: that one lost nothing.
func TestSecondDatabaseGoesOnAsDisaster(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{Service: several}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Before("Promote orders", func() { w.Down(world.Seoul, true) })
		approve(w, run)
		r := asks(w, run, "promote/orders")
		if !offersDisaster(r) {
			t.Fatal(whereabouts(r))
		}
		goOn(w, run)
		r = w.Await(run, dr.RunSucceeded)
		if w.Promotions() != 2 || w.WriterOf("users") != world.Tokyo || w.WriterOf("orders") != world.Tokyo {
			t.Errorf("%d promotions: %s", w.Promotions(), whereabouts(r))
		}
	})
}

// The look right before the first act finds it, when what people were shown is old by then.
func TestLookFindsTheSourceGone(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.KillAfter("Merge")
		approve(w, run)
		w.Down(world.Seoul, true)
		w.Revive(5 * time.Minute)
		if r := asks(w, run, "quiesce/"+string(world.Seoul)); !offersDisaster(r) {
			t.Fatal(whereabouts(r))
		}
		goOn(w, run)
		r := wentOn(t, w, run)
		if i := r.StepIndex("quiesce/" + string(world.Seoul)); r.Steps[i].State != dr.StepSkipped || w.Tasks(world.Seoul) != 3 {
			t.Errorf("quiesce is %s, and the source runs %d", r.Steps[i].State, w.Tasks(world.Seoul))
		}
	})
}

// The source comes back and has its tasks again while nobody answers: what was asked and said
// about going on without it is void. It dies once more, with a copy that is far behind: that
// is another loss, which is shown before anybody says disaster.
func TestDisasterIsVoidOnceTheSourceAnswers(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(3)
		run := sourceDies(t, w)
		n := w.Record(run).Question.Number
		w.Answer(run, "bob", "disaster")
		time.Sleep(10 * time.Minute)
		w.Down(world.Seoul, false)
		time.Sleep(25 * time.Minute)
		r := w.Record(run)
		means := world.Words(r.Question.Means)
		if r.Question.Number == n || offersDisaster(r) || len(r.Question.Voices) > 0 || !strings.Contains(means, "answers again") || w.Tasks(world.Seoul) != 3 {
			t.Fatalf("the source runs %d tasks: %s: %s", w.Tasks(world.Seoul), whereabouts(r), means)
		}
		if !toldInThread(w, "/paused/", "disaster is no answer any more") {
			t.Error("that is not told")
		}
		if _, _, err := w.Engine.Answer(t.Context(), world.By("carol"), run, workflows.Reply{Number: n, Verb: "disaster"}); dr.CodeOf(err) == "" {
			t.Error("the old question is answered")
		}
		w.SetLag(2400)
		time.Sleep(10 * time.Minute)
		w.Down(world.Seoul, true)
		w.Answer(run, "bob", "retry")
		if r = whatNext(w, run, r.Question.Number); r.Question == nil {
			t.Fatal(whereabouts(r))
		}
		if means := world.Words(r.Question.Means); !offersDisaster(r) || !strings.Contains(means, "40m") || w.Promotions() > 0 {
			t.Fatalf("%d promotions: %s: %s", w.Promotions(), whereabouts(r), means)
		}
		goOn(w, run)
		wentOn(t, w, run)
	})
}

// The same for a question that gives nothing back, and through a death of the bot.
func TestDisasterIsVoidAtAReminder(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.After("Merge", func() { w.Down(world.Seoul, true) })
		approve(w, run)
		if r := asks(w, run, "quiesce/"+string(world.Seoul)); !offersDisaster(r) {
			t.Fatal(whereabouts(r))
		}
		w.Down(world.Seoul, false)
		time.Sleep(31 * time.Minute)
		w.Restart()
		r := w.Record(run)
		if r.Question == nil || r.Question.Number != 2 || offersDisaster(r) {
			t.Fatal(whereabouts(r))
		}
		w.Answer(run, "bob", "retry")
		r = w.Await(run, dr.RunSucceeded)
		if r.Mode != dr.Planned {
			t.Error(whereabouts(r))
		}
	})
}

// The source was back unseen, and is gone again when people say disaster: the loss of now is
// looked at before the call, and asked about where it has outrun the clock.
func TestDisasterOfAnotherOutageIsAsked(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(3)
		run := sourceDies(t, w)
		n := w.Record(run).Question.Number
		time.Sleep(13 * time.Minute)
		w.SetLag(2400)
		goOn(w, run)
		r := whatNext(w, run, n)
		if r.State != dr.RunPaused || w.Promotions() > 0 || !strings.Contains(world.Words(r.Question.What), "2400") {
			t.Fatalf("%d promotions: %s", w.Promotions(), whereabouts(r))
		}
		accept(t, w, run)
		wentOn(t, w, run)
	})
}
