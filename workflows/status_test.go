package workflows_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// An idle service tells which Region is active, how its last run ended and how old the last
// health reading is; one that is being moved tells of its run alone.
func TestStatusOfAnIdleService(t *testing.T) {
	t.Parallel()
	every := func(s *dr.Service) { s.Schedule = dr.Schedule{TimeZone: "UTC", Health: "*/10 * * * *"} }
	world.Run(t, world.Options{Service: every}, func(t *testing.T, w *world.World) {
		says := func(when string, want ...string) {
			t.Helper()
			seen, err := w.Engine.Status(context.Background(), world.By("bob"), workflows.Look{Service: "portal", Limit: 1, Standing: true})
			if err != nil {
				t.Fatal(err)
			}
			got := make([]string, len(seen.Standing))
			for i, s := range seen.Standing {
				got[i] = world.Words(s)
			}
			if !slices.EqualFunc(got, want, strings.HasPrefix) {
				t.Errorf("%s it says %q, not %q", when, got, want)
			}
		}
		says("at first", "portal is active in ap-northeast-2, as main says", "There was no run yet.", "There is no health reading yet.")
		w.Schedule(t.Context())
		run := w.Start(world.Disaster)
		w.Await(run, dr.RunWaiting)
		says("while it is moved")
		approve(w, run)
		w.Await(run, dr.RunSucceeded)
		time.Sleep(15*time.Minute - time.Since(time.Now().Truncate(10*time.Minute)))
		says("after a run", "portal is active in ap-northeast-1, as main says", "Last run: "+run+" Failover portal to ap-northeast-1 (disaster): succeeded, 1", "Last health reading: ok, 5m")
		w.PromoteByHand(world.Seoul)
		time.Sleep(2 * time.Minute)
		says("with the writer elsewhere", "main says ap-northeast-1 for portal, and not all of it is there: the writer of portal-global is in ap-northeast-2. No run is under way. To finish it there: /dr resume portal ap-northeast-1 planned|disaster", "Last run:", "Last health reading:")
		w.Down(world.Tokyo, true)
		says("without the Region that Git says", "main says ap-northeast-1 for portal, and not all of it is there: ", "Last run:", "Last health reading:")
		w.Down(world.Tokyo, false)
		w.Gone("File")
		says("without GitHub", "portal: no run is under way. Which Region is active could not be read: ", "Last run:", "Last health reading:")
		if seen, err := w.Engine.Status(context.Background(), world.By("bob"), workflows.Look{Service: "portal", Limit: 1}); err != nil || len(seen.Runs) != 1 || seen.Standing != nil {
			t.Errorf("a list of runs has %d and says %v (%v)", len(seen.Runs), seen.Standing, err)
		}
	})
}

// A run is named by its id where a service would be: also one that newer ones hide. What is
// neither is told as no service, and the refusal that names a stopped run's status means that run.
func TestStatusOfARun(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		first := w.Start(world.Planned)
		w.Await(first, dr.RunWaiting)
		w.Cancel(first, "bob")
		w.Await(first, dr.RunCancelled)
		time.Sleep(time.Second) // until its service is free
		again := world.Planned
		again.Once = "again"
		second := w.Start(again)
		w.Await(second, dr.RunWaiting)
		look := func(of string) (workflows.Status, error) {
			return w.Engine.Status(context.Background(), world.By("bob"), workflows.Look{Service: of, Limit: 1, Standing: true})
		}
		if seen, err := look(first); err != nil || len(seen.Runs) != 1 || seen.Runs[0].Run != first || seen.Standing != nil {
			t.Errorf("of %s it shows %v (%v)", first, seen, err)
		}
		if _, err := look("portal-0"); dr.CodeOf(err) != dr.NotFound || !strings.Contains(err.Error(), "no-service-or-run") {
			t.Errorf("of what is neither it says %v", err)
		}
	})
}

// A pull request that somebody closed says who did, in how the run ended.
func TestClosedBySomebody(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.CloseByHand()
		w.Await(run, dr.RunCancelled)
		if said := world.Words(w.Record(run).Outcome); !strings.Contains(said, "was closed by dave-gh.") {
			t.Errorf("it ended with %q", said)
		}
	})
}
