package dr_test

import (
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestWiderObject holds the comparison against plans that change the same attributes of
// something else.
func TestWiderObject(t *testing.T) {
	const queue = "aws_sqs_queue.q"
	tokyo, seoul := `provider["aws"]`, `provider["aws"].seoul`
	named := func(pairs ...string) (out []dr.PathChange) {
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, dr.PathChange{Path: pairs[i], Value: pairs[i+1]})
		}
		return out
	}
	a, b := named("id", "h1", "arn", "h2"), named("id", "h1", "arn", "h3")
	change := func(by string, object []dr.PathChange, actions ...string) dr.ResourceChange {
		return dr.ResourceChange{Stack: "tokyo", Address: queue, Type: "aws_sqs_queue", Actions: actions, Provider: by, Object: object, Whole: named("name", "h9")}
	}
	deposed := func(by string, object []dr.PathChange) dr.ResourceChange {
		c := change(by, object, "delete")
		c.Address, c.Deposed = queue+" (deposed k)", queue
		return c
	}
	for name, c := range map[string]struct {
		approved, now dr.ResourceChange
		known         dr.Known
		says          string // empty: it is no wider
	}{
		"the same":                           {change(tokyo, a, "update"), change(tokyo, a, "update"), dr.Known{}, ""},
		"another provider":                   {change(tokyo, nil, "create"), change(seoul, nil, "create"), dr.Known{}, "wider.provider(address=" + queue + ", approved=" + tokyo + ", now=" + seoul + ")"},
		"a provider that was not told":       {change("", a, "update"), change(seoul, a, "update"), dr.Known{}, ""},
		"a provider that is not told":        {change(tokyo, a, "update"), change("", a, "update"), dr.Known{}, ""},
		"another object is changed":          {change(tokyo, a, "update"), change(tokyo, b, "update"), dr.Known{}, "wider.object(actions=[update], address=" + queue + ", by=[arn])"},
		"another object is deleted":          {change(tokyo, a, "delete"), change(tokyo, b, "delete"), dr.Known{}, "wider.object(actions=[delete], "},
		"another object is replaced":         {change(tokyo, a, "delete", "create"), change(tokyo, b, "delete", "create"), dr.Known{}, "wider.object("},
		"so, the run's own half":             {change(tokyo, a, "delete", "create"), change(tokyo, b, "delete", "create"), dr.Known{Broken: []string{queue}}, ""},
		"the run's own, by another provider": {change(tokyo, a, "delete", "create"), change(seoul, b, "delete", "create"), dr.Known{Broken: []string{queue}}, "wider.provider("},
		"another object is imported":         {change(tokyo, named("import id", "h1"), "import"), change(tokyo, named("import id", "h2"), "import"), dr.Known{}, "by=[import id]"},
		"it is imported already":             {change(tokyo, named("id", "h1", "import id", "h4"), "update", "import"), change(tokyo, named("id", "h1"), "update"), dr.Known{}, ""},
		"imported by another kind of name":   {change(tokyo, named("import id", "h1"), "import"), change(tokyo, named("import identity", "h1"), "import"), dr.Known{}, "by=[import identity]"},
		"a name more than was told":          {change(tokyo, named("id", "h1"), "update"), change(tokyo, a, "update"), dr.Known{}, ""},
		"an object that was not told":        {change(tokyo, nil, "update"), change(tokyo, a, "update"), dr.Known{}, ""},
		"an object that is not told":         {change(tokyo, a, "update"), change(tokyo, nil, "update"), dr.Known{}, ""},
		"what was replaced":                  {change(tokyo, a, "create", "delete"), deposed(tokyo, a), dr.Known{}, ""},
		"something else than was replaced":   {change(tokyo, a, "create", "delete"), deposed(tokyo, b), dr.Known{}, "wider.object(actions=[delete], address=" + queue + " (deposed k), by=[arn])"},
		"replaced, by another provider":      {change(tokyo, a, "create", "delete"), deposed(seoul, a), dr.Known{}, "wider.provider("},
		"deleted first":                      {change(tokyo, a, "create", "delete"), change(tokyo, a, "delete", "create"), dr.Known{}, "wider.actions(actions=[delete create], address=" + queue + ", approved=[create delete])"},
		"made first":                         {change(tokyo, a, "delete", "create"), change(tokyo, a, "create", "delete"), dr.Known{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			of := func(c dr.ResourceChange) dr.Plan { return dr.Plan{Stack: "tokyo", Changes: list(c)} }
			says(t, c.known.Wider(of(c.now), of(c.approved)), c.says)
			if one, other := (dr.Plans{of(c.approved)}).Digest(), (dr.Plans{of(c.now)}).Digest(); c.says != "" && one == other {
				t.Error("the digest is the same")
			}
		})
	}
}

// TestWiderLost sees that nothing drops out unseen of what leads the users.
func TestWiderLost(t *testing.T) {
	change := func(address string, actions ...string) dr.ResourceChange {
		return dr.ResourceChange{Stack: "traffic", Address: address, Actions: actions}
	}
	record, other := change("aws_route53_record.public", "update"), change("aws_x.other", "update")
	swapped := change("aws_route53_record.public", "create", "delete")
	left := change("aws_route53_record.public (deposed k)", "delete")
	left.Deposed = swapped.Address
	for name, c := range map[string]struct {
		leads         bool
		approved, now []dr.ResourceChange
		done          []string
		says          string // empty: it is no wider
	}{
		"the record":                      {true, list(record, other), list(other), nil, "wider.lost(actions=[update], address=aws_route53_record.public)"},
		"the record, which is done":       {true, list(record, other), list(other), []string{record.Address}, ""},
		"a change of a stack of a Region": {false, list(record, other), list(other), nil, ""},
		"none":                            {true, list(record, other), list(other, record), nil, ""},
		"everything is told once":         {true, list(record, other), nil, nil, "wider.nothing(n=2)"},
		"what it replaced is left":        {true, list(swapped), list(left), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			now := dr.Plan{Stack: "traffic", Leads: c.leads, Changes: c.now}
			wider := dr.Known{Done: c.done}.Wider(now, dr.Plan{Stack: "traffic", Changes: c.approved})
			says(t, wider, c.says)
			if len(wider) > 1 {
				t.Errorf("it says more: %v", wider)
			}
		})
	}
}
