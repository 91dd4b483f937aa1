package main

import (
	"net"
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

// TestInTheWay names what is in the way, and the flag that leads past it, before anything
// is written, started or looked for.
func TestInTheWay(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	taken := l.Addr().String()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--dir", dir}, "error: the folder " + dir + " is not empty.\ntry: drbot-sandbox --dir with"},
		{[]string{"--auto", "--dir", dir}, "is not empty"},
		{[]string{"--slack", taken}, "error: the page cannot be at " + taken + ".\ncause: listen tcp " + taken + ": bind: address already in use\ntry: drbot-sandbox --slack 127.0.0.1:0"},
		{[]string{"--slack", "127.0.0.1:0", "--github", taken}, "try: drbot-sandbox --github 127.0.0.1:0"},
		{[]string{"--slack", "127.0.0.1:0", "--github", "127.0.0.1:0", "--world", taken}, "try: drbot-sandbox --world 127.0.0.1:0"},
	} {
		if status, said := typed(t, c.args...); status != 1 || !strings.Contains(said, c.want) {
			t.Errorf("%q ended with %d and said:\n%s", c.args, status, said)
		}
	}
	if there, err := os.ReadDir(dir); err != nil || len(there) != 1 {
		t.Errorf("the folder holds %v (%v)", there, err)
	}
}
