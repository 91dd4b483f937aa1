package bot

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
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
			{Name: "authorize", State: dr.StepDone, Started: t0, Ended: t0.Add(100 * time.Millisecond), Detail: words("requested by alice")},
			{Name: "await-approval", State: dr.StepRunning, Started: t0.Add(3 * time.Second), Detail: words("1 of 2")},
			{Name: "merge", State: dr.StepPending},
		},
		Accepts: []dr.Text{words("expected data loss about 0.4 s")},
		Change:  dr.Change{Number: 7, URL: "https://github.com/acme/infrastructure/pull/7"}, PlanLine: words("4 to add"),
		Approval: dr.Approval{Needed: 2, By: []string{"bob"}, Waiting: []string{"carol", "dave"},
			Decision: dr.Decision{Reasons: []dr.Text{words("needs one more approval, on 3f2c91a")}},
			Ignored:  []dr.IgnoredVoice{{By: "alice", Reason: words("asked for this run")}}},
		Expires: t0.Add(time.Hour),
	}
}

// words is a text of words in no catalogue.
func words(s string) dr.Text { return dr.T(dr.Words, "words", dr.Foreign(s)) }

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

// goldenRuns are the runs whose messages are kept, by the names of their files.
func goldenRuns() map[string]dr.Run {
	applying := sampleRun()
	applying.State, applying.MergeSHA = dr.RunRunning, "abc"
	applying.Progress = &dr.Progress{Stack: "tokyo", Done: 3, Total: 12, Current: "module.x.aws_lb.this[\"`a`\"]"}

	paused := sampleRun()
	paused.State, paused.MergeSHA, paused.Outcome, paused.Next = dr.RunPaused, "abc", words("Tokyo is not healthy: 0 of 2 targets are healthy"), words("mend it, then answer retry")
	paused.Question = &dr.Question{Step: "gate/1", Number: 1, Means: words("nothing is rolled back"), Answers: []string{"retry", "skip", "stop"}, Takes: map[string]int{"skip": 2}, Voices: map[string][]string{"skip": {"bob"}}}

	done := sampleRun()
	done.State, done.Ended = dr.RunSucceeded, t0.Add(time.Hour)
	done.Steps = append(done.Steps, dr.Step{Name: "verify", State: dr.StepDone, Started: t0.Add(50 * time.Minute), Ended: t0.Add(time.Hour)})
	done.Result = &dr.Result{RTA: 70 * time.Minute, RTO: 4 * time.Hour, RPA: 61 * time.Second, RPAKnown: true, RPO: 5 * time.Minute}

	unverified := done
	unverified.Mode, unverified.MergeSHA = dr.Planned, "abc"
	unverified.Steps = slices.Clone(done.Steps)
	unverified.Steps[3].State, unverified.Steps[3].Detail = dr.StepSkipped, words("skipped by bob and carol")

	return map[string]dr.Run{"waiting": sampleRun(), "applying": applying, "paused": paused, "done": done, "unverified": unverified}
}

func TestRunMessage(t *testing.T) {
	for name, run := range goldenRuns() {
		t.Run(name, func(t *testing.T) {
			_, blocks := RunMessage(english(t), run, t0.Add(65*time.Second))
			golden(t, name, blocks)
		})
	}
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(files) != len(goldenRuns()) {
		t.Errorf("%d golden files for %d runs (%v)", len(files), len(goldenRuns()), err)
	}
}

// TestRunMessageFits gives the message the longest of everything and counts what
// Slack counts.
func TestRunMessageFits(t *testing.T) {
	long := strings.Repeat("가<&>", 3000)
	run := sampleRun()
	longer := dr.T("no.such.id", "said", dr.Foreign(long))
	run.State, run.Reason, run.Outcome, run.Next = dr.RunPaused, long, words(long), longer
	run.PlanLine, run.Approval.By = longer, []string{long}
	run.Question = &dr.Question{Step: long, What: words(long), Means: words(long), Voices: map[string][]string{"skip": {long}}, Answers: []string{"retry", "skip", "stop"}}
	run.Accepts = []dr.Text{words(long), longer, words(long)}
	for range 60 {
		run.Steps = append(run.Steps, dr.Step{Name: "apply/stack", State: dr.StepFailed, Started: t0, Detail: words(long)})
		run.Approval.Ignored = append(run.Approval.Ignored, dr.IgnoredVoice{By: "somebody", Reason: longer})
		run.Approval.Reasons = append(run.Approval.Reasons, words(long))
	}
	text, blocks := RunMessage(english(t), run, t0)
	fits(t, text, blocks)
	note := dr.Note{Title: words(long), Context: longer, Lines: []dr.Text{words(long), longer, words(long)}}
	for range 500 {
		note.Lines = append(note.Lines, words(long))
	}
	text, blocks = NoteMessage(english(t), note, func(p string) string { return p })
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
