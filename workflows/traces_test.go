package workflows_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

var update = flag.Bool("update", false, "rewrite the golden traces")

// scenario is one run from its request to its end.
type scenario struct {
	name  string
	about string
	world.Options
	before func(*world.World)
	cmd    workflows.StartCommand
	// live is what people and the world do; it ends when the run has.
	live func(*world.World, string)
}

// approved is the ordinary life of a run: two people approve, and it ends.
func approved(w *world.World, run string) {
	approve(w, run)
	w.Await(run, dr.RunSucceeded)
}

func approve(w *world.World, run string) {
	w.Await(run, dr.RunWaiting)
	w.Approve("bob", "carol")
}

func ended(state dr.RunState) func(*world.World, string) {
	return func(w *world.World, run string) { w.Await(run, state) }
}

// TestTraces keeps the names of what the engine stores of a run: a run of today must be
// taken up by the version of tomorrow, and a row that is another ends it.
func TestTraces(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range scenarios() {
		if seen[s.name] {
			t.Fatalf("%s is there twice", s.name)
		}
		seen[s.name] = true
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			world.Run(t, s.Options, func(t *testing.T, w *world.World) {
				if s.before != nil {
					s.before(w)
				}
				run := w.Start(s.cmd)
				s.live(w, run)
				synctest.Wait()
				checkEnd(t, w, run, wantEnd(s))
				compare(t, s.name, s.about, fmt.Sprintf("%s: %s", w.Record(run).State, world.Words(w.Record(run).Outcome)), w.Books.StoredWhole(t, run))
				noWords(t, w)
			})
		})
	}
	files, err := filepath.Glob("testdata/traces/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".txt"); !seen[name] && !slices.Contains([]string{"health", "drift"}, name) {
			t.Errorf("%s is the trace of no scenario", f)
		}
	}
}

func compare(t *testing.T, name, about, end string, rows []string) {
	t.Helper()
	// How often the run looked at its reviews is a matter of time, not of the runbook.
	rows = slices.CompactFunc(slices.Clone(rows), func(a, b string) bool { return a == "look" && b == "look" })
	got := "# " + about + "\n"
	if end != "" {
		got += "# ends " + strings.TrimSuffix(end, ": ") + "\n"
	}
	got += strings.Join(rows, "\n") + "\n"
	path := filepath.Join("testdata", "traces", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the engine stores\n%s\nnot\n%s", got, want)
	}
}

// TestScheduledTraces is TestTraces for the scheduled runbooks.
func TestScheduledTraces(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"health", "drift"} {
		t.Run(kind, func(t *testing.T) {
			every := func(s *dr.Service) {
				s.Schedule = dr.Schedule{TimeZone: "Asia/Seoul", Health: "*/10 * * * *", Drift: "*/10 * * * *"}
			}
			world.Run(t, world.Options{Service: every}, func(t *testing.T, w *world.World) {
				w.Schedule(t.Context())
				time.Sleep(11 * time.Minute)
				synctest.Wait()
				id := kind + "/portal/2000-01-01T00:10:00Z" // where every bubble's time begins
				compare(t, kind, "a scheduled "+kind+" run", "", w.Books.Stored(t, id))
			})
		})
	}
}
