package sandbox

import (
	"testing"
	"time"
)

// soonOld has what was approved count as old at once.
func soonOld(o *Options) { o.Recheck = time.Second }

// TestAskedAgain lets the loss grow while people read, and the base move while GitHub
// merges: what was approved is asked about again on the same pull request, and what the
// merge came upon is accepted by two people before anything is done.
func TestAskedAgain(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t, soonOld)
	must(t, w.playAsked(ctx))
}
