// Package contract says what a runbook may rely on of each port, as suites of tests
// that every implementation passes: the adapters against stand-ins of the real
// services, and the fakes that whole runs are tested on. A fake that passes is as good
// as the service as far as a runbook can tell; a suite that a fake cannot run would
// say nothing about the runs tested on it.
//
// A suite is given a function that makes a world: the port under test, fresh, and the
// hands of everybody around it. Nothing here sleeps. What takes time is waited for by
// the world, which knows its own clock.
package contract

import (
	"testing"

	"github.com/drbot/drbot/dr"
)

// Await waits until a condition holds, or fails the test when it never does. A world
// with a clock of its own lets that go on meanwhile.
type Await func(t *testing.T, what string, holds func() bool)

// In runs one test where its world lives: in a bubble that has a clock of its own, say.
type In func(t *testing.T, test func(*testing.T))

// each runs every test on a world of its own, in the place it was given, if any.
func each[T any](t *testing.T, tests map[string]func(T), world func(*testing.T) T, in []In) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			do := func(t *testing.T) { test(world(t)) }
			for _, place := range in {
				inner := do
				do = func(t *testing.T) { place(t, inner) }
			}
			do(t)
		})
	}
}

func wellDone(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails checks the code of an error, and that it has words for a person.
func fails(t *testing.T, err error, codes ...dr.Code) {
	t.Helper()
	for _, code := range codes {
		if err != nil && dr.CodeOf(err) == code {
			if what, _ := dr.Told(err); what.Empty() {
				t.Errorf("the error has no words: %v", err)
			}
			return
		}
	}
	t.Fatalf("the error %v has the code %q, want one of %q", err, dr.CodeOf(err), codes)
}

// untilDone does what a runbook's step does: again, when told that it may help.
func untilDone[T any](t *testing.T, act func() (T, error)) T {
	t.Helper()
	var v T
	var err error
	for range 3 {
		if v, err = act(); err == nil {
			return v
		}
		fails(t, err, dr.Temporary, dr.Uncertain)
	}
	t.Fatalf("three times in vain: %v", err)
	return v
}
