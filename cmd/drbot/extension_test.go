package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/systems"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/store"
	"github.com/drbot/drbot/internal/tf"
	"github.com/drbot/drbot/policies"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
	standin "github.com/drbot/drbot/workflows/world"
)

// What this file adds to the program: a system with two checks, a kind of step that works
// on it, a command and their words. Nothing outside of it knows of them.

var queueInfo = dr.SystemInfo{
	ID:     "queue",
	Fields: []dr.Field{{Name: "url", Regional: true, Form: `https://[a-z.-]+/[a-z]+`}},
	Specs: []dr.Spec{
		{ID: "queue.depth", Unit: "messages", Threshold: 100, Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedOK, dr.Disaster: dr.NeedFact}},
		{ID: "queue.policy"},
	},
}

const queueWords = `
field.queue.url: "the address of the queue"
verb.ping: "whether the queue answers"
kind.drain: "waits until the queue is empty"
drain.done: "{{.queue}} is empty in {{.region}}"
check.queue.depth: "how many messages wait"
mend.queue.depth: "wait until the workers are done"
check.queue.policy: "whether both Regions let the same senders in"
mend.queue.policy: "apply the Region's stack"
queue.too-deep: "{{.n}} messages wait in {{.queue}}"
`

func extended() parts {
	p := standard()
	p.verbs = append(p.verbs, dr.Verb{Name: "ping", Params: []dr.Param{{Name: "service"}}})
	p.kinds = func(w *steps.World) []steps.Kind { return append(steps.Kinds(w), drainKind()) }
	p.systems = func(c *aws.Client) systems.Systems {
		return append(systems.All(c), systems.System{SystemInfo: queueInfo, Reader: queues{}})
	}
	p.messages = []byte(queueWords)
	return p
}

func drainKind() steps.Kind {
	return steps.Kind{ID: "drain", Skip: steps.AnyApprover, Act: &dr.ActInfo{On: "queue"}, Make: func(j steps.Job) ([]engine.Step, error) {
		var all []engine.Step
		for _, q := range j.Service.ResourcesOf("queue") {
			if j.Which == "" || j.Which == q.Name {
				all = append(all, drain{q.Name, j.Source})
			}
		}
		return all, nil
	}}
}

type drain struct {
	queue string
	in    dr.Region
}

func (s drain) Name() string { return "drain/" + s.queue }

func (s drain) Do(context.Context, *engine.Run) (engine.Outcome, error) {
	return engine.Done(nil, dr.T("drain.done", "queue", s.queue, "region", s.in))
}

// queues reads the checks: one queue is too deep, and its policy is as it must be.
type queues struct{}

func (queues) Specs() []dr.Spec { return queueInfo.Specs }

func (queues) Read(_ context.Context, t dr.Target) []dr.Check {
	depth := 250.0
	return []dr.Check{
		{Name: "queue.depth", Region: t.Source, Level: dr.Warn, Value: &depth, Unit: "messages", Detail: dr.T("queue.too-deep", "n", 250, "queue", t.Resource.In[t.Source]["url"]), At: time.Now()},
		{Name: "queue.policy", Region: t.Target, Level: dr.OK, At: time.Now()},
	}
}

// typed is typed for a program of other parts.
func (p parts) typed(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = p.run(context.Background(), args, func(string) string { return "" }, &out, &err)
	return status, out.String(), err.String()
}

