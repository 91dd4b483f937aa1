package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/store"
	"github.com/drbot/drbot/text"
)

// auditKey makes the audit log's key from terraform.hash_key, so that there is one
// secret less to keep; neither can be computed from what the other is used for.
func auditKey(hashKey []byte) ([]byte, error) { return keyFor(hashKey, "drbot audit log") }

// inboxKey makes the key of what people say to runs from the same.
func inboxKey(hashKey []byte) ([]byte, error) { return keyFor(hashKey, "drbot inbox") }

// rowKey makes the key of what the bot keeps for itself from the same.
func rowKey(hashKey []byte) ([]byte, error) { return keyFor(hashKey, "drbot kept rows") }

// keyFor makes a key for one purpose.
func keyFor(hashKey []byte, purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, hashKey, nil, purpose, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("make the key of the %s: %w", strings.TrimPrefix(purpose, "drbot "), err)
	}
	return key, nil
}

// auditHead is where the head of the audit log is kept: beside a SQLite file, else in
// the work folder.
func auditHead(cfg *config.Config) string {
	if path := store.SQLitePath(cfg.Database); path != "" {
		return path + ".audit-head"
	}
	return filepath.Join(cfg.WorkDir, "audit-head")
}

// openStore opens the server's database with the audit log's key and head.
func openStore(ctx context.Context, cfg *config.Config, hashKey []byte, durable bool, log *slog.Logger) (*store.Store, error) {
	key, err := auditKey(hashKey)
	if err != nil {
		return nil, err
	}
	rows, err := rowKey(hashKey)
	if err != nil {
		return nil, err
	}
	options := []store.Option{store.WithAuditKey(key), store.WithSealKey(rows), store.WithAuditHead(auditHead(cfg))}
	if cfg.SealAnew {
		options = append(options, store.WithSealsAnew())
	}
	return store.Open(ctx, cfg.Database, durable, log, options...)
}

func (w *world) auditCommand() *cobra.Command {
	c := &cobra.Command{Use: "audit", Short: w.words.Sentence(dr.T("cli.audit")), Args: cobra.ArbitraryArgs, RunE: group}
	c.AddCommand(w.auditVerifyCommand(), w.auditListCommand())
	return c
}

func (w *world) auditVerifyCommand() *cobra.Command {
	var former []string
	c := &cobra.Command{
		Use:   "verify",
		Short: w.words.Sentence(dr.T("cli.audit.verify")),
		Args:  bare,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := w.load(false)
			if err != nil {
				return err
			}
			hashKey, err := config.HashKey(w.config, w.parts.config(w.getenv, false))
			if err != nil {
				return err
			}
			keys, err := auditKeys(hashKey, former)
			if err != nil {
				return err
			}
			st, err := store.Open(c.Context(), cfg.Database, false, slog.New(slog.DiscardHandler),
				store.AsItIs(), store.WithAuditKey(keys[0], keys[1:]...), store.WithAuditHead(auditHead(cfg)))
			if err != nil {
				return err
			}
			defer func() { _ = st.Close() }()
			p, err := st.VerifyAudit(c.Context())
			if err != nil {
				return err
			}
			outside := dr.T("cli.audit.outside", "file", auditHead(cfg), "entry", p.Outside)
			if p.Outside == 0 {
				outside = dr.T("cli.audit.alone", "file", auditHead(cfg))
			}
			return w.tell(p, dr.T("cli.audit.good", "n", p.Seq, "keyed", p.Keyed), dr.T("cli.audit.last", "hash", or(p.Hash, "-")), outside)
		},
	}
	c.Flags().StringArrayVar(&former, "former-key", nil, w.words.Say(dr.T("cli.audit.former")))
	c.Flags().BoolVar(&w.json, "json", false, w.words.Say(dr.T("cli.flag.json")))
	return c
}

// auditKeys makes the keys of the configured secret and of those in files.
func auditKeys(hashKey []byte, files []string) ([][]byte, error) {
	secrets := [][]byte{hashKey}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, &dr.Error{Code: dr.NotFound, What: dr.T("cli.audit.no-former", "file", name), Err: err}
		}
		secrets = append(secrets, []byte(strings.TrimSpace(string(data))))
	}
	var keys [][]byte
	for _, secret := range secrets {
		key, err := auditKey(secret)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (w *world) auditListCommand() *cobra.Command {
	limit := count{50, mostEntries}
	c := &cobra.Command{
		Use:   "list",
		Short: w.words.Sentence(dr.T("cli.audit.list")),
		Args:  bare,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := w.load(false)
			if err != nil {
				return err
			}
			st, err := store.Open(c.Context(), cfg.Database, false, slog.New(slog.DiscardHandler), store.AsItIs())
			if err != nil {
				return err
			}
			defer func() { _ = st.Close() }()
			entries, err := st.AuditLog(c.Context(), limit.n)
			if err != nil {
				return err
			}
			if entries == nil {
				entries = []dr.AuditEntry{}
			}
			if len(entries) == 0 && !w.json {
				return w.tell(nil, dr.T("cli.audit.empty"))
			}
			var b strings.Builder
			for _, e := range entries {
				b.WriteString(auditLine(w.words, e) + "\n")
			}
			return w.print(entries, "%s", b.String())
		},
	}
	c.Flags().Var(&limit, "limit", w.words.Say(dr.T("cli.audit.limit")))
	c.Flags().BoolVar(&w.json, "json", false, w.words.Say(dr.T("cli.flag.json")))
	return c
}

// actionWords is what was done in words. Earlier editions stored some of them as words,
// which are ids with blanks. What the catalogue has no words for stays as it is: an action of
// a verb that was added, or one that somebody mistyped.
func actionWords(w text.Words, action string) string {
	id := strings.ReplaceAll(action, " ", "-")
	for family, said := range map[string]func(of string) dr.Text{
		"answer-":  func(of string) dr.Text { return dr.T("acted.answer", "answer", of) },
		"unheard-": func(of string) dr.Text { return dr.T("acted.unheard", "kind", of) },
	} {
		if of, is := strings.CutPrefix(id, family); is {
			return w.Say(said(of))
		}
	}
	t := dr.Text{ID: dr.TextID("action." + id)}
	if said := w.Say(t); said != w.Escape(t.String()) {
		return said
	}
	return w.Escape(action)
}

// auditLine is an entry as one line. What people typed is in it, so nothing of it may
// steer a terminal.
func auditLine(w text.Words, e dr.AuditEntry) string {
	said := dr.T("cli.audit.granted")
	if !e.Granted {
		said = dr.T("cli.audit.refused")
	}
	parts := []string{e.At.UTC().Format(time.RFC3339), or(e.Who, "-"), or(e.Via, "-"), actionWords(w, e.Action), w.Say(said)}
	for _, p := range []string{e.Service, e.Run, w.Say(e.Detail)} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	for i, p := range parts {
		parts[i] = text.OneLine(p)
	}
	return strings.Join(parts, "  ")
}
