package main

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference.md anew")

// TestReference holds docs/reference.md against the program.
func TestReference(t *testing.T) {
	const path = "../../docs/reference.md"
	status, out, complaint := typed("reference")
	if status != 0 || complaint != "" {
		t.Fatalf("status %d, %q", status, complaint)
	}
	if *update {
		if err := os.WriteFile(path, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != out {
		t.Errorf("%s is not what `drbot reference` prints; go test ./cmd/drbot -run TestReference -update writes it", path)
	}
}
