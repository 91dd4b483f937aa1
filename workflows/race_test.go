//go:build race

package workflows_test

// sample are the tests that make test plays with the race detector: every kind of run and step
// by its trace, many runs at once, and what is cut off, killed, refused and asked anew. What the
// others play is the same engine and the same steps; make long plays them all.
const sample = `^Test(Traces|ManyRuns|Moves|Killed|Every|Panic|Lock|Newer|GoesOn|Forged|Case7|Nothing|Audited|Restore|Nudge|Cancel)`

// sequences is how many random sequences of moves are played beside all other tests; make
// test plays 100 without the race detector.
const sequences = 20

// oneIn tells which of the single moves are played.
const oneIn = 149

// oneSwept tells which places of a sweep are played with the race detector: all of them
// are without it, in the same make test.
func oneSwept() int { return 5 }
