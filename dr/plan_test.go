package dr_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

func approvedPlan() dr.Plan {
	return dr.Plan{Stack: "tokyo", Terraform: "1.11.4", LockFile: "l1", Code: "c1", Changes: []dr.ResourceChange{
		{Stack: "tokyo", Address: "aws_lb.this", Type: "aws_lb", Actions: []string{"create"}, Paths: []dr.PathChange{{Path: "name", Value: "h1"}, {Path: "arn"}}},
		{Stack: "tokyo", Address: "aws_ecs_service.this", Type: "aws_ecs_service", Actions: []string{"update"}, Paths: []dr.PathChange{{Path: "desired_count", Value: "h2"}, {Path: "tags"}}},
	}}
}

func TestWider(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*dr.Plan)
		says   string // empty: it is no wider
	}{
		"the same":                    {func(*dr.Plan) {}, ""},
		"narrower by a resource":      {func(p *dr.Plan) { p.Changes = p.Changes[:1] }, ""},
		"narrower by a path":          {func(p *dr.Plan) { p.Changes[1].Paths = p.Changes[1].Paths[1:] }, ""},
		"an unknown value now known":  {func(p *dr.Plan) { p.Changes[0].Paths[1].Value = "h9" }, ""},
		"another address":             {func(p *dr.Plan) { p.Changes[0].Address = "aws_lb.other" }, "wider.address(actions=[create], address=aws_lb.other)"},
		"another action":              {func(p *dr.Plan) { p.Changes[1].Actions = []string{"delete", "create"} }, "wider.actions(actions=[delete create], address=aws_ecs_service.this, approved=[update])"},
		"a create turned into delete": {func(p *dr.Plan) { p.Changes[0].Actions = []string{"delete"} }, "wider.actions(actions=[delete], address=aws_lb.this, approved=[create])"},
		"an unknown value with parts": {func(p *dr.Plan) { p.Changes[1].Paths[1] = dr.PathChange{Path: `tags["a.b"][0]`, Value: "h9"} }, ""},
		"part of a known value":       {func(p *dr.Plan) { p.Changes[1].Paths[0].Path = "desired_count.x" }, "path=desired_count.x)"},
		"a value less in what is new": {func(p *dr.Plan) { p.Changes[0].Paths = p.Changes[0].Paths[1:] }, "wider.value(address=aws_lb.this, path=name)"},
		"another path":                {func(p *dr.Plan) { p.Changes[1].Paths[0].Path = "task_definition" }, "path=task_definition)"},
		"another value":               {func(p *dr.Plan) { p.Changes[1].Paths[0].Value = "h3" }, "wider.value("},
		"a known value now not known": {func(p *dr.Plan) { p.Changes[1].Paths[0].Value = "" }, "wider.value("},
		"another Terraform":           {func(p *dr.Plan) { p.Terraform = "1.12.0" }, "now=1.12.0)"},
		"another lock file":           {func(p *dr.Plan) { p.LockFile = "l2" }, "wider.lock-file"},
		"26: other code that runs":    {func(p *dr.Plan) { p.Code = "c2" }, "wider.code"},
		"26: code that is not told":   {func(p *dr.Plan) { p.Code = "" }, "wider.code"},
		"another output":              {func(p *dr.Plan) { p.Outputs = []string{"url"} }, "wider.output(output=url)"},
		"a check that fails":          {func(p *dr.Plan) { p.Failed = []string{"check.up"} }, "wider.check(check=check.up)"},
		"also moved":                  {func(p *dr.Plan) { p.Changes[1].Actions = []string{"update", "move"} }, "wider.state(action=move, "},
	} {
		t.Run(name, func(t *testing.T) {
			now := approvedPlan()
			c.change(&now)
			says(t, dr.Wider(now, approvedPlan()), c.says)
		})
	}
}

// says checks what a comparison says; what it must say is empty where the plan is no wider.
func says(t *testing.T, wider []dr.Text, want string) {
	t.Helper()
	var said []string
	for _, w := range wider {
		said = append(said, w.String())
	}
	got := strings.Join(said, "; ")
	if want == "" && got != "" || !strings.Contains(got, want) {
		t.Errorf("it says %q, not %q", got, want)
	}
}

