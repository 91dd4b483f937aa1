package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/sandbox"
	"github.com/drbot/drbot/internal/sandbox/aws"
	"github.com/drbot/drbot/internal/sandbox/reference"
	"github.com/drbot/drbot/internal/tf"
)

type sandboxFlags struct {
	auto     bool
	infra    string
	from     string
	dir      string
	sabotage string
	outage   string
	slack    string
	github   string
}

func (w *world) sandboxCommand() *cobra.Command {
	var f sandboxFlags
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "A local Slack, GitHub and two AWS Regions, to try drbot without an account",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.infra != string(sandbox.Minimal) && f.infra != string(sandbox.Reference) {
				return misuse(fmt.Sprintf("there is no infrastructure %q; there are minimal and reference.", f.infra), "drbot sandbox --infra minimal")
			}
			if f.sabotage != "" && f.infra != string(sandbox.Minimal) {
				return misuse("a sabotage breaks the minimal infrastructure.", "drbot sandbox --auto --sabotage "+f.sabotage)
			}
			return w.sandbox(c.Context(), f)
		},
	}
	c.Flags().BoolVar(&f.auto, "auto", false, "play a whole failover and the way back unattended; exit 0 only if everything is right")
	c.Flags().StringVar(&f.infra, "infra", "minimal", "the infrastructure to apply: minimal, or reference (terraform/ of this project with the real provider: takes minutes)")
	c.Flags().StringVar(&f.from, "terraform", "terraform", "with --infra reference: the folder that holds the reference infrastructure")
	c.Flags().StringVar(&f.dir, "dir", "", "an empty folder to keep everything in (default: a temporary one, removed at the end)")
	c.Flags().StringVar(&f.sabotage, "sabotage", "", "with --auto: break one thing, which must then be found; see drbot sandbox sabotage")
	c.Flags().StringVar(&f.outage, "outage", "", "with --auto: the source Region is gone from the first second, source=hang or source=refuse")
	c.Flags().StringVar(&f.slack, "slack", "127.0.0.1:8065", "where the Slack page listens")
	c.Flags().StringVar(&f.github, "github", "127.0.0.1:8066", "where the GitHub page listens")
	c.AddCommand(w.toolCommand(), w.sabotageCommand(), w.benchCommand())
	return c
}

func (w *world) sandbox(ctx context.Context, f sandboxFlags) error {
	o, cleanup, err := w.sandboxOptions(ctx, f)
	if err != nil {
		return err
	}
	defer cleanup()
	if f.outage != "" {
		mode, err := sandbox.ParseOutage(f.outage)
		if err != nil {
			return misuse(err.Error()+".", "drbot sandbox --auto --outage source=hang")
		}
		o.Outage = mode
	}
	if f.auto {
		return sandbox.Auto(ctx, o, f.sabotage)
	}
	o.SlackAddr, o.HubAddr = f.slack, f.github
	o.HealthEvery, o.DriftEvery = 5*time.Minute, 10*time.Minute
	world, err := sandbox.New(ctx, o)
	if err != nil {
		return err
	}
	defer world.Close()
	if err := world.StartBot(ctx); err != nil {
		return err
	}
	slackPage, hubPage := world.URLs()
	if err := w.print(nil, `drbot is running in a world of its own.

  Slack   %s    choose alice, and type: /dr failover portal ap-northeast-1 disaster Seoul is gone
  GitHub  %s    open the pull request, approve it as bob-lee and as carol-park

  its files are in %s
  Ctrl-C ends it.
`, slackPage, hubPage, o.Dir); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-world.Bot.Done():
		return &dr.Error{Code: dr.Temporary, Msg: "the bot has ended.", Hint: "look at " + filepath.Join(o.Dir, "bot", "drbot.log")}
	}
}

// sandboxOptions finds what the sandbox needs of this machine.
func (w *world) sandboxOptions(ctx context.Context, f sandboxFlags) (sandbox.Options, func(), error) {
	none := func() {}
	self, err := os.Executable()
	if err != nil {
		return sandbox.Options{}, none, fmt.Errorf("find the own executable: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	terraform, err := tf.Find(ctx, filepath.Join(cache, "drbot"))
	if err != nil {
		return sandbox.Options{}, none, err
	}
	dir, cleanup := f.dir, none
	if dir == "" {
		if dir, err = os.MkdirTemp("", "drbot-sandbox-"); err != nil {
			return sandbox.Options{}, none, err
		}
		cleanup = func() { _ = os.RemoveAll(dir) }
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return sandbox.Options{}, cleanup, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return sandbox.Options{}, cleanup, err
	}
	o := sandbox.Options{
		Dir: dir, Bot: self, Terraform: terraform, Out: w.stdout,
		HealthEvery: 5 * time.Second, DriftEvery: 7 * time.Second,
		Log: slog.New(slog.NewTextHandler(w.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if f.infra != string(sandbox.Reference) {
		return o, cleanup, nil
	}
	o.Infra, o.PluginDir = sandbox.Reference, w.getenv("TF_PLUGIN_DIR")
	if o.Reference, err = reference.Find(f.from); err != nil {
		cleanup()
		return o, none, &dr.Error{Code: dr.Invalid, Msg: "the reference infrastructure is not in " + f.from + ".", Hint: "run it in a checkout of drbot, or give its folder with --terraform", Err: err}
	}
	// A drift report plans every stack with the real provider: here it would only make
	// the runs wait.
	o.HealthEvery, o.DriftEvery = 10*time.Second, 0
	return o, cleanup, nil
}

// toolCommand is what the sandbox's stacks call in place of a provider.
func (w *world) toolCommand() *cobra.Command {
	c := &cobra.Command{Use: "tool", Short: "What the sandbox's Terraform stacks call", Hidden: true}
	c.AddCommand(&cobra.Command{
		Use: "scale REGION TASKS", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return misuse("TASKS is a number.", "drbot sandbox tool scale REGION TASKS")
			}
			return aws.Scale(c.Context(), w.getenv("DRBOT_SANDBOX_ENDPOINT"), args[0], sandbox.Service, sandbox.Service, n)
		},
	}, &cobra.Command{
		Use: "point REGION", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			name := w.getenv("DRBOT_SANDBOX_NAME")
			return aws.PointTraffic(c.Context(), w.getenv("DRBOT_SANDBOX_ENDPOINT"), w.getenv("DRBOT_SANDBOX_ZONE"), name, args[0]+"."+name)
		},
	})
	c.AddCommand(&cobra.Command{
		Use: "effect URL", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return sandbox.TellEffect(c.Context(), args[0], w.stdout) },
	})
	return c
}

func (w *world) benchCommand() *cobra.Command {
	var runs int
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure what the bot itself costs, beside its budget",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o, cleanup, err := w.sandboxOptions(c.Context(), sandboxFlags{})
			if err != nil {
				return err
			}
			defer cleanup()
			o.HealthEvery, o.DriftEvery = 0, 0
			return sandbox.Bench(c.Context(), o, runs)
		},
	}
	c.Flags().IntVar(&runs, "runs", 5, "how many runs to measure")
	return c
}

func (w *world) sabotageCommand() *cobra.Command {
	var only []string
	c := &cobra.Command{
		Use:   "sabotage",
		Short: "Break one thing after the other and see that each is found",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return sandbox.SabotageAll(c.Context(), w.stdout, only, func(name string) (sandbox.Options, func(), error) {
				return w.sandboxOptions(c.Context(), sandboxFlags{})
			})
		},
	}
	c.Flags().StringSliceVar(&only, "only", nil, "these breakages alone")
	return c
}
