package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// What an act fails by stands in the repository: it is mended by a pull request of its own,
// and retry goes on at the newer commit.

const (
	task     = "aws_ecs_task_definition.web"
	database = "aws_rds_cluster.kept"
)

// broken has the target's apply fail by what the change was approved with.
func broken(w *world.World) { w.PushThing("tokyo", task, "image:1", true) }

// askedNewer waits for a question beyond the one of this number.
func askedNewer(w *world.World, run string, after int) dr.Question {
	r := w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Number > after })
	return *r.Question
}

// checkLeft is checkEnd of a run that paused at one step more than once: it says so each time.
func checkLeft(t *testing.T, w *world.World, run string, want world.Left) {
	t.Helper()
	if got := w.Left(run); got != want {
		t.Errorf("the run leaves\n%+v, not\n%+v\n%s", got, want, w.Record(run).Outcome)
	}
}

// saidOf is what was said under keys that hold this.
func saidOf(w *world.World, key string) (out []string) {
	for _, n := range w.Said() {
		if strings.Contains(n.Key, key) {
			text := world.Words(n.Title)
			for _, l := range n.Lines {
				text += "\n" + world.Words(l)
			}
			out = append(out, text)
		}
	}
	return out
}

// What the policy denies after the merge is mended in Git; people are asked nothing more.
func TestNewerAfterADenial(t *testing.T) {
	t.Parallel()
	for _, m := range modes {
		t.Run(m.cmd.Mode, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.PushThing("tokyo", database, "", false)
				w.Import("tokyo", database)
				run := w.Start(m.cmd)
				w.Before("Merge", func() { w.DropThing("tokyo", database) })
				approve(w, run)
				q := askedNewer(w, run, 0)
				if slices.Contains(q.Answers, "accept") || !strings.Contains(world.Words(q.What), database) || !strings.Contains(world.Words(q.Means), "pull request into main") {
					t.Fatalf("it asks %q, %v: %q", world.Words(q.What), q.Answers, world.Words(q.Means))
				}
				w.Answer(run, "bob", "retry") // nobody has mended anything
				if q = askedNewer(w, run, q.Number); w.Promotions() != 0 || w.Tasks(world.Seoul) != 3 {
					t.Fatalf("%d promotions, %d tasks in the source", w.Promotions(), w.Tasks(world.Seoul))
				}
				w.PushThing("tokyo", database, "", false)
				mended := w.Tip()
				w.After("Plan tokyo", func() { w.PushToBase("tokyo:aws_ssm_parameter.late") }) // nobody has looked at this one
				w.Answer(run, "bob", "retry")
				w.Await(run, dr.RunSucceeded)
				checkLeft(t, w, run, m.want)
				for _, stack := range []string{"tokyo", "traffic"} {
					if at := w.AppliedAt(stack); !slices.Equal(at, []string{mended}) {
						t.Errorf("%s was applied at %v, not at %s", stack, at, mended)
					}
				}
				if said := saidOf(w, "/newer/"); len(said) != 1 || !strings.Contains(said[0], mended[:7]) {
					t.Errorf("it said %q", said)
				}
				if said := line(w.Record(run), "merge"); !strings.Contains(said, "goes on at "+mended[:7]) {
					t.Errorf("the record says %q", said)
				}
				if w.Calls("Audit newer commit") != 1 {
					t.Error("it is not in the audit log")
				}
			})
		})
	}
}

// An apply fails by what was approved; mended so that no more is done than that, it is
// applied at the newer commit and nobody is asked.
func TestNewerAfterAFailedApply(t *testing.T) {
	t.Parallel()
	for _, m := range modes {
		t.Run(m.cmd.Mode, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				broken(w)
				run := w.Start(m.cmd)
				approve(w, run)
				q := asks(w, run, "apply/tokyo").Question
				merged := w.Tip()
				w.PushThing("tokyo", task, "image:1", false)
				mended := w.Tip()
				w.Answer(run, "bob", "retry")
				if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
					t.Fatalf("it is %s", whereabouts(r))
				}
				checkEnd(t, w, run, m.want)
				if at := w.AppliedAt("tokyo"); !slices.Equal(at, []string{merged, mended}) || !slices.Contains(w.Made(), task) {
					t.Errorf("tokyo was applied at %v, and %v made", at, w.Made())
				}
			})
		})
	}
}

