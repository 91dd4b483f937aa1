package view

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

// TestPlain sees that what people type cannot become anything in a comment: a
// mention, HTML, a link, a table cell, one of drbot's markers.
func TestPlain(t *testing.T) {
	got := plain("<!-- drbot:plan:x --> @everyone [a](http://b) | `c`\n# **d** &lt;\u202e")
	for _, bad := range []string{"<", ">", "@everyone", "\n", "[a](", " | ", "`c`", "\u202e"} {
		if strings.Contains(strings.NewReplacer(`\[`, "", `\|`, "", "\\`", "").Replace(got), bad) {
			t.Errorf("%q is still in %q", bad, got)
		}
	}
	if got := code("a` <!-- drbot:plan:x -->\n"); strings.Count(got, "`") != 2 || strings.Contains(got, "<!--") || strings.Contains(got, "\n") {
		t.Errorf("as code it is %q", got)
	}
}

func TestPlanComment(t *testing.T) {
	plans := dr.Plans{{Stack: "tokyo", Changes: []dr.ResourceChange{
		{Address: "aws_lb.this", Actions: []string{"create"}, Paths: []dr.PathChange{{Path: "name", Value: "a-keyed-hash"}}},
		{Address: "aws_ecs_service.this", Actions: []string{"update"}, Paths: []dr.PathChange{{Path: "desired_count", Value: "another"}}},
		{Address: "aws_x.this[\"```\"]", Actions: []string{"delete", "create"}},
	}}}
	p := PullRequest{english(t, text.Slack)}
	got := whole(p.Plan(sample(), plans, "d1gest", dr.Decision{Allowed: true, Policy: "p1"}))
	for _, want := range []string{"### Plan of `portal-1a2b3c4d` at 0123456\n", "| stack | add | change | destroy |\n|---|---|---|---|\n| tokyo | 2 | 1 | 1 |",
		"tokyo: 3 changes", "update aws_ecs_service.this (desired_count)", "delete+create aws_x", "Digest `d1gest`", "Policy: allowed (p1)"} {
		if !strings.Contains(got, want) {
			t.Errorf("the comment lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "a-keyed-hash") {
		t.Error("the comment shows a value's hash")
	}
	if strings.Count(got, "```") != 2 {
		t.Error("an address ends the code block")
	}
	if got := p.Line(plans.Line()); got != "2 to add, 1 to change, 1 to destroy in 1 stack" {
		t.Errorf("counted it is %q", got)
	}
	for range planRows {
		plans[0].Changes = append(plans[0].Changes, dr.ResourceChange{Address: "x", Actions: []string{"create"}})
	}
	got = whole(p.Plan(sample(), plans, "d", dr.Decision{Policy: "p1", Reasons: []dr.Text{dr.T(dr.Words, "words", dr.Foreign("no <b>")), dr.T("b")}}))
	if !strings.Contains(got, "... and 2 more: 2 create\n```") || !strings.Contains(got, "Policy: **denied** (p1): no &lt;b&gt;, b") {
		t.Errorf("a long plan that is denied is\n%s", got)
	}
}

// TestCase11WhatIsGraveIsNeverCut sees that what is deleted, replaced or forgotten stands
// before all else, however much there is, and that what is cut is counted by its kind.
func TestCase11WhatIsGraveIsNeverCut(t *testing.T) {
	var changes []dr.ResourceChange
	for i := range 300 {
		changes = append(changes, dr.ResourceChange{Address: fmt.Sprintf("aws_a.r%03d", i), Actions: []string{"update"}, Paths: []dr.PathChange{{Path: "tags"}}})
	}
	changes = append(changes,
		dr.ResourceChange{Address: "aws_k.kept", Actions: []string{"forget"}},
		dr.ResourceChange{Address: "aws_ecs_service.this", Actions: []string{"create", "delete"}},
		dr.ResourceChange{Address: "aws_lb.public", Actions: []string{"delete"}},
		dr.ResourceChange{Address: "aws_x.z", Actions: []string{"create"}})
	p := PullRequest{english(t, text.Slack)}
	got := whole(p.Plan(sample(), dr.Plans{{Stack: "tokyo", Changes: changes}}, "d", dr.Decision{Allowed: true}))
	if want := "```\ndelete aws_lb.public\ncreate+delete aws_ecs_service.this\nforget aws_k.kept\nupdate aws_a.r000 (tags)\n"; !strings.Contains(got, want) {
		t.Errorf("it does not begin with what is grave:\n%.600s", got)
	}
	if want := "update aws_a.r199 (tags)\n... and 101 more: 1 create, 100 update\n```"; !strings.Contains(got, want) {
		t.Errorf("it does not end with %q:\n%s", want, got[len(got)-300:])
	}

	// Much, and long: the last stack's deletes are there, and the comment fits.
	long := strings.Repeat("x", 300)
	var ordinary, deletes []dr.ResourceChange
	for i := range 250 {
		c := dr.ResourceChange{Address: fmt.Sprintf("aws_a.%s%03d", long, i), Actions: []string{"update"}}
		for j := range 30 {
			c.Paths = append(c.Paths, dr.PathChange{Path: fmt.Sprintf("p%02d", j)})
		}
		ordinary = append(ordinary, c)
	}
	for i := range 100 {
		deletes = append(deletes, dr.ResourceChange{Address: fmt.Sprintf("aws_b.%s%03d", long, i), Actions: []string{"delete"}})
	}
	got = whole(p.Plan(sample(), dr.Plans{{Stack: "seoul", Changes: ordinary}, {Stack: "tokyo", Changes: append(ordinary, deletes...)}}, "d1gest", dr.Decision{Allowed: true}))
	if n := len(got); n > 60_000 {
		t.Errorf("it has %d characters", n)
	}
	if n := strings.Count(got, "\ndelete aws_b."); n != len(deletes) {
		t.Errorf("it has %d of %d deletes", n, len(deletes))
	}
	for _, want := range []string{"p19, and 10 more)\n", "... and 250 more: 250 update\n```\n\n</details>", "Digest `d1gest`"} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q", want)
		}
	}
}

