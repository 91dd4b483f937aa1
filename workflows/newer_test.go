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
				if w.Calls("Audit newer-commit") != 1 {
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
		rows = compact(w.Books.StoredWhole(t, run))
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
				w.KillWhen(func(string) bool { return len(compact(w.Books.Stored(t, run))) > i })
				w.Drive(run)
				synctest.Wait()
				checkEnd(t, w, run, disasterDone)
				if got := compact(w.Books.StoredWhole(t, run)); !slices.Equal(got, rows) {
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
	for _, call := range []string{"File main", "Changed", "Plan tokyo", "Plans", "Audit newer-commit", "Say", "Apply tokyo"} {
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
				w.After("Audit answer-retry", func() { w.Fail(call, 2, err) }) // of who answers
				w.Drive(run)
				checkLeft(t, w, run, disasterDone)
				if at := w.AppliedAt("tokyo"); at[len(at)-1] != w.Tip() || !slices.Contains(w.Made(), task) {
					t.Errorf("applied at %v; made: %v", at, w.Made())
				}
			})
		})
	}
}
