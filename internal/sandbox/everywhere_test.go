//go:build proof

package sandbox

import (
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
// every time the same end. What is struck before on one database is struck after on the
// other; with DRBOT_PROOF=whole both are on both.
func TestProofKilledAtEveryEffect(t *testing.T) {
	t.Parallel()
	databases := map[string]func(*testing.T) string{
		"sqlite":   func(*testing.T) string { return "" },
		"postgres": postgresURL,
	}
	// A planned run leaves both Regions as Git says; a disaster is followed by the
	// planned way back, which is struck as well.
	kinds := []kind{{"planned", []bool{true}}, {"disaster", []bool{false, true}}}
	half := 1
	for _, name := range []string{"sqlite", "postgres"} {
		database := databases[name]
		half = 1 - half
		for _, k := range kinds {
			t.Run(name+"/"+k.name, func(t *testing.T) {
				t.Parallel()
				s := newTrial(t, func(o *Options) { o.Watch, o.Database = true, database(t) })
				strikes, missed := everywhere(t, s, k, half)
				t.Logf("%d runs, the bot killed at %d points, %d of them did not come about again", s.runs, strikes, missed)
				if missed*10 > strikes {
					t.Errorf("%d of %d strikes did not come about: too much is left to chance", missed, strikes)
				}
			})
		}
	}
}

// everywhere strikes every effect of every leg of a kind.
func everywhere(t *testing.T, s *trial, k kind, half int) (strikes, missed int) {
	whole := os.Getenv("DRBOT_PROOF") == "whole"
	points := make([][]strike, len(k.legs))
	for i, planned := range k.legs {
		_, order := s.play(leg{planned: planned})
		for j, e := range order {
			if strings.HasSuffix(e.name, "chat.update") && e.n > mostUpdates {
				continue // the same act again: the message is brought up to date
			}
			if whole || j%2 == half {
				points[i] = append(points[i], strike{e, false})
			}
			if whole || j%2 != half {
				points[i] = append(points[i], strike{e, true})
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

func longest(points [][]strike) int {
	n := 0
	for _, p := range points {
		n = max(n, len(p))
	}
	return n
}
