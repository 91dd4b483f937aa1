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

// TestConfigurationByHand changes by hand what the configuration was at the last start: that
// is told as a change, whatever it says.
func TestConfigurationByHand(t *testing.T) {
	p := newPlace(t)
	st := p.open()
	cfg := &config.Config{Digest: "aaaa", Services: map[string]dr.Service{"portal": {Name: "portal", Channel: "C0PORTAL"}}}
	start := func(at int64, told int) {
		t.Helper()
		if err := tellConfig(t.Context(), st, cfg, time.Unix(at, 0), quiet); err != nil {
			t.Fatal(err)
		}
		if notes, err := st.UnsaidNotes(t.Context(), "C0PORTAL", 10); err != nil || len(notes) != told {
			t.Errorf("told %v %v", notes, err)
		}
	}
	start(1, 0)
	cfg.Digest = "bbbb"
	if _, err := st.DB().ExecContext(t.Context(), `UPDATE drbot_kept SET value = 'bbbb 0'`); err != nil {
		t.Fatal(err)
	}
	start(2, 1)
	start(3, 1)
}
