package workflows_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/world"
)

// crowd is what many runs at once of one repository have cost.
type crowd struct {
	runs, plans, changed, requests, most int
	merged                               time.Duration // from the last approval to the last merge
}

func (c crowd) String() string {
	return fmt.Sprintf("%d runs: %d plans, %d at once, %d comparisons of trees, %d calls of the forge, the last merged %s after the approvals",
		c.runs, c.plans, c.most, c.changed, c.requests, c.merged.Round(time.Second))
}

// crowded plays runs of as many services of one repository at once: each merge moves the
// base of all others. A plan takes its time, and a place among those of the program.
func crowded(t *testing.T, runs int, planTime time.Duration) (c crowd) {
	const places = 2
	world.Run(t, world.Options{More: runs - 1}, func(t *testing.T, w *world.World) {
		free := make(chan struct{}, places)
		var mu sync.Mutex
		now, most := 0, 0
		planning := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			now += by
			most = max(most, now)
		}
		w.BeforeEach("Plan", func() {
			free <- struct{}{}
			planning(1)
			time.Sleep(planTime)
			planning(-1)
			<-free
		})
		all := map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(w.Services)) {
			cmd := world.Planned
			cmd.Service = name
			all[name] = w.Start(cmd)
		}
		each := func(do func(run string)) {
			for _, name := range slices.Sorted(maps.Keys(all)) {
				do(all[name])
			}
		}
		each(func(run string) { w.Await(run, dr.RunWaiting) })
		each(func(run string) { w.ApproveRun(run, "bob", "carol") })
		began := time.Now()
		for w.Merges() < runs && time.Since(began) < time.Hour {
			time.Sleep(time.Second)
		}
		c.merged = time.Since(began)
		each(func(run string) { w.Await(run, dr.RunSucceeded) })
		c.runs, c.plans, c.changed, c.most = runs, w.Calls("Plan"), w.Calls("Changed"), most
		for _, call := range []string{"File", "Parents", "OpenChange", "ChangeState", "Merge", "CloseChange", "Comment", "Status"} {
			c.requests += w.Calls(call)
		}
		if w.Merges() != runs || w.Promotions() != runs || w.Calls("Comment worse") != 0 {
			t.Errorf("%d merges, %d promotions, asked again %d times", w.Merges(), w.Promotions(), w.Calls("Comment worse"))
		}
		each(func(run string) {
			if n := times(w.Books.Stored(t, run), "plan"); n != 1 {
				t.Errorf("%s was planned %d times because of its base", run, n)
			}
		})
	})
	return c
}

func times(rows []string, row string) (n int) {
	for _, r := range rows {
		if r == row {
			n++
		}
	}
	return n
}

// plans.md 25: twelve and thirty runs of one repository at once, each with a service's
// files of its own. What they cost together grows as they do.
func TestManyRunsOfOneRepository(t *testing.T) {
	t.Parallel()
	var seen []crowd
	for _, runs := range []int{1, 12, 30} {
		t.Run(fmt.Sprint(runs), func(t *testing.T) {
			c := crowded(t, runs, time.Second) // thirty are planned before the first plan is old
			t.Log(c)
			seen = append(seen, c)
		})
	}
	if len(seen) != 3 {
		t.Fatalf("%d crowds were seen", len(seen))
	}
	few, many := seen[1], seen[2]
	linear := func(what string, few, many, slack int) {
		if most := few*many30/many12 + slack; many > most {
			t.Errorf("%s: %d for 12 runs, %d for 30; %d would be in line", what, few, many, most)
		}
	}
	linear("plans", few.plans, many.plans, 0)
	linear("comparisons", few.changed, many.changed, many30)
	linear("calls", few.requests, many.requests, few.requests/4)
	linear("seconds to the last merge", int(few.merged.Seconds()), int(many.merged.Seconds()), 30)
}

const many12, many30 = 12, 30

// Where plans take so long that those of all are old before the last is made, each run is
// planned once more for its age, and never for its base.
func TestManyRunsWithSlowPlans(t *testing.T) {
	t.Parallel()
	const planTime = 20 * time.Second
	c := crowded(t, many12, planTime)
	t.Log(c)
	if c.plans > (plansMade+3)*c.runs {
		t.Errorf("%d plans", c.plans)
	}
	if most := time.Duration(3*c.runs/2)*planTime + time.Minute; c.merged > most {
		t.Errorf("the last is merged after %s; to plan all once more takes %s", c.merged, most)
	}
}
