package engine

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestNudgesAreHeld has a run nudged five times a second: it looks soon at first, then at
// growing distance and at last once in three seconds; at once where its last look is long
// ago, and what a look has overtaken makes no other.
func TestNudgesAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		apart := Apart{200 * time.Millisecond, 3 * time.Second}
		var n nudges
		var mu sync.Mutex // a held nudge comes from a timer
		var looks []time.Duration
		began := time.Now()
		look := func() {
			mu.Lock()
			defer mu.Unlock()
			n.looked("r")
			looks = append(looks, time.Since(began).Round(time.Millisecond))
		}
		anew := func() (was string) {
			mu.Lock()
			defer mu.Unlock()
			was, looks, began = fmt.Sprint(looks), nil, time.Now()
			return was
		}
		nudge := func(apart Apart) {
			if !n.hold("r", apart, look) {
				look()
			}
		}
		for range 60 { // twelve seconds
			nudge(apart)
			time.Sleep(200*time.Millisecond - time.Microsecond)
		}
		time.Sleep(time.Minute)
		if got, want := anew(), "[0s 200ms 600ms 1.4s 3s 6s 9s 12s]"; got != want {
			t.Errorf("it looked at %s, not %s", got, want)
		}
		each := func(d time.Duration) Apart { return Apart{d, d} }
		nudge(each(3 * time.Second)) // a minute after: at once
		nudge(each(15 * time.Second))
		nudge(each(3 * time.Second)) // sooner than what is held
		nudge(each(6 * time.Second)) // and this one not
		time.Sleep(4 * time.Second)
		if got, want := anew(), "[0s 3s]"; got != want {
			t.Errorf("it looked at %s, not %s", got, want)
		}
		nudge(each(3 * time.Second))
		time.Sleep(time.Second)
		look() // by itself
		time.Sleep(time.Minute)
		if got, want := anew(), "[1s]"; got != want {
			t.Errorf("a nudge that was overtaken made a look: %s, not %s", got, want)
		}
	})
}

// TestNudgesAreForgotten keeps nothing of runs that are over.
func TestNudgesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n nudges
		for _, run := range []string{"a", "b", "c"} {
			n.looked(run)
			time.Sleep(forgetNudged / 2)
		}
		if len(n.runs) != 2 {
			t.Errorf("%d runs are remembered", len(n.runs))
		}
	})
}
