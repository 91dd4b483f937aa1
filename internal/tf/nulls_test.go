package tf

import (
	"slices"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestNulls sees that what comes or goes is told, be it nothing but nulls.
func TestNulls(t *testing.T) {
	const before = `{"n": 1, "list": ["x"], "rule": [], "map": {"a": "1"}, "object": null, "full": ["x", "y"]}`
	of := func(after string) dr.Plan {
		t.Helper()
		p, err := allowed(parsePlan(t, `{"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [
		  {"address": "x.a", "mode": "managed", "type": "x", "change": {"actions": ["update"], "before": `+before+`, "after": `+after+`, "after_unknown": {}}}]}`), []byte("key"), "app", false)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	was := of(`{"n": 2, "list": ["x"], "rule": [], "map": {"a": "1"}, "object": null, "full": ["x", "y"]}`)
	for name, c := range map[string]struct {
		after string
		paths []string
	}{
		"a block without an argument that is set": {`{"n": 2, "list": ["x"], "rule": [{"prefix": null, "tag": null}], "map": {"a": "1"}, "object": null, "full": ["x", "y"]}`, []string{"n", "rule[0].prefix", "rule[0].tag"}},
		"a block without any argument":            {`{"n": 2, "list": ["x"], "rule": [{}], "map": {"a": "1"}, "object": null, "full": ["x", "y"]}`, []string{"n", "rule[0]"}},
		"an element of a list":                    {`{"n": 2, "list": ["x", null], "rule": [], "map": {"a": "1"}, "object": null, "full": ["x", "y"]}`, []string{"list[1]", "n"}},
		"a key of a map":                          {`{"n": 2, "list": ["x"], "rule": [], "map": {"a": "1", "k": null}, "object": null, "full": ["x", "y"]}`, []string{"map.k", "n"}},
		"an object":                               {`{"n": 2, "list": ["x"], "rule": [], "map": {"a": "1"}, "object": {"prefix": null}, "full": ["x", "y"]}`, []string{"n", "object.prefix"}},
		"an element that is null now":             {`{"n": 2, "list": ["x"], "rule": [], "map": {"a": "1"}, "object": null, "full": ["x", null]}`, []string{"full[1]", "n"}},
		"an element less":                         {`{"n": 2, "list": ["x"], "rule": [], "map": {"a": "1"}, "object": null, "full": ["x"]}`, []string{"full[1]", "n"}},
		"a key less":                              {`{"n": 2, "list": ["x"], "rule": [], "map": {}, "object": null, "full": ["x", "y"]}`, []string{"map.a", "n"}},
		"a key that is null now":                  {`{"n": 2, "list": ["x"], "rule": [], "map": {"a": null}, "object": null, "full": ["x", "y"]}`, []string{"map.a", "n"}},
	} {
		t.Run(name, func(t *testing.T) {
			now := of(c.after)
			if got := now.Changes[0].PathNames(); !slices.Equal(got, c.paths) {
				t.Errorf("paths %q, not %q", got, c.paths)
			}
			if (dr.Plans{now}).Digest() == (dr.Plans{was}).Digest() {
				t.Error("the digest is that of the plan without it")
			}
			if len(dr.Wider(now, was)) == 0 {
				t.Error("the plan is not wider than the one without it")
			}
			for other, o := range map[string]string{"an element less": `{"n": 2, "list": ["x"], "rule": [], "map": {"a": "1"}, "object": null, "full": ["x"]}`, "a key less": `{"n": 2, "list": ["x"], "rule": [], "map": {}, "object": null, "full": ["x", "y"]}`} {
				if name != other && len(dr.Wider(now, of(o))) == 0 {
					t.Errorf("it is as good as %s", other)
				}
			}
		})
	}
}

// TestNullsOfWhatIsMade sees that an attribute that is not set is none of what is made.
func TestNullsOfWhatIsMade(t *testing.T) {
	p, err := allowed(parsePlan(t, `{"format_version": "1.2", "resource_changes": [
	  {"address": "x.a", "mode": "managed", "type": "x", "change": {"actions": ["create"], "before": null,
	    "after": {"name": "a", "tags": null, "rule": [{"prefix": null, "days": 1}], "list": [null], "none": [], "part": [{"set": null}]},
	    "after_unknown": {"id": true, "part": [{"arn": true}]}}}]}`), []byte("key"), "app", false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"id", "list[0]", "name", "none", "part[0].arn", "part[0].set", "rule[0].days", "rule[0].prefix"}
	if got := p.Changes[0].PathNames(); !slices.Equal(got, want) {
		t.Errorf("paths %q, not %q", got, want)
	}
}

// TestANullElementIsAsked is the same by Terraform itself: a list gets an element that is null.
func TestANullElementIsAsked(t *testing.T) {
	w := newWorld(t)
	main := func(n, list string) string {
		return "resource \"terraform_data\" \"r\" {\n  input = { n = " + n + ", list = " + list + " }\n}\n"
	}
	w.done("first", w.commit(files(main("1", `["x"]`))))
	req := w.request("second", w.again(main("2", `["x"]`)))
	req.Commit = w.again(main("2", `["x", null]`))
	w.wider(req, "terraform_data.r: a change of input.list[1] was not approved")
}