// So it is where the apply is the first act, or comes before the promotion: nothing moves
// before the mended commit is applied.
func TestNewerAtTheFirstAct(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]world.Options{
		"without a database": {Service: alone}, "before the promotion": acts("apply/target", "promote", "redeploy", "gate", "apply/traffic"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, o, func(t *testing.T, w *world.World) {
				broken(w)
				run := w.Start(world.Disaster)
				approve(w, run)
				q := *asks(w, run, "apply/tokyo").Question
				time.Sleep(plansOld)
				w.PushThing("tokyo", task, "image:2", false)
				w.Answer(run, "bob", "retry")
				if q = askedNewer(w, run, q.Number); !strings.Contains(world.Words(q.What), task) || w.Promotions() != 0 {
					t.Fatalf("%d promotions; it asks %q", w.Promotions(), world.Words(q.What))
				}
				accept(t, w, run)
				if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
					t.Fatalf("it is %s", whereabouts(r))
				}
				for _, stack := range []string{"tokyo", "traffic"} {
					if at := w.AppliedAt(stack); at[len(at)-1] != w.Tip() {
						t.Errorf("%s was applied at %v", stack, at)
					}
				}
			})
		})
	}
}

// Mended so that more is done: accepted by two other than the requester, bound to what they
// read and to the commit of it, wherever else the base goes meanwhile.
func TestNewerAndWider(t *testing.T) {
	t.Parallel()
	for _, m := range modes {
		t.Run(m.cmd.Mode, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				broken(w)
				run := w.Start(m.cmd)
				approve(w, run)
				q := *asks(w, run, "apply/tokyo").Question
				w.PushThing("tokyo", task, "image:2", false)
				mended := w.Tip()
				w.Answer(run, "bob", "retry")
				q = askedNewer(w, run, q.Number)
				if said := world.Words(q.What); !strings.Contains(said, task) || !strings.Contains(said, mended[:7]) || q.Takes["accept"] != 2 {
					t.Fatalf("it asks %q, and accept takes %d", said, q.Takes["accept"])
				}
				w.PushComment("live/shop/tokyo")
				if _, _, err := w.Engine.Answer(context.Background(), world.By("alice"), run, workflows.Reply{Verb: "accept", Digest: q.Digest}); dr.CodeOf(err) != dr.Denied {
					t.Errorf("the requester accepts: %v", err)
				}
				w.Answer(run, "bob", "accept")
				w.Restart()
				if len(w.AppliedAt("tokyo")) != 1 {
					t.Error("one person's word sufficed")
				}
				w.Answer(run, "carol", "accept")
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, m.want)
				if made := w.Made(); !slices.Equal(made, []string{task}) {
					t.Errorf("%v was made", made)
				}
				if at := w.AppliedAt("tokyo"); at[len(at)-1] != mended {
					t.Errorf("applied at %v, not at %s", at, mended)
				}
			})
		})
	}
}

// Before the promotion too: what a newer commit does beyond what was approved is asked about
// before the database moves, and so is other code that runs there.
func TestNewerBeforeThePromotion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		move func(*world.World)
		says string
	}{
		"a resource": {func(w *world.World) { w.PushThing("traffic", "aws_ssm_parameter.new", "1", false) }, "aws_ssm_parameter.new"},
		"other code": {func(w *world.World) { w.PushCode("traffic") }, "other code would run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.Fail("Promote", 1, errMended)
				run := w.Start(world.Planned)
				approve(w, run)
				q := *asks(w, run, "promote/portal-global").Question
				c.move(w)
				tip := w.Tip()
				w.Answer(run, "bob", "retry")
				q = askedNewer(w, run, q.Number)
				if said := world.Words(q.What); !strings.Contains(said, c.says) || w.Promotions() != 0 {
					t.Fatalf("%d promotions; it asks %q", w.Promotions(), said)
				}
				accept(t, w, run)
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, plannedDone)
				for _, stack := range []string{"tokyo", "traffic", "seoul"} {
					if at := w.AppliedAt(stack); !slices.Equal(at, []string{tip}) {
						t.Errorf("%s was applied at %v, not at %s", stack, at, tip)
					}
				}
			})
		})
	}
}

