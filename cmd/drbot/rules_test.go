package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

// withGitHub is a place whose configuration names a local GitHub.
func withGitHub(t *testing.T) (*place, *sandbox.Server) {
	t.Helper()
	p := newPlace(t)
	s, err := sandbox.New(t.Context(), sandbox.Options{
		Dir: t.TempDir(), Owner: "acme", Repo: "infrastructure", BotLogin: "drbot", BotToken: "t0ken",
		SeedFiles: map[string]string{"terraform/live/portal/active_region.auto.tfvars": "active_region = \"ap-northeast-2\"\n"},
		Personas: []sandbox.Persona{
			{Login: "alice-kim", Permission: "admin"}, {Login: "bob-lee", Permission: "write"}, {Login: "carol-park", Permission: "write"}, {Login: "dave-choi", Permission: "write"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	s.SetBaseURL(web.URL)
	t.Cleanup(func() { _ = s.Close(); web.Close() })
	data, err := os.ReadFile(p.env["DRBOT_CONFIG"])
	if err != nil {
		t.Fatal(err)
	}
	const line = "  # api_url: https://github.example.com/api/v3/ "
	if !strings.Contains(string(data), line) {
		t.Fatal("the example has no address of GitHub")
	}
	p.env["DRBOT_CONFIG"] = filepath.Join(t.TempDir(), "drbot.yaml")
	text := strings.Replace(string(data), line, "  api_url: "+web.URL+"/api/v3/ ", 1)
	if err := os.WriteFile(p.env["DRBOT_CONFIG"], []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.env["DRBOT_GITHUB_TOKEN"] = "t0ken"
	return p, s
}

// TestCheckGitHub types the command: 0 where nothing stops a run, 1 where something does,
// each with its words and how to mend it, with no other secret than GitHub's token.
func TestCheckGitHub(t *testing.T) {
	p, s := withGitHub(t)
	out, errs := p.types(0, "check", "github", "portal")
	for _, want := range []string{
		"access to the repository (github.access): ok\n", "methods of merging (github.methods): ok (allowed: merge, squash, rebase)\n", "active_region file (github.file): ok (mode 100644)\n", "merge queue (github.queue): ok\n",
		"author of the commits (github.author): unknown (drbot has opened no pull request here", "\n  to mend it: Add the address to the machine account",
	} {
		if !strings.Contains(out, want) || errs != "" {
			t.Errorf("it prints\n%s%snot %q", out, errs, want)
		}
	}
	s.Demand("main", sandbox.Demands{Queue: true, Checks: []string{"ci"}, Strict: true})
	s.AllowAutoMerge(true)
	out, errs = p.types(1, "check", "github", "portal")
	for _, want := range []string{
		"merge queue (github.queue): ok (a merge queue is required: the approved pull request is put into it and followed)\n",
		"required checks (github.checks): fail (required, and reported by nobody on the last commits of main: ci)\n  to mend it: Take the check out",
		"branch up to date (github.up-to-date): ok (a pull request must be up to date with main: drbot makes the newer head itself, which takes approvals of its own)\n", "auto-merge (github.auto-merge): ok (auto-merge is allowed: drbot switches it off on its own pull requests)\n",
	} {
		if !strings.Contains(out, want) || errs != "" {
			t.Errorf("it prints\n%s%snot %q", out, errs, want)
		}
	}
	out, _ = p.types(1, "check", "github", "portal", "--json")
	var checks []dr.Check
	if err := json.Unmarshal([]byte(out), &checks); err != nil || len(checks) < 15 || checks[0].Name == "" {
		t.Errorf("as JSON %d checks, %v", len(checks), err)
	}
	p.env["DRBOT_GITHUB_TOKEN"] = "revoked"
	if out, _ = p.types(1, "check", "github", "portal"); !strings.Contains(out, "access to the repository (github.access): fail (GitHub refuses the token: it is missing, expired or revoked)\n  to mend it: Renew the token") {
		t.Errorf("with a refused token it prints\n%s", out)
	}
	p.env["DRBOT_GITHUB_TOKEN"] = ""
	if _, errs = p.types(1, "check", "github", "portal"); !strings.Contains(errs, "DRBOT_GITHUB_TOKEN") {
		t.Errorf("without a token: %q", errs)
	}
	if _, errs = p.types(1, "check", "github", "mail"); !strings.Contains(errs, `"mail"`) || !strings.Contains(errs, "portal") {
		t.Errorf("of a service that is not there: %q", errs)
	}
	for _, wrong := range [][]string{{"check", "github"}, {"check", "github", "a", "b"}, {"check", "gitlab"}} {
		if _, errs := p.types(2, wrong...); !strings.Contains(errs, "try: drbot check ") {
			t.Errorf("%v: %q", wrong, errs)
		}
	}
}

// known tells of rules as it is told to.
type known map[string][]dr.Check

func (k known) Rules(_ context.Context, s dr.Service, _ dr.Mode) []dr.Check { return k[s.Name] }

// TestTellRules reads the log of a start: what would stop a run, by service, in words and
// with how to mend it; nothing of what is well, delays or is not known.
func TestTellRules(t *testing.T) {
	words, err := shellWords()
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, l dr.Level, why dr.Text) dr.Check {
		return dr.Check{Name: name, Level: l, Detail: why}
	}
	rules := known{
		"portal": {check("github.access", dr.Fail, dr.T("rule.token-refused")), check("github.queue", dr.Unknown, dr.T("rule.queue"))},
		"mail":   {check("github.access", dr.OK, dr.Text{}), check("github.up-to-date", dr.Warn, dr.T("rule.auto-merge"))},
	}
	var b bytes.Buffer
	tellRules(t.Context(), rules, map[string]dr.Service{"portal": {Name: "portal"}, "mail": {Name: "mail"}}, slog.New(slog.NewTextHandler(&b, nil)), words.Say)
	said := b.String()
	for _, want := range []string{"level=ERROR", "service=portal", "check=github.access", "GitHub refuses the token: it is missing, expired or revoked", "mend=\"Renew the token"} {
		if strings.Count(said, want) != 1 {
			t.Errorf("%q is not said once in:\n%s", want, said)
		}
	}
	if strings.Contains(said, "mail") || strings.Contains(said, "queue") {
		t.Errorf("it is said of what stops nothing:\n%s", said)
	}
}

// A server whose token is refused starts, says so, and takes up what was under way.
func TestServeWithARefusedToken(t *testing.T) {
	p, s := withGitHub(t)
	nobody := strings.TrimSuffix(s.CloneURL(), "acme/infrastructure.git") + "slack/" // answers, and is no Slack
	for _, name := range []string{"DRBOT_SLACK_TOKEN", "DRBOT_SLACK_SIGNING_SECRET", "DRBOT_GITHUB_WEBHOOK_SECRET"} {
		p.env[name] = "not-a-secret"
	}
	p.env["DRBOT_GITHUB_TOKEN"] = "revoked"
	data, err := os.ReadFile(p.env["DRBOT_CONFIG"])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := string(data)
	for old, now := range map[string]string{
		`listen: ":8080"`: `listen: "127.0.0.1:0"`, "/run/drbot/drbot.sock": filepath.Join(dir, "s"), "work_dir: /var/lib/drbot/work": "work_dir: " + dir, "throwaway: false": "throwaway: true",
		"# api_url: http://127.0.0.1:8065/api/": "api_url: " + nobody,
	} {
		if !strings.Contains(text, old) {
			t.Fatalf("the example has no %s", old)
		}
		text = strings.Replace(text, old, now, 1)
	}
	if err := os.WriteFile(p.env["DRBOT_CONFIG"], []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	st := p.open()
	p.runs(st, "portal-1")
	_ = st.Close()
	ctx, stop := context.WithCancel(t.Context())
	log := &watched{line: make(chan string, 1000)}
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"serve"}, p.getenv, log, log) }()
	serving, refused := false, false
	for limit := time.After(time.Minute); !serving || !refused; {
		select {
		case l := <-log.line:
			serving = serving || strings.Contains(l, `"msg":"serving"`)
			refused = refused || strings.Contains(l, "GitHub refuses the token") && strings.Contains(l, "Renew the token") && strings.Contains(l, `"level":"ERROR"`)
		case status := <-ended:
			t.Fatalf("it ended with %d", status)
		case <-limit:
			t.Fatalf("serving: %v, told: %v", serving, refused)
		}
	}
	stop()
	if status := <-ended; status != 0 {
		t.Errorf("it ended with %d", status)
	}
	p.has("portal-1")
}

// watched gives the lines of a log one by one.
type watched struct{ line chan string }

func (w *watched) Write(b []byte) (int, error) {
	select {
	case w.line <- string(b):
	default: // nobody reads any more
	}
	return len(b), nil
}
