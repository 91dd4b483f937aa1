package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestNudgesAreHeld has a run nudged five times a second: it looks once in three seconds by that, at once where its
// last look is long ago, and what a look has overtaken makes no other.
func TestNudgesAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const apart = 3 * time.Second
		var n nudges
		var looks []time.Duration
		began := time.Now()
		look := func() {
			n.looked("r")
			looks = append(looks, time.Since(began))
		}
		nudge := func(apart time.Duration) {
			if !n.hold("r", apart, look) {
				look()
			}
		}
		for range 50 { // ten seconds
			nudge(apart)
			time.Sleep(200 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		if len(looks) != 5 || looks[0] != 0 || looks[1] != apart || looks[4] != 4*apart {
			t.Errorf("it looked at %v", looks)
		}
		looks = nil
		began = time.Now()
		nudge(apart) // a minute after: at once
		nudge(5 * apart)
		nudge(apart)     // sooner than what is held
		nudge(2 * apart) // and this one not
		time.Sleep(apart)
		synctest.Wait()
		if len(looks) != 2 || looks[0] != 0 || looks[1] != apart {
			t.Errorf("it looked at %v", looks)
		}
		nudge(apart)
		time.Sleep(apart / 2)
		look() // by itself
		time.Sleep(10 * apart)
		if len(looks) != 3 {
			t.Errorf("a nudge that was overtaken made a look: %v", looks)
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
