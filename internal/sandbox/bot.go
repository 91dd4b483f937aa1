package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/template"
	"time"
)

// Bot is the running drbot process.
type Bot struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// Kill ends the process as a power cut would.
func (b *Bot) Kill() {
	_ = b.cmd.Process.Kill()
	<-b.done
}

// Stop asks the process to end, as a deploy does, and waits for it.
func (b *Bot) Stop() {
	_ = b.cmd.Process.Signal(syscall.SIGTERM)
	<-b.done
}

// Done is closed when the process has ended.
func (b *Bot) Done() <-chan struct{} { return b.done }

// configTemplate is the configuration of the bot in this world; the same keys as
// in production, pointed at local servers.
var configTemplate = template.Must(template.New("drbot.yaml").Parse(`listen: {{.Listen}}
socket: {{.Dir}}/drbot.sock
state:
  database: {{.Database}}
  work_dir: {{.State}}/work
  throwaway: true
slack:
  team_id: {{.Team}}
  token: {env: DRBOT_SLACK_TOKEN}
  signing_secret: {env: DRBOT_SLACK_SIGNING_SECRET}
  api_url: {{.SlackURL}}/api/
  pace: {{.Pace}}
github:
  {{- if .App}}
  app: {id: {{.App.ID}}, private_key: {file: "{{.AppKey}}"}}
  {{- else}}
  token: {env: DRBOT_GITHUB_TOKEN}
  {{- end}}
  webhook_secret: {env: DRBOT_GITHUB_WEBHOOK_SECRET}
  api_url: {{.HubURL}}/api/v3/
  git_url: {{.HubURL}}
terraform:
  path: {{.Terraform}}
  hash_key: {env: DRBOT_HASH_KEY}
  {{- if .Infra.PluginDir}}
  plugin_dir: {{.Infra.PluginDir}}
  {{- end}}
  lock_timeout: 10s
  isolation: {{.Isolation}}
  {{- with index .Users 0}}
  user: {{.}}
  {{- end}}
  {{- with index .Users 1}}
  apply_user: {{.}}
  {{- end}}
  # This infrastructure has provisioners, which take a shell; a team's own has none.
  paths: {run: [{{range $i, $p := .Run}}{{if $i}}, {{end}}"{{$p}}"{{end}}], write: ["{{.Host}}"]}
  environment:
{{- range $k, $v := .Infra.Environment}}
    {{$k}}: "{{$v}}"
{{- end}}
  pass_env: [{{range $i, $name := .PassEnv}}{{if $i}}, {{end}}{{$name}}{{end}}]
aws:
  endpoint: {{.Cloud.Endpoint}}
  call_timeout: {{.CallTimeout}}
{{- if .Infra.Roles}}
  read_role: arn:aws:iam::123456789012:role/drbot-read-{region}
  apply_role: arn:aws:iam::123456789012:role/drbot-apply-{region}
  promote_role: arn:aws:iam::123456789012:role/drbot-promote-{region}
{{- end}}
# A sandbox moves in seconds what takes AWS minutes.
timing: {poll: {{.Poll}}, review: 5s, recheck: {{.Recheck}}, settle: 2s, retry: 200ms, drain: 20s, {{if .Patient}}promote: 10m, gate: 10m, quiesce: 10m, apply: 10m{{else}}promote: 60s, gate: {{.GiveUp}}, quiesce: {{.GiveUp}}, apply: {{.Patience}}{{end}}}
people:
{{- range .People}}
  - {name: {{.Name}}, slack: [{{.SlackID}}], github: [{{.Login}}]{{if .LocalUser}}, local_users: [{{.LocalUser}}]{{end}}}
{{- end}}
services:
  - name: {{.Service}}
    strategy: pilot-light
    regions: [{{.Home}}, {{.Standby}}]
    objectives: {rto: 4h, rpo: 5m}
    channel: {{.Channel}}
    cooldown: {{.Cooldown}}
    expiry: 60m
    repository: {owner: {{.Owner}}, name: {{.Repo}}, base: main, file: {{.File}}}
    stacks:
{{- range .Stacks}}
      - {name: {{.Name}}, dir: {{.Dir}}, role: {{.Role}}{{if .Region}}, region: {{.Region}}{{end}}, backend_config: { {{- range $i, $kv := .Backend}}{{if $i}}, {{end}}{{$kv}}{{end -}} }}
{{- end}}
{{- with .Allow}}
    terraform:
      allow:
{{- range .}}
        - {{.}}
{{- end}}
{{- end}}
{{.Made}}
    names:
      public: {{.Cloud.RecordName}}
      regional:
{{- range $name, $r := .Cloud.Regions}}
        {{$name}}: {{$r.RecordName}}
{{- end}}
      servers: ["{{.Cloud.DNSAddr}}"]
    probes:
      - {url: "http://{host}:{{.Cloud.AppPort}}/healthz", status: 200}
    schedule: {health: "{{.Health}}", drift: "{{.Drift}}", time_zone: Asia/Seoul}
    requesters: [alice, bob, gert]
    approvers: [alice, bob, carol, dave]
`))

