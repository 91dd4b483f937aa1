package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/internal/sandbox"
)

// flags are what may be typed after drbot-sandbox itself.
type flags struct {
	auto     bool
	infra    string
	from     string
	dir      string
	sabotage string
	outage   string
	slack    string
	github   string
	world    string
}

func (o *outside) playCommand() *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "drbot-sandbox",
		Short: "A local Slack, GitHub and two AWS Regions, to try drbot without an account",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.infra != string(sandbox.Minimal) && f.infra != string(sandbox.Reference) {
				return misuse(fmt.Sprintf("there is no infrastructure %q; there are minimal and reference.", f.infra), "drbot-sandbox --infra minimal")
			}
			if f.sabotage != "" && f.infra != string(sandbox.Minimal) {
				return misuse("a sabotage breaks the minimal infrastructure.", "drbot-sandbox --auto --sabotage "+f.sabotage)
			}
			return o.play(c.Context(), f)
		},
	}
	c.Flags().BoolVar(&f.auto, "auto", false, "play a whole failover and the way back unattended; exit 0 only if everything is right")
	c.Flags().StringVar(&f.infra, "infra", "minimal", "the infrastructure to apply: minimal, or reference (terraform/ of this project with the real provider: takes minutes)")
	c.Flags().StringVar(&f.from, "terraform", "terraform", "with --infra reference: the folder that holds the reference infrastructure")
	c.Flags().StringVar(&f.dir, "dir", "", "an empty folder to keep everything in (default: a temporary one, removed at the end)")
	c.Flags().StringVar(&f.sabotage, "sabotage", "", "with --auto: break one thing, which must then be found; see drbot-sandbox sabotage")
	c.Flags().StringVar(&f.outage, "outage", "", "with --auto: the source Region is gone from the first second, source=hang or source=refuse")
	c.Flags().StringVar(&f.slack, "slack", "127.0.0.1:8065", "where the Slack page listens")
	c.Flags().StringVar(&f.github, "github", "127.0.0.1:8066", "where the GitHub page listens")
	c.Flags().StringVar(&f.world, "world", "127.0.0.1:8067", "where the page listens that has things happen while people read")
	return c
}

func (o *outside) play(ctx context.Context, f flags) error {
	if err := f.free(ctx); err != nil {
		return err
	}
	w, cleanup, err := o.options(ctx, f)
	if err != nil {
		return err
	}
	defer cleanup()
	if f.outage != "" {
		if w.Outage, err = sandbox.ParseOutage(f.outage); err != nil {
			return misuse(err.Error()+".", "drbot-sandbox --auto --outage source=hang")
		}
	}
	if f.auto {
		return sandbox.Auto(ctx, w, f.sabotage)
	}
	w.SlackAddr, w.HubAddr = f.slack, f.github
	w.HealthEvery, w.DriftEvery = 5*time.Minute, 10*time.Minute
	world, err := sandbox.New(ctx, w)
	if err != nil {
		return err
	}
	defer world.Close()
	if err := world.StartBot(ctx); err != nil {
		return err
	}
	env, err := world.WriteEnvironment()
	if err != nil {
		return err
	}
	slackPage, hubPage := world.URLs()
	worldPage, err := world.ServeHappenings(f.world)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(o.stdout, `drbot is running in a world of its own.

  Slack   %s    choose alice, and type: /dr failover portal ap-northeast-1 disaster Seoul is gone
  GitHub  %s    open the pull request, approve it as bob-lee and as carol-park
  world   %s    while they read: the lag grows, the base moves, somebody moves the writer by hand
  shell   . %s; %s status portal

  its files are in %s
  Kill the bot: it is started again, and goes on, with %s as you may have edited it.
  Ctrl-C ends all of it.
`, slackPage, hubPage, worldPage, env, w.Bot, w.Dir, world.ConfigPath()); err != nil {
		return err
	}
	return o.keep(ctx, world)
}

// free sees, before anything is written or started, that the folder is empty and that the
// pages can be where they are to be.
func (f flags) free(ctx context.Context) error {
	if f.dir != "" {
		if there, err := os.ReadDir(f.dir); err == nil && len(there) > 0 {
			return &problem{msg: "the folder " + f.dir + " is not empty.", hint: "drbot-sandbox --dir with a folder that is new or empty"}
		}
	}
	if f.auto {
		return nil // its pages are where there is room
	}
	for _, page := range []struct{ flag, addr string }{{"--slack", f.slack}, {"--github", f.github}, {"--world", f.world}} {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", page.addr)
		if err != nil {
			return &problem{msg: "the page cannot be at " + page.addr + ".", hint: "drbot-sandbox " + page.flag + " 127.0.0.1:0, which takes any port that is free", err: err}
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

// keep starts the bot again where it has ended, as a host does: it can be killed at will.
// Whoever edits its configuration has it start with that; with one that it does not take
// it waits for the next.
func (o *outside) keep(ctx context.Context, world *sandbox.World) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-world.Bot.Done():
		}
		said := "  the bot has ended, and is started again"
		if world.Edited() {
			said += ", with " + world.ConfigPath() + " as you have edited it"
		}
		if _, err := fmt.Fprintln(o.stdout, said); err != nil {
			return err
		}
		err := world.StartBot(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !world.Edited() {
			return err
		}
		if _, err := fmt.Fprintf(o.stdout, "  %v\n  it is started again when %s is another\n", err, world.ConfigPath()); err != nil {
			return err
		}
		if err := world.AwaitEdit(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func (o *outside) benchCommand() *cobra.Command {
	var runs int
	var bare bool
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure what the bot itself costs, beside its budget",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if runs < 1 {
				return misuse("there must be a run to measure.", "drbot-sandbox bench --runs 5")
			}
			w, cleanup, err := o.options(c.Context(), flags{})
			if err != nil {
				return err
			}
			defer cleanup()
			w.HealthEvery, w.DriftEvery = 0, 0
			if bare {
				w.Isolation = "none"
			}
			return sandbox.Bench(c.Context(), w, runs)
		},
	}
	c.Flags().IntVar(&runs, "runs", 5, "how many runs to measure")
	c.Flags().BoolVar(&bare, "without-walls", false, "run Terraform without a wall around it, to see what the walls cost")
	return c
}

func (o *outside) sabotageCommand() *cobra.Command {
	var only []string
	c := &cobra.Command{
		Use:   "sabotage",
		Short: "Break one thing after the other and see that each is found",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, name := range only {
				if !slices.Contains(sandbox.BreakageNames(), name) {
					return misuse(fmt.Sprintf("there is no sabotage %q; there are: %s.", name, strings.Join(sandbox.BreakageNames(), ", ")), "drbot-sandbox sabotage")
				}
			}
			if _, err := o.product(); err != nil {
				return err // once, not for every breakage
			}
			return sandbox.SabotageAll(c.Context(), o.stdout, only, func(string) (sandbox.Options, func(), error) {
				return o.options(c.Context(), flags{})
			})
		},
	}
	c.Flags().StringSliceVar(&only, "only", nil, "these breakages alone")
	return c
}
