package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/store"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/text/texttest"
)

// TestActionsAreSaid lists entries whose actions are ids, and those of an earlier edition,
// which were words: both are said by the catalogue, and the chain over what was stored holds.
func TestActionsAreSaid(t *testing.T) {
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "drbot.db"), false, slog.New(slog.DiscardHandler), store.WithAuditKey([]byte("key")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	actions := []string{"newer-commit", "newer commit", "stop auto-merge", "replace-change", "answer retry", "answer-retry", "unheard answer", "merge", "ping"}
	for _, a := range actions {
		if err := st.Audit(t.Context(), dr.AuditEntry{At: time.Now(), Who: "drbot", Via: "run", Action: a, Granted: true}); err != nil {
			t.Fatal(err)
		}
	}
	log, err := st.AuditLog(t.Context(), 100)
	if err != nil || len(log) != len(actions) {
		t.Fatal(log, err)
	}
	if _, err := st.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
	catalogue, err := text.New(dr.Verbs())
	if err != nil {
		t.Fatal(err)
	}
	words, nonsense := catalogue.In(language, text.Shell), texttest.Nonsense(t).In(language, text.Shell)
	for i, want := range []string{"newer commit", "newer commit", "stop auto-merge", "replace change", "answer retry", "answer retry", "unheard answer", "merge", "ping"} {
		e := log[len(log)-1-i]
		if e.Action != actions[i] {
			t.Fatalf("%q is stored as %q", actions[i], e.Action)
		}
		if line := auditLine(words, e); !strings.Contains(line, "  "+want+"  ") {
			t.Errorf("%q is shown as %q", e.Action, line)
		}
		if said := actionWords(nonsense, e.Action); want != "ping" && !strings.Contains(said, texttest.Word) {
			t.Errorf("%q is shown as %q, by no catalogue", e.Action, said)
		}
	}
}