// What is asked about a newer commit is asked again about the next one, by another digest.
func TestNewerIsMendedOnceMore(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		broken(w)
		run := w.Start(world.Disaster)
		approve(w, run)
		q := *asks(w, run, "apply/tokyo").Question
		w.PushThing("tokyo", task, "image:2", false)
		w.Answer(run, "bob", "retry")
		first := askedNewer(w, run, q.Number)
		w.PushComment("live/portal/tokyo") // the plan is the same, the commit another
		w.Answer(run, "bob", "retry")
		second := askedNewer(w, run, first.Number)
		if first.Digest == second.Digest {
			t.Errorf("both commits are accepted by %s", first.Digest)
		}
		if _, _, err := w.Engine.Answer(context.Background(), world.By("bob"), run, workflows.Reply{Verb: "accept", Digest: first.Digest}); dr.CodeOf(err) != dr.Conflict {
			t.Errorf("the digest of the first is taken for the second: %v", err)
		}
		tip := w.Tip()
		accept(t, w, run)
		w.Await(run, dr.RunSucceeded)
		if at := w.AppliedAt("tokyo"); at[len(at)-1] != tip {
			t.Errorf("applied at %v, not at %s", at, tip)
		}
	})
}

// The newest commit is denied: nothing is done, and mended once more it goes on.
func TestNewerIsDenied(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		broken(w)
		w.PushThing("tokyo", database, "", false)
		w.Import("tokyo", database)
		run := w.Start(world.Disaster)
		approve(w, run)
		q := *asks(w, run, "apply/tokyo").Question
		w.PushThing("tokyo", task, "image:1", false)
		w.DropThing("tokyo", database)
		w.Answer(run, "bob", "retry")
		q = askedNewer(w, run, q.Number)
		if said := world.Words(q.What); slices.Contains(q.Answers, "accept") || !strings.Contains(said, "policy denies") || len(w.AppliedAt("tokyo")) != 1 {
			t.Fatalf("it asks %q, %v", said, q.Answers)
		}
		w.PushThing("tokyo", database, "", false)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		checkLeft(t, w, run, disasterDone)
	})
}

// The mending puts active_region back: the words of today, and nothing is done.
func TestNewerIsReverted(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		broken(w)
		run := w.Start(world.Planned)
		approve(w, run)
		q := *asks(w, run, "apply/tokyo").Question
		w.PushThing("tokyo", task, "image:1", false)
		w.SetBase(world.Seoul)
		w.Answer(run, "bob", "retry")
		q = askedNewer(w, run, q.Number)
		if said := world.Words(q.What); !strings.Contains(said, "does not say") || len(w.AppliedAt("tokyo")) != 1 {
			t.Fatalf("it asks %q", said)
		}
		w.SetBase(world.Tokyo)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		checkLeft(t, w, run, plannedDone)
		if at := w.AppliedAt("tokyo"); at[len(at)-1] != w.Tip() {
			t.Errorf("applied at %v, not at %s", at, w.Tip())
		}
	})
}

