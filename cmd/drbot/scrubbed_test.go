package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestLogHasNoSecret(t *testing.T) {
	var out bytes.Buffer
	secrets := []string{"xoxb-canary-1", `a"quoted\one`, "short"}
	log := slog.New(slog.NewJSONHandler(scrub(&out, secrets), nil))
	log.Error("it says xoxb-canary-1", "error", errors.New(`connect with a"quoted\one`), "group", slog.GroupValue(slog.String("x", "xoxb-canary-1 short")))
	if got := out.String(); strings.Contains(got, "canary") || strings.Contains(got, "quoted") || !strings.Contains(got, "short") || strings.Count(got, "***") != 3 || strings.Count(got, "\n") != 1 {
		t.Error(got)
	}
}
