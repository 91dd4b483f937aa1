package main

import (
	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/tf"
)

// supervise is the name of the command that carries out one apply.
const supervise = "supervise"

// superviseCommand is what the bot starts beside itself for an apply; nobody
// types it.
func (w *world) superviseCommand() *cobra.Command {
	return &cobra.Command{
		Use:    supervise + " FOLDER",
		Short:  w.words.Sentence(dr.T("cli.supervise")),
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if status := tf.Supervise(c.Context(), args[0], borrowing); status != 0 {
				return exitStatus(status)
			}
			return nil
		},
	}
}

// load reads the configuration.
func (w *world) load(secrets bool) (*config.Config, error) {
	return config.Load(w.config, w.parts.config(w.getenv, secrets))
}

func (w *world) configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: w.words.Sentence(dr.T("cli.config")), Args: cobra.ArbitraryArgs, RunE: group}
	var secrets bool
	check := &cobra.Command{
		Use:   "check",
		Short: w.words.Sentence(dr.T("cli.config.check")),
		Args:  bare,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := w.load(secrets)
			if err != nil {
				return err
			}
			for _, env := range []map[string]string{cfg.Terraform.Environment, cfg.Terraform.ApplyEnvironment} {
				if err := tf.CheckEnvironment(env, cfg.Terraform.PassEnv); err != nil {
					return err
				}
			}
			services, people := len(cfg.Services), len(cfg.People)
			lines := []dr.Text{dr.T("cli.config.good", "file", w.config, "n", services, "people", dr.T("cli.config.people", "n", people))}
			if secrets {
				lines[0] = dr.T("cli.config.good.secrets", "file", w.config, "n", services, "people", dr.T("cli.config.people", "n", people))
			}
			for _, n := range cfg.Notices {
				lines = append(lines, dr.T("cli.config.notice", "notice", n))
			}
			return w.tell(nil, lines...)
		},
	}
	check.Flags().BoolVar(&secrets, "secrets", false, w.words.Say(dr.T("cli.config.secrets")))
	c.AddCommand(check)
	return c
}
