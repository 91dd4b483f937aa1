package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// typed runs the program and gives its status and what it complained of.
func typed(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out, errs strings.Builder
	status := run(t.Context(), args, func(string) string { return "" }, &out, &errs)
	return status, errs.String()
}

// TestMisuse types what is wrong and sees status 2 and what to type instead.
func TestMisuse(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--infra", "large"}, "try: drbot-sandbox --infra minimal"},
		{[]string{"--infra", "reference", "--sabotage", "apply-fails"}, "try: drbot-sandbox --auto --sabotage apply-fails"},
		{[]string{"--frob"}, "try: drbot-sandbox --help"},
		{[]string{"bench", "--runs", "0"}, "try: drbot-sandbox bench --runs 5"},
		{[]string{"sabotage", "--only", "nothing"}, "try: drbot-sandbox sabotage"},
		{[]string{"tool", "scale", "ap-northeast-1", "two"}, "try: drbot-sandbox tool scale REGION TASKS"},
	} {
		status, said := typed(t, c.args...)
		if status != 2 || !strings.Contains(said, c.want) {
			t.Errorf("%q ended with %d and said:\n%s", c.args, status, said)
		}
	}
}

// TestWithoutDrbot starts it where the product's program is not, and where something
// else has its name: it says so and what to type, and starts nothing.
func TestWithoutDrbot(t *testing.T) {
	for name, args := range map[string][]string{
		"beside":   {"--auto"}, // the test's own program has no drbot beside it
		"sabotage": {"sabotage", "--only", "apply-fails", "--drbot", filepath.Join(t.TempDir(), "drbot")},
		"folder":   {"bench", "--drbot", t.TempDir()},
	} {
		status, said := typed(t, args...)
		if status != 1 || !strings.Contains(said, "there is no program drbot at /") || !strings.Contains(said, "try: make build") {
			t.Errorf("%s: it ended with %d and said:\n%s", name, status, said)
		}
	}
}

// TestFindDrbot finds the program beside this one, or the one that was typed.
func TestFindDrbot(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "drbot")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"", filepath.Join(dir, "drbot-sandbox")}, {program, "/elsewhere/drbot-sandbox"}} {
		if got, err := findDrbot(c[0], c[1]); err != nil || got != program {
			t.Errorf("typed %q beside %s: %q, %v", c[0], c[1], got, err)
		}
	}
}
