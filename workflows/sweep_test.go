package workflows_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// modes are the two ordinary runs, with their ends.
var modes = []struct {
	cmd  workflows.StartCommand
	want world.Left
}{{world.Planned, plannedDone}, {world.Disaster, disasterDone}}

// golden is what a run's trace says that the engine stores.
func golden(t *testing.T, name string) []string {
	t.Helper()
	doc, err := os.ReadFile("testdata/traces/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Fields(string(doc[strings.LastIndex(string(doc), "# "):])), func(s string) bool {
		return s == "#" || s == "ends" || s == "succeeded"
	})
}

func compact(rows []string) []string {
	return slices.CompactFunc(slices.Clone(rows), func(a, b string) bool { return a == "look" && b == "look" })
}

// TestKilledAtEveryRow kills the bot at the first thing it does after each row that the
// engine stores of a run, and starts it again: the same end, the same rows, one promotion.
func TestKilledAtEveryRow(t *testing.T) {
	t.Parallel()
	played := swept(t)
	for _, m := range modes {
		rows := golden(t, m.cmd.Mode+"-over-pilot-light")
		for i, name := range rows[:len(rows)-1] {
			if !played() {
				continue
			}
			t.Run(fmt.Sprintf("%s/%02d-%s", m.cmd.Mode, i, strings.ReplaceAll(name, "/", "_")), func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := w.Start(m.cmd)
					w.KillWhen(func(string) bool { return len(compact(w.Books.Stored(t, run))) > i })
					w.Drive(run)
					synctest.Wait()
					checkEnd(t, w, run, m.want)
					if got := compact(w.Books.StoredWhole(t, run)); !slices.Equal(got, rows) {
						t.Errorf("the engine stores %q", got)
					}
					if w.Lives() != 2 {
						t.Errorf("the bot lived %d times", w.Lives())
					}
				})
			})
		}
	}
}

// calls lists what a run asks of the outside after its start, each once.
func calls(t *testing.T, cmd workflows.StartCommand) []string {
	t.Helper()
	var names []string
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(cmd)
		began := len(w.Journal())
		w.Drive(run)
		for _, line := range w.Journal()[began:] {
			_, call, _ := strings.Cut(line, " ")
			call, _, _ = strings.Cut(call, ": ")
			if !slices.Contains(names, call) {
				names = append(names, call)
			}
		}
	})
	if len(names) < 40 {
		t.Fatalf("a run makes only %d different calls: %q", len(names), names)
	}
	return names
}

// ofStore are the ports behind which there is the store; its errors have no code.
func ofStore(call string) bool {
	name, _, _ := strings.Cut(call, " ")
	return slices.Contains([]string{"CreateRun", "Run", "UpdateRun", "Runs", "Audit", "Intend", "LastIntent", "Get", "Keep", "Say"}, name)
}

// promotion are the ports that a disaster run asks with another meaning.
var promotion = []string{"Checks", "Readiness", "DatabaseState", "Promote", "Lag", "Intend", "LastIntent", "DatabaseEvents"}

// TestEveryPortFails lets each thing a run asks of the outside fail twice, one after the
// other: what is temporary is tried again, and the end is the same.
func TestEveryPortFails(t *testing.T) {
	t.Parallel()
	played := swept(t)
	for _, m := range modes {
		for _, call := range calls(t, m.cmd) {
			name, _, _ := strings.Cut(call, " ")
			if m.cmd.Mode == "disaster" && !slices.Contains(promotion, name) {
				continue // as in a planned run
			}
			if !played() {
				continue
			}
			t.Run(m.cmd.Mode+"/"+strings.ReplaceAll(call, "/", "_"), func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := w.Start(m.cmd)
					var err error
					if ofStore(call) {
						err = errDisk
					}
					w.Fail(call, 2, err)
					w.Drive(run)
					if got := w.Left(run); got != m.want {
						t.Errorf("the run leaves\n%+v, not\n%+v\n%s", got, m.want, w.Record(run).Outcome)
					}
				})
			})
		}
	}
}

// TestEveryActLosesItsAnswer lets each act take effect and its answer be lost: no act
// that does harm is done twice.
func TestEveryActLosesItsAnswer(t *testing.T) {
	t.Parallel()
	acts := []string{
		"OpenChange", "Merge", "Comment plan", "Comment result", "Status drbot/plan", "Status drbot/approval", "Promote",
		"Apply tokyo", "Apply traffic", "Apply seoul", "Scale " + string(world.Seoul), "Redeploy " + string(world.Tokyo),
		"Intend", "Keep", "Say", "Audit merge", "Audit promote", "Audit apply", "UpdateRun",
	}
	played := swept(t)
	for _, m := range modes {
		for _, act := range acts {
			if m.cmd.Mode == "disaster" && (act == "Apply seoul" || strings.HasPrefix(act, "Scale")) {
				continue // not done then
			}
			if !played() {
				continue
			}
			t.Run(m.cmd.Mode+"/"+strings.ReplaceAll(act, "/", "_"), func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
					run := w.Start(m.cmd)
					w.Lose(act, 1)
					w.Drive(run)
					if w.Calls(act) == 0 {
						t.Fatal("it was never called")
					}
					if got := w.Left(run); got != m.want {
						t.Errorf("the run leaves\n%+v, not\n%+v\n%s", got, m.want, w.Record(run).Outcome)
					}
					for _, stack := range []string{"tokyo", "traffic"} {
						if n := count(w.Applied(), stack); n != 1 {
							t.Errorf("%s was applied %d times", stack, n)
						}
					}
				})
			})
		}
	}
}

// swept says of each place of a sweep whether it is played: every one by make test, and with
// the race detector, which sees the same code at each, one in oneSwept.
func swept(t *testing.T) func() bool {
	places, played := 0, 0
	t.Cleanup(func() { t.Logf("%d of %d places were played", played, places) })
	return func() bool {
		places++
		if one := oneSwept(); places%one != one/2 {
			return false
		}
		played++
		return true
	}
}

func count(words []string, word string) int {
	n := 0
	for _, w := range words {
		if w == word {
			n++
		}
	}
	return n
}

// TestKilledInEveryAct kills the bot right before and right after each act takes effect.
func TestKilledInEveryAct(t *testing.T) {
	t.Parallel()
	acts := []string{"OpenChange", "Merge", "Promote", "Apply tokyo", "Apply traffic", "Redeploy " + string(world.Tokyo), "Intend"}
	played := swept(t)
	for _, m := range modes {
		for _, act := range acts {
			for when, kill := range map[string]func(*world.World, string) *world.Rule{
				"before": (*world.World).KillBefore, "after": (*world.World).KillAfter,
			} {
				if !played() {
					continue
				}
				t.Run(m.cmd.Mode+"/"+when+"/"+act, func(t *testing.T) {
					t.Parallel()
					world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
						run := w.Start(m.cmd)
						kill(w, act)
						w.Drive(run)
						time.Sleep(time.Minute)
						checkEnd(t, w, run, m.want)
						if w.Lives() != 2 {
							t.Errorf("the bot lived %d times", w.Lives())
						}
						if n := count(w.Applied(), "tokyo"); n != 1 {
							t.Errorf("tokyo was applied %d times", n)
						}
						if r := w.Record(run); r.State != dr.RunSucceeded {
							t.Errorf("%s: %s", r.State, r.Outcome)
						}
					})
				})
			}
		}
	}
}
