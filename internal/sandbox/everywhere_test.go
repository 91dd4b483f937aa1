//go:build proof

package sandbox

import (
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"testing"
)

// leg is one run of the proof: its mode, its direction is where the service is not.
type leg struct {
	planned bool
	strike  *strike
	trouble func(*trial) // begins when the run does, and again after the approvals
}

// play plays one leg to its end, in which nobody may be asked anything, and gives the
// effects it had.
func (s *trial) play(l leg) (struck bool, order []effect) {
	s.t.Helper()
	s.unasked = true
	s.Effects.reset(l.strike, s.kill)
	trouble := func() {
		if l.trouble != nil {
			l.trouble(s)
		}
	}
	trouble()
	m := s.begin(l.planned)
	s.approve(m)
	trouble()
	s.finish(m)
	return s.Effects.done()
}

// mostUpdates is how many updates of the one message are struck in a run. How many
// there are depends on the clock, and each does what the one before it did.
const mostUpdates = 3

// kind is a run of the proof by what it starts from: its effects are the same each
// time.
type kind struct {
	name string
	legs []bool // planned?, in order; the strike is on the first
}

// TestProofKilledAtEveryEffect counts the effects of a clean run of every kind, and then
// plays the run again for each effect, killing the bot before it, and after it:
// every time the same end. Each effect is struck once, in turn before and after it, on
// SQLite and on PostgreSQL; with DRBOT_PROOF=whole in all four ways. What a state machine
// can get wrong by it is tried everywhere in the world in process (TestKilledInEveryAct,
// TestKilledAtEveryRow).
func TestProofKilledAtEveryEffect(t *testing.T) {
	t.Parallel()
	databases := map[string]func(*testing.T) string{
		"sqlite":   func(*testing.T) string { return "" },
		"postgres": postgresURL,
	}
	// A planned run leaves both Regions as Git says; a disaster is followed by the
	// planned way back, which is struck as well.
	kinds := []kind{{"planned", []bool{true}}, {"disaster", []bool{false, true}}}
	for turn, name := range []string{"sqlite", "postgres"} {
		database := databases[name]
		for _, k := range kinds {
			t.Run(name+"/"+k.name, func(t *testing.T) {
				t.Parallel()
				s := newTrial(t, func(o *Options) { o.Watch, o.Database = true, database(t) })
				strikes, missed := everywhere(t, s, k, turn)
				t.Logf("%d runs, the bot killed at %d points, %d of them did not come about again", s.runs, strikes, missed)
				if missed*10 > strikes {
					t.Errorf("%d of %d strikes did not come about: too much is left to chance", missed, strikes)
				}
			})
		}
	}
}

// everywhere strikes every effect of every leg of a kind, or those whose turn it is.
func everywhere(t *testing.T, s *trial, k kind, turn int) (strikes, missed int) {
	whole := os.Getenv("DRBOT_PROOF") == "whole"
	points := make([][]strike, len(k.legs))
	for i, planned := range k.legs {
		_, order := s.play(leg{planned: planned})
		for _, e := range order {
			if strings.HasSuffix(e.name, "chat.update") && e.n > mostUpdates {
				continue // the same act again: the message is brought up to date
			}
			if lot := e.lot(); whole || lot%2 == turn {
				after := (lot/2+i)%2 == 1
				points[i] = append(points[i], strike{e, after})
				if whole {
					points[i] = append(points[i], strike{e, !after})
				}
			}
		}
		t.Logf("%s, leg %d has %d effects: %v", k.name, i, len(order), order)
	}
	for n := range longest(points) {
		for i, planned := range k.legs {
			l := leg{planned: planned}
			if n < len(points[i]) {
				l.strike = &points[i][n]
			}
			if l.strike != nil {
				s.say("proof    %s, leg %d, killed %v", k.name, i, l.strike)
			}
			struck, _ := s.play(l)
			if l.strike == nil {
				continue
			}
			strikes++
			if !struck {
				missed++
				if !strings.Contains(l.strike.at.name, "chat.update") {
					t.Errorf("%s, leg %d: %v did not come about again", k.name, i, l.strike)
				}
			}
		}
	}
	return strikes, missed
}

// lot is a number of an effect that is the same in every world: its place in the order is
// a matter of time, and what stands behind the beginning of its name may be an id.
func (e effect) lot() int {
	h := fnv.New32a()
	fmt.Fprintf(h, "%.28s#%d", e.name, e.n)
	return int(h.Sum32() % 4)
}

func longest(points [][]strike) int {
	n := 0
	for _, p := range points {
		n = max(n, len(p))
	}
	return n
}
