//go:build race

package workflows_test

// sequences is how many random sequences of moves are played beside all other tests; make
// test plays 100 without the race detector.
const sequences = 20

// oneIn tells which of the single moves are played.
const oneIn = 149

// oneSwept tells which places of a sweep are played with the race detector: all of them
// are without it, in the same make test.
const oneSwept = 5