// every is a cron expression; an interval that is too long to be waited for in a
// sandbox is none.
func every(d time.Duration) string {
	if d == 0 {
		return "@yearly"
	}
	return "@every " + d.String()
}

func (w *World) writeConfig() (string, error) {
	type who struct{ Name, SlackID, Login, LocalUser string }
	type stack struct {
		Name, Dir, Role, Region string
		Backend                 []string
	}
	infra := w.infra.configure()
	me := ""
	if u, err := user.Current(); err == nil {
		me = u.Username // whoever runs the sandbox speaks for alice on the command line
	}
	var people []who
	for _, s := range cast {
		if s.person == "" {
			continue
		}
		p := who{Name: s.person, SlackID: s.slackID, Login: s.login}
		if s.person == "alice" {
			p.LocalUser = me
		}
		people = append(people, p)
	}
	var stacks []stack
	for _, n := range stackNames {
		st := stack{Name: n, Dir: stackFolder + "/" + n, Role: n}
		backend := infra.Backend(n)
		for _, k := range slices.Sorted(maps.Keys(backend)) {
			st.Backend = append(st.Backend, k+`: "`+backend[k]+`"`)
		}
		if n == home || n == standby {
			st.Role, st.Region = "region", n
		}
		stacks = append(stacks, st)
	}
	dir := filepath.Join(w.opts.Dir, "bot")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	state := w.opts.State
	if state == "" {
		state = dir
	}
	database := w.opts.Database
	if database == "" {
		database = "sqlite:" + state + "/drbot.db"
	}
	pace, poll, cooldown := "1200ms", "200ms", "30m"
	if w.opts.Quick {
		pace, poll, cooldown = "500ms", "50ms", "0s"
	}
	terraform := w.opts.Terraform
	if w.opts.BotTerraform != "" {
		terraform = w.opts.BotTerraform
	}
	run := infra.Run
	if terraform != w.opts.Terraform { // a script of the sandbox's before it
		run = slices.Concat(systemPrograms, []string{terraform, w.opts.Terraform, w.opts.Tool}, run)
	}
	if err := os.MkdirAll(w.host(), 0o700); err != nil {
		return "", err
	}
	made, err := w.made(infra)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = configTemplate.Execute(&b, map[string]any{
		"Listen": w.botAddr, "Dir": dir, "State": state, "Patient": w.opts.Patient, "Team": team, "SlackURL": w.slackURL, "HubURL": w.hubURL,
		"Terraform": terraform, "Infra": infra, "Allow": slices.Concat(infra.Allow, w.opts.Allow), "Isolation": cmp.Or(w.opts.Isolation, "auto"), "Users": w.opts.Users, "Run": run, "Host": w.host(), "Recheck": cmp.Or(w.opts.Recheck, 2*time.Minute).String(), "GiveUp": cmp.Or(w.opts.GiveUp, 2*time.Minute).String(), "Patience": (w.infra.patience() + w.infra.patience()).String(), "PassEnv": w.opts.PassEnv, "Cloud": w.Cloud.Layout, "Made": made, "People": people, "Stacks": stacks,
		"Service": Service, "Home": home, "Standby": standby, "Channel": channel, "Owner": owner, "Repo": repository,
		"Database": database, "Pace": pace, "Poll": poll, "Cooldown": cooldown, "CallTimeout": callTimeout.String(),
		"App": w.opts.App, "AppKey": w.appKey(), "File": regionFile, "Health": every(w.opts.HealthEvery), "Drift": every(w.opts.DriftEvery),
	})
	if err != nil {
		return "", err
	}
	return w.save(b.String())
}

// host is the folder of this host that Terraform may write to beside its own: for what
// scripts and provisioners of the sandbox leave there for it to see.
func (w *World) host() string { return hostFolder(w.opts.Dir) }

func hostFolder(dir string) string { return filepath.Join(dir, "host") }

