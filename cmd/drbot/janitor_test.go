package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestKeptIsListed looks in docs/operate.md for how long is kept what this file removes.
func TestKeptIsListed(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(doc), "\n## What is kept\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for what, keep := range map[string]time.Duration{"history of runs": keepHistory, "folders of applies": keepFolders} {
		want := fmt.Sprintf("| %d days", keep/(24*time.Hour))
		found := false
		for row := range strings.Lines(section) {
			found = found || strings.Contains(row, what) && strings.Contains(row, want)
		}
		if !found {
			t.Errorf("it does not say that the %s are kept for %s", what, want)
		}
	}
	if !strings.Contains(section, "| Git mirrors") {
		t.Error("it does not tell of mirrors")
	}
}
