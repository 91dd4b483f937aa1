package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/store"
)

func (w *world) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: w.words.Sentence(dr.T("cli.backup")),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return misuse(dr.T("cli.backup.which"), dr.T("command.try", "command", dr.Cmd("backup FILE")))
			}
			cfg, err := w.load(false)
			if err != nil {
				return err
			}
			if err := store.Backup(c.Context(), cfg.Database, args[0]); err != nil {
				return err
			}
			return w.tell(nil, dr.T("cli.backup.done", "file", args[0]))
		},
	}
}

func (w *world) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: w.words.Sentence(dr.T("cli.restore")),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return misuse(dr.T("cli.restore.which"), dr.T("command.try", "command", dr.Cmd("restore FILE")))
			}
			cfg, err := w.load(false)
			if err != nil {
				return err
			}
			hashKey, err := config.HashKey(w.config, w.parts.config(w.getenv, false))
			if err != nil {
				return err
			}
			from, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			now := time.Now()
			return store.Restore(c.Context(), cfg.Database, from, now, func(aside string) error {
				return w.restored(c, cfg, hashKey, from, aside, now)
			})
		},
	}
}

// restored goes on with the audit log that came with the backup: its head is another
// one now, and who did that is the next entry.
func (w *world) restored(c *cobra.Command, cfg *config.Config, hashKey []byte, from, aside string, now time.Time) error {
	kept := dr.T("cli.restore.none")
	if aside != "" {
		kept = dr.T("cli.restore.kept", "file", aside)
		if err := os.Rename(auditHead(cfg), aside+".audit-head"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keep the old head of the audit log: %w", err)
		}
	}
	st, err := openStore(c.Context(), cfg, hashKey, false, slog.New(slog.NewTextHandler(w.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	who := fmt.Sprintf("uid %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	if err := st.Audit(c.Context(), dr.AuditEntry{At: now, Who: who, Via: "cli", Action: "restore", Granted: true, Detail: dr.T("audit.restore", "file", from, "kept", kept)}); err != nil {
		return err
	}
	return w.tell(nil, dr.T("cli.restore.done", "file", from, "kept", kept))
}
