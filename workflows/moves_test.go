package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// moves are what the world does, and what must come of it.
var moves = []struct {
	name string
	cmd  workflows.StartCommand
	want world.Left
	move func(*world.World, string)
	also func(*testing.T, *world.World, dr.Run) // what else must hold
}{
	{name: "the base moves before the change is opened", cmd: world.Planned, want: plannedDone,
		move: func(w *world.World, _ string) { w.Before("OpenChange", func() { w.PushToBase() }) }},
	{name: "the head moves between the count and the merge", cmd: world.Planned, want: plannedDone,
		move: func(w *world.World, _ string) { w.Before("Merge", func() { w.PushToChange("dave") }) },
		also: func(t *testing.T, w *world.World, r dr.Run) {
			if r.Change.Number != 2 || w.Pull(1).Merge != "" {
				t.Errorf("the change is #%d", r.Change.Number)
			}
		}},
	{name: "the change is closed between the count and the merge", cmd: world.Planned, want: ending(untouched, dr.RunCancelled),
		move: func(w *world.World, _ string) { w.Before("Merge", w.CloseByHand) }},
	// The very head that was counted a moment before, merged once: as if by this run.
	{name: "somebody merges between the count and the merge", cmd: world.Planned, want: plannedDone,
		move: func(w *world.World, _ string) { w.Before("Merge", func() { w.MergeByHand("dave") }) }},
	{name: "the base moves between the count and the merge", cmd: world.Planned, want: plannedDone,
		move: func(w *world.World, _ string) { w.Before("Merge", func() { w.PushToBase() }) }},
	{name: "the merge is reverted before it is confirmed", cmd: world.Disaster, want: disasterDone,
		move: func(w *world.World, _ string) {
			w.After("Merge", func() {
				w.SetBase(world.Seoul)
				time.AfterFunc(3*time.Minute, func() { w.SetBase(world.Tokyo) })
			})
			w.Before("Say", func() { time.Sleep(4 * time.Minute) }).Skip(2) // the question is asked after a while
		}},
	{name: "an approval is dismissed while the plan is made anew", cmd: world.Planned, want: plannedDone,
		move: func(w *world.World, _ string) {
			w.Before("Audit approval", func() { w.PushToBase() })
			w.Before("Plan traffic", func() {
				w.Review("carol", dr.ChangesRequested)
				time.AfterFunc(5*time.Minute, func() { w.Approve("carol") })
			}).Skip(1)
		}},
	{name: "somebody scales the source between the look and the act", cmd: world.Planned, want: plannedDone,
		move: func(w *world.World, _ string) {
			w.Before("Scale "+string(world.Seoul), func() { w.SetTasks(world.Seoul, 7) })
		}},
	{name: "somebody gives the source tasks after it was quiesced", cmd: world.Planned, want: plannedDone,
		move: func(w *world.World, _ string) { w.Before("Promote", func() { w.SetTasks(world.Seoul, 2) }) }},
	{name: "somebody promotes between the look and the promotion", cmd: world.Disaster,
		want: with(disasterDone, func(l *world.Left) { l.Promotions = 0 }),
		move: func(w *world.World, _ string) { w.Before("Promote", func() { w.PromoteByHand(world.Tokyo) }) }},
	{name: "the promotion is refused once", cmd: world.Disaster, want: disasterDone,
		move: func(w *world.World, _ string) {
			w.Fail("Promote", 1, &dr.Error{Code: dr.Conflict, What: dr.T("wider.lock-file")})
		}},
	{name: "the promotion fails and is asked for again", cmd: world.Disaster,
		want: with(disasterDone, func(l *world.Left) { l.Promotions = 2 }),
		move: func(w *world.World, _ string) { w.After("Promote", w.FailPromotion) }},
	{name: "the target is away while the promotion is looked at", cmd: world.Disaster, want: disasterDone,
		move: func(w *world.World, _ string) {
			w.After("Promote", func() {
				w.Down(world.Tokyo, true)
				time.AfterFunc(5*time.Minute, func() { w.Down(world.Tokyo, false) })
			})
		}},
	{name: "the source goes down during a planned promotion", cmd: world.Planned, want: plannedDone,
		move: func(w *world.World, _ string) { w.After("Promote", func() { w.Down(world.Seoul, true) }) }},
	{name: "the lag becomes unknown before the promotion", cmd: world.Disaster, want: disasterDone,
		move: func(w *world.World, _ string) { w.After("Checks", func() { w.SetLag(-1) }) },
		also: func(t *testing.T, _ *world.World, r dr.Run) {
			if r.Result == nil || r.Result.RPAKnown {
				t.Errorf("the result is %+v", r.Result)
			}
		}},
	{name: "the lag grows before the promotion", cmd: world.Disaster, want: disasterDone,
		move: func(w *world.World, _ string) { w.After("Checks", func() { w.SetLag(400) }) },
		also: func(t *testing.T, _ *world.World, r dr.Run) {
			if r.Result == nil || r.Result.RPA < 400*time.Second {
				t.Errorf("the result is %+v", r.Result)
			}
		}},
	{name: "somebody scales the target before its apply", cmd: world.Disaster, want: disasterDone,
		move: func(w *world.World, _ string) { w.Before("Apply tokyo", func() { w.SetTasks(world.Tokyo, 3) }) }},
	{name: "somebody deploys between the look and the redeployment", cmd: world.Disaster, want: disasterDone,
		move: func(w *world.World, _ string) { w.Before("Apply tokyo", func() { w.RedeployByHand(world.Tokyo) }) },
		also: func(t *testing.T, w *world.World, _ dr.Run) {
			if n := w.Deployments(world.Tokyo); n != 1 {
				t.Errorf("%d deployments since the promotion", n)
			}
		}},
	{name: "the state is locked by somebody", cmd: world.Disaster, want: disasterDone,
		move: func(w *world.World, _ string) { w.NextApply("tokyo", dr.ApplyLocked) }},
	{name: "an apply dies", cmd: world.Disaster, want: disasterDone,
		move: func(w *world.World, _ string) { w.NextApply("traffic", dr.ApplyLost) }},
	{name: "the target is sick for a while at its gate", cmd: world.Disaster, want: disasterDone,
		move: func(w *world.World, _ string) {
			w.Before("Redeploy "+string(world.Tokyo), func() {
				w.Sick(world.Tokyo, true)
				time.AfterFunc(time.Minute, func() { w.Sick(world.Tokyo, false) })
			})
		}},
	{name: "the requester leaves the company before the run begins", cmd: world.Planned, want: ending(untouched, dr.RunRefused),
		move: func(w *world.World, _ string) { w.Refuse("UALICE") }},
	{name: "the service leaves the configuration before the run begins", cmd: world.Planned, want: ending(untouched, dr.RunRefused),
		move: func(w *world.World, _ string) { delete(w.Services, "portal") }},
	{name: "the requester may not request any more", cmd: world.Planned, want: ending(untouched, dr.RunRefused),
		move: func(w *world.World, _ string) {
			s := w.Services["portal"]
			s.Requesters = []string{"bob"}
			w.Services["portal"] = s
		}},
	{name: "no comment can be written at the end", cmd: world.Disaster, want: disasterDone,
		move: func(w *world.World, _ string) { w.Fail("Comment result", -1, nil) },
		also: func(t *testing.T, _ *world.World, r dr.Run) {
			if r.Result == nil || !slices.ContainsFunc(r.Result.Left, dr.T("left.untold").Same) {
				t.Errorf("the result is %+v", r.Result)
			}
		}},
	{name: "a step panics once", cmd: world.Disaster, want: disasterDone,
		move: func(w *world.World, _ string) { w.Panic("Redeploy", 1) }},
}

// TestMoves moves the world between a look and the act that relied on it. People approve
// and retry.
func TestMoves(t *testing.T) {
	t.Parallel()
	for _, m := range moves {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
				run := w.Start(m.cmd)
				m.move(w, run)
				r := w.Drive(run)
				checkEnd(t, w, run, m.want)
				if m.also != nil {
					m.also(t, w, r)
				}
			})
		})
	}
}
