package tf

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

func parsePlan(t *testing.T, text string) *tfjson.Plan {
	t.Helper()
	var p tfjson.Plan
	p.UseJSONNumber(true)
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

const rawPlan = `{
  "format_version": "1.2", "terraform_version": "1.11.4",
  "resource_drift": [
    {"address": "x.drifted", "mode": "managed", "type": "x", "change": {"actions": ["update"],
      "before": {"port": 80, "tags": null}, "after": {"port": 8080, "tags": {}}, "after_unknown": {}}},
    {"address": "x.gone", "mode": "managed", "type": "x", "change": {"actions": ["delete"], "before": {"port": 80}, "after": null, "after_unknown": {}}}
  ],
  "resource_changes": [
    {"address": "x.same", "mode": "managed", "type": "x", "change": {"actions": ["no-op"], "before": {}, "after": {}}},
    {"address": "data.x.read", "mode": "data", "type": "x", "change": {"actions": ["read"], "before": null, "after": {}}},
    {"address": "x.imported", "mode": "managed", "type": "x", "change": {"actions": ["no-op"], "before": {}, "after": {}, "importing": {"id": "i-1"}}},
    {"address": "x.kept", "mode": "managed", "type": "x", "change": {"actions": ["forget"], "before": {"a": 1}, "after": null}},
    {"address": "x.old", "deposed": "abc", "mode": "managed", "type": "x", "change": {"actions": ["delete"], "before": {"a": 1}, "after": null}},
    {"address": "x.replaced", "mode": "managed", "type": "x", "change": {"actions": ["delete", "create"],
      "before": {"id": "1", "name": "a", "global": "g", "ports": [1, 2], "secret": {"k1": "a"}, "kind": "s", "same": "s", "tie": "t", "free": "", "none": null},
      "after":  {"name": "b", "global": null, "ports": [1, 3], "secret": {"k2": "b"}, "kind": ["s"], "same": "s", "tie": "", "free": null, "none": ""},
      "after_unknown": {"id": true, "ports": [false, false], "block": [{"arn": true}]},
      "before_sensitive": {"secret": true}, "after_sensitive": {"secret": {"k2": true}}}}
  ]}`

func TestChangesOfEveryKind(t *testing.T) {
	p, err := allowed(parsePlan(t, rawPlan), []byte("key"), "app", true)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]dr.ResourceChange)
	var addresses []string
	for _, c := range p.Changes {
		got[c.Address] = c
		addresses = append(addresses, c.Address+" "+strings.Join(c.Actions, "+"))
	}
	if want := []string{"x.imported import", "x.kept forget", "x.old (deposed abc) delete", "x.replaced delete+create"}; !slices.Equal(addresses, want) {
		t.Errorf("changes %q, want %q", addresses, want)
	}
	r := got["x.replaced"]
	if want := []string{"block[0].arn", "free", "global", "id", "kind", "name", "none", "ports[1]", "secret", "tie"}; !slices.Equal(r.PathNames(), want) {
		t.Errorf("paths %q, want %q", r.PathNames(), want)
	}
	if !slices.Equal(r.Nulled, []string{"global", "tie"}) {
		t.Errorf("nulled %q", r.Nulled)
	}
	if got, want := (dr.ResourceChange{Paths: r.Whole}).PathNames(), []string{"block[0].arn", "id", "kind[0]", "name", "none", "ports[0]", "ports[1]", "same", "secret.k2", "tie"}; !slices.Equal(got, want) {
		t.Errorf("the whole is %q, want %q", got, want)
	}
	if c := got["x.old (deposed abc)"]; c.Deposed != "x.old" {
		t.Errorf("what was replaced is %+v", c)
	}
	if k := got["x.kept"]; k.Paths != nil {
		t.Errorf("paths of what is forgotten: %v", k.Paths)
	}
	if len(p.Drift) != 2 || !slices.Equal(p.Drift[0].PathNames(), []string{"port", "tags"}) || p.Drift[1].Actions[0] != "delete" {
		t.Errorf("drift %+v", p.Drift)
	}
	half := parsePlan(t, `{"format_version": "1.2", "complete": false}`)
	if _, err := allowed(half, []byte("key"), "app", false); dr.CodeOf(err) != dr.Conflict {
		t.Errorf("a plan that is not complete gave %v", err)
	}
}

func TestHashDependsOnWhereAndWhat(t *testing.T) {
	hash := func(key, stack, address, path string, v any) string {
		d := differ{key: []byte(key), stack: stack, address: address}
		d.add(path, node{after: v})
		return d.paths[0].Value
	}
	seen := map[string]bool{
		hash("k", "s", "a", "p", "v"): true,
		hash("l", "s", "a", "p", "v"): true,
		hash("k", "t", "a", "p", "v"): true,
		hash("k", "s", "b", "p", "v"): true,
		hash("k", "s", "a", "q", "v"): true,
		hash("k", "s", "a", "p", "w"): true,
		hash("k", "s", "a", "p", nil): true,
		hash("k", "sa", "", "p", "v"): true,
	}
	if len(seen) != 8 {
		t.Errorf("%d different hashes of 8", len(seen))
	}
}

