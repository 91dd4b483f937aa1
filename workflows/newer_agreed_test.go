package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// Between the accept of a newer commit and the act at it there is the time that people take:
// the base is looked at once more right before.

const late = "aws_ssm_parameter.late"

// agreed is a run that asks about a newer commit, after the question of this number.
func agreed(t *testing.T, w *world.World, run string) (asked dr.Question, mended string) {
	t.Helper()
	broken(w)
	approve(w, run)
	q := *asks(w, run, "apply/tokyo").Question
	w.PushThing("tokyo", task, "image:2", false)
	mended = w.Tip()
	w.Answer(run, "bob", "retry")
	asked = askedNewer(w, run, q.Number)
	if !strings.Contains(world.Words(asked.What), task) {
		t.Fatalf("it asks %q", world.Words(asked.What))
	}
	return asked, mended
}

// What has moved in what the stacks read is asked about, and that alone.
func TestAgreedAndTheBaseMovesAgain(t *testing.T) {
	t.Parallel()
	for when, move := range map[string]func(*world.World, func()){
		"while they read":  func(_ *world.World, push func()) { push() },
		"after the accept": func(w *world.World, push func()) { w.After("Audit answer-accept", push) },
	} {
		for _, m := range modes {
			t.Run(when+"/"+m.cmd.Mode, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := w.Start(m.cmd)
					q, _ := agreed(t, w, run)
					move(w, func() { w.PushThing("tokyo", late, "1", false) })
					accept(t, w, run)
					q = askedNewer(w, run, q.Number)
					if said := world.Words(q.What); !strings.Contains(said, late) || strings.Contains(said, task) || len(w.AppliedAt("tokyo")) != 1 {
						t.Fatalf("applied at %v; it asks %q", w.AppliedAt("tokyo"), said)
					}
					accept(t, w, run)
					if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
						t.Fatalf("it is %s", whereabouts(r))
					}
					checkLeft(t, w, run, m.want)
					if at := w.AppliedAt("tokyo"); len(at) != 2 || at[1] != w.Tip() || !slices.Contains(w.Made(), late) {
						t.Errorf("applied at %v; made: %v", at, w.Made())
					}
				})
			})
		}
	}
}

// Moved so that nothing more is done, it goes on there and asks nobody; moved elsewhere, it
// stays at what was accepted.
func TestAgreedAndNothingMoreIsDone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		move   func(*world.World)
		follow bool
	}{
		"in a comment": {func(w *world.World) { w.PushComment("live/portal/tokyo") }, true},
		"elsewhere":    {func(w *world.World) { w.PushToBase() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Planned)
				q, want := agreed(t, w, run)
				if c.move(w); c.follow {
					want = w.Tip()
				}
				accept(t, w, run)
				if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
					t.Fatalf("it is %s", whereabouts(r))
				}
				if at := w.AppliedAt("tokyo"); len(at) != 2 || at[1] != want {
					t.Errorf("applied at %v, not at %s", at, want)
				}
			})
		})
	}
}

// Reverted meanwhile: nothing is done before Git says the target again.
func TestAgreedAndReverted(t *testing.T) {
	t.Parallel()
	for _, m := range modes {
		t.Run(m.cmd.Mode, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(m.cmd)
				q, _ := agreed(t, w, run)
				w.SetBase(world.Seoul)
				accept(t, w, run)
				q = askedNewer(w, run, q.Number)
				if said := world.Words(q.What); !strings.Contains(said, "does not say") || len(w.AppliedAt("tokyo")) != 1 {
					t.Fatalf("applied at %v; it asks %q", w.AppliedAt("tokyo"), said)
				}
				w.SetBase(world.Tokyo)
				w.Answer(run, "bob", "retry")
				w.Await(run, dr.RunSucceeded)
				checkLeft(t, w, run, m.want)
			})
		})
	}
}

