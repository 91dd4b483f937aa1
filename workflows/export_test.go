package workflows

import (
	"slices"
	"testing"
	"time"
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

// StoredWhole is Stored of a run that is over. Its last row is written after its record,
// and a moment later still where it meets a locked database.
func (b *Runbooks) StoredWhole(t testing.TB, run string) []string {
	t.Helper()
	for range 60 {
		if names := b.Stored(t, run); slices.Contains(names, "finish") {
			return names
		}
		time.Sleep(time.Second)
	}
	return b.Stored(t, run)
}