// TestCase12ChecksAndOutputsAreShown sees, beside them, what is accepted by its name, and
// where something is moved from.
func TestCase12ChecksAndOutputsAreShown(t *testing.T) {
	plans := dr.Plans{{Stack: "tokyo", Outputs: []string{"url"}, Failed: []string{"check.up"}, Changes: []dr.ResourceChange{
		{Address: "aws_lb.new", From: "aws_lb.old", Actions: []string{"update", "move"}, Paths: []dr.PathChange{{Path: "name"}}},
		{Address: "aws_x.b", From: "aws_x.a", Actions: []string{"move"}},
	}}}
	d := dr.Decision{Allowed: true, Policy: "p1", Reasons: []dr.Text{dr.T("policy.missed", "address", dr.Foreign("aws_cloudwatch_log_group.app"))}}
	got := whole(PullRequest{english(t, text.Slack)}.Plan(sample(), plans, "d", d))
	for _, want := range []string{
		"Policy: allowed (p1)\n\n**Approving accepts:**\n\n- aws\\_cloudwatch\\_log\\_group.app would be gone with what is in it\n\n",
		"**Checks that fail in this plan:**\n\n- tokyo: check.up\n\n<details>",
		"update+move aws_lb.old -> aws_lb.new (name)\nmove aws_x.a -> aws_x.b\noutput url\n```",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
}

// TestChange sees what the description says, and that a reason is only a reason.
func TestChange(t *testing.T) {
	run := sample()
	run.Reason = "out | of <!-- drbot:x -->\n@everyone"
	run.Accepts = []dr.Text{dr.T(dr.Words, "words", dr.Foreign("loss of <1 s>"))}
	run.Checks = []dr.Check{{Name: "aurora.lag", Level: dr.Warn}}
	title, message, body := PullRequest{english(t, text.Slack)}.Change(run, dr.Service{Quorum: 2, Objectives: run.Objective})
	if title != "Failover portal to ap-northeast-1 (disaster)" {
		t.Errorf("the title is %q", title)
	}
	if message != title+"\n\nout | of <!-- drbot:x --> @everyone\n\nRun: portal-1a2b3c4d" {
		t.Errorf("the message is %q", message)
	}
	for _, want := range []string{
		"`/dr failover portal ap-northeast-1 disaster …`\n",
		"| What | `active_region` of **portal**: `ap-northeast-2` to `ap-northeast-1` |",
		"| Who | alice, by slack, 2026-08-22 03:00:00 UTC |",
		"| Mode | **disaster**: a failover, data loss accepted |",
		"| Objectives | RTO 4h0m, RPO 5m0s; counted from 02:50:00 UTC |",
		"| Run | `portal-1a2b3c4d` |",
		"**Approving accepts:**\n\n- loss of &lt;1 s&gt;\n",
		"| aurora.lag | warn | replication lag (aurora.lag): warn |",
		"\n3 people other than alice approve this exact commit", // the quorum of the run, not that of anybody else
		"`/dr cancel portal-1a2b3c4d` in Slack",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the description lacks %q:\n%s", want, body)
		}
	}
	for _, bad := range []string{"<!--", "@everyone", "out | of"} {
		if strings.Contains(body, bad) {
			t.Errorf("the description has %q", bad)
		}
	}
}

func TestComment(t *testing.T) {
	got := PullRequest{english(t, text.Slack)}.Comment(dr.RunStopped.Text(), []dr.Text{dr.T("result.rta.clock", "rto", 4*time.Hour), {}, dr.T("result.left", "what", dr.T(dr.Words, "words", dr.Foreign("<x> of\nY")))})
	if want := "### Stopped\n\n- RTA **unknown** of RTO 4h0m: the clock was set back during the run\n- Left to do: &lt;x&gt; of Y\n"; got != want {
		t.Errorf("it is %q", got)
	}
}

