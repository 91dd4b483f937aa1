package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/drbot/drbot/bot"
	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/aurora"
	"github.com/drbot/drbot/internal/aws/ecs"
	"github.com/drbot/drbot/internal/aws/route53"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/github"
	"github.com/drbot/drbot/internal/store"
	"github.com/drbot/drbot/internal/tf"
	"github.com/drbot/drbot/internal/web"
	"github.com/drbot/drbot/policies"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/view"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// language is what the bot speaks.
const language = "en"

// assemble joins the ports of the runbooks with their adapters: the one place
// that sees two adapters at once.
func (p parts) assemble(ctx context.Context, cfg *config.Config, as credentials, walls tf.Isolation, forge *github.Client, st *store.Store, lock *store.Lock, stop context.CancelCauseFunc, log *slog.Logger) (*server, error) {
	catalogue, err := p.catalogue()
	if err != nil {
		return nil, err
	}
	words := catalogue.In(language, text.Slack)
	cloud, err := aws.New(ctx, aws.Options{Endpoint: cfg.AWS.Endpoint, Roles: roles(cfg.AWS), CallTimeout: cfg.AWS.CallTimeout, Logger: log})
	if err != nil {
		return nil, err
	}
	policy, err := policies.New(ctx)
	if err != nil {
		return nil, err
	}
	terraform, err := newTerraform(cfg, as, policy, walls, lending(cfg, cloud), log)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: 15 * time.Second}
	poster := bot.NewPoster(bot.NewClient(cfg.Slack.Token, cfg.Slack.APIURL, client), desk{st, st}, cfg.Services, cfg.People, words, cfg.Slack.Pace, time.Now, log)
	databases, t := aurora.New(cloud), cfg.Timing
	handle, err := st.EngineDB()
	if err != nil {
		return nil, err
	}
	seal, err := inboxKey(cfg.Terraform.HashKey)
	if err != nil {
		return nil, err
	}
	over := &floods{book: st, log: log, now: time.Now}
	books, err := workflows.New(workflows.Deps{
		Team:      workflows.Team{Services: cfg.Services, People: cfg.People},
		Forge:     workflows.Forge{Files: forge, Changes: forge, Watch: forge, Publish: forge, Itself: github.Unattended{Client: forge}, Pages: view.PullRequest{Words: catalogue.In(language, text.Slack)}, Region: tf.RegionFile{}, Rules: newRules(cfg, forge)},
		Cloud:     workflows.Cloud{Systems: based{p.systems(cloud), cloud}, Databases: databases, Names: route53.New(cloud)},
		Terraform: terraform, Policy: policy, Directory: poster,
		Store: workflows.Store{Records: st, Book: over.refusals(), Memory: st, Keeper: st, Reports: st},
		Kinds: p.kinds(&steps.World{
			Databases: databases, Workloads: ecs.New(cloud), Network: route53.New(cloud), Terraform: terraform, Ledger: steps.Books{Ledger: st, Changing: st},
			Held: lock.Held, Now: time.Now, Timing: steps.Timing{
				Poll: t.Poll, Promote: t.Promote, Settle: t.Settle, Gate: t.Gate, Quiesce: t.Quiesce, Apply: t.Apply,
			}.WithDefaults(),
		}),
	}, workflows.Host{
		DatabaseURL: cfg.Database, SQLite: handle, Held: lock.Held,
		Audited: st.Audited,
		Config:  cfg.Digest, Seals: st,
		Host: engine.Host{Now: time.Now, Log: log, Key: seal, Changed: poster.Changed, Fatal: func(err error) { stop(err) }},
	}, workflows.Timing{Review: t.Review, Recheck: t.Recheck, OutageLimit: t.OutageLimit, Engine: engine.Timing{Retry: t.Retry}})
	if err != nil {
		return nil, err
	}
	tellBased(ctx, cloud, cfg.Services, log, words.Say)
	s := &server{books: books, poster: poster, floods: over, log: log}
	s.tellRules = func(ctx context.Context) { tellRules(ctx, newRules(cfg, forge), cfg.Services, log, words.Say) }
	s.tidy = janitor{store: st, books: books, terraform: terraform, services: cfg.Services, log: log}.run
	s.handler, err = s.routes(cfg, st, words, client)
	return s, err
}

// credentials are as whom drbot comes to GitHub: an App, or a token where that is nil.
type credentials struct {
	app     *github.App
	token   string
	modules string // for modules' repositories, where there is no App
}

