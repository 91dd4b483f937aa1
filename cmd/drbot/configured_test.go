package main

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/store"
)

// TestConfigurationIsTold starts the bot with one configuration, with it again, with another
// one and with the first: each start is audited with its digest, each change told once.
func TestConfigurationIsTold(t *testing.T) {
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "drbot.db"), false, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	services := map[string]dr.Service{"portal": {Name: "portal", Channel: "C0PORTAL"}, "billing": {Name: "billing", Channel: "C0BILLING"}}
	for i, digest := range []string{"aaaa", "aaaa", "bbbb", "bbbb", "aaaa"} {
		cfg := &config.Config{Digest: digest, Services: services}
		if err := tellConfig(context.Background(), st, cfg, time.Unix(int64(i), 0), log); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := st.AuditLog(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	var audited []string
	for _, e := range entries {
		audited = append(audited, e.Config+" "+string(e.Detail.ID))
	}
	if got, want := strings.Join(audited, ", "), "aaaa audit.config.changed, bbbb audit.config, bbbb audit.config.changed, aaaa audit.config, aaaa audit.config"; got != want {
		t.Errorf("audited, the newest first: %s", got)
	}
	notes, err := st.UnsaidNotes(t.Context(), "C0BILLING", 10)
	if err != nil || len(notes) != 2 {
		t.Errorf("told %v %v", notes, err)
	}
	if strings.Count(out.String(), "THE CONFIGURATION IS ANOTHER") != 2 {
		t.Errorf("the log says %s", &out)
	}
	if got := (&config.Config{Services: services, Slack: config.Slack{Channel: "C0OPS"}}).Operations(); got != "C0OPS" {
		t.Errorf("told in %s", got)
	}
}
