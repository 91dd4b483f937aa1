package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/drbot/drbot/internal/sandbox/aws"
	"github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/sandbox/reference"
	"github.com/drbot/drbot/internal/sandbox/slack"
)

// Options of a world.
type Options struct {
	Dir string // of everything it writes; must exist and be empty
	// Bot is the path of the product's program, and Tool that of drbot-sandbox, which the
	// stacks and the script before Terraform call with "tool ...".
	Bot, Tool string
	// Terraform is the path of the program, found by the caller.
	Terraform string
	// Isolation is what the bot's configuration says of the walls; auto when empty.
	Isolation string
	// Users are those that the bot's configuration names for plans and for applies; none
	// where they are 0.
	Users [2]int

	// Allow is what the configuration of the service lets code do beside what the
	// infrastructure itself needs.
	Allow []string
	// BotTerraform is another one for the bot, to break it; the same when empty.
	BotTerraform string
	SlackAddr    string // where the Slack page listens; a free port when empty
	HubAddr      string // where the GitHub page listens; a free port when empty
	// Infra is what the service stands on; Minimal when empty. Reference needs the
	// folder terraform/ of a checkout, and takes the provider from PluginDir, or from the
	// registry when that is empty.
	Infra                Infra
	Reference, PluginDir string
	// Every is how often the scheduled posts come.
	HealthEvery, DriftEvery time.Duration
	// Outage takes the source Region away from the first second: hang or refuse.
	Outage aws.Mode
	// Watch counts every effect of the bot's, and lets a test kill it at one.
	Watch bool
	// GiveUp is how long a gate and a quiesce wait before they ask; two minutes when zero.
	GiveUp time.Duration
	// Recheck is how old what was approved may be before it is looked at again; two
	// minutes when zero.
	Recheck time.Duration
	// Quick takes out every wait that only makes a sandbox look real.
	Quick bool
	// Database is the bot's, by URL; a SQLite file in Dir when empty.
	Database string
	// BotEnv are more variables of the bot's process, as NAME=value; Terraform gets
	// those that PassEnv names.
	BotEnv, PassEnv []string
	// State is where the bot keeps its database and its work; in Dir when empty.
	State string
	// Start starts the bot's process in another way than (*exec.Cmd).Start.
	Start func(*exec.Cmd) error
	// Shape is what the service is made of; one database and one ECS service when empty.
	Shape Shape
	// App has the bot be this GitHub App, whose key the world makes; it has a token where
	// that is nil.
	App *github.App
	// Before stands before the local GitHub, if anything does.
	Before func(http.Handler) http.Handler
	// Patient gives the bot minutes, not seconds, for what takes AWS minutes.
	Patient bool
	Out     io.Writer // what a person watches
	Log     *slog.Logger
}

// World is the running sandbox.
type World struct {
	opts    Options
	Cloud   *aws.Cloud
	Slack   *slack.Server
	Hub     *github.Server
	Bot     *Bot
	Effects effects
	infra   infrastructure
	secrets secrets
	began   time.Time
	parts   []part
	saying  sync.Mutex
	wrote   string // the bot's configuration, as this world wrote it last

	tool       string                           // what the stacks call instead of Options.Tool
	breakage   *Breakage                        // what is broken on purpose, if anything
	onApproval func(context.Context, int) error // what happens right before the last approval
	moves      bool                             // the world moves while people read, which needs Options.Watch
	approvedAt time.Time                        // the last approval

	slackURL, hubURL, botAddr string
	servers                   []*http.Server
}

type secrets struct {
	slackToken, signing, githubToken, webhook, hashKey string
	personas                                           map[string]string
}

// part is a stretch of a world's life, for the question where the time went.
type part struct {
	name string
	end  time.Time
}

// ended closes a part.
func (w *World) ended(name string) { w.parts = append(w.parts, part{name, time.Now()}) }

// sayTimes tells where the time went.
func (w *World) sayTimes() {
	from := w.began
	var told []string
	for _, p := range w.parts {
		told = append(told, fmt.Sprintf("%s %.0f s", p.name, p.end.Sub(from).Seconds()))
		from = p.end
	}
	w.say("time     %s; %.0f s in all", strings.Join(told, ", "), time.Since(w.began).Seconds())
}

func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}

// New starts the world around the bot: AWS, GitHub, Slack, the repository with its
// stacks applied. The bot itself is started by StartBot.
func New(ctx context.Context, o Options) (_ *World, err error) {
	w := &World{opts: o, began: time.Now()}
	w.secrets = secrets{slackToken: "xoxb-" + random(), signing: random(), githubToken: "ghp_" + random(), webhook: random(), hashKey: random(), personas: map[string]string{}}
	for _, s := range cast {
		w.secrets.personas[s.login] = "ghp_" + random()
	}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	if w.botAddr, err = freeAddr(); err != nil {
		return nil, err
	}
	cloud := aws.Options{Dir: filepath.Join(o.Dir, "aws"), Home: home, Standby: standby, Service: Service, ZoneOnly: o.Infra == Reference, Timings: o.timings(), Logger: o.Log}
	if o.Shape == Several {
		cloud.Databases, cloud.Workloads = moreDatabases, moreWorkloads
	}
	if w.Cloud, err = aws.Start(ctx, cloud); err != nil {
		return nil, err
	}
	w.infra = minimalStacks{w}
	if o.Infra == Reference {
		w.infra = referenceStacks{w, &reference.Stacks{Source: o.Reference, Terraform: o.Terraform, PluginDir: o.PluginDir, Cloud: w.Cloud}}
	}
	if o.Watch {
		w.Effects.watchCloud(w.Cloud.Proxy)
		if err := w.watchTerraform(); err != nil {
			return nil, err
		}
	}
	if err := w.startHub(ctx); err != nil {
		return nil, fmt.Errorf("start the local GitHub: %w", err)
	}
	if err := w.startSlack(); err != nil {
		return nil, fmt.Errorf("start the local Slack: %w", err)
	}
	if err := w.infra.first(ctx); err != nil {
		return nil, fmt.Errorf("apply the stacks for the first time: %w", err)
	}
	w.ended("the infrastructure for the first time")
	return w, nil
}