// TestWiderCases holds the comparison against the cases 13 to 16 and 24, by their numbers.
func TestWiderCases(t *testing.T) {
	const record = "aws_route53_record.public"
	create, remove, replace, swap := []string{"create"}, []string{"delete"}, []string{"delete", "create"}, []string{"create", "delete"}
	whole := []dr.PathChange{{Path: "name", Value: "h1"}, {Path: "records[0]", Value: "h2"}, {Path: "id"}}
	change := func(actions []string, paths ...dr.PathChange) dr.ResourceChange {
		return dr.ResourceChange{Stack: "traffic", Address: record, Type: "aws_route53_record", Actions: actions, Paths: paths}
	}
	replacing := func(actions []string) dr.ResourceChange {
		c := change(actions, dr.PathChange{Path: "records[0]", Value: "h2"}, dr.PathChange{Path: "id"})
		c.Whole = whole
		return c
	}
	former := func(key string) dr.ResourceChange {
		c := change(remove)
		c.Address, c.Deposed = record+" (deposed "+key+")", record
		return c
	}
	tainted := replacing(replace)
	tainted.Paths = []dr.PathChange{{Path: "id"}, {Path: "name", Value: "h1"}}
	old := replacing(replace)
	old.Whole = nil
	elsewhere := replacing(replace)
	elsewhere.Whole = []dr.PathChange{whole[0], {Path: "records[0]", Value: "h9"}, whole[2]}
	update := change([]string{"update"}, dr.PathChange{Path: "records[0]", Value: "h2"})
	late := change([]string{"update"}, dr.PathChange{Path: "records"})
	nulled := change([]string{"update"}, dr.PathChange{Path: "records", Value: "h0"})
	nulled.Nulled = []string{"records"}
	for name, c := range map[string]struct {
		approved, now []dr.ResourceChange
		known         dr.Known
		says          string // empty: it is no wider
	}{
		"13: the delete of a replacement alone":          {list(replacing(replace)), list(change(remove)), dr.Known{}, "wider.actions(actions=[delete], address=" + record + ", approved=[delete create])"},
		"13: a replacement in the other order":           {list(replacing(replace)), list(replacing(swap)), dr.Known{}, ""},
		"13: an update instead of a replacement":         {list(replacing(replace)), list(update), dr.Known{}, "wider.actions("},
		"14: somebody imported it meanwhile":             {list(change(create, whole...)), list(replacing(replace)), dr.Known{}, "wider.actions(actions=[delete create], address=" + record + ", approved=[create])"},
		"14: the run's own apply left it":                {list(change(create, whole...)), list(tainted), dr.Known{Broken: []string{record}}, ""},
		"14: so, and something else would be made":       {list(change(create, whole...)), list(elsewhere), dr.Known{Broken: []string{record}}, "wider.value(address=" + record + ", path=records[0])"},
		"14: so, and it would only be deleted":           {list(change(create, whole...)), list(change(remove)), dr.Known{Broken: []string{record}}, "wider.actions("},
		"15: unknown, and null now":                      {list(late), list(nulled), dr.Known{}, "wider.null(address=" + record + ", path=records)"},
		"15: unknown, and null now in what is made":      {list(change(create, whole...)), list(change(create, whole[:2]...)), dr.Known{}, "wider.null(address=" + record + ", path=id)"},
		"15: unknown, and something now in what is made": {list(change(create, dr.PathChange{Path: "records"})), list(change(create, whole[1])), dr.Known{}, ""},
		"15: unknown still":                              {list(late), list(late), dr.Known{}, ""},
		"16: nothing to change":                          {list(update, former("k")), nil, dr.Known{}, "wider.nothing(n=2)"},
		"16: nothing to change, half of it there":        {list(update, former("k")), nil, dr.Known{Done: []string{record}}, "wider.nothing(n=2)"},
		"16b: nothing to change, as approved":            {list(update), nil, dr.Known{Done: []string{record}}, ""},
		"16b: nothing to change as before":               {nil, nil, dr.Known{}, ""},
		"24: the create of a replacement":                {list(replacing(replace)), list(change(create, whole...)), dr.Known{}, ""},
		"24: the create of a replacement, other records": {list(replacing(replace)), list(change(create, elsewhere.Whole...)), dr.Known{}, "wider.value(address=" + record + ", path=records[0])"},
		"24: the create of a replacement, an attribute":  {list(replacing(replace)), list(change(create, append(whole, dr.PathChange{Path: "ttl", Value: "h3"})...)), dr.Known{}, "wider.path(address=" + record + ", path=ttl)"},
		"24: the create of a replacement, one less":      {list(replacing(replace)), list(change(create, whole[1:]...)), dr.Known{}, "wider.value(address=" + record + ", path=name)"},
		"24: a create of which too little was kept":      {list(old), list(change(create, whole...)), dr.Known{}, "wider.half("},
		"24: a replacement of which as little was kept":  {list(old), list(replacing(replace)), dr.Known{}, ""},
		"24: the half-made one is replaced":              {list(replacing(replace)), list(tainted), dr.Known{}, ""},
		"24: replaced by something else":                 {list(replacing(replace)), list(elsewhere), dr.Known{}, "wider.value("},
		"24b: the replaced one is deleted":               {list(replacing(swap)), list(former("k")), dr.Known{}, ""},
		"24b: one replaced by nobody's leave is deleted": {list(update), list(former("k")), dr.Known{}, "wider.address("},
		"24b: two are":                                    {list(replacing(swap)), list(former("k"), former("l")), dr.Known{}, "wider.address(actions=[delete], address=" + record + " (deposed l))"},
		"24b: and the new one is made":                    {list(replacing(swap)), list(change(create, whole...), former("k")), dr.Known{}, ""},
		"24b: and the new one is replaced":                {list(replacing(swap)), list(replacing(swap), former("k")), dr.Known{}, "wider.actions(actions=[create delete], address=" + record + ", approved=[create])"},
		"24b: and the new one, half made by the run, too": {list(replacing(swap)), list(replacing(swap), former("k")), dr.Known{Broken: []string{record}}, ""},
		"24b: and the new one is deleted":                 {list(replacing(swap)), list(change(remove), former("k")), dr.Known{}, "wider.actions(actions=[delete]"},
		"24b: one that was seen":                          {list(former("k")), list(former("k")), dr.Known{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			of := func(changes []dr.ResourceChange) dr.Plan { return dr.Plan{Stack: "traffic", Changes: changes} }
			says(t, c.known.Wider(of(c.now), of(c.approved)), c.says)
		})
	}
}

