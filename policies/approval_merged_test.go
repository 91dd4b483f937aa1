package policies

import (
	"testing"

	"github.com/drbot/drbot/dr"
)

// A change that somebody else merged counts by what was approved of it.
func TestCountMerged(t *testing.T) {
	merged := func(change func(*dr.ChangeState)) *world {
		return state(func(s *dr.ChangeState) {
			s.Open, s.Merged, s.MergedBy, s.BranchGone, s.Commits, s.Files = false, true, "dave-gh", true, nil, nil
			if change != nil {
				change(s)
			}
		})
	}
	for _, c := range []struct {
		name   string
		world  *world
		want   bool
		broken bool
	}{
		{"with its approvals", merged(nil), true, false},
		{"without them", merged(func(s *dr.ChangeState) { s.Reviews = nil }), false, false},
		{"another head", merged(func(s *dr.ChangeState) { s.Head = "0badc0de" }), false, true},
		{"into another branch", merged(func(s *dr.ChangeState) { s.BaseRef = "develop" }), false, true},
	} {
		got := CountMerged(c.world.state, c.world.rules)
		if got.Allowed != c.want || got.Broken.Empty() == c.broken {
			t.Errorf("%s: allowed %t, broken %q", c.name, got.Allowed, got.Broken.ID)
		}
	}
}
