//go:build attack

package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// TestAttackHourOfComments has somebody comment on the pull request of a run eighty times a
// minute for an hour, each of which GitHub tells in two ways, and push to it and to the base
// as often: what the run asks of GitHub and what it stores grows with the time and not with
// the comments, and who approves then is heard at once.
func TestAttackHourOfComments(t *testing.T) {
	t.Parallel()
	looks, rows := map[bool]int{}, map[bool]int{}
	for _, flooded := range []bool{false, true} {
		world.Run(t, world.Options{Service: func(s *dr.Service) { s.Expiry = 2 * time.Hour }}, func(t *testing.T, w *world.World) {
			run := w.Start(world.Planned)
			r := w.Await(run, dr.RunWaiting)
			before, repo := w.Calls("ChangeState"), w.Services["portal"].Repository
			for range 60 * 80 {
				time.Sleep(750 * time.Millisecond)
				if !flooded {
					continue
				}
				for _, n := range []workflows.News{{Number: r.Change.Number}, {Number: r.Change.Number}, {Branch: r.Change.Branch}, {Branch: repo.Base}} {
					n.Owner, n.Repo = repo.Owner, repo.Name
					if err := w.Engine.Nudge(t.Context(), n); err != nil {
						t.Fatal(err)
					}
				}
			}
			looks[flooded] = w.Calls("ChangeState") - before
			rows[flooded] = strings.Count(w.Dump(), "\nnotifications: ")
			asked := time.Now()
			w.Approve("bob", "carol")
			w.Until(run, func(r dr.Run) bool { return r.PastMerge() })
			if took := time.Since(asked); flooded && took > time.Minute {
				t.Errorf("who approved was heard after %s", took)
			}
			w.Await(run, dr.RunSucceeded)
		})
	}
	t.Logf("looks in the hour: %d undisturbed, %d under 19,200 nudges; messages stored: %d and %d", looks[false], looks[true], rows[false], rows[true])
	if looks[true] > 1300 || rows[true] > 1300 {
		t.Errorf("%d looks and %d messages in an hour: one in 3 s is the most", looks[true], rows[true])
	}
}