// save writes the bot's configuration, but for one that was edited.
func (w *World) save(config string) (path string, err error) {
	path = w.ConfigPath()
	if w.Edited() {
		return path, nil // by whoever plays: it is theirs from here on
	}
	w.wrote = config
	return path, os.WriteFile(path, []byte(config), 0o600)
}

// ConfigPath is the bot's configuration.
func (w *World) ConfigPath() string { return filepath.Join(w.opts.Dir, "bot", "drbot.yaml") }

// Edited tells whether somebody has changed the bot's configuration since it was written.
func (w *World) Edited() bool {
	is, err := os.ReadFile(w.ConfigPath())
	return err == nil && w.wrote != "" && string(is) != w.wrote
}

// AwaitEdit waits until the bot's configuration is another than it is now.
func (w *World) AwaitEdit(ctx context.Context) error {
	was, err := os.ReadFile(w.ConfigPath())
	if err != nil {
		return err
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		// While it is being saved it may be gone, or empty.
		if is, err := os.ReadFile(w.ConfigPath()); err == nil && len(is) > 0 && string(is) != string(was) {
			return nil
		}
	}
}

// StartBot starts the bot and waits until it serves.
func (w *World) StartBot(ctx context.Context) error {
	cfg, err := w.writeConfig()
	if err != nil {
		return err
	}
	if w.Bot, err = w.spawn(cfg); err != nil {
		return err
	}
	return w.awaitBot(ctx, w.Bot)
}

func (w *World) spawn(cfg string) (*Bot, error) {
	log, err := os.OpenFile(filepath.Join(filepath.Dir(cfg), "drbot.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(w.opts.Bot, "serve", "--config", cfg)
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: Ctrl-C on the sandbox ends the bot by its own hand.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, w.environment()...)
	cmd.Env = append(cmd.Env, w.opts.BotEnv...) // of two values the last holds
	start := w.opts.Start
	if start == nil {
		start = (*exec.Cmd).Start
	}
	if err := start(cmd); err != nil {
		return nil, fmt.Errorf("start the bot: %w", err)
	}
	b := &Bot{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its log; that it ended is what counts here
		close(b.done)
	}()
	return b, nil
}

// environment is what the bot is told of its accounts.
func (w *World) environment() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=sandbox", "AWS_SECRET_ACCESS_KEY=sandbox",
		"DRBOT_SLACK_TOKEN=" + w.secrets.slackToken, "DRBOT_SLACK_SIGNING_SECRET=" + w.secrets.signing,
		"DRBOT_GITHUB_TOKEN=" + w.secrets.githubToken, "DRBOT_GITHUB_WEBHOOK_SECRET=" + w.secrets.webhook,
		"DRBOT_HASH_KEY=" + w.secrets.hashKey,
	}
}

// WriteEnvironment writes a file that a shell reads to have the bot's command line work
// in this world, and gives its path.
func (w *World) WriteEnvironment() (string, error) {
	var b strings.Builder
	for _, line := range append(w.environment(), "DRBOT_CONFIG="+filepath.Join(w.opts.Dir, "bot", "drbot.yaml")) {
		name, value, _ := strings.Cut(line, "=")
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	path := filepath.Join(w.opts.Dir, "bot", "env")
	return path, os.WriteFile(path, []byte(b.String()), 0o600)
}

// awaitBot waits until the bot answers, or says why it ended.
func (w *World) awaitBot(ctx context.Context, b *Bot) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.botAddr+"/healthz", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			body, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
			_ = res.Body.Close()
			if err == nil && res.StatusCode == http.StatusOK && strings.TrimSpace(string(body)) == "ok" {
				return nil // a standby is healthy too, and says so
			}
		}
		select {
		case <-b.done:
			return fmt.Errorf("the bot ended at its start:\n%s", w.botLog(20))
		case <-ctx.Done():
			return errors.Join(ctx.Err(), fmt.Errorf("the bot does not answer:\n%s", w.botLog(20)))
		case <-tick.C:
		}
	}
}

// awaitLog waits until the bot's log has a line.
func (w *World) awaitLog(ctx context.Context, line string) error {
	ctx, cancel := context.WithTimeout(ctx, w.infra.patience())
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(w.botLog(1000), line) {
		select {
		case <-ctx.Done():
			return wrongf("the bot's log does not say %q:\n%s", line, w.botLog(20))
		case <-tick.C:
		}
	}
	return nil
}

// botLog is the end of the bot's log.
func (w *World) botLog(lines int) string {
	data, err := os.ReadFile(filepath.Join(w.opts.Dir, "bot", "drbot.log"))
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
