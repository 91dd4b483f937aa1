package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/github"
	"github.com/drbot/drbot/internal/tf"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/workflows"
)

// newRules reads what the repositories ask of a merge.
func newRules(cfg *config.Config, forge *github.Client) *github.Rules {
	return github.NewRules(forge, cfg.People, workflows.Statuses(), func(content string) error {
		_, err := tf.RegionFile{}.ActiveRegion(content)
		return err
	})
}

func (w *world) checkCommand() *cobra.Command {
	c := &cobra.Command{Use: "check", Short: w.words.Sentence(dr.T("cli.check")), Args: cobra.ArbitraryArgs, RunE: group}
	on := &cobra.Command{
		Use:   "github SERVICE",
		Short: w.words.Sentence(dr.T("cli.check.github")),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return misuse(dr.T("which.service"), dr.T("command.try", "command", dr.Cmd("check github SERVICE")))
			}
			return checkGitHub(c.Context(), w, args[0])
		},
	}
	on.Flags().BoolVar(&w.json, "json", false, w.words.Say(dr.T("cli.flag.json")))
	c.AddCommand(on)
	return c
}

// checkGitHub prints every rule of a service's repository, and how to mend what does not
// stand well. It ends with 1 where a run would be stopped.
func checkGitHub(ctx context.Context, w *world, service string) error {
	cfg, err := w.load(false)
	if err != nil {
		return err
	}
	s, ok := cfg.Services[service]
	if !ok {
		services, meant := slices.Sorted(maps.Keys(cfg.Services)), dr.Text{}
		if near, ok := text.Nearest(service, services); ok {
			meant = dr.T("command.nearest", "command", dr.Cmd("check github "+near))
		}
		return noService(service, services, meant)
	}
	secret, err := config.Credentials(w.config, w.parts.config(w.getenv, false))
	if err != nil {
		return err
	}
	cfg.GitHub.Token, cfg.GitHub.App = secret.Token, secret.App
	log := slog.New(slog.DiscardHandler)
	as, err := newCredentials(cfg, log)
	if err != nil {
		return err
	}
	forge, err := w.parts.newForge(cfg, as, log)
	if err != nil {
		return err
	}
	checks := newRules(cfg, forge).Rules(ctx, s, dr.Planned)
	if err := w.tell(ruleDocs(checks), ruleLines(checks)...); err != nil {
		return err
	}
	if slices.ContainsFunc(checks, func(c dr.Check) bool { return c.Level == dr.Fail }) {
		return exitStatus(1)
	}
	return nil
}

// ruleLines are the checks with what to do about each that is not ok.
func ruleLines(checks []dr.Check) []dr.Text {
	var out []dr.Text
	for _, c := range checks {
		out = append(out, c.Line())
		if c.Level != dr.OK {
			out = append(out, dr.T("cli.check.mend", "mend", dr.MendOf(c.Name)))
		}
	}
	return out
}

// ruleDoc is a check with what the terminal says of it.
type ruleDoc struct {
	dr.Check
	Line dr.Text `json:"line"`
	Mend dr.Text `json:"mend,omitzero"`
}

func ruleDocs(checks []dr.Check) []ruleDoc {
	out := make([]ruleDoc, len(checks))
	for i, c := range checks {
		out[i] = ruleDoc{Check: c, Line: c.Line()}
		if c.Level != dr.OK {
			out[i].Mend = dr.MendOf(c.Name)
		}
	}
	return out
}

// ruleReader makes the checks of a service's repository.
type ruleReader interface {
	Rules(ctx context.Context, s dr.Service, mode dr.Mode) []dr.Check
}

// tellRules says in the log what would stop a merge, service by service: at the start, so
// that a token which is refused is found by day. The runs under way go on where they are.
func tellRules(ctx context.Context, rules ruleReader, services map[string]dr.Service, log *slog.Logger, say func(dr.Text) string) {
	for _, name := range slices.Sorted(maps.Keys(services)) {
		for _, c := range rules.Rules(ctx, services[name], dr.Planned) {
			if c.Level != dr.Fail || ctx.Err() != nil {
				continue
			}
			log.ErrorContext(ctx, "a run of this service would be stopped by GitHub", "service", name, "check", c.Name,
				"why", say(c.Line()), "mend", say(dr.MendOf(c.Name)))
		}
	}
}