// The same before the promotion, where what was applied is applied again first: that is the
// act the look comes before.
func TestAgreedBeforeThePromotion(t *testing.T) {
	t.Parallel()
	world.Run(t, acts("apply/target", "promote", "redeploy", "gate", "apply/traffic"), func(t *testing.T, w *world.World) {
		w.Fail("Promote", 1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		q := *asks(w, run, "promote/portal-global").Question
		w.PushThing("tokyo", task, "image:2", false)
		w.Answer(run, "bob", "retry")
		q = askedNewer(w, run, q.Number)
		w.PushThing("traffic", late, "1", false)
		accept(t, w, run)
		q = askedNewer(w, run, q.Number)
		if said := world.Words(q.What); !strings.Contains(said, late) || len(w.AppliedAt("tokyo")) != 1 || w.Promotions() != 0 {
			t.Fatalf("%d promotions, applied at %v; it asks %q", w.Promotions(), w.AppliedAt("tokyo"), said)
		}
		accept(t, w, run)
		if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
			t.Fatalf("it is %s", whereabouts(r))
		}
		checkLeft(t, w, run, plannedDone)
		for _, stack := range []string{"tokyo", "traffic"} {
			if at := w.AppliedAt(stack); at[len(at)-1] != w.Tip() {
				t.Errorf("%s was applied at %v, not at %s", stack, at, w.Tip())
			}
		}
	})
}

// GitHub is gone: who has just seen the base goes on, and says so; a while later people are
// asked whether it goes on without, and once.
func TestAgreedWithoutGitHub(t *testing.T) {
	t.Parallel()
	for _, m := range modes {
		for name, c := range map[string]struct {
			after time.Duration
			asks  bool
		}{"at once": {0, false}, "half an hour later": {time.Hour / 2, true}} {
			t.Run(m.cmd.Mode+"/"+name, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := w.Start(m.cmd)
					q, mended := agreed(t, w, run)
					time.Sleep(c.after)
					back := w.Gone("File")
					accept(t, w, run)
					r := whatNext(w, run, q.Number)
					if c.asks {
						if said := whereabouts(r); r.State != dr.RunPaused || len(w.AppliedAt("tokyo")) != 1 || !strings.Contains(said, "still says ap-northeast-1 could not be read") {
							t.Fatalf("applied at %v; it is %s", w.AppliedAt("tokyo"), said)
						}
						accept(t, w, run)
						r = whatNext(w, run, r.Question.Number)
					}
					back()
					if r.State != dr.RunSucceeded {
						t.Fatalf("it is %s", whereabouts(r))
					}
					checkLeft(t, w, run, m.want)
					if at := w.AppliedAt("tokyo"); len(at) != 2 || at[1] != mended || len(saidOf(w, "/newer-unread/")) != 1 {
						t.Errorf("applied at %v, not at %s; said %q", at, mended, saidOf(w, "/newer-unread/"))
					}
				})
			})
		}
	}
}

// Where the database is still to be moved as planned, nobody goes on without GitHub: it is
// waited for.
func TestAgreedPlannedWaitsForGitHub(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Fail("Promote", 1, errMended)
		run := w.Start(world.Planned)
		approve(w, run)
		q := *asks(w, run, "promote/portal-global").Question
		w.PushThing("traffic", late, "1", false)
		w.Answer(run, "bob", "retry")
		q = askedNewer(w, run, q.Number)
		time.Sleep(10 * time.Minute)
		back := w.Gone("File")
		accept(t, w, run)
		q = askedNewer(w, run, q.Number)
		if slices.Contains(q.Answers, "accept") || w.Promotions() != 0 {
			t.Fatalf("%d promotions; it asks %v, %q", w.Promotions(), q.Answers, world.Words(q.What))
		}
		back()
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		checkLeft(t, w, run, plannedDone)
	})
}

// Killed in that look, it is made again; killed behind it, the run goes on where it was.
func TestAgreedKilled(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"File main", "Changed", "Plan tokyo", "Apply tokyo"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(world.Disaster)
				agreed(t, w, run)
				w.PushComment("live/portal/tokyo")
				w.Answer(run, "bob", "accept")
				w.KillBefore(call)
				w.Answer(run, "carol", "accept")
				w.Drive(run)
				synctest.Wait()
				checkLeft(t, w, run, disasterDone)
				if at := w.AppliedAt("tokyo"); len(at) != 2 || at[1] != w.Tip() || w.Lives() != 2 {
					t.Errorf("lived %d times; applied at %v", w.Lives(), at)
				}
			})
		})
	}
}
