package dr_test

import (
	"slices"
	"testing"

	"github.com/drbot/drbot/dr"
)

func TestDiffers(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*dr.Plan)
		says   string // empty: they agree
	}{
		"the same":           {func(*dr.Plan) {}, ""},
		"another order":      {func(p *dr.Plan) { slices.Reverse(p.Changes); slices.Reverse(p.Changes[0].Paths) }, ""},
		"a value":            {func(p *dr.Plan) { p.Changes[1].Paths[0].Value = "h9" }, "differs.path(address=aws_ecs_service.this, path=desired_count)"},
		"known in one alone": {func(p *dr.Plan) { p.Changes[0].Paths[1].Value = "h9" }, "path=arn)"},
		"a path":             {func(p *dr.Plan) { p.Changes[1].Paths = p.Changes[1].Paths[:1] }, "path=tags)"},
		"of what is made":    {func(p *dr.Plan) { p.Changes[1].Whole = []dr.PathChange{{Path: "name", Value: "h"}} }, "path=name)"},
		"a resource":         {func(p *dr.Plan) { p.Changes = p.Changes[1:] }, "differs.address(actions=[create], address=aws_lb.this)"},
		"an act":             {func(p *dr.Plan) { p.Changes[0].Actions = []string{"update"} }, "differs.actions(address=aws_lb.this"},
		"a provider":         {func(p *dr.Plan) { p.Changes[0].Provider = "other" }, "differs.object(address=aws_lb.this)"},
		"an object":          {func(p *dr.Plan) { p.Changes[1].Object = []dr.PathChange{{Path: "id", Value: "h9"}} }, "differs.object(address=aws_ecs_service.this)"},
		"an output":          {func(p *dr.Plan) { p.Outputs = []string{"url"} }, "differs.output(output=url)"},
		"a check that fails": {func(p *dr.Plan) { p.Failed = []string{"check.up"} }, "differs.check(check=check.up)"},
	} {
		t.Run(name, func(t *testing.T) {
			one, other := approvedPlan(), approvedPlan()
			for _, p := range []dr.Plan{one, other} {
				p.Changes[1].Object = []dr.PathChange{{Path: "id", Value: "h1"}}
			}
			c.change(&other)
			says(t, dr.Differs(other, one), c.says)
			says(t, dr.Differs(one, other), c.says)
		})
	}
}

// What is listed as unstable, with all of its parts and in all instances, takes no part in
// comparison and digest; everything else of the resource does.
func TestWithout(t *testing.T) {
	plan := func(at, name string) dr.Plan {
		return dr.Plan{Stack: "tokyo", Changes: []dr.ResourceChange{
			{Stack: "tokyo", Address: "a.b[0]", Type: "a", Actions: []string{"update"}, Nulled: []string{"tags.gone" + at},
				Paths: []dr.PathChange{{Path: "tags.at", Value: at}, {Path: "tags.gone" + at, Value: "h"}, {Path: "tags_all", Value: name}}},
			{Stack: "tokyo", Address: "a.bc", Type: "a", Actions: []string{"delete", "create"}, Whole: []dr.PathChange{{Path: "tags", Value: name}}},
		}}
	}
	unstable := []dr.Unstable{{Stack: "tokyo", Address: "a.b", Attribute: "tags", Reason: "r"}, {Stack: "seoul", Address: "a.bc", Attribute: "tags"}}
	one, other := plan("1", "x").Without(unstable), plan("2", "x").Without(unstable)
	says(t, dr.Differs(one, other), "")
	says(t, dr.Wider(other, one), "")
	if (dr.Plans{one}).Digest() != (dr.Plans{other}).Digest() {
		t.Error("what is left out is part of the digest")
	}
	if want := []dr.LeftOut{{Path: "tags.at", Reason: "r"}, {Path: "tags.gone1", Reason: "r"}}; !slices.Equal(one.Changes[0].LeftOut, want) || one.Changes[1].LeftOut != nil {
		t.Errorf("left out: %v", one.Changes)
	}
	says(t, dr.Differs(one, plan("1", "y").Without(unstable)), "path=tags_all)")
	says(t, dr.Differs(one, plan("1", "y").Without(unstable)), "address=a.bc, path=tags)")
}
