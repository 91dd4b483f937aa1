package policies

import (
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// A change that somebody else merged counts by what was approved of it.
func TestCountMerged(t *testing.T) {
	merged := func(change func(*dr.ChangeState)) *world {
		return state(func(s *dr.ChangeState) {
			s.Open, s.Merged, s.MergedBy, s.BranchGone, s.Commits, s.Files = false, true, "dave-gh", true, nil, nil
			s.MergedAt = s.Reviews[len(s.Reviews)-1].At
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
		{"one of them after it", merged(func(s *dr.ChangeState) { s.MergedAt = s.MergedAt.Add(-time.Second) }), false, false},
		{"of a merge whose time is not known", merged(func(s *dr.ChangeState) { s.MergedAt = time.Time{} }), false, false},
		{"said once more after it", merged(func(s *dr.ChangeState) {
			again := s.Reviews[0]
			again.ID, again.At = 9, s.MergedAt.Add(time.Minute)
			s.Reviews = append(s.Reviews, again)
		}), true, false},
		{"asked to change after it", merged(func(s *dr.ChangeState) {
			no := s.Reviews[0]
			no.ID, no.State, no.At = 9, dr.ChangesRequested, s.MergedAt.Add(time.Minute)
			s.Reviews = append(s.Reviews, no)
		}), false, false},
		{"asked to change, and answered after it", merged(func(s *dr.ChangeState) {
			yes, after := s.Reviews[0], s.Reviews[0]
			s.Reviews[0].State = dr.ChangesRequested
			dave := yes
			dave.ID, dave.By = 8, "dave-gh"
			after.ID, after.At = 9, s.MergedAt.Add(time.Minute)
			s.Reviews = append(s.Reviews, dave, after)
		}), false, false},
		{"a change request dismissed before it", merged(dismissedThen(0)), true, false},
		{"a change request dismissed after it", merged(dismissedThen(time.Minute)), false, false},
		{"another head", merged(func(s *dr.ChangeState) { s.Head = "0badc0de" }), false, true},
		{"into another branch", merged(func(s *dr.ChangeState) { s.BaseRef = "develop" }), false, true},
	} {
		got := CountMerged(c.world.state, c.world.rules)
		if got.Allowed != c.want || got.Broken.Empty() == c.broken {
			t.Errorf("%s: allowed %t, broken %q", c.name, got.Allowed, got.Broken.ID)
		}
	}
}

// dismissedThen has another person's request for changes dismissed this long after the merge.
func dismissedThen(after time.Duration) func(*dr.ChangeState) {
	return func(s *dr.ChangeState) {
		no := s.Reviews[0]
		no.ID, no.By, no.State, no.Was, no.DismissedBy, no.DismissedAt = 9, "dave-gh", dr.Dismissed, dr.ChangesRequested, "bob-gh", s.MergedAt.Add(after)
		s.Reviews = append(s.Reviews, no)
	}
}

// A merge that was made right after a count stays what it was, whatever is said after it;
// what was said before it counts.
func TestCountAsOf(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*dr.ChangeState)
		want   bool
	}{
		"as it was": {func(*dr.ChangeState) {}, true},
		"one has thought better of it since": {func(s *dr.ChangeState) {
			no := s.Reviews[0]
			no.ID, no.State, no.At = 9, dr.ChangesRequested, s.MergedAt.Add(time.Second)
			s.Reviews = append(s.Reviews, no)
		}, true},
		"one had thought better of it": {func(s *dr.ChangeState) {
			no := s.Reviews[0]
			no.ID, no.State, no.At = 9, dr.ChangesRequested, s.MergedAt
			s.Reviews = append(s.Reviews, no)
		}, false},
		"one was dismissed since": {func(s *dr.ChangeState) {
			r := &s.Reviews[0]
			r.State, r.Was, r.DismissedBy, r.DismissedAt = dr.Dismissed, r.State, "carol-gh", s.MergedAt.Add(time.Second)
		}, true},
		"one had been dismissed": {func(s *dr.ChangeState) {
			r := &s.Reviews[0]
			r.State, r.Was, r.DismissedBy, r.DismissedAt = dr.Dismissed, r.State, "carol-gh", s.MergedAt
		}, false},
		"nobody knows when": {func(s *dr.ChangeState) { s.MergedAt = time.Time{} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := state(func(s *dr.ChangeState) {
				s.Open, s.Merged, s.MergedBy, s.MergedAt = false, true, "drbot", s.Reviews[len(s.Reviews)-1].At
				c.change(s)
			})
			if got := CountAsOf(w.state, w.rules); got.Allowed != c.want {
				t.Errorf("allowed %v: %v", got.Allowed, got.Reasons)
			}
		})
	}
}
