package tf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// crowd is jobs that want places and keep them until they are told to go on.
type crowd struct {
	t      *testing.T
	places *places
	goOn   chan struct{} // each item lets one job end

	mu        sync.Mutex
	served    []string
	now, most int
}

func newCrowd(t *testing.T, limit int) *crowd {
	return &crowd{t: t, places: newPlaces(limit), goOn: make(chan struct{})}
}

// come makes a job wait, or begin where there is room; it is in its queue when come
// returns.
func (c *crowd) come(key string, as rank) {
	go func() {
		give, err := c.places.take(context.Background(), key, as)
		if err != nil {
			c.t.Error(err)
			return
		}
		c.mu.Lock()
		c.served = append(c.served, key)
		c.now++
		c.most = max(c.most, c.now)
		c.mu.Unlock()
		<-c.goOn
		c.mu.Lock()
		c.now--
		c.mu.Unlock()
		give()
	}()
	synctest.Wait()
}

// end lets so many jobs end, one after the other, and sees who follows.
func (c *crowd) end(jobs int) {
	for range jobs {
		c.goOn <- struct{}{}
		synctest.Wait()
	}
}

func TestPlacesAreBoundedAndFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 3)
		var turn []string
		for k := range 12 {
			key := fmt.Sprintf("run-%02d", k)
			turn = append(turn, key)
			for range 3 {
				c.come(key, aPlan)
			}
		}
		c.end(36)
		if c.most != 3 || len(c.served) != 36 {
			t.Fatalf("%d at once, %d served", c.most, len(c.served))
		}
		// The first run was alone when it came and had the three places.
		var want []string
		for range 3 {
			want = append(want, turn[1:]...)
		}
		if got := c.served[3:]; !slices.Equal(got, want) {
			t.Errorf("served in the order %v", got)
		}
	})
}

func TestAnApplyGoesBeforePlansAndTheseBeforeDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 1)
		c.come("first", aPlan)
		for _, w := range []struct {
			key string
			as  rank
		}{{"drift-1", aDrift}, {"plan-1", aPlan}, {"drift-2", aDrift}, {"plan-2", aPlan}, {"apply", anApply}} {
			c.come(w.key, w.as)
		}
		c.end(6)
		if want := []string{"first", "apply", "plan-1", "plan-2", "drift-1", "drift-2"}; !slices.Equal(c.served, want) {
			t.Errorf("served in the order %v", c.served)
		}
	})
}

func TestDriftLeavesAPlaceToTheRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 3)
		for i := range 4 {
			c.come(fmt.Sprintf("drift-%d", i), aDrift)
		}
		c.come("apply", anApply)
		if want := []string{"drift-0", "drift-1", "apply"}; !slices.Equal(c.served, want) {
			t.Errorf("served %v", c.served)
		}
		c.end(5)
	})
}

func TestAWaitForAPlaceCanBeGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 1)
		c.come("first", aPlan)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := c.places.take(ctx, "gives-up", aPlan)
			done <- err
		}()
		synctest.Wait()
		c.come("last", aPlan)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		c.end(2)
		if want := []string{"first", "last"}; !slices.Equal(c.served, want) || c.places.taken != 0 {
			t.Errorf("served %v, %d places taken", c.served, c.places.taken)
		}
		if _, err := c.places.take(ctx, "late", aPlan); err == nil {
			t.Error("one that was given up before took a place")
		}
	})
}

func TestAFollowedApplyCountsAndNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 2)
		c.come("first", aPlan)
		leave := []func(){c.places.follow("one"), c.places.follow("two"), c.places.follow("two")}
		if c.places.taken != 3 {
			t.Fatalf("%d places are taken", c.places.taken)
		}
		c.come("waits", aPlan)
		c.end(1)
		leave[0]()
		leave[0]()
		leave[1]()
		synctest.Wait()
		if want := []string{"first", "waits"}; !slices.Equal(c.served, want) {
			t.Errorf("served %v with %d taken", c.served, c.places.taken)
		}
		leave[2]()
		c.end(1)
		if c.places.taken != 0 || len(c.places.applies) != 0 {
			t.Errorf("%d places stay taken, for %v", c.places.taken, c.places.applies)
		}
	})
}

// A place that was taken for a supervisor is given when that and all who follow it
// are gone, and counts once.
func TestTheApplysPlaceIsItsSupervisors(t *testing.T) {
	p := newPlaces(2)
	if _, err := p.take(t.Context(), "run", anApply); err != nil {
		t.Fatal(err)
	}
	supervisor := p.adopt("one")
	follower := p.follow("one")
	if _, err := p.take(t.Context(), "run", anApply); err != nil {
		t.Fatal(err)
	}
	supervisor()
	again := p.adopt("one") // another supervisor, while the first is still followed
	if p.taken != 1 {
		t.Errorf("%d places for one apply", p.taken)
	}
	follower()
	if p.taken != 1 {
		t.Errorf("%d places while its supervisor lives", p.taken)
	}
	again()
	if p.taken != 0 {
		t.Errorf("%d places stay taken", p.taken)
	}
}
