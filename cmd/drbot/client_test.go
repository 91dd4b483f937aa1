package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
	"github.com/drbot/drbot/view"
	"github.com/drbot/drbot/workflows"
)

// books answers as it is told and keeps what it was asked.
type books struct {
	run      dr.Run
	existing bool
	said     dr.Text
	standing []dr.Text
	err      error

	start  workflows.StartCommand
	caller workflows.Caller
	asked  []string
}

func (b *books) Start(_ context.Context, c workflows.Caller, cmd workflows.StartCommand) (dr.Run, bool, error) {
	b.start, b.caller = cmd, c
	return b.run, b.existing, b.err
}

func (b *books) Cancel(_ context.Context, _ workflows.Caller, run string) (dr.Run, dr.Text, error) {
	b.asked = []string{"cancel", run}
	return b.run, b.said, b.err
}

func (b *books) Answer(_ context.Context, _ workflows.Caller, run string, reply workflows.Reply) (dr.Run, dr.Text, error) {
	b.asked = []string{"answer", run, reply.Verb}
	return b.run, b.said, b.err
}

func (b *books) Status(_ context.Context, _ workflows.Caller, look workflows.Look) (workflows.Status, error) {
	b.asked = []string{"status", look.Service}
	out := workflows.Status{}
	if look.Standing {
		out.Standing = b.standing
	}
	if b.run.Run != "" {
		out.Runs = []dr.Run{b.run}
	}
	return out, b.err
}