// A base that moved only elsewhere, or that cannot be read or compared, changes nothing.
func TestNewerElsewhereChangesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		move func(*world.World)
		said bool
	}{
		"elsewhere":             {func(w *world.World) { w.PushToBase() }, false},
		"in other's stack":      {func(w *world.World) { w.PushComment("live/shop/tokyo") }, false},
		"GitHub does not say":   {func(w *world.World) { w.PushCode("tokyo"); w.Fail("File", 2, nil) }, true},
		"it cannot be compared": {func(w *world.World) { w.PushCode("tokyo"); w.Fail("Changed", 1, nil) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				w.NextApply("tokyo", dr.ApplyFailed)
				run := w.Start(world.Disaster)
				approve(w, run)
				asks(w, run, "apply/tokyo")
				merged, plans := w.Tip(), w.Calls("Plan")
				c.move(w)
				w.Answer(run, "bob", "retry")
				w.Await(run, dr.RunSucceeded)
				checkEnd(t, w, run, disasterDone)
				if at := w.AppliedAt("tokyo"); !slices.Equal(at, []string{merged}) {
					t.Errorf("applied at %v, not at %s", at, merged)
				}
				if n := w.Calls("Plan") - plans; n != 0 || len(saidOf(w, "/newer/")) != 0 {
					t.Errorf("%d new plans; it said %q", n, saidOf(w, "/newer/"))
				}
				if said := saidOf(w, "/newer-unread/"); (len(said) == 1) != c.said {
					t.Errorf("it said %q", said)
				}
			})
		})
	}
}

