//go:build !race

package workflows_test

import "os"

// sample is empty: all tests are played.
const sample = ""

// sequences is fewer where a developer waits; make test plays 100.
const sequences = 10

// oneIn tells which of the single moves are played.
const oneIn = 53

// oneSwept tells which places of a sweep are played: every one by make test and make moves,
// every other one where a developer waits.
func oneSwept() int {
	if os.Getenv("DRBOT_MOVES") != "" {
		return 1
	}
	return 2
}