func TestScrubber(t *testing.T) {
	j := job{Secrets: secrets{
		GitToken: "ghs_token",
		Environment: map[string]string{
			"AWS_SECRET_ACCESS_KEY": "abc/def", "my_password": "abc/def-longer", "REGION": "ap-northeast-2", "KEY": "no",
			"TLS_KEY": "-----BEGIN-----\nline-of-key\n-----END-----",
		},
	}}
	s := j.scrubber().and("from-the-plan")
	for in, want := range map[string]string{
		"token ghs_token":                   "token ***",
		"sent " + basic("ghs_token"):        "sent ***",
		"abc/def-longer and abc/def":        "*** and ***",
		"in ap-northeast-2, no":             "in ap-northeast-2, no",
		"bad line-of-key, from-the-plan\nx": "bad ***, ***",
		"a\x1b[31mb\u0000":                  "a[31mb",
		strings.Repeat("é", 400):            strings.Repeat("é", 299) + "…",
	} {
		if got := s.line(in); got != want {
			t.Errorf("line(%q) = %q, want %q", in, got, want)
		}
	}
	raw := parsePlan(t, rawPlan)
	if got := secretsOf(raw); !slices.Contains(got, "a") || !slices.Contains(got, "b") || slices.Contains(got, "g") {
		t.Errorf("secrets of the plan: %q", got)
	}
}

