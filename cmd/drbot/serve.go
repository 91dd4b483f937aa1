package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/bot"
	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/github"
	"github.com/drbot/drbot/internal/store"
	"github.com/drbot/drbot/internal/tf"
	"github.com/drbot/drbot/internal/web"
	"github.com/drbot/drbot/policies"
	"github.com/drbot/drbot/workflows"
)

func (w *world) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the bot",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(w.config, w.getenv, true)
			if err != nil {
				return err
			}
			log := slog.New(slog.NewJSONHandler(w.stderr, nil))
			return ended(serve(c.Context(), cfg, log))
		},
	}
}

// ended says what to do about an end that nothing else has words for, which is as a
// rule the database's.
func ended(err error) error {
	var known *dr.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &dr.Error{Code: dr.Temporary, Msg: "the bot cannot go on.", Hint: "see to what the cause names (a full or read-only disk, a database that is away) and start drbot again: the runs go on where they were", Err: err}
}

// serve runs the bot until the context ends, the lock is lost or the engine fails.
func serve(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	lock, err := store.AcquireLock(ctx, cfg.Database, func(holder string) {
		log.InfoContext(ctx, "standby: another server holds the lock; waiting", "holder", holder)
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer lock.Release()
	began := time.Now()
	st, err := store.Open(ctx, cfg.Database, !cfg.Throwaway, log)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s, err := assemble(ctx, cfg, st, stop, log)
	if err != nil {
		return err
	}
	if err := s.listen(cfg); err != nil {
		return err
	}
	defer s.close()
	if err := s.engine.Launch(); err != nil {
		return err
	}
	s.start(ctx, stop)
	go s.engine.Watch(ctx)
	if err := s.engine.Schedule(ctx, st); err != nil {
		return err
	}
	log.InfoContext(ctx, "serving", "listen", s.public.Addr().String(), "socket", cfg.Socket, "services", len(cfg.Services), "started_in", time.Since(began).Round(time.Millisecond).String())
	select {
	case <-ctx.Done():
	case <-lock.Lost():
		// Another server may act by now: not one more step.
		return &dr.Error{Code: dr.Conflict, Msg: "the executor's lock was lost; ending before two servers act."}
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return s.drain(ctx, cfg, log)
}

// server is the assembled bot.
type server struct {
	engine  *workflows.Engine
	poster  *bot.Poster
	handler http.Handler
	public  net.Listener
	private net.Listener
	log     *slog.Logger
}

// assemble joins the ports of the runbooks with their adapters: the one place
// that sees two adapters at once.
func assemble(ctx context.Context, cfg *config.Config, st *store.Store, stop context.CancelCauseFunc, log *slog.Logger) (*server, error) {
	forge, err := github.New(github.Options{
		Token:   func(context.Context) (string, error) { return cfg.GitHub.Token, nil },
		BaseURL: cfg.GitHub.APIURL, UserAgent: "drbot", Logger: log,
	})
	if err != nil {
		return nil, err
	}
	cloud, err := aws.New(ctx, aws.Options{Endpoint: cfg.AWS.Endpoint, Roles: roles(cfg.AWS), CallTimeout: cfg.AWS.CallTimeout, Logger: log})
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the own executable: %w", err)
	}
	terraform, err := tf.New(tf.Options{
		TerraformPath: cfg.Terraform.Path, PluginDir: cfg.Terraform.PluginDir, WorkDir: cfg.WorkDir,
		Environment: cfg.Terraform.Environment, ApplyEnvironment: cfg.Terraform.ApplyEnvironment, PassEnv: cfg.Terraform.PassEnv, HashKey: cfg.Terraform.HashKey,
		SupervisorCommand: []string{self, "supervise"}, LockTimeout: cfg.Terraform.LockTimeout,
		PlanUnlocked: true, // a plan only reads; the bot that dies in one must not leave a lock behind
		GitURL:       func(r dr.Repository) string { return cfg.GitHub.GitURL + "/" + r.Owner + "/" + r.Name + ".git" },
		GitToken:     func(context.Context) (string, error) { return cfg.GitHub.Token, nil },
		Logger:       log,
	})
	if err != nil {
		return nil, err
	}
	policy, err := policies.New(ctx)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: 15 * time.Second}
	poster := bot.NewPoster(bot.NewClient(cfg.Slack.Token, cfg.Slack.APIURL, client), st, cfg.Services, cfg.People, cfg.Slack.Pace, time.Now, log)
	t := cfg.Timing
	engine, err := workflows.New(cfg.Database, workflows.Deps{
		Services: cfg.Services, People: cfg.People,
		Change: forge, Publish: forge, File: tf.RegionFile{}, Terraform: terraform,
		Database: cloud, Workloads: cloud, Readiness: cloud, Lag: cloud, Network: cloud,
		Policy: policy, Runs: st, Ledger: st, Outbox: st, Reports: st, Directory: poster, Notify: poster,
		Now: time.Now, Log: log, Fatal: func(err error) { stop(err) },
		Timing: workflows.Timing{
			Poll: t.Poll, Review: t.Review, Promote: t.Promote, Settle: t.Settle,
			Gate: t.Gate, Quiesce: t.Quiesce, Apply: t.Apply, Retry: t.Retry,
		},
	})
	if err != nil {
		return nil, err
	}
	s := &server{engine: engine, poster: poster, log: log}
	s.handler, err = s.routes(cfg, st, client)
	return s, err
}

// roles fills the names of the roles to assume.
func roles(cfg config.AWS) func(string, dr.Region, aws.Purpose) string {
	return func(service string, region dr.Region, purpose aws.Purpose) string {
		role := cfg.ReadRole
		if purpose == aws.PurposePromote {
			role = cfg.PromoteRole
		}
		return strings.NewReplacer("{service}", service, "{region}", string(region)).Replace(role)
	}
}

func (s *server) routes(cfg *config.Config, st *store.Store, client *http.Client) (http.Handler, error) {
	slackServer, err := bot.NewServer(s.engine, cfg.Slack.SigningSecret, cfg.Slack.TeamID, time.Now, client, s.log)
	if err != nil {
		return nil, err
	}
	hook, err := github.NewWebhook(github.WebhookOptions{
		Secret: []byte(cfg.GitHub.WebhookSecret), Logger: s.log,
		Seen: func(ctx context.Context, id string) (bool, error) { return st.FirstDelivery(ctx, id, time.Now()) },
		Nudge: func(ctx context.Context, n github.Nudge) {
			if n.Kind == "status" {
				return // the bot's own among them; no approval is a status
			}
			owner, repo, _ := strings.Cut(n.Repo, "/")
			if err := s.engine.Nudge(ctx, owner, repo, n.Number); err != nil {
				s.log.WarnContext(ctx, "a nudge was lost; the next look is soon", "error", err)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/slack/commands", slackServer.Command)
	mux.HandleFunc("/slack/interactions", slackServer.Interaction)
	mux.Handle("/github/webhook", hook)
	mux.Handle("GET /healthz", web.Health(st.Ping))
	return mux, nil
}

// listen binds before anything acts, so that a port in use is found at once.
func (s *server) listen(cfg *config.Config) error {
	var err error
	if s.public, err = net.Listen("tcp", cfg.Listen); err != nil {
		return &dr.Error{Code: dr.Conflict, Msg: "cannot listen on " + cfg.Listen + ".", Hint: "change listen in the configuration, or end what listens there", Err: err}
	}
	if s.private, err = listenSocket(cfg.Socket); err != nil {
		return errors.Join(err, s.public.Close())
	}
	return nil
}

func (s *server) close() {
	_ = s.public.Close()
	_ = s.private.Close()
}

func (s *server) start(ctx context.Context, stop context.CancelCauseFunc) {
	public := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	private := socketServer(s.engine, s.log)
	for srv, l := range map[*http.Server]net.Listener{public: s.public, private: s.private} {
		go func() {
			if err := srv.Serve(l); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("serve %s: %w", l.Addr(), err))
			}
		}()
	}
	// The poster goes on while the act in hand ends: people want to see it.
	go s.poster.Run(context.WithoutCancel(ctx))
}

// drain takes no new step, lets the act in hand end and then lets the process
// end. The runs go on where they are when a server starts again.
func (s *server) drain(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	log.InfoContext(ctx, "ending: waiting for the act in hand")
	s.close()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Timing.Drain)
	defer cancel()
	if err := s.engine.Drain(limit); err != nil {
		log.WarnContext(ctx, "ending although an act is in hand; it is looked at again at the next start", "waited", cfg.Timing.Drain.String())
	}
	return nil
}
