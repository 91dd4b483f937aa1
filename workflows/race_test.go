//go:build race

package workflows_test

// sequences is how many random sequences of moves are played beside all other tests.
const sequences = 100

// oneIn tells which of the single moves are played.
const oneIn = 29
