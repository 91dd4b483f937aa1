package contract

import (
	"context"
	"testing"

	"github.com/drbot/drbot/dr"
)

// Rules is the port of what a forge asks of a merge.
type Rules interface {
	Rules(ctx context.Context, s dr.Service, mode dr.Mode) []dr.Check
}

// RulesWorld is a forge that asks nothing which a run cannot meet.
type RulesWorld struct {
	Rules   Rules
	Service dr.Service
	Hands   RulesHands
}

// RulesHands change what the forge asks.
type RulesHands interface {
	// RequireQueue lets nothing be merged but by a queue.
	RequireQueue()
	// RequireCheck lets nothing be merged without a check that nobody reports.
	RequireCheck(name string)
	// Refuse makes the forge answer nothing at all.
	Refuse()
}

// MergeRules is the contract of what a forge asks of a merge.
func MergeRules(t *testing.T, fresh func(*testing.T) RulesWorld, in ...In) {
	each(t, map[string]func(ruled){
		"all is well":                   func(w ruled) { w.fails(0) },
		"a queue":                       func(w ruled) { w.Hands.RequireQueue(); w.fails(0) }, // it is followed
		"a check nobody reports":        func(w ruled) { w.Hands.RequireCheck("nobody/reports"); w.fails(1) },
		"two at once":                   func(w ruled) { w.Hands.RequireQueue(); w.Hands.RequireCheck("nobody/reports"); w.fails(1) },
		"a forge that answers nothing":  ruled.refused,
		"the same checks in every mode": ruled.same,
	}, func(t *testing.T) ruled { return ruled{t, fresh(t)} }, in)
}

type ruled struct {
	*testing.T
	RulesWorld
}

// fails holds the checks to what each must have, and counts those that fail. In no mode
// does one deny that is only not known.
func (w ruled) fails(want int) {
	w.Helper()
	checks, n := w.Rules.Rules(w.Context(), w.Service, dr.Planned), 0
	for _, c := range checks {
		if c.Name == "" || c.At.IsZero() || c.Need != dr.NeedSound {
			w.Errorf("check %+v", c)
		}
		if c.Level != dr.OK && c.Detail.Empty() {
			w.Errorf("%s is %s without words", c.Name, c.Level)
		}
		if c.Level == dr.Fail {
			n++
		}
	}
	if len(checks) == 0 || n != want {
		w.Errorf("%d of %d checks fail, want %d: %+v", n, len(checks), want, checks)
	}
}

// refused is unknown, whatever it is about: no answer is none that says yes or no.
func (w ruled) refused() {
	w.Hands.Refuse()
	for _, c := range w.Rules.Rules(w.Context(), w.Service, dr.Planned) {
		if c.Level != dr.Unknown {
			w.Errorf("%s is %s", c.Name, c.Level)
		}
	}
}

func (w ruled) same() {
	planned, disaster := w.Rules.Rules(w.Context(), w.Service, dr.Planned), w.Rules.Rules(w.Context(), w.Service, dr.Disaster)
	if len(planned) != len(disaster) {
		w.Fatalf("%d checks planned, %d in a disaster", len(planned), len(disaster))
	}
	for i, c := range disaster {
		if c.Name != planned[i].Name || c.Need != dr.NeedNothing {
			w.Errorf("%+v in a disaster, %+v planned", c, planned[i])
		}
	}
}
