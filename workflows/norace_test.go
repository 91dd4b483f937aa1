//go:build !race

package workflows_test

// sequences is fewer where a developer waits; make test plays all of them.
const sequences = 10

// oneIn tells which of the single moves are played.
const oneIn = 53
