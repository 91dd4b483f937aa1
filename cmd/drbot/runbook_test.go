package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
)

// TestRunbookShow compares what is shown with the steps that a run would have.
func TestRunbookShow(t *testing.T) {
	p := newPlace(t)
	s := p.cfg.Services["portal"]
	for _, c := range []struct {
		args   []string
		kind   dr.Kind
		mode   dr.Mode
		target dr.Region
	}{
		{[]string{"failover", "planned"}, dr.Failover, dr.Planned, "ap-northeast-1"},
		{[]string{"failover", "disaster"}, dr.Failover, dr.Disaster, "ap-northeast-1"},
		{[]string{"failback", "planned"}, dr.Failback, dr.Planned, "ap-northeast-2"},
		{[]string{"failback", "disaster"}, dr.Failback, dr.Disaster, "ap-northeast-2"},
		{[]string{"resume", "planned"}, dr.Resume, dr.Planned, "ap-northeast-1"},
		{[]string{"resume", "disaster"}, dr.Resume, dr.Disaster, "ap-northeast-1"},
		{[]string{"failover", "planned", "--to", "ap-northeast-2"}, dr.Failover, dr.Planned, "ap-northeast-2"},
	} {
		list, err := workflows.Steps(standard().shown(), s, dr.Request{Kind: c.kind, Service: s.Name, Target: c.target, Mode: c.mode})
		if err != nil {
			t.Fatal(err)
		}
		want := workflows.StepNames(c.kind, list)
		args := append([]string{"runbook", "show", "portal"}, c.args...)
		out, _ := p.types(0, args...)
		head, names, _ := strings.Cut(strings.TrimSuffix(out, "\n"), "\n  ")
		if got := strings.Split(names, "\n  "); !slices.Equal(got, want) {
			t.Errorf("%v shows %v; a run has %v", args, got, want)
		}
		if !strings.Contains(head, string(c.kind)) || !strings.Contains(head, string(c.target)) || !strings.Contains(head, string(c.mode)) {
			t.Errorf("%v is headed %q", args, head)
		}
		out, _ = p.types(0, append(args, "--json")...)
		var got []string
		if err := json.Unmarshal([]byte(out), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("as JSON %v (%v); a run has %v", got, err, want)
		}
	}
}

// TestRunbookShowRefuses asks for what there is not, and expects to be told what to type.
func TestRunbookShowRefuses(t *testing.T) {
	p := newPlace(t)
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"portla failover planned", 1, `error: there is no service "portla".` + "\ndid you mean drbot runbook show portal failover planned?\n"},
		{"portla failower diaster", 1, "did you mean drbot runbook show portal failover disaster?\n"},
		{"billing failover planned", 1, `error: there is no service "billing".` + "\ntry one of: portal\n"},
		{"portal failower planned", 2, `error: there is no runbook "failower"; there are failover, failback, resume.` + "\ndid you mean drbot runbook show portal failover planned?\n"},
		{"portal drift planned", 2, "try: drbot runbook show portal failover planned\n"},
		{"portal failback plan", 2, `error: "plan" is not a mode: planned loses nothing and needs both Regions, disaster accepts data loss.` + "\ntry: drbot runbook show portal failback planned\n"},
		{"portal failover", 2, "try: drbot runbook show SERVICE failover planned\n"},
		{"portal failover planned --to us-east-1", 2, `error: "us-east-1" is not a Region of portal, which lives in ap-northeast-2 and ap-northeast-1.` + "\ntry one of: ap-northeast-2, ap-northeast-1\n"},
	} {
		if out, said := p.types(c.status, append([]string{"runbook", "show"}, strings.Fields(c.args)...)...); out != "" || !strings.Contains(said, c.want) {
			t.Errorf("%s: printed %q, said %q", c.args, out, said)
		}
	}
}

// TestMistypedSubcommand types a command that its group does not have.
func TestMistypedSubcommand(t *testing.T) {
	for _, c := range []string{"config check drbot.yaml", "audit list 5", "serve now", "reference x"} {
		if status, out, err := typed(strings.Fields(c)...); status != 2 || out != "" || !strings.Contains(err, "I do not understand") || !strings.Contains(err, " --help") {
			t.Errorf("%s: status %d, %q, %q", c, status, out, err)
		}
	}
	for _, c := range []string{"audit verfy", "config chekc", "runbook shw"} {
		group, _, _ := strings.Cut(c, " ")
		if status, out, said := typed(strings.Fields(c)...); status != 2 || out != "" || !strings.Contains(said, "try: drbot "+group+" --help") {
			t.Errorf("%s: status %d, %q, %q", c, status, out, said)
		}
	}
}
