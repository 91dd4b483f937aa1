package dr_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

func approvedPlan() dr.Plan {
	return dr.Plan{Stack: "tokyo", Terraform: "1.11.4", LockFile: "l1", Changes: []dr.ResourceChange{
		{Stack: "tokyo", Address: "aws_lb.this", Type: "aws_lb", Actions: []string{"create"}, Paths: []dr.PathChange{{Path: "name", Value: "h1"}, {Path: "arn"}}},
		{Stack: "tokyo", Address: "aws_ecs_service.this", Type: "aws_ecs_service", Actions: []string{"update"}, Paths: []dr.PathChange{{Path: "desired_count", Value: "h2"}}},
	}}
}

func TestWider(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*dr.Plan)
		says   string // empty: it is no wider
	}{
		"the same":                    {func(*dr.Plan) {}, ""},
		"narrower by a resource":      {func(p *dr.Plan) { p.Changes = p.Changes[:1] }, ""},
		"narrower by a path":          {func(p *dr.Plan) { p.Changes[0].Paths = p.Changes[0].Paths[:1] }, ""},
		"an unknown value now known":  {func(p *dr.Plan) { p.Changes[0].Paths[1].Value = "h9" }, ""},
		"another address":             {func(p *dr.Plan) { p.Changes[0].Address = "aws_lb.other" }, "wider.address(actions=[create], address=aws_lb.other)"},
		"another action":              {func(p *dr.Plan) { p.Changes[1].Actions = []string{"delete", "create"} }, "wider.action(action=delete, "},
		"a broken create made anew":   {func(p *dr.Plan) { p.Changes[0].Actions = []string{"delete", "create"} }, ""},
		"a create turned into delete": {func(p *dr.Plan) { p.Changes[0].Actions = []string{"delete"} }, "wider.action(action=delete, "},
		"another path":                {func(p *dr.Plan) { p.Changes[1].Paths[0].Path = "task_definition" }, "path=task_definition)"},
		"another value":               {func(p *dr.Plan) { p.Changes[1].Paths[0].Value = "h3" }, "wider.value("},
		"a known value now not known": {func(p *dr.Plan) { p.Changes[1].Paths[0].Value = "" }, "wider.value("},
		"another Terraform":           {func(p *dr.Plan) { p.Terraform = "1.12.0" }, "now=1.12.0)"},
		"another lock file":           {func(p *dr.Plan) { p.LockFile = "l2" }, "wider.lock-file"},
		"another output":              {func(p *dr.Plan) { p.Outputs = []string{"url"} }, "wider.output(output=url)"},
	} {
		t.Run(name, func(t *testing.T) {
			now := approvedPlan()
			c.change(&now)
			var wider []string
			for _, w := range dr.Wider(now, approvedPlan()) {
				wider = append(wider, w.String())
			}
			got := strings.Join(wider, "; ")
			if c.says == "" && got != "" || !strings.Contains(got, c.says) {
				t.Errorf("it says %q, not %q", got, c.says)
			}
		})
	}
}

func TestDigest(t *testing.T) {
	base := dr.Plans{approvedPlan(), {Stack: "traffic"}}
	turned := dr.Plans{{Stack: "traffic"}, approvedPlan()}
	slices.Reverse(turned[1].Changes)
	slices.Reverse(turned[1].Changes[1].Paths)
	if base.Digest() != turned.Digest() {
		t.Error("the order of stacks, changes and paths changes the digest")
	}
	for name, change := range map[string]func(*dr.Plan){
		"a value":   func(p *dr.Plan) { p.Changes[0].Paths[0].Value = "h9" },
		"an action": func(p *dr.Plan) { p.Changes[0].Actions = []string{"update"} },
		"a path":    func(p *dr.Plan) { p.Changes[0].Paths = p.Changes[0].Paths[:1] },
		"a version": func(p *dr.Plan) { p.Terraform = "1.12.0" },
		"a lock":    func(p *dr.Plan) { p.LockFile = "l2" },
	} {
		p := approvedPlan()
		change(&p)
		if (dr.Plans{p, {Stack: "traffic"}}).Digest() == base.Digest() {
			t.Errorf("%s does not change the digest", name)
		}
	}
}

func TestWorst(t *testing.T) {
	for _, c := range []struct {
		levels []dr.Level
		want   dr.Level
	}{
		{nil, dr.Unknown},
		{[]dr.Level{dr.OK, dr.OK}, dr.OK},
		{[]dr.Level{dr.OK, dr.Warn}, dr.Warn},
		{[]dr.Level{dr.Warn, dr.Unknown, dr.OK}, dr.Unknown},
		{[]dr.Level{dr.Unknown, dr.Fail}, dr.Fail},
		{[]dr.Level{dr.OK, "a level nobody has seen"}, "a level nobody has seen"},
	} {
		var checks []dr.Check
		for _, l := range c.levels {
			checks = append(checks, dr.Check{Level: l})
		}
		if got := dr.Worst(checks); got != c.want {
			t.Errorf("the worst of %v is %s, not %s", c.levels, got, c.want)
		}
	}
}