// The gate shows that what was applied is wrong: mended, the target is applied once more
// and proves itself. A step behind the gate has the gate passed again.
func TestNewerAppliesAgain(t *testing.T) {
	t.Parallel()
	t.Run("at the gate", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			w.Sick(world.Tokyo, true)
			approve(w, run)
			q := *asks(w, run, "gate/1").Question
			w.PushThing("tokyo", task, "image:2", false)
			w.After("Apply tokyo", func() { w.Sick(world.Tokyo, false) })
			w.Answer(run, "bob", "retry")
			if q = askedNewer(w, run, q.Number); !strings.Contains(world.Words(q.What), task) {
				t.Fatalf("it asks %q", world.Words(q.What))
			}
			accept(t, w, run)
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, plannedDone)
			if at := w.AppliedAt("tokyo"); len(at) != 2 || at[1] != w.Tip() || !slices.Contains(w.Made(), task) {
				t.Errorf("applied at %v", at)
			}
		})
	})
	t.Run("behind the gate", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.NextApply("traffic", dr.ApplyFailed)
			run := w.Start(world.Disaster)
			approve(w, run)
			asks(w, run, "apply/traffic")
			w.PushThing("tokyo", task, "image:2", false)
			w.Answer(run, "bob", "retry")
			w.Until(run, func(r dr.Run) bool { return r.Question != nil && slices.Contains(r.Question.Answers, "accept") })
			accept(t, w, run)
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, disasterDone)
			rows := slices.DeleteFunc(w.Engine.StoredWhole(t, run), func(s string) bool { return !strings.Contains("apply/tokyo gate/1 apply/traffic newer", s) })
			want := []string{"apply/tokyo", "gate/1", "apply/traffic", "apply/traffic", "newer", "apply/tokyo", "gate/1", "apply/traffic"}
			if !slices.Equal(rows, want) {
				t.Errorf("the engine stores %q", rows)
			}
			if said := saidOf(w, "/newer/"); len(said) != 1 || !strings.Contains(said[0], "apply/tokyo") {
				t.Errorf("it said %q", said)
			}
		})
	})
	t.Run("behind verify", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.NextApply("seoul", dr.ApplyFailed)
			run := w.Start(world.Planned)
			approve(w, run)
			asks(w, run, "apply/seoul")
			time.Sleep(50 * time.Minute)
			w.PushThing("tokyo", task, "image:2", false)
			w.Answer(run, "bob", "retry")
			w.Until(run, func(r dr.Run) bool { return r.Question != nil && slices.Contains(r.Question.Answers, "accept") })
			accept(t, w, run)
			r := w.Await(run, dr.RunSucceeded)
			checkLeft(t, w, run, plannedDone)
			if n := count(w.Engine.StoredWhole(t, run), "verify"); n != 2 || r.Result.RTA > 30*time.Minute {
				t.Errorf("verified %d times, and an RTA of %s", n, r.Result.RTA)
			}
		})
	})
	t.Run("at the source's own", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.PushThing("seoul", task, "image:1", true)
			run := w.Start(world.Planned)
			approve(w, run)
			q := asks(w, run, "apply/seoul").Question
			w.PushThing("seoul", task, "image:2", false)
			w.Answer(run, "bob", "retry")
			if q := askedNewer(w, run, q.Number); !strings.Contains(world.Words(q.What), task) {
				t.Fatalf("it asks %q", world.Words(q.What))
			}
			accept(t, w, run)
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, plannedDone)
			if at := w.AppliedAt("seoul"); at[len(at)-1] != w.Tip() || !slices.Equal(w.Applied(), []string{"tokyo", "traffic", "seoul", "seoul"}) {
				t.Errorf("applied: %v, seoul at %v", w.Applied(), at)
			}
		})
	})
	t.Run("when the source is quiesced in part", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.Lose("Scale "+string(world.Seoul), -1)
			run := w.Start(world.Planned)
			approve(w, run)
			q := asks(w, run, "quiesce/"+string(world.Seoul)).Question
			w.Heal()
			w.PushComment("live/portal/tokyo")
			w.Answer(run, "bob", "retry")
			if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
				t.Fatalf("it is %s", whereabouts(r))
			}
			checkEnd(t, w, run, plannedDone)
			if at := w.AppliedAt("tokyo"); !slices.Equal(at, []string{w.Tip()}) {
				t.Errorf("applied at %v", at)
			}
		})
	})
	t.Run("what nothing changes of is not", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.NextApply("traffic", dr.ApplyFailed)
			run := w.Start(world.Disaster)
			approve(w, run)
			asks(w, run, "apply/traffic")
			w.PushComment("live/portal/traffic")
			w.Answer(run, "bob", "retry")
			w.Await(run, dr.RunSucceeded)
			checkEnd(t, w, run, disasterDone)
			if got := w.Applied(); !slices.Equal(got, []string{"tokyo", "traffic"}) || w.AppliedAt("traffic")[0] != w.Tip() {
				t.Errorf("applied: %v, traffic at %v", got, w.AppliedAt("traffic"))
			}
		})
	})
	t.Run("and fails there too", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			w.NextApply("traffic", dr.ApplyFailed)
			run := w.Start(world.Disaster)
			approve(w, run)
			q := *asks(w, run, "apply/traffic").Question
			broken(w)
			w.Answer(run, "bob", "retry")
			q = askedNewer(w, run, q.Number)
			accept(t, w, run)
			q = *asks(w, run, "apply/tokyo").Question
			w.PushThing("tokyo", task, "image:1", false)
			w.Answer(run, "bob", "retry")
			if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
				t.Fatalf("it is %s", whereabouts(r))
			}
			checkEnd(t, w, run, disasterDone)
			if w.Points() != world.Tokyo || !slices.Contains(w.Made(), task) || w.AppliedAt("traffic")[0] != w.Tip() {
				t.Errorf("users are led to %s; made: %v", w.Points(), w.Made())
			}
		})
	})
}

// A run that resumes goes on at a newer commit like any other.
func TestNewerOfAResumption(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		broken(w)
		w.SetBase(world.Tokyo)
		run := w.Start(resume(world.Disaster))
		w.Await(run, dr.RunPaused)
		accept(t, w, run)
		q := asks(w, run, "apply/tokyo").Question
		w.PushThing("tokyo", task, "image:1", false)
		w.Answer(run, "bob", "retry")
		if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
			t.Fatalf("it is %s", whereabouts(r))
		}
		if at := w.AppliedAt("tokyo"); at[len(at)-1] != w.Tip() {
			t.Errorf("applied at %v, not at %s", at, w.Tip())
		}
	})
}

