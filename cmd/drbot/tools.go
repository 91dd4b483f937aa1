package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/store"
	"github.com/drbot/drbot/internal/tf"
)

// superviseCommand is what the bot starts beside itself for an apply; nobody
// types it.
func (w *world) superviseCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "supervise FOLDER",
		Short:  "Run one Terraform apply to its end",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if status := tf.Supervise(c.Context(), args[0]); status != 0 {
				return exitStatus(status)
			}
			return nil
		},
	}
}

func (w *world) configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Look at the configuration"}
	var secrets bool
	check := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration, every fault at once",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := config.Load(w.config, w.getenv, secrets)
			if err != nil {
				return err
			}
			for _, env := range []map[string]string{cfg.Terraform.Environment, cfg.Terraform.ApplyEnvironment} {
				if err := tf.CheckEnvironment(env, cfg.Terraform.PassEnv); err != nil {
					return err
				}
			}
			return w.print(nil, "%s is good: %d services, %d people\n", w.config, len(cfg.Services), len(cfg.People))
		},
	}
	check.Flags().BoolVar(&secrets, "secrets", false, "also read the secrets it names")
	c.AddCommand(check)
	return c
}

func (w *world) auditCommand() *cobra.Command {
	c := &cobra.Command{Use: "audit", Short: "Look at the audit log"}
	c.AddCommand(&cobra.Command{
		Use:   "verify",
		Short: "Prove that no entry was changed or removed",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(w.config, w.getenv, false)
			if err != nil {
				return err
			}
			st, err := store.Open(c.Context(), cfg.Database, false, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			defer func() { _ = st.Close() }()
			n, err := st.VerifyAudit(c.Context())
			if err != nil {
				return err
			}
			return w.print(nil, "%d entries, each fits the one before it\n", n)
		},
	})
	return c
}