// TestExtension types at a program with one more of each: every place that lists them does.
func TestExtension(t *testing.T) {
	p := extended()
	data, err := os.ReadFile("../../drbot.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	conf := strings.Replace(string(data), "    resources:\n", `    resources:
      - name: jobs
        system: queue
        in:
          ap-northeast-2: {url: "https://queue.seoul/jobs"}
          ap-northeast-1: {url: "https://queue.tokyo/jobs"}
`, 1)
	conf = strings.Replace(conf, "acts: [promote, apply/target, redeploy", "acts: [promote, apply/target, drain/jobs, redeploy", 1)
	path := filepath.Join(t.TempDir(), "drbot.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(conf)
	expect := func(status int, want string, args ...string) {
		t.Helper()
		got, out, complaint := p.typed(args...)
		if all := out + complaint; got != status || !strings.Contains(all, want) {
			t.Errorf("%v: status %d, %s\nit must say %q", args, got, all, want)
		}
	}
	expect(0, "is good: 1 service,", "config", "check", "--config", path)
	expect(0, "\n  drain/jobs\n", "runbook", "show", "portal", "failover", "planned", "--config", path)
	expect(0, "ping ", "--help")
	expect(0, "Whether the queue answers", "ping", "--help")
	expect(1, "type it in Slack", "ping", "portal", "--config", path)
	for _, row := range []string{
		"| `/dr ping SERVICE` | `drbot ping SERVICE` | Whether the queue answers |",
		"| `drain` | `drain[/NAME]` |", "| `queue` | `url` |",
		"| `queue.depth` | `queue` | messages |", "Wait until the workers are done |", "| `queue.policy` | `queue` |",
	} {
		expect(0, row, "reference")
	}
	write(strings.Replace(conf, "https://queue.tokyo/jobs", "tokyo", 1))
	expect(1, `services[0].resources[0].in.ap-northeast-1.url: "tokyo" is not the address of the queue`, "config", "check", "--config", path)
	write(strings.Replace(conf, "drain/jobs", "drain/mail", 1))
	expect(1, "services[0].acts[2]", "config", "check", "--config", path)

	// The program without it knows nothing of it.
	write(conf)
	if status, _, complaint := typed("config", "check", "--config", path); status != 1 || !strings.Contains(complaint, `"queue"`) {
		t.Errorf("status %d, %q", status, complaint)
	}
}

// TestExtensionServes assembles the bot of the other parts: it works with all of them, and
// the new command, typed in Slack, is listed there and moves no service.
func TestExtensionServes(t *testing.T) {
	p := extended()
	dir := t.TempDir()
	cfg, err := config.Load("../../drbot.example.yaml", p.config(func(name string) string {
		if name == "DRBOT_DATABASE_URL" {
			return "sqlite:" + filepath.Join(dir, "drbot.db")
		}
		return "9f86d081 is a secret of " + name
	}, true))
	if err != nil {
		t.Fatal(err)
	}
	cfg.WorkDir, cfg.Throwaway = filepath.Join(dir, "work"), true
	lock, err := store.AcquireLock(t.Context(), cfg.Database, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	st, err := openStore(t.Context(), cfg, cfg.Terraform.HashKey, false, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	as, err := newCredentials(cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	forge, err := p.newForge(cfg, as, quiet)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.assemble(t.Context(), cfg, as, tf.Isolation{}, forge, st, lock, func(error) {}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.books.Close(time.Second) }()
	if !slices.ContainsFunc(s.books.Kinds, func(k steps.Kind) bool { return k.ID == "drain" }) {
		t.Error("it cannot make the step")
	}
	jobs := dr.Service{Name: "jobs", Resources: []dr.Resource{{Name: "jobs", System: "queue"}}}
	if checks := s.books.Cloud.Systems.Checks(t.Context(), jobs, dr.Planned, standin.Seoul, standin.Tokyo); len(checks) != 2 {
		t.Errorf("it reads %v", checks)
	}
	for typed, want := range map[string]string{"help": "hether the queue answers", "ping portal": "`ping` is nothing that I do from Slack"} {
		body := url.Values{"team_id": {cfg.Slack.TeamID}, "user_id": {"U1"}, "text": {typed}}.Encode()
		r := httptest.NewRequest(http.MethodPost, "/slack/commands", strings.NewReader(body))
		at := strconv.FormatInt(time.Now().Unix(), 10)
		mac := hmac.New(sha256.New, []byte(cfg.Slack.SigningSecret))
		mac.Write([]byte("v0:" + at + ":" + body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Slack-Request-Timestamp", at)
		r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		var said struct{ Text string }
		if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || !strings.Contains(said.Text, want) {
			t.Errorf("/dr %s: %d %q, %v", typed, w.Code, said.Text, err)
		}
	}
}

// TestExtensionRuns moves a service that has the new resource: the rules judge its checks,
// the nightly report tells them, and its step runs where the acts list it.
func TestExtensionRuns(t *testing.T) {
	all := systems.Systems{{SystemInfo: queueInfo, Reader: queues{}}}
	catalogue, err := text.New(extended().verbs)
	if err != nil {
		t.Fatal(err)
	}
	if err := catalogue.Add("en", []byte(queueWords)); err != nil {
		t.Fatal(err)
	}
	words := catalogue.In("en", text.Slack)
	withQueue := func(s *dr.Service) {
		s.Resources = append(s.Resources, dr.Resource{Name: "jobs", System: "queue", In: map[dr.Region]map[string]string{
			standin.Seoul: {"url": "https://queue.seoul/jobs"}, standin.Tokyo: {"url": "https://queue.tokyo/jobs"},
		}})
		s.Acts = append([]string{"drain"}, s.Acts...)
		s.Schedule = dr.Schedule{TimeZone: "Asia/Seoul", Drift: "*/10 * * * *"}
	}
	rules, err := policies.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	standin.Run(t, standin.Options{Service: withQueue, Systems: all, Kinds: []steps.Kind{drainKind()}}, func(t *testing.T, w *standin.World) {
		s := w.Services["portal"]
		for mode, want := range map[dr.Mode]bool{dr.Planned: false, dr.Disaster: true} {
			facts := dr.ReadinessFacts{
				Mode: mode, Source: standin.Seoul, Target: standin.Tokyo, Strategy: s.Strategy, RPO: s.Objectives.RPO.Seconds(), Resources: len(s.Resources),
				Checks: all.Checks(t.Context(), s, mode, standin.Seoul, standin.Tokyo), Expected: all.Expected(s, mode),
			}
			verdict, err := rules.Readiness(t.Context(), facts)
			if err != nil {
				t.Fatal(err)
			}
			denied := slices.ContainsFunc(verdict.Reasons, func(r dr.Text) bool { return strings.Contains(words.Say(r), "queue.depth") })
			if denied == want {
				t.Errorf("%s: the rules give %v", mode, verdict.Reasons)
			}
		}
		w.Schedule(t.Context())
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		posted := ""
		for _, n := range w.Said() {
			for _, line := range append([]dr.Text{n.Title}, n.Lines...) {
				posted += words.Say(line) + "\n"
			}
		}
		if !strings.Contains(posted, "queue.depth") || !strings.Contains(posted, "250 messages wait in https://queue.seoul/jobs") {
			t.Errorf("the posts are\n%s", posted)
		}
		list, err := workflows.Steps(append(steps.Kinds(&steps.World{}), drainKind()), s, dr.Request{Kind: dr.Failover, Service: s.Name, Target: standin.Tokyo, Mode: dr.Planned})
		if err != nil || !slices.Contains(workflows.StepNames(dr.Failover, list), "drain/jobs") {
			t.Errorf("the steps are %v, %v", workflows.StepNames(dr.Failover, list), err)
		}
	})
}