func newCredentials(cfg *config.Config, log *slog.Logger) (credentials, error) {
	if cfg.GitHub.App == nil {
		return credentials{token: cfg.GitHub.Token, modules: cfg.GitHub.ModuleToken}, nil
	}
	app, err := github.NewApp(cfg.GitHub.App.ID, cfg.GitHub.App.Key, github.Options{BaseURL: cfg.GitHub.APIURL, UserAgent: userAgent, Logger: log})
	return credentials{app: app}, err
}

// forGit is the token for the mirror of a repository.
func (c credentials) forGit(ctx context.Context, repo dr.Repository, refused string) (string, error) {
	if c.app == nil {
		return c.token, nil
	}
	return c.app.Token(ctx, repo, refused)
}

// forModules is a token that reads one repository, from which modules are fetched.
func (c credentials) forModules(ctx context.Context, repo dr.Repository) (string, error) {
	if c.app == nil {
		return c.modules, nil
	}
	return c.app.ReadToken(ctx, repo)
}

const userAgent = "drbot"

func (p parts) newForge(cfg *config.Config, as credentials, log *slog.Logger) (*github.Client, error) {
	catalogue, err := p.catalogue()
	if err != nil {
		return nil, err
	}
	words := catalogue.In(language, text.Slack)
	return github.New(github.Options{
		Token: func(context.Context) (string, error) { return as.token, nil }, App: as.app,
		BaseURL: cfg.GitHub.APIURL, UserAgent: userAgent, Logger: log, Share: cfg.Timing.Review,
		MergeTitle: func(number int) string { return words.Say(dr.T("github.merge.title", "number", number)) },
		Cut:        "\n\n_" + words.Say(dr.T("github.cut")) + "_",
		Known: func(login string) bool {
			_, ok := cfg.People.ByLogin(login)
			return ok
		},
	})
}

func newTerraform(cfg *config.Config, as credentials, policy *policies.Policy, walls tf.Isolation, lend *tf.Lending, log *slog.Logger) (*tf.Terraform, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the own executable: %w", err)
	}
	return tf.New(tf.Options{
		TerraformPath: cfg.Terraform.Path, PluginDir: cfg.Terraform.PluginDir, WorkDir: cfg.WorkDir,
		Environment: cfg.Terraform.Environment, ApplyEnvironment: cfg.Terraform.ApplyEnvironment, PassEnv: cfg.Terraform.PassEnv, HashKey: cfg.Terraform.HashKey, Known: cfg.Secrets(),
		SupervisorCommand: []string{self, supervise}, LockTimeout: cfg.Terraform.LockTimeout,
		PlanUnlocked: true, // a plan only reads; the bot that dies in one must not leave a lock behind
		GitURL:       func(r dr.Repository) string { return cfg.GitHub.GitURL + "/" + r.Owner + "/" + r.Name + ".git" },
		GitToken:     as.forGit,
		ModuleToken:  as.forModules,
		Held:         policy.Held,
		Isolation:    walls,
		Lending:      lend,
		Logger:       log,
	})
}

// roles fills the names of the roles to assume.
func roles(cfg config.AWS) func(string, dr.Region, aws.Purpose) string {
	return func(service string, region dr.Region, purpose aws.Purpose) string {
		role := cfg.ReadRole
		if purpose == aws.PurposePromote {
			role = cfg.PromoteRole
		}
		return roleOf(role, service, region)
	}
}

func (s *server) routes(cfg *config.Config, st *store.Store, words text.Words, client *http.Client) (http.Handler, error) {
	var err error
	s.slack, err = bot.NewServer(s.books.Commands(), cfg.Slack.SigningSecret, cfg.Slack.TeamID, words, time.Now, client, s.floods.ofSlack())
	if err != nil {
		return nil, err
	}
	hook, err := github.NewWebhook(github.WebhookOptions{
		Secret: []byte(cfg.GitHub.WebhookSecret), Logger: s.floods.ofGitHub(),
		Seen: func(ctx context.Context, id string) (bool, error) { return st.FirstDelivery(ctx, id, time.Now()) },
		// The bot's own are among them; no approval is a status or a comment.
		Idle: func(n github.Nudge) bool { return n.Kind == "status" || n.Kind == "issue_comment" },
		Nudge: func(ctx context.Context, n github.Nudge) {
			owner, repo, _ := strings.Cut(n.Repo, "/")
			if err := s.books.Commands().Nudge(ctx, workflows.News{Owner: owner, Repo: repo, Number: n.Number, Branch: n.Branch}); err != nil {
				s.log.WarnContext(ctx, "a nudge was lost; the next look is soon", "error", err)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/slack/commands", s.slack.Command)
	mux.HandleFunc("/slack/interactions", s.slack.Interaction)
	mux.Handle("/github/webhook", hook)
	mux.Handle("GET /healthz", web.Health(st.Ping))
	return mux, nil
}
