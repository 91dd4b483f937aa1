package workflows

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// TestPlain sees that what people type cannot become anything in a comment: a
// mention, HTML, a link, a table cell, one of drbot's markers.
func TestPlain(t *testing.T) {
	got := plain("<!-- drbot:plan:x --> @everyone [a](http://b) | `c`\n# **d** &lt;")
	for _, bad := range []string{"<", ">", "@everyone", "\n", "[a](", " | ", "`c`"} {
		if strings.Contains(strings.NewReplacer(`\[`, "", `\|`, "", "\\`", "").Replace(got), bad) {
			t.Errorf("%q is still in %q", bad, got)
		}
	}
}

func TestPlanComment(t *testing.T) {
	plans := dr.Plans{{Stack: "tokyo", Changes: []dr.ResourceChange{
		{Address: "aws_lb.this", Actions: []string{"create"}, Paths: []dr.PathChange{{Path: "name", Value: "a-keyed-hash"}}},
		{Address: "aws_ecs_service.this", Actions: []string{"update"}, Paths: []dr.PathChange{{Path: "desired_count", Value: "another"}}},
		{Address: "aws_x.this[\"```\"]", Actions: []string{"delete", "create"}},
	}}}
	run := dr.Run{Request: dr.Request{Run: "portal-1"}, Change: dr.Change{Head: "0123456789"}}
	got := planComment(run, plans, "d1gest", dr.Decision{Allowed: true, Policy: "p1"})
	for _, want := range []string{"| tokyo | 2 | 1 | 1 |", "update aws_ecs_service.this (desired_count)", "delete+create aws_x", "d1gest", "0123456"} {
		if !strings.Contains(got, want) {
			t.Errorf("the comment lacks %q", want)
		}
	}
	if strings.Contains(got, "a-keyed-hash") {
		t.Error("the comment shows a value's hash")
	}
	if strings.Count(got, "```") != 2 {
		t.Error("an address ends the code block")
	}
}

func TestPlannedSteps(t *testing.T) {
	s := dr.Service{
		Regions: []dr.Region{"a", "b"}, Acts: dr.DefaultActs(), Database: dr.Database{GlobalCluster: "g"},
		Stacks: []dr.Stack{{Name: "sa", Role: dr.RegionStack, Region: "a"}, {Name: "sb", Role: dr.RegionStack, Region: "b"}, {Name: "t", Role: dr.TrafficStack}},
	}
	names := func(mode dr.Mode) string {
		var out []string
		for _, st := range plannedSteps(s, dr.Request{Target: "b", Mode: mode}) {
			out = append(out, st.Name)
		}
		return strings.Join(out, " ")
	}
	const decide = "authorize lock check-readiness open-change plan await-approval merge "
	if got := names(dr.Disaster); got != decide+"promote/g apply/sb redeploy/b gate/1 apply/t verify close-out" {
		t.Errorf("a disaster is %s", got)
	}
	if got := names(dr.Planned); got != decide+"quiesce/a promote/g apply/sb redeploy/b gate/1 apply/t verify apply/sa close-out" {
		t.Errorf("a planned run is %s", got)
	}
}

func TestRunID(t *testing.T) {
	first, again, other := runID("portal", "t1"), runID("portal", "t1"), runID("portal", "t2")
	if first != again || first == other {
		t.Error("a command that arrives twice must be one request, and two commands two")
	}
	if a, b := runID("portal", ""), runID("portal", ""); a == b {
		t.Error("two requests without an id of their own are one")
	}
}

func TestHuman(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1234 * time.Millisecond: "1.2s", 61 * time.Second: "1m1s", 4 * time.Hour: "4h0m", -90 * time.Second: "-1m30s",
	} {
		if got := dr.Human(d); got != want {
			t.Errorf("%v is %q, not %q", d, got, want)
		}
	}
}
