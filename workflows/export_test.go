package workflows

import (
	"slices"
	"testing"
)

// Stored lists the names of the rows the engine keeps of a run, in their order. Waits
// are left out.
func (b *Runbooks) Stored(t testing.TB, run string) []string {
	t.Helper()
	names, err := b.engine.Steps(run)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == "DBOS.recv" || n == "DBOS.sleep" })
}