// host serves books on a socket and runs the program against it.
type host struct {
	*books
	socket  string
	strange bool     // nobody is known
	away    sync.Map // who was turned away
	door    *door
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{books: &books{}, socket: filepath.Join(t.TempDir(), "drbot.sock")}
	l, err := listenSocket(h.socket, -1)
	if err != nil {
		t.Fatal(err)
	}
	h.door = newDoor(l, func(user string) bool { return !h.strange }, func(who string, _ dr.Text) { h.away.Store(who, true) })
	srv := socketServer(h.books, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- srv.Serve(h.door) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return h
}

func (h *host) typed(args ...string) (status int, stdout, stderr string) {
	var out, err strings.Builder
	env := func(k string) string { return map[string]string{"DRBOT_SOCKET": h.socket}[k] }
	status = run(context.Background(), args, env, &out, &err)
	return status, out.String(), err.String()
}

var t0 = time.Date(2026, 8, 22, 3, 0, 0, 0, time.UTC)

func sample() dr.Run {
	return dr.Run{Request: dr.Request{Run: "portal-1", Kind: dr.Failover, Service: "portal", Target: "ap-northeast-1", Mode: dr.Disaster,
		Reason: "Seoul \x1b[31mis out", Requester: "alice", At: t0, Since: t0}, Source: "ap-northeast-2", State: dr.RunRunning,
		Objective: dr.Objectives{RTO: 4 * time.Hour}}
}

func TestStart(t *testing.T) {
	h := newHost(t)
	h.run = sample()
	status, out, errs := h.typed("failover", "portal", "--to", "ap-northeast-1", "--mode", "disaster", "--since", "2026-01-31T03:12:00Z", "--override-cooldown", "--reason", "it's out")
	if status != 0 || out != "run portal-1 has started\nfollow it with: drbot status portal-1\n" || errs != "" {
		t.Errorf("%d %q %q", status, out, errs)
	}
	want := workflows.StartCommand{Kind: dr.Failover, Service: "portal", Target: "ap-northeast-1", Mode: "disaster", Reason: "it's out",
		Since: time.Date(2026, 1, 31, 3, 12, 0, 0, time.UTC), Override: true}
	if h.start != want || h.caller.Via != "cli" || h.caller.LocalUser == "" {
		t.Errorf("asked for %+v by %+v", h.start, h.caller)
	}
	h.existing = true
	again := []string{"failback", "portal", "--to", "x", "--mode", "planned", "--reason", "y"}
	held := "error: portal is being moved already, by run portal-1: nothing was started.\ntry: drbot status portal-1\n"
	if status, out, errs = h.typed(again...); status != 1 || out != "" || errs != held || h.start.Kind != dr.Failback {
		t.Errorf("%d %q %q", status, out, errs)
	}
	if status, out, errs = h.typed(append(again, "--json")...); status != 1 || !strings.Contains(out, `"existing": true`) || errs != held {
		t.Errorf("as JSON: %d %q %q", status, out, errs)
	}
}

// TestRefused sees that what the server says to type next is written for a shell.
func TestRefused(t *testing.T) {
	h := newHost(t)
	h.err = &dr.Error{Code: dr.Denied, What: dr.T("which.service"), Next: dr.T("command.try", "command", dr.Cmd("failover", "service", "portal", "region", "ap-northeast-1")), Err: errors.New("a secret cause")}
	status, out, errs := h.typed("failover", "x", "--to", "y", "--mode", "planned", "--reason", "z")
	if want := "error: which service?\ntry: drbot failover portal --to ap-northeast-1 --mode planned|disaster --reason TEXT\n"; status != 1 || out != "" || errs != want {
		t.Errorf("%d %q %q", status, out, errs)
	}
	h.err = errors.New("the database says no")
	if status, _, errs = h.typed("cancel", "portal-1"); status != 1 || strings.Contains(errs, "database") || !strings.Contains(errs, "does not know what it is") {
		t.Errorf("%d %q", status, errs)
	}
	h.socket += ".gone"
	if status, _, errs = h.typed("status"); status != 1 || !strings.Contains(errs, "try: start it with: drbot serve --config /etc/drbot/drbot.yaml") {
		t.Errorf("%d %q", status, errs)
	}
}

func TestMisuse(t *testing.T) {
	h := newHost(t)
	for typed, want := range map[string]string{
		"failover":                              "error: which service?\ntry: drbot failover SERVICE --to REGION --mode planned|disaster --reason TEXT\n",
		"failover portal":                       "error: to which Region?\ntry: drbot failover portal --to REGION --mode planned|disaster --reason TEXT\n",
		"failover portal --to x":                "error: which mode? planned loses nothing and needs both Regions, disaster accepts data loss.\ntry: drbot failover portal --to x --mode planned|disaster --reason TEXT\n",
		"failback portal --to x --mode planned": "error: a reason is required; the approvers will read it.\ntry: drbot failback portal --to x --mode planned --reason TEXT\n",
		"failback p --to x --mode planned --since y --reason z": "error: \"y\" is not a time.\ntry: --since, such as 2026-01-31T03:12:00Z\n",
		"failback p q --to x --mode planned --reason z":         "error: I do not understand \"q\".\ntry: drbot failback SERVICE --to REGION --mode planned|disaster --reason TEXT\n",
		"cancel":               "error: which run?\ntry: drbot runs lists them; then drbot cancel RUN\n",
		"answer portal-1":      "error: which answer?\ntry: drbot answer portal-1 retry|accept|disaster|skip|stop\n",
		"status a b":           "error: I do not understand \"b\".\ntry: drbot status [SERVICE|RUN]\n",
		"runs a b":             "error: I do not understand \"b\".\ntry: drbot runs [SERVICE]\n",
		"runs --limit 0":       "error: --limit is a number from 1 to 1000; \"0\" is none.\ntry: drbot runs --help\n",
		"runs --limit -1":      "error: --limit is a number from 1 to 1000; \"-1\" is none.\ntry: drbot runs --help\n",
		"runs --limit x":       "error: --limit is a number from 1 to 1000; \"x\" is none.\ntry: drbot runs --help\n",
		"audit list --limit 0": "error: --limit is a number from 1 to 1000000; \"0\" is none.\ntry: drbot audit list --help\n",
		"stauts portal":        "error: there is no command \"stauts\".\ndid you mean drbot status?\n",
		"promote":              "error: there is no command \"promote\".\ntry: drbot --help\n",
		"status --no":          "error: a flag is not right: unknown flag: --no.\ntry: drbot status --help\n",
	} {
		status, out, errs := h.typed(strings.Fields(typed)...)
		if status != 2 || out != "" || errs != want {
			t.Errorf("%s: %d %q\n%s", typed, status, out, errs)
		}
	}
	if len(h.asked) > 0 || h.caller.Via != "" {
		t.Errorf("the server was asked: %v", h.asked)
	}
}

func TestSay(t *testing.T) {
	h := newHost(t)
	h.run, h.said = sample(), dr.T("run.starting")
	if status, out, _ := h.typed("answer", "portal-1", "retry"); status != 0 || out != "portal-1: starting\n" || !slices.Equal(h.asked, []string{"answer", "portal-1", "retry"}) {
		t.Errorf("%d %q %v", status, out, h.asked)
	}
	_, out, _ := h.typed("cancel", "portal-1", "--json")
	var ans sayAnswer
	if err := json.Unmarshal([]byte(out), &ans); err != nil || !ans.Said.Same(h.said) || ans.Run.Run != "portal-1" {
		t.Errorf("%v %q", err, out)
	}
	if _, out, _ := h.typed("runs"); out != "2026-08-22 03:00:00  portal-1                 running   Failover portal to ap-northeast-1 (disaster)\n" {
		t.Errorf("%q", out)
	}
	h.run = dr.Run{}
	if _, out, _ := h.typed("status", "portal"); out != "no runs yet\n" || !slices.Equal(h.asked, []string{"status", "portal"}) {
		t.Errorf("%q %v", out, h.asked)
	}
	h.standing = []dr.Text{dr.T("status.active", "service", "portal", "region", "ap-northeast-2", "base", "main"), dr.T("status.health.none")}
	idle := "portal is active in ap-northeast-2, as main says; no run is under way.\nThere is no health reading yet.\n"
	if _, out, _ := h.typed("status", "portal"); out != idle {
		t.Errorf("of an idle service it says %q", out)
	}
	if _, out, _ := h.typed("status", "portal", "--json"); out != "[]\n" {
		t.Errorf("as JSON it is %q", out)
	}
	h.run = sample()
	if _, out, _ := h.typed("status", "portal"); !strings.HasPrefix(out, idle+"portal-1: Failover portal") {
		t.Errorf("before the last run it says %q", out)
	}
}

// TestEveryVerb sees that each verb of the table is a command here, and is helped with.
func TestEveryVerb(t *testing.T) {
	h := newHost(t)
	_, help, _ := h.typed("--help")
	for _, v := range dr.Verbs() {
		if !strings.Contains(help, "\n  "+v.Name+" ") {
			t.Errorf("the help lacks %s:\n%s", v.Name, help)
		}
		_, own, _ := h.typed(v.Name, "--help")
		if v.Name != "help" && (strings.Contains(own, "more.") || strings.Count(own[:strings.Index(own, "Usage:")], "\n") < 4) {
			t.Errorf("the help of %s tells little:\n%s", v.Name, own)
		}
		for _, p := range v.Params {
			if p.Flag != "" && !strings.Contains(own, p.Flag) {
				t.Errorf("the help of %s lacks %s:\n%s", v.Name, p.Flag, own)
			}
			for _, choice := range p.Choices {
				if p.Flag == "" && !strings.Contains(own, "\n"+choice+" ") {
					t.Errorf("the help of %s does not say what %s does:\n%s", v.Name, choice, own)
				}
			}
		}
	}
}

func TestRunText(t *testing.T) {
	w, err := shellWords()
	if err != nil {
		t.Fatal(err)
	}
	paused := sample()
	paused.State, paused.MergeSHA, paused.Outcome, paused.Next = dr.RunPaused, "abc", dr.T("test.lack"), dr.T("test.next")
	paused.Change = dr.Change{Number: 7, URL: "https://github.com/acme/infrastructure/pull/7"}
	paused.Accepts = []dr.Text{dr.T("test.loss")}
	paused.Checks = []dr.Check{{Name: "db.ok", Level: dr.OK}, {Name: "ecs.tasks", Resource: "api", Level: dr.Warn}}
	paused.Approval = dr.Approval{Needed: 2, By: []string{"bob", "carol"}}
	paused.Steps = []dr.Step{
		{Name: "authorize", State: dr.StepDone, Started: t0, Ended: t0.Add(time.Second), Detail: dr.T(dr.Words, "words", dr.Foreign("by\nalice"))},
		{Name: "gate/1", State: dr.StepFailed, Started: t0.Add(time.Second), Ended: t0.Add(time.Minute)},
		{Name: "verify", State: dr.StepPending},
	}
	paused.Question = &dr.Question{Step: "gate/1", Means: dr.T("test.means"), Answers: []string{"retry", "accept", "stop"}, Takes: map[string]int{"accept": 2}, Digest: "12345678"}
	want := `portal-1: Failover portal to ap-northeast-1 (disaster)
ap-northeast-2 → ap-northeast-1, requested by alice: Seoul [31mis out
paused · 1h0m since the request · 3h0m left of the RTO of 4h0m
change https://github.com/acme/infrastructure/pull/7
accepted: test.loss
not ok: ecs.tasks of api: warn
  done     authorize                          1s  by alice
  failed   gate/1                            59s
  pending  verify
Approvals 2 of 2: bob, carol
Paused at gate/1.
test.lack
test.means
  retry: Retry gate/1 of portal-1: it is done again from where it stands.
    drbot answer portal-1 retry
  accept: Accept what gate/1 of portal-1 found beyond what was approved, as it stands above, once 2 people other than alice say so.
    drbot answer portal-1 accept 12345678
  stop: Stop portal-1 at gate/1: once 2 people say so, the run ends. The change stays merged and nothing is rolled back.
    drbot answer portal-1 stop
try: test.next
`
	if got := runText(w, view.Run(paused, t0.Add(time.Hour))); got != want {
		t.Errorf("it is shown as\n%s", got)
	}
	done := sample()
	done.State, done.Ended = dr.RunSucceeded, t0.Add(time.Hour)
	done.Steps = []dr.Step{{Name: "verify", State: dr.StepSkipped, Started: t0, Ended: t0.Add(time.Second)}}
	done.Result = &dr.Result{RTA: time.Minute, RTO: 4 * time.Hour, RPO: 5 * time.Minute}
	got := runText(w, view.Run(done, t0.Add(9*time.Hour)))
	if !strings.HasSuffix(got, "portal was moved to ap-northeast-1, and that it serves there was not seen: verify skipped.\nRTA unknown of RTO 4h0m: verify was skipped\nRPA unknown of RPO 5m0s: the replication lag was not known at the promotion\n") || strings.Contains(got, "Steps:") {
		t.Errorf("it is shown as\n%s", got)
	}
	nonsense := runText(texttest.Nonsense(t).In("en", "shell"), view.Run(paused, t0))
	for _, own := range []string{"requested", "since", "Approvals", "change ", "\ntry:"} {
		if strings.Contains(nonsense, own) {
			t.Errorf("%q is in no catalogue:\n%s", own, nonsense)
		}
	}
}
