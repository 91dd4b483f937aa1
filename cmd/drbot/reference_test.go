package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/aws/systems"
	"github.com/drbot/drbot/internal/github"
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

// TestReferenceHasEveryCheck looks for each check that the program makes.
func TestReferenceHasEveryCheck(t *testing.T) {
	_, out, _ := typed("reference")
	for _, spec := range append(systems.Specs(), github.Specs()...) {
		if !strings.Contains(out, "\n| `"+spec.ID+"` | ") {
			t.Errorf("it has no %s", spec.ID)
		}
	}
}

// TestReferenceHasEveryCommand looks for each command that the program takes.
func TestReferenceHasEveryCommand(t *testing.T) {
	_, out, _ := typed("reference")
	_, help, _ := typed("--help")
	_, help, _ = strings.Cut(help, "Available Commands:\n")
	help, _, _ = strings.Cut(help, "\n\n")
	lines := strings.Split(help, "\n")
	if len(lines) < 15 {
		t.Fatalf("the help lists %d commands", len(lines))
	}
	for _, line := range lines {
		name := strings.Fields(line)[0]
		if !strings.Contains(out, "| `drbot "+name+"` |") && !strings.Contains(out, "| `drbot "+name+" ") {
			t.Errorf("it has no %s", name)
		}
	}
}