func list(changes ...dr.ResourceChange) []dr.ResourceChange { return changes }

// TestStoredPlans sees that a plan an earlier edition stored still stands for the same.
func TestStoredPlans(t *testing.T) {
	var stored dr.Plan
	doc := `{"stack":"s","terraform":"1","lock_file":"l","changes":[{"stack":"s","address":"a.b","type":"a","actions":["delete","create"],"paths":[{"path":"x","value":"h"},{"path":"id"}],"nulled":["y"]}]}`
	if err := json.Unmarshal([]byte(doc), &stored); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(stored)
	if err != nil || string(again) != doc {
		t.Errorf("it is written again as %s (%v)", again, err)
	}
	if got := (dr.Plans{stored}).Digest(); got != "d7564e7e1cf926d4957c4e89262a49d8113a55c50b0cfe0bf77f91e996b1f2f7" {
		t.Errorf("its digest is now %s", got)
	}
	says(t, dr.Wider(stored, stored), "")
	now := stored
	now.Code = "c1" // which that edition did not look at
	says(t, dr.Wider(now, stored), "")
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
		"the code":  func(p *dr.Plan) { p.Code = "c2" },
		"a check":   func(p *dr.Plan) { p.Failed = []string{"check.up"} },
		"the whole": func(p *dr.Plan) { p.Changes[0].Whole = p.Changes[0].Paths },
		"from":      func(p *dr.Plan) { p.Changes[0].From = "aws_lb.old" },
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