func (o Options) timings() aws.Timings {
	if !o.Quick {
		return aws.Timings{}
	}
	return aws.Timings{Promotion: 300 * time.Millisecond, Resync: 200 * time.Millisecond, TaskStart: 100 * time.Millisecond, TargetHealthy: 100 * time.Millisecond, LagEvery: 200 * time.Millisecond}
}

// given are the ports that freeAddr has given.
var given sync.Map

// freeAddr finds an address nobody listens on, and gives each once. The system takes the
// ports of connections from above these, so that none of them is in the way when the
// bot starts, or starts again.
func freeAddr() (string, error) {
	for {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+mathrand.IntN(10000))
		if _, again := given.LoadOrStore(addr, true); again {
			continue
		}
		l, err := net.Listen("tcp", addr)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return "", err
		}
		return addr, l.Close()
	}
}

func (w *World) startHub(ctx context.Context) error {
	seed := filepath.Join(w.opts.Dir, "seed")
	if err := w.infra.write(ctx, seed); err != nil {
		return err
	}
	dir := filepath.Join(w.opts.Dir, "github")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	hub, err := github.New(ctx, github.Options{
		Dir: dir, Owner: owner, Repo: repository, SeedDir: seed, SeedAuthor: loginOf("dave"),
		Personas: githubPersonas(w.secrets.personas), BotLogin: botLogin, BotToken: w.secrets.githubToken,
		WebhookURL: "http://" + w.botAddr + "/github/webhook", WebhookSecret: w.secrets.webhook, Logger: w.opts.Log,
	})
	if err != nil {
		return err
	}
	w.Hub = hub
	if err := w.installApp(); err != nil {
		return err
	}
	before := w.watched(hubEffect, hub)
	if w.opts.Before != nil {
		before = w.opts.Before(before)
	}
	w.hubURL, err = w.listen(w.opts.HubAddr, before)
	hub.SetBaseURL(w.hubURL)
	return err
}

func (w *World) startSlack() error {
	limits := slack.RateLimits{}
	if w.opts.Quick {
		limits = slack.NoLimits()
	}
	w.Slack = slack.New(slack.Options{
		Limits: limits,
		Token:  w.secrets.slackToken, SigningSecret: w.secrets.signing, TeamID: team, TeamDomain: "acme", TeamName: "Acme",
		BotUserID: "U0DRBOT00", BotID: "B0DRBOT00", BotName: "drbot", AppID: "A0DRBOT00",
		Channels: []slack.Channel{{ID: channel, Name: "dr-portal", Topic: "disaster recovery of portal"}},
		Personas: slackPersonas(), CommandURL: "http://" + w.botAddr + "/slack/commands",
		InteractionURL: "http://" + w.botAddr + "/slack/interactions", Logger: w.opts.Log,
	})
	var err error
	w.slackURL, err = w.listen(w.opts.SlackAddr, w.watched(slackEffect, w.Slack))
	w.Slack.SetBaseURL(w.slackURL)
	return err
}

// watched counts the effects on a stand-in, where that was asked for.
func (w *World) watched(name func(*http.Request) string, h http.Handler) http.Handler {
	if !w.opts.Watch {
		return h
	}
	return w.Effects.watch(name, h)
}

// listen serves a stand-in on loopback.
func (w *World) listen(addr string, h http.Handler) (string, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	w.servers = append(w.servers, srv)
	go func() {
		if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) && w.opts.Log != nil {
			w.opts.Log.Error("a stand-in ended", "addr", addr, "error", err)
		}
	}()
	return "http://" + l.Addr().String(), nil
}

// URLs are the pages for people.
func (w *World) URLs() (slackPage, hubPage string) { return w.slackURL, w.hubURL }

// Close ends the bot and the world.
func (w *World) Close() {
	if w.Bot != nil {
		w.Bot.Kill()
	}
	for _, s := range w.servers {
		_ = s.Close()
	}
	if w.Slack != nil {
		w.Slack.Close()
	}
	if w.Hub != nil {
		_ = w.Hub.Close()
	}
	if w.Cloud != nil {
		w.Cloud.Close()
	}
}

func (w *World) say(format string, args ...any) {
	w.saying.Lock()
	defer w.saying.Unlock()
	_, _ = fmt.Fprintf(w.opts.Out, "%6.1fs  %s\n", time.Since(w.began).Seconds(), fmt.Sprintf(format, args...))
}
