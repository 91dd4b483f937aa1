package policies

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// random makes a change with reviews by anybody of anything.
func random(rng *rand.Rand) *world {
	w := newWorld()
	logins := []string{"alice-gh", "alice-alt", "bob-gh", "BOB-work", "carol-gh", "dave-gh", "erin-gh", "mallory", "x[bot]", "drbot", ""}
	states := []dr.ReviewState{dr.Approved, dr.Approved, dr.ChangesRequested, dr.Commented, dr.Dismissed, dr.PendingReview}
	for range rng.IntN(12) {
		at := head
		if rng.IntN(5) == 0 {
			at = older
		}
		w.add(logins[rng.IntN(len(logins))], states[rng.IntN(len(states))], at)
		w.last().At = time.Unix(int64(1000+rng.IntN(20)), 0)
		if w.last().State == dr.Dismissed {
			w.last().Was, w.last().DismissedBy = states[rng.IntN(3)], logins[rng.IntN(len(logins))]
		}
		if rng.IntN(6) == 0 {
			w.recorded(int(w.last().ID))
		}
	}
	if rng.IntN(4) == 0 {
		w.state.CanWrite = w.state.CanWrite[rng.IntN(3):]
	}
	return w
}

func TestCountOrderOfArrivalDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		w := random(rng)
		first := w.count()
		rng.Shuffle(len(w.state.Reviews), func(i, j int) {
			w.state.Reviews[i], w.state.Reviews[j] = w.state.Reviews[j], w.state.Reviews[i]
		})
		if second := w.count(); !reflect.DeepEqual(first, second) {
			t.Fatalf("another order, another decision:\n%+v\n%+v\n%+v", first, second, w.state.Reviews)
		}
	}
}

func TestCountRequesterNeverHelps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		w := random(rng)
		before := w.count()
		for range 1 + rng.IntN(3) {
			w.yes([]string{"alice-gh", "ALICE-GH", "alice-alt"}[rng.IntN(3)])
		}
		after := w.count()
		if after.Allowed != before.Allowed || !slices.Equal(after.By, before.By) || !slices.Equal(after.Blocked, before.Blocked) {
			t.Fatalf("the requester's reviews changed the count:\n%+v\n%+v", before, after)
		}
	}
}

func TestCountRequestersDismissalsNeverHelp(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	struck := 0
	for range 2000 {
		w := random(rng)
		before := w.count()
		for i, r := range w.state.Reviews {
			if r.State == dr.ChangesRequested {
				w.dismissed(i, []string{"alice-gh", "ALICE-GH", "alice-alt"}[rng.IntN(3)])
				struck++
			}
		}
		after := w.count()
		if after.Allowed && !before.Allowed || !slices.Equal(after.Blocked, before.Blocked) {
			t.Fatalf("the requester's dismissals changed the count:\n%+v\n%+v\n%+v", before, after, w.state.Reviews)
		}
	}
	if struck == 0 {
		t.Fatal("nothing was dismissed: the test proves nothing")
	}
}

func TestCountAllowsOnlyWhatItMust(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	allowed := 0
	for range 5000 {
		w := random(rng)
		got := w.count()
		if !got.Allowed {
			continue
		}
		allowed++
		if len(got.By) < 2 || len(got.Blocked) > 0 || !got.Broken.Empty() {
			t.Fatalf("allowed: %+v", got)
		}
		for _, name := range got.By {
			if !goodApproval(w, name) {
				t.Fatalf("%s has no approval that counts: %+v\n%+v", name, got, w.state.Reviews)
			}
		}
	}
	if allowed == 0 {
		t.Fatal("none was allowed: the test proves nothing")
	}
}

// goodApproval says in the plainest way that a person has an approval on the head
// that is not among those recorded.
func goodApproval(w *world, name string) bool {
	p, _ := w.rules.People.ByName(name)
	return name != w.rules.Requester && slices.ContainsFunc(w.state.Reviews, func(r dr.Review) bool {
		return p.HasLogin(r.By) && r.State == dr.Approved && r.HeadSHA == head && !slices.Contains(w.rules.Recorded, r.ID)
	})
}