var update = flag.Bool("update", false, "rewrite the golden files")

// TestPages keeps the pages as they are.
func TestPages(t *testing.T) {
	run := sample()
	lag, limit := 0.4, 300.0
	run.Checks = []dr.Check{{Name: "db.lag", Resource: "orders", Region: "ap-northeast-1", Level: dr.OK, Value: &lag, Unit: "s", Threshold: &limit}}
	run.Accepts = []dr.Text{dr.T(dr.Words, "words", dr.Foreign("expected data loss about 0.4 s"))}
	plans := dr.Plans{
		{Stack: "tokyo", Changes: []dr.ResourceChange{{Address: "aws_lb.this", Actions: []string{"create"}}, {Address: "aws_ecs_service.this", Actions: []string{"update"}, Paths: []dr.PathChange{{Path: "desired_count"}}}}},
		{Stack: "traffic"},
	}
	done := run
	done.State, done.Ended, done.Steps[1].State = dr.RunSucceeded, t0.Add(time.Hour), dr.StepSkipped
	done.Result = &dr.Result{RTA: 70 * time.Minute, RTO: 4 * time.Hour, RPA: 61 * time.Second, RPAKnown: true, RPO: 5 * time.Minute}
	p := PullRequest{english(t, text.Slack)}
	title, message, body := p.Change(run, dr.Service{Quorum: 3, Objectives: run.Objective})
	for name, got := range map[string]string{
		"change": title + "\n---\n" + message + "\n---\n" + body,
		"plan":   whole(p.Plan(run, plans, "d1gest", dr.Decision{Allowed: true, Policy: "p1"})),
		"result": p.Comment(done.Title(), done.ResultLines()),
	} {
		path := filepath.Join("testdata", name+".md")
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || string(want) != got {
			t.Errorf("%s (%v) is now:\n%s", path, err, got)
		}
	}
}

// TestCase3WhatIsLeftOutIsShown sees that people read what the comparison leaves out, and why.
func TestCase3WhatIsLeftOutIsShown(t *testing.T) {
	c := dr.ResourceChange{Address: "a.b", Actions: []string{"update"}}
	for i := range pathsNamed + 2 {
		c.LeftOut = append(c.LeftOut, dr.LeftOut{Path: fmt.Sprintf("tags.p%02d", i), Reason: "the *time*"})
	}
	got := whole(PullRequest{english(t, text.Slack)}.Plan(sample(), dr.Plans{{Stack: "tokyo", Changes: []dr.ResourceChange{c}}}, "d", dr.Decision{Allowed: true}))
	for _, want := range []string{"Left out of what is compared and approved", "- tokyo: a.b: tags.p00 (the \\*time\\*)\n", "- tokyo: a.b: 2 more\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the comment lacks %q:\n%s", want, got)
		}
	}
}

// TestCase27AnOverwriteIsShown sees that a record made over another one is not told as a
// mere create, and is never cut.
func TestCase27AnOverwriteIsShown(t *testing.T) {
	var changes []dr.ResourceChange
	for range planRows + 1 {
		changes = append(changes, dr.ResourceChange{Address: "aws_a.r", Actions: []string{"create"}})
	}
	changes = append(changes, dr.ResourceChange{Address: "aws_route53_record.public", Actions: []string{"create"}, Overwrites: true})
	got := whole(PullRequest{english(t, text.Slack)}.Plan(sample(), dr.Plans{{Stack: "tokyo", Changes: changes}}, "d", dr.Decision{Allowed: true}))
	if want := "```\ncreate+overwrite aws_route53_record.public\ncreate aws_a.r\n"; !strings.Contains(got, want) {
		t.Errorf("it does not begin with the overwrite:\n%.600s", got)
	}
}

// TestCodeThatIsAllowedIsShown sees that people read what the code does beside the plan, and why
// that is allowed.
func TestCodeThatIsAllowedIsShown(t *testing.T) {
	pl := dr.Plan{Stack: "tokyo"}
	for i := range allowedNamed + 2 {
		pl.Allowed = append(pl.Allowed, dr.AllowedCode{What: dr.CodeProvisioner, At: fmt.Sprintf("app/main.tf:%d", i+1), Says: dr.T(dr.Words, "words", dr.Foreign(`provisioner "local-exec"`)), Reason: "the *seed*"})
	}
	got := whole(PullRequest{english(t, text.Slack)}.Plan(sample(), dr.Plans{pl}, "d", dr.Decision{Allowed: true}))
	for _, want := range []string{"Done beside what is shown, because the configuration allows it", "- tokyo: app/main.tf:1: provisioner \"local-exec\" (the \\*seed\\*)\n", "- tokyo: 2 more\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the comment lacks %q:\n%s", want, got)
		}
	}
}

// whole is a plan that fits one comment.
func whole(comments []string) string {
	if len(comments) != 1 {
		return fmt.Sprintf("%d comments", len(comments))
	}
	return comments[0]
}
