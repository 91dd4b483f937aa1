package bot

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var t0 = time.Date(2026, 8, 22, 3, 0, 0, 0, time.UTC)

func sampleRun() dr.Run {
	return dr.Run{
		Request: dr.Request{Run: "portal-1a2b3c4d", Kind: dr.Failover, Service: "portal", Target: "ap-northeast-1", Mode: dr.Disaster,
			Reason: "Seoul <down> & out", Requester: "alice", At: t0, Since: t0.Add(-10 * time.Minute)},
		Source: "ap-northeast-2", State: dr.RunWaiting, Objective: dr.Objectives{RTO: 4 * time.Hour, RPO: 5 * time.Minute},
		Steps: []dr.Step{
			{Name: "authorize", State: dr.StepDone, Started: t0, Ended: t0.Add(100 * time.Millisecond), Detail: "requested by alice"},
			{Name: "await-approval", State: dr.StepRunning, Started: t0.Add(3 * time.Second), Detail: "1 of 2"},
			{Name: "merge", State: dr.StepPending},
		},
		Accepts: []string{"expected data loss about 0.4 s"},
		Change:  dr.Change{Number: 7, URL: "https://github.com/acme/infrastructure/pull/7"}, PlanLine: "4 to add",
		Approval: dr.Approval{Needed: 2, By: []string{"bob"}, Waiting: []string{"carol", "dave"},
			Decision: dr.Decision{Reasons: []string{"needs one more approval, on 3f2c91a"}},
			Ignored:  []dr.IgnoredVoice{{By: "alice", Reason: "asked for this run"}}},
		Expires: t0.Add(time.Hour),
	}
}

func golden(t *testing.T, name string, blocks []slack.Block) {
	t.Helper()
	got, err := json.MarshalIndent(blocks, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(want)) != string(got) {
		t.Errorf("%s is now:\n%s", name, got)
	}
}

func TestRunMessage(t *testing.T) {
	now := t0.Add(65 * time.Second)
	waiting := sampleRun()

	applying := sampleRun()
	applying.State, applying.MergeSHA = dr.RunRunning, "abc"
	applying.Progress = &dr.Progress{Stack: "tokyo", Done: 3, Total: 12, Current: "module.x.aws_lb.this[\"`a`\"]"}

	paused := sampleRun()
	paused.State, paused.MergeSHA, paused.Outcome, paused.Hint = dr.RunPaused, "abc", "Tokyo is not healthy: 0 of 2 targets are healthy", "mend it, then answer retry"
	paused.Question = &dr.Question{Step: "gate/1", Number: 1, Means: "nothing is rolled back", Answers: []string{"retry", "skip", "stop"}, Needed: 2, Votes: []string{"bob"}}

	done := sampleRun()
	done.State, done.Ended = dr.RunSucceeded, t0.Add(time.Hour)
	done.Result = &dr.Result{RTA: 70 * time.Minute, RTO: 4 * time.Hour, RPA: 61 * time.Second, RPAKnown: true, RPO: 5 * time.Minute}

	for name, run := range map[string]dr.Run{"waiting": waiting, "applying": applying, "paused": paused, "done": done} {
		t.Run(name, func(t *testing.T) {
			_, blocks := RunMessage(run, now)
			golden(t, name, blocks)
		})
	}
}

// TestRunMessageFits gives the message the longest of everything and counts what
// Slack counts.
func TestRunMessageFits(t *testing.T) {
	long := strings.Repeat("가<&>", 3000)
	run := sampleRun()
	run.State, run.Reason, run.Outcome, run.Hint = dr.RunPaused, long, long, long
	run.Question = &dr.Question{Step: long, What: long, Means: long, Answers: []string{"retry", "skip", "stop"}}
	run.Accepts = []string{long, long, long}
	for range 60 {
		run.Steps = append(run.Steps, dr.Step{Name: "apply/stack", State: dr.StepFailed, Started: t0, Detail: long})
		run.Approval.Ignored = append(run.Approval.Ignored, dr.IgnoredVoice{By: "somebody", Reason: long})
		run.Approval.Reasons = append(run.Approval.Reasons, long)
	}
	text, blocks := RunMessage(run, t0)
	fits(t, text, blocks)
	note := dr.Note{Title: long, Context: long, Lines: []string{long, long, long, long, long, long}}
	for range 500 {
		note.Lines = append(note.Lines, long)
	}
	text, blocks = NoteMessage(note, func(p string) string { return p })
	fits(t, text, blocks)
}

func fits(t *testing.T, text string, blocks []slack.Block) {
	t.Helper()
	total := 0
	count := func(s string, most int) {
		n := len([]rune(s))
		total += n
		if n > most || n == 0 {
			t.Errorf("a text has %d characters; the most is %d", n, most)
		}
	}
	count(text, 4000)
	if len(blocks) > 50 {
		t.Errorf("%d blocks", len(blocks))
	}
	for _, b := range blocks {
		switch b := b.(type) {
		case *slack.HeaderBlock:
			count(b.Text.Text, maxHeader)
		case *slack.SectionBlock:
			count(b.Text.Text, maxSection)
		case *slack.ActionBlock:
			for _, e := range b.Elements.ElementSet {
				if btn, ok := e.(*slack.ButtonBlockElement); ok {
					count(btn.Text.Text, 75)
					if len([]rune(btn.Value)) > maxButton {
						t.Error("a button's value is too long")
					}
				}
			}
		}
	}
	if total > 11000 {
		t.Errorf("%d characters in all; Slack has refused from about 11,300", total)
	}
}
