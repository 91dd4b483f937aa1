package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// hinted is the one command of a verb that texts name, as somebody types it.
func hinted(t *testing.T, verb dr.Kind, once string, in ...dr.Text) workflows.StartCommand {
	t.Helper()
	var found []dr.Command
	for _, text := range in {
		for _, c := range text.Commands() {
			if c.Verb == string(verb) {
				found = append(found, c)
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d commands %s are named in %v", len(found), verb, in)
	}
	c := found[0].Args
	return workflows.StartCommand{Kind: verb, Service: c["service"], Target: dr.Region(c["region"]), Mode: c["mode"],
		Reason: "as the message says", Channel: "C-PORTAL", Once: once, Override: c["override-cooldown"] != ""}
}

// A command that a message names is taken when it is typed, also where the cooldown would
// refuse the same without its override.
func TestTheCooldownRefusesNoHint(t *testing.T) {
	t.Parallel()
	taken := func(t *testing.T, w *world.World, cmd workflows.StartCommand) {
		t.Helper()
		if r := w.Until(w.Start(cmd), func(r dr.Run) bool { return r.State != dr.RunRunning }); r.State != dr.RunWaiting {
			t.Errorf("%s to %s in mode %s ends %s", cmd.Kind, cmd.Target, cmd.Mode, whereabouts(r))
		}
	}
	t.Run("the way back after a disaster", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Disaster)
			approved(w, run)
			taken(t, w, hinted(t, dr.Failback, "back", w.Record(run).Result.Left...))
		})
	})
	t.Run("the other way, where it is there already", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			approved(w, w.Start(world.Disaster))
			again := world.Planned
			again.Once = "again"
			r := w.End(w.Start(again))
			taken(t, w, hinted(t, dr.Failover, "other", r.Next))
		})
	})
	t.Run("a failover in place of a resumption", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Disaster)
			approved(w, run)
			cmd := world.Disaster
			cmd.Kind, cmd.Target, cmd.Once = dr.Resume, world.Seoul, "resume"
			taken(t, w, hinted(t, dr.Failover, "instead", w.End(w.Start(cmd)).Next))
		})
	})
	t.Run("once more, after a run that overrode it", func(t *testing.T) {
		t.Parallel()
		for i, end := range []string{"cancelled", "stopped past its merge"} {
			t.Run(end, func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					approved(w, w.Start(world.Disaster))
					back := world.Back(world.Planned)
					back.Once, back.Override = fmt.Sprint("back", i), true
					run := w.Start(back)
					w.Await(run, dr.RunWaiting)
					verb := back.Kind
					if end == "cancelled" {
						w.Cancel(run, "bob")
					} else {
						w.Down(world.Seoul, true)
						approve(w, run)
						w.Await(run, dr.RunPaused)
						w.Cancel(run, "bob")
						w.Cancel(run, "carol")
					}
					r := w.End(run)
					for _, c := range r.Next.Commands() {
						if c.Verb == string(verb) && c.Args["override-cooldown"] == "" {
							t.Errorf("it names %v, which the cooldown refuses", c)
						}
					}
					if end == "cancelled" {
						taken(t, w, hinted(t, verb, "once more", r.Next))
					}
				})
			})
		}
	})
	t.Run("and says nothing where no cooldown holds any more", func(t *testing.T) {
		t.Parallel()
		world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Disaster)
			approved(w, run)
			time.Sleep(31 * time.Minute)
			cmd := hinted(t, dr.Failback, "much later", w.Record(run).Result.Left...)
			later := w.Start(cmd)
			if r := w.Await(later, dr.RunWaiting); len(r.Accepts) > 0 {
				t.Errorf("its approvers are shown %q", accepted(r.Accepts))
			}
		})
	})
}

// Who types another digest than that of what is asked is told so, and where the right one
// stands; what was accepted, by whom and when is in the result.
func TestAcceptNamesItsDigest(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Before("Apply tokyo", func() { w.Import("tokyo", "aws_ssm_parameter.x") })
		run := w.Start(world.Disaster)
		approve(w, run)
		q := asks(w, run, "apply/tokyo").Question
		for typed, want := range map[string]string{
			"":           "accept counts for what you have read: name that by the digest of now",
			"0badc0de":   `"0badc0de" is not the digest of what apply/tokyo asks now; that stands behind accept in the run's message`,
			q.Digest[:5]: fmt.Sprintf("%q is not the digest", q.Digest[:5]),
		} {
			_, _, err := w.Engine.Answer(context.Background(), world.By("bob"), run, workflows.Reply{Verb: "accept", Digest: typed})
			what, next := dr.Told(err)
			if said := world.Words(what); !strings.HasPrefix(said, want) || !strings.Contains(world.Words(next), "accept "+q.Digest) {
				t.Errorf("typed %q it says %q, and what to type is %q", typed, said, world.Words(next))
			}
		}
		first := time.Now()
		w.Answer(run, "bob", "accept")
		time.Sleep(3 * time.Minute)
		w.Answer(run, "carol", "accept")
		r := w.Await(run, dr.RunSucceeded)
		var got []string
		for _, a := range r.Result.Accepted {
			got = append(got, fmt.Sprintf("%s %s %s %s", a.By, a.Step, a.Digest, a.At.Sub(first).Round(time.Minute)))
		}
		want := []string{"bob apply/tokyo " + q.Digest + " 0s", "carol apply/tokyo " + q.Digest + " 3m0s"}
		if !slices.Equal(got, want) {
			t.Errorf("the result has %q, not %q", got, want)
		}
		if lines := world.Words(dr.T("x", "all", r.ResultLines())); !strings.Contains(lines, "bob") || !strings.Contains(lines, q.Digest) {
			t.Errorf("it is told as %q", lines)
		}
	})
}

// A word that did not make anything accepted is in no result.
func TestALoneAcceptIsInNoResult(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.Before("Apply tokyo", func() { w.Import("tokyo", "aws_ssm_parameter.x") })
		run := w.Start(world.Disaster)
		approve(w, run)
		asks(w, run, "apply/tokyo")
		w.Answer(run, "bob", "accept")
		w.Answer(run, "carol", "retry")
		w.Until(run, func(r dr.Run) bool { return r.Question != nil && r.Question.Number == 2 })
		acceptBy(t, w, run, "carol", "dave")
		r := w.Await(run, dr.RunSucceeded)
		var by []string
		for _, a := range r.Result.Accepted {
			by = append(by, a.By)
		}
		if !slices.Equal(by, []string{"carol", "dave"}) || len(r.Accepting) != 3 {
			t.Errorf("the result has %q of %v", by, r.Accepting)
		}
	})
}

// leadsOn is a command in the words of an end that does more than show.
func leadsOn(r dr.Run) bool {
	return slices.ContainsFunc(slices.Concat(r.Outcome.Commands(), r.Next.Commands()), func(c dr.Command) bool { return c.Verb != "status" })
}