// An apply that nobody knows the end of is followed, at the commit it was begun with.
func TestNewerLeavesWhatHasBegun(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Lose("Apply tokyo", 1)
		run := w.Start(world.Disaster)
		approve(w, run)
		asks(w, run, "apply/tokyo")
		merged := w.Tip()
		w.PushThing("tokyo", task, "image:2", false)
		w.Answer(run, "bob", "retry")
		w.Await(run, dr.RunSucceeded)
		checkEnd(t, w, run, disasterDone)
		if at := w.AppliedAt("tokyo"); !slices.Equal(at, []string{merged}) {
			t.Errorf("applied at %v, not at %s", at, merged)
		}
	})
}

// mends is a disaster run whose apply fails twice by the repository: mended once so that
// nobody is asked, once so that people are. At traffic it changes the target once more.
func mends(w *world.World) {
	broken(w)
	w.NextApply("traffic", dr.ApplyFailed)
	w.After("Apply tokyo", func() { w.PushThing("tokyo", task, "image:1", false) })
	w.After("Apply traffic", func() { w.PushThing("tokyo", task, "image:2", false) })
}

// TestNewerKilledAtEveryRow is TestKilledAtEveryRow for a run that goes on at two newer
// commits: the same end, the same rows, each plan applied at the same commit.
func TestNewerKilledAtEveryRow(t *testing.T) {
	t.Parallel()
	var rows []string
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		mends(w)
		run := w.Start(world.Disaster)
		w.Drive(run)
		synctest.Wait()
		checkEnd(t, w, run, disasterDone)
		rows = compact(w.Engine.StoredWhole(t, run))
		if n := len(w.AppliedAt("tokyo")); n != 3 || count(rows, "newer") != 2 {
			t.Fatalf("tokyo was applied %d times; the engine stores %q", n, rows)
		}
	})
	first := slices.Index(rows, "apply/tokyo")
	played := swept(t)
	for i := first; i < len(rows)-1; i++ {
		if !played() {
			continue
		}
		t.Run(fmt.Sprintf("%02d-%s", i, strings.ReplaceAll(rows[i], "/", "_")), func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				mends(w)
				run := w.Start(world.Disaster)
				w.KillWhen(func(string) bool { return len(compact(w.Engine.Stored(t, run))) > i })
				w.Drive(run)
				synctest.Wait()
				checkEnd(t, w, run, disasterDone)
				if got := compact(w.Engine.StoredWhole(t, run)); !slices.Equal(got, rows) {
					t.Errorf("the engine stores %q", got)
				}
				at := w.AppliedAt("tokyo")
				if len(at) != 3 || at[2] != w.Tip() || w.Lives() != 2 || !slices.Equal(w.AppliedAt("traffic"), at[2:]) {
					t.Errorf("lived %d times; applied: tokyo at %v, traffic at %v", w.Lives(), at, w.AppliedAt("traffic"))
				}
			})
		})
	}
}

// Killed while it looks at a newer commit, it finds what is newest then; killed in the
// apply of one, it goes on with that, wherever the base is.
func TestNewerKilledInBetween(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"File main", "Changed", "Plan tokyo", "Plans", "Audit newer commit", "Say", "Apply tokyo"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				broken(w)
				run := w.Start(world.Disaster)
				approve(w, run)
				asks(w, run, "apply/tokyo")
				w.PushThing("tokyo", task, "image:1", false)
				w.KillBefore(call)
				w.Answer(run, "bob", "retry")
				w.Drive(run)
				synctest.Wait()
				checkEnd(t, w, run, disasterDone)
				if at := w.AppliedAt("tokyo"); len(at) != 2 || at[1] != w.Tip() || w.Lives() != 2 {
					t.Errorf("lived %d times; applied at %v", w.Lives(), at)
				}
			})
		})
	}
	t.Run("and the base moves meanwhile", func(t *testing.T) {
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			broken(w)
			run := w.Start(world.Disaster)
			approve(w, run)
			asks(w, run, "apply/tokyo")
			w.PushThing("tokyo", task, "image:1", false)
			mended := w.Tip()
			w.Before("Apply tokyo", func() { w.PushToBase("tokyo:aws_ssm_parameter.late"); time.AfterFunc(time.Second, w.Kill) })
			w.Answer(run, "bob", "retry")
			w.Drive(run)
			synctest.Wait()
			checkEnd(t, w, run, disasterDone)
			if at := w.AppliedAt("tokyo"); len(at) != 2 || at[1] != mended || w.Lives() != 2 {
				t.Errorf("lived %d times; applied at %v, not at %s", w.Lives(), at, mended)
			}
		})
	})
}

