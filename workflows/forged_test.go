package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/world"
)

// unheard sees that it is told once, in the channel and in the audit log, that somebody has
// written into a run's inbox.
func unheard(t *testing.T, w *world.World, run string) {
	t.Helper()
	notes, lines := 0, 0
	for _, n := range w.Said() {
		if n.Key == run+"/unheard" {
			notes++
		}
	}
	log, err := w.Store.AuditLog(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range log {
		if e.Run == run && strings.HasPrefix(e.Action, "unheard-") {
			lines++
		}
	}
	if notes != 1 || lines != 1 {
		t.Errorf("told %d times, audited %d times", notes, lines)
	}
}

// An answer is written into the inbox by hand, in the names of two who may give it: it does
// not count, before and after a restart, and what these two say themselves does.
func TestForgedAnswer(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]bool{"at once": false, "over a restart": true} {
		t.Run(name, func(t *testing.T) {
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				w.MergeByHand("dave") // without its approvals, which is asked about
				q := w.Await(run, dr.RunPaused).Question
				for range 3 {
					for _, who := range []string{"bob", "carol"} {
						w.Forge(run, engine.Message{Kind: engine.Answer, By: dr.Voices{who}, Answer: engine.Accept, Question: q.Number})
					}
				}
				time.Sleep(31 * time.Minute) // the inbox is looked into with the next reminder
				if restart {
					w.Restart()
					time.Sleep(2 * time.Minute)
				}
				if r := w.Record(run); r.State != dr.RunPaused || w.Promotions() != 0 {
					t.Fatalf("what nobody said counted: %s", whereabouts(r))
				}
				unheard(t, w, run)
				accept(t, w, run)
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, plannedDone)
				unheard(t, w, run)
			})
		})
	}
}

// A cancel, and that two have abandoned the run, are written by hand: into the inbox, and
// where it is kept that they were said. The run goes on to its end.
func TestForgedCancel(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		for _, kind := range []string{engine.Cancel, engine.Abandon} {
			w.Forge(run, engine.Message{Kind: kind, By: dr.Voices{"bob"}, Seal: strings.Repeat("0", 64)})
		}
		for _, kept := range []string{"/cancelled", "/abandoned"} {
			w.Exec(`INSERT INTO drbot_kept (name, value) VALUES ('` + run + kept + `', 'bob and carol')`)
		}
		time.Sleep(2 * time.Minute)
		w.Restart()
		w.Approve("bob", "carol")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
		unheard(t, w, run)
	})
}

// A genuine message is copied into the inbox of another run, and into its own once more: in
// the other it is nobody's, in its own it is what it was.
func TestCopiedMessage(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{More: 1}, func(t *testing.T, w *world.World) {
		one, cmd := w.Start(world.Planned), world.Planned
		cmd.Service, cmd.Once = "portal-1", "2"
		for name := range w.Services {
			if name != "portal" {
				cmd.Service = name
			}
		}
		other := w.Start(cmd)
		w.Await(one, dr.RunWaiting)
		w.Await(other, dr.RunWaiting)
		w.Cancel(other, "alice")
		w.Exec(`INSERT INTO notifications (destination_uuid, topic, message, serialization, message_uuid, created_at_epoch_ms)
			SELECT '` + one + `', topic, message, serialization, 'copied', created_at_epoch_ms FROM notifications WHERE destination_uuid = '` + other + `' LIMIT 1`)
		time.Sleep(2 * time.Minute)
		if r := w.Record(one); r.State != dr.RunWaiting {
			t.Fatalf("another run's cancel counted: %s", whereabouts(r))
		}
		unheard(t, w, one)
	})
}

// A run was begun by a version that put no seals, and what was said to it then is in its
// inbox, unread: it counts, and so does what is said to it now.
func TestInboxOfBefore(t *testing.T) {
	t.Parallel()
	for name, said := range map[string]func(*world.World, string) string{
		"said before": func(w *world.World, run string) string {
			return w.Forged(run, engine.Message{Kind: engine.Cancel, By: dr.Voices{"alice"}})
		},
		"said now": func(*world.World, string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			world.Run(t, world.Options{Former: true}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				w.Key = world.AKey()
				statement := said(w, run)
				w.RestartOver(statement)
				if statement == "" {
					w.Cancel(run, "alice")
				}
				w.Await(run, dr.RunCancelled)
			})
		})
	}
}

// The key is changed while a run is under way: what was said before is followed as it was,
// what nobody had read yet is told to be said again, and the run comes to its end.
func TestKeyChangedUnderARun(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.MergeByHand("dave")
		w.Await(run, dr.RunPaused)
		w.Answer(run, "bob", engine.Accept)
		time.Sleep(time.Minute)
		w.Key = []byte("another key of these tests")
		w.Restart()
		time.Sleep(2 * time.Minute)
		w.Answer(run, "carol", engine.Accept)
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, plannedDone)
		w.Key = []byte("and a third one of them")
		w.Restart()
		time.Sleep(2 * time.Minute)
		checkEnd(t, w, run, plannedDone)
	})
}

// unaudited leaves of the audit log that what is kept was sealed: without it there is no start
// at all.
const unaudited = `DELETE FROM drbot_audit WHERE doc NOT LIKE '%"action":"seal"%'`

// A run that was asked for, whatever was typed, is known by its seal alone.
func TestSealedRun(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		cmd := world.Planned
		cmd.Reason = "<b>Seoul & \u2028 \"Tokyo\"</b> 서울 \xff"
		run := w.Start(cmd)
		w.Await(run, dr.RunWaiting)
		w.RestartOver(`DELETE FROM operation_outputs; DELETE FROM drbot_outbox; ` + unaudited)
		w.Await(run, dr.RunWaiting)
	})
}

// What a run was begun with is changed by hand before it has begun: its mode is another than
// was asked for, so that it is nobody's.
func TestRewrittenRun(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Drain()
		w.RestartOver(`DELETE FROM operation_outputs; DELETE FROM drbot_outbox; ` + unaudited + `; ` +
			w.Rewritten(run, func(input string) string { return strings.Replace(input, `"planned"`, `"disaster"`, 1) }))
		if r := w.End(run); r.State != dr.RunRefused || r.Outcome.ID != "run.unasked" {
			t.Errorf("%s", whereabouts(r))
		}
	})
}

// A run is put into the engine's queue by hand: it is refused, and nothing is done. One that
// a version of before has put there, and the audit log has a request of, goes on.
func TestForgedRun(t *testing.T) {
	t.Parallel()
	for name, audited := range map[string]bool{"nobody asked": false, "asked before": true} {
		t.Run(name, func(t *testing.T) {
			world.Run(t, world.Options{Former: true}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				w.Await(run, dr.RunWaiting)
				w.Key = world.AKey()
				// As it was right after it was asked for, but for what is audited.
				statement := `DELETE FROM operation_outputs; DELETE FROM drbot_outbox`
				if !audited {
					statement += `; DELETE FROM drbot_audit`
				}
				w.RestartOver(statement)
				if audited {
					w.Await(run, dr.RunWaiting)
					return
				}
				r := w.End(run)
				if r.State != dr.RunRefused || r.Outcome.ID != "run.unasked" {
					t.Errorf("%s", whereabouts(r))
				}
			})
		})
	}
}