func TestFailuresInWords(t *testing.T) {
	said := func(lines string, err error) *failure {
		o := &output{}
		for _, b := range []byte(lines) { // in the smallest pieces
			if _, err := o.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		return o.failed(dr.T("tf.doing.plan"), err, scrubber{}, "live/app")
	}
	line := func(severity, summary, detail, address string) string {
		data, err := json.Marshal(map[string]any{"type": "diagnostic", "diagnostic": diagnostic{Severity: severity, Summary: summary, Detail: detail, Address: address}})
		if err != nil {
			t.Fatal(err)
		}
		return string(data) + "\n"
	}
	lock := "Error message: busy\nLock Info:\n  ID:        1234\n  Path:      x\n  Who:       root@host\n  Created:   2026-08-22 10:11:12.5 +0000 UTC\n  Info:      \n"
	for name, c := range map[string]struct {
		lines string
		err   string
		want  string
	}{
		"one":       {line("error", "Bad thing", "hidden detail", "x.a"), "", "Terraform could not plan: Bad thing (x.a)."},
		"repeated":  {line("error", "Bad", "", "") + line("error", "Bad", "", ""), "", "Terraform could not plan: Bad."},
		"warning":   {line("warning", "Odd", "", "") + "no json\n" + line("error", "Bad\nsecond line", "", ""), "", "Terraform could not plan: Bad."},
		"many":      {line("error", "A", "", "") + line("error", "B", "", "") + line("error", "C", "", "") + line("error", "D", "", ""), "", "Terraform could not plan: A; B; C; and 1 more."},
		"nothing":   {"", "", "Terraform could not plan: it ended without saying why."},
		"old":       {"", "exit status 1\n╷\n│ Error: Old style\n│ \n│ detail\n", "Terraform could not plan: Old style."},
		"old place": {"", "exit status 1\n╷\n│ Error: Old style\n│ \n│   with x.a,\n│   on ../m/main.tf line 12, in resource \"x\" \"a\":\n│   12:   b = var.c\n╵\n", "Terraform could not plan: Old style (x.a, live/m/main.tf:12)."},
		"place":     {`{"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "Bad", "address": "x.a", "range": {"filename": "main.tf", "start": {"line": 3, "column": 1}}}}` + "\n", "", "Terraform could not plan: Bad (x.a, live/app/main.tf:3)."},
		"locked":    {line("error", "Error acquiring the state lock", lock, ""), "", "The state is locked by root@host since 2026-08-22T10:11:12Z, lock 1234."},
		"lock bare": {line("error", "Error acquiring the state lock", "?", ""), "", "The state is locked by somebody else."},
	} {
		var err error
		if c.err != "" {
			err = errors.New(c.err)
		}
		if got := texttest.Say(t, said(c.lines, err).Text()); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestAsApproved holds what stands against what was approved, value by value, at every
// depth a plan may name one.
func TestAsApproved(t *testing.T) {
	s := &supervisor{job: job{Secrets: secrets{HashKey: []byte("key")}}}
	plan := func(actions, before, after, more string) *tfjson.Plan {
		return parsePlan(t, `{"format_version": "1.2", "resource_changes": [{"address": "x.a", "mode": "managed", "type": "x",
			"change": {"actions": [`+actions+`], "before": `+before+`, "after": `+after+more+`}}]}`)
	}
	const (
		was = `{"id": "i", "n": 1, "list": ["a", "b"], "tags": {"k": "v", "old": "o"}, "kind": "s", "secret": {"k": "1"}, "late": "l"}`
		to  = `{"id": "i", "n": 2, "list": ["a"], "tags": {"k": "w"}, "kind": ["s"], "secret": {"k": "2"}}`
		is  = `{"id": "i", "n": 2, "list": ["a"], "tags": {"k": "w"}, "kind": ["s"], "secret": {"k": "2"}, "late": "m"}`
	)
	approved, err := allowed(plan(`"update"`, was, to, `, "after_unknown": {"late": true}, "before_sensitive": {"secret": true}, "after_sensitive": {"secret": true}`), []byte("key"), "app", false)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"kind", "late", "list[1]", "n", "secret", "tags.k", "tags.old"}; !slices.Equal(approved.Changes[0].PathNames(), want) {
		t.Fatalf("approved %q", approved.Changes[0].PathNames())
	}
	for name, c := range map[string]struct {
		is   string
		want bool
	}{
		"as approved":         {is, true},
		"as it was":           {was, false},
		"another number":      {strings.Replace(is, "2,", "3,", 1), false},
		"an element too many": {strings.Replace(is, `["a"]`, `["a", "b"]`, 1), false},
		"a key too many":      {strings.Replace(is, `{"k": "w"}`, `{"k": "w", "old": "o"}`, 1), false},
		"another secret":      {strings.Replace(is, `{"k": "2"}`, `{"k": "1"}`, 1), false},
		"another kind":        {strings.Replace(is, `["s"]`, `"s"`, 1), false},
		"what nobody knew":    {strings.Replace(is, `"m"`, `"z"`, 1), true},
	} {
		stands := plan(`"no-op"`, c.is, c.is, "").ResourceChanges[0]
		if got, err := s.asApproved(approved.Changes[0], stands); got != c.want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	gone := dr.ResourceChange{Address: "x.a", Actions: []string{"delete"}}
	there := plan(`"no-op"`, is, is, "").ResourceChanges[0]
	for name, c := range map[string]struct {
		change dr.ResourceChange
		is     *tfjson.ResourceChange
		want   bool
	}{
		"deleted":       {gone, nil, true},
		"not deleted":   {gone, there, false},
		"not made":      {approved.Changes[0], nil, false},
		"nothing known": {dr.ResourceChange{Address: "x.a", Actions: []string{"create"}, Paths: []dr.PathChange{{Path: "id"}}}, there, true},
	} {
		if got, err := s.asApproved(c.change, c.is); got != c.want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestTallyKnowsWhatIsHalfMade sees what an apply that ended in any way left half made.
func TestTallyKnowsWhatIsHalfMade(t *testing.T) {
	var seen tally
	for _, r := range []record{
		{Type: recordStart, Address: "x.made", Action: "create"}, {Type: recordComplete, Address: "x.made", Action: "create"},
		{Type: recordStart, Address: "x.changed", Action: "update"}, {Type: recordErrored, Address: "x.changed", Action: "update"},
		{Type: recordStart, Address: "x.failed", Action: "create"}, {Type: recordErrored, Address: "x.failed", Action: "create"},
		{Type: recordStart, Address: "x.replaced", Action: "delete"}, {Type: recordComplete, Address: "x.replaced", Action: "delete"},
		{Type: recordStart, Address: "x.open", Action: "create"},
	} {
		seen.add(r)
	}
	if want := []string{"x.failed", "x.open"}; !slices.Equal(seen.broken, want) {
		t.Errorf("half made is %q, want %q", seen.broken, want)
	}
}

func TestCase27AnOverwriteIsKnown(t *testing.T) {
	record := func(name, actions, overwrite string) string {
		return `{"address": "aws_route53_record.` + name + `", "mode": "managed", "type": "aws_route53_record", "change": {"actions": [` + actions + `],
      "before": {}, "after": {"name": "svc", "allow_overwrite": ` + overwrite + `}, "after_unknown": {}}}`
	}
	p, err := allowed(parsePlan(t, `{"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [`+strings.Join([]string{
		record("made", `"create"`, "true"), record("plain", `"create"`, "null"), record("own", `"update"`, "true"), record("remade", `"delete", "create"`, "true"),
	}, ",")+`]}`), []byte("key"), "traffic", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Changes {
		name := strings.TrimPrefix(c.Address, "aws_route53_record.")
		if want := name == "made" || name == "remade"; c.Overwrites != want || strings.Contains(texttest.Say(t, dr.T("resume.change", "actions", c.Shown())), "overwrite") != want || slices.Contains(c.Actions, "overwrite") {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