// A newer commit that nobody wants is taken back on the base: retry is of the commit in use
// again, and nobody has to accept anything.
func TestNewerIsTakenBack(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyFailed)
		run := w.Start(world.Planned)
		approve(w, run)
		q := *asks(w, run, "apply/tokyo").Question
		merged := w.Tip()
		w.PushThing("tokyo", task, "image:2", false)
		w.Answer(run, "bob", "retry")
		q = askedNewer(w, run, q.Number)
		w.DropThing("tokyo", task)
		w.Answer(run, "bob", "retry")
		if r := whatNext(w, run, q.Number); r.State != dr.RunSucceeded {
			t.Fatalf("it is %s", whereabouts(r))
		}
		checkLeft(t, w, run, plannedDone)
		if at := w.AppliedAt("tokyo"); !slices.Equal(at, []string{merged}) || len(w.Made()) != 0 {
			t.Errorf("applied at %v, not at %s; made: %v", at, merged, w.Made())
		}
	})
}

// Two people abandon the run while it applies again: it ends before the next step, and
// leads on by what it names.
func TestNewerIsAbandoned(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.NextApply("traffic", dr.ApplyFailed)
		run := w.Start(world.Disaster)
		approve(w, run)
		q := *asks(w, run, "apply/traffic").Question
		w.PushThing("tokyo", task, "image:2", false)
		w.Answer(run, "bob", "retry")
		askedNewer(w, run, q.Number)
		gates := w.Calls("Probe tokyo.portal.example.test")
		w.Before("Apply tokyo", func() { w.Cancel(run, "alice"); w.Cancel(run, "bob") })
		accept(t, w, run)
		r := w.Await(run, dr.RunStopped)
		if n := w.Calls("Probe tokyo.portal.example.test"); n != gates || len(w.AppliedAt("traffic")) != 0 || !strings.Contains(world.Words(r.Next), "/dr resume") {
			t.Errorf("%d looks at the gate, traffic applied at %v: %s", n-gates, w.AppliedAt("traffic"), whereabouts(r))
		}
		run = w.Start(resume(world.Disaster))
		w.Await(run, dr.RunPaused)
		acceptBy(t, w, run, "carol", "dave")
		w.Await(run, dr.RunSucceeded)
		if w.Points() != world.Tokyo {
			t.Errorf("users are led to %s", w.Points())
		}
	})
}

// Whatever a retry asks of the outside fails twice: the run ends at the mended commit.
func TestNewerPortsFail(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"Get", "File main", "Changed", "Plan tokyo", "Plan traffic", "Plans", "UpdateRun", "Audit", "Say", "Held", "Keep"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				broken(w)
				run := w.Start(world.Disaster)
				approve(w, run)
				asks(w, run, "apply/tokyo")
				w.PushThing("tokyo", task, "image:1", false)
				var err error
				if ofStore(call) {
					err = errDisk
				}
				w.After("Audit answer retry", func() { w.Fail(call, 2, err) }) // of who answers
				w.Drive(run)
				checkLeft(t, w, run, disasterDone)
				if at := w.AppliedAt("tokyo"); at[len(at)-1] != w.Tip() || !slices.Contains(w.Made(), task) {
					t.Errorf("applied at %v; made: %v", at, w.Made())
				}
			})
		})
	}
}
