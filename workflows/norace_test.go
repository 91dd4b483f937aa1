//go:build !race

package workflows_test

// sample is empty: all tests are played.
const sample = ""

// sequences is fewer where a developer waits; make test plays 100.
const sequences = 10

// oneIn tells which of the single moves are played.
const oneIn = 53

// oneSwept: every place of a sweep is played.
const oneSwept = 1
