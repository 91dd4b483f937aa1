package tf

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// What makes a resource is told by the configuration, through all the modules that it
// stands in, in the words of a state.
func TestMakers(t *testing.T) {
	plan := parsePlan(t, `{
	  "format_version": "1.2", "terraform_version": "1.11.4",
	  "configuration": {
	    "provider_config": {
	      "aws": {"name": "aws", "full_name": "registry.terraform.io/hashicorp/aws"},
	      "aws.seoul": {"name": "aws", "full_name": "registry.terraform.io/hashicorp/aws", "alias": "seoul"},
	      "module.old:aws": {"name": "aws", "full_name": "registry.terraform.io/hashicorp/aws", "module_address": "module.old"}
	    },
	    "root_module": {
	      "resources": [
	        {"address": "aws_x.a", "mode": "managed", "type": "aws_x", "name": "a", "provider_config_key": "aws"},
	        {"address": "terraform_data.a", "mode": "managed", "type": "terraform_data", "name": "a", "provider_config_key": "terraform"}
	      ],
	      "module_calls": {
	        "m": {"module": {"module_calls": {"n": {"module": {"resources": [
	          {"address": "aws_x.a", "mode": "managed", "type": "aws_x", "name": "a", "provider_config_key": "aws.seoul"}]}}}}},
	        "old": {"module": {"resources": [
	          {"address": "aws_x.a", "mode": "managed", "type": "aws_x", "name": "a", "provider_config_key": "module.old:aws"}]}}
	      }
	    }
	  },
	  "resource_changes": [
	    {"address": "aws_x.a[\"1\"]", "mode": "managed", "type": "aws_x", "name": "a", "provider_name": "registry.terraform.io/hashicorp/aws", "change": {"actions": ["create"]}},
	    {"address": "module.m[0].module.n[\"u.v \\\"${w}\"].aws_x.a", "module_address": "module.m[0].module.n[\"u.v \\\"$${w}\"]", "mode": "managed", "type": "aws_x", "name": "a", "provider_name": "registry.terraform.io/hashicorp/aws", "change": {"actions": ["create"]}},
	    {"address": "module.old.aws_x.a", "module_address": "module.old", "mode": "managed", "type": "aws_x", "name": "a", "provider_name": "registry.terraform.io/hashicorp/aws", "change": {"actions": ["create"]}},
	    {"address": "module.old.aws_x.gone", "module_address": "module.old", "mode": "managed", "type": "aws_x", "name": "gone", "provider_name": "registry.terraform.io/hashicorp/aws", "change": {"actions": ["delete"]}},
	    {"address": "module.there_is_none.aws_x.a", "module_address": "module.there_is_none", "mode": "managed", "type": "aws_x", "name": "a", "provider_name": "registry.terraform.io/hashicorp/aws", "change": {"actions": ["delete"]}},
	    {"address": "terraform_data.a", "mode": "managed", "type": "terraform_data", "name": "a", "provider_name": "terraform.io/builtin/terraform", "change": {"actions": ["create"]}}
	  ]}`)
	p, err := allowed(plan, []byte("key"), "app", false)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range p.Changes {
		got = append(got, c.Provider)
	}
	const aws = `provider["registry.terraform.io/hashicorp/aws"]`
	want := []string{aws, aws + ".seoul", "module.old." + aws, "", "", `provider["terraform.io/builtin/terraform"]`}
	if !slices.Equal(got, want) {
		t.Errorf("made by %q, not %q", got, want)
	}
}

// What names an object is told by hashes alone, and none of its other attributes is.
func TestNamesOfObjects(t *testing.T) {
	of := func(change string) (names []string, values []string) {
		t.Helper()
		plan := parsePlan(t, `{"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [{"address": "x.a", "mode": "managed", "type": "x", "name": "a", "change": `+change+`}]}`)
		p, err := allowed(plan, []byte("key"), "app", false)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range p.Changes[0].Object {
			names, values = append(names, o.Path), append(values, o.Value)
		}
		return names, values
	}
	for name, c := range map[string]struct {
		change, other string // other is of another object; empty where none can be told
		names         string
	}{
		"by id and ARN":            {`{"actions": ["delete"], "before": {"id": "a", "arn": "b", "size": 1}}`, `{"actions": ["delete"], "before": {"id": "a", "arn": "c", "size": 1}}`, "arn id"},
		"in a Region":              {`{"actions": ["update"], "before": {"id": "a", "region": "b"}, "after": {}}`, `{"actions": ["update"], "before": {"id": "a", "region": "c"}, "after": {}}`, "id region"},
		"by an identity":           {`{"actions": ["update"], "before": {}, "after": {}, "before_identity": {"x": 1}}`, `{"actions": ["update"], "before": {}, "after": {}, "before_identity": {"x": 2}}`, "identity"},
		"imported":                 {`{"actions": ["no-op"], "before": {"id": "a"}, "after": {"id": "a"}, "importing": {"id": "b"}}`, `{"actions": ["no-op"], "before": {"id": "a"}, "after": {"id": "a"}, "importing": {"id": "c"}}`, "id import id"},
		"by an identity, imported": {`{"actions": ["no-op"], "importing": {"identity": {"x": "a"}}}`, `{"actions": ["no-op"], "importing": {"identity": {"x": "b"}}}`, "import identity"},
		"by nothing of the kind":   {`{"actions": ["update"], "before": {"group_id": "a", "vpc_id": "b", "state": "c"}, "after": {}}`, `{"actions": ["update"], "before": {"group_id": "a", "vpc_id": "d", "state": "c"}, "after": {}}`, "names"},
		"yet to be made":           {`{"actions": ["create"], "before": null, "after": {"id": "a"}}`, "", ""},
		"by nothing":               {`{"actions": ["update"], "before": {"id": null, "size": 1}, "after": {}}`, "", ""},
	} {
		names, values := of(c.change)
		if got := strings.Join(names, " "); got != c.names {
			t.Errorf("%s: named by %q, not %q", name, got, c.names)
		}
		for _, v := range values {
			if !hashForm.MatchString(v) {
				t.Errorf("%s: %q is no hash", name, v)
			}
		}
		if c.other == "" {
			continue
		}
		if _, others := of(c.other); slices.Equal(values, others) {
			t.Errorf("%s: another object is not told from it", name)
		}
	}
	_, is := of(`{"actions": ["update"], "before": {"id": "a", "size": 1, "vpc_id": "b"}, "after": {}}`)
	if _, changed := of(`{"actions": ["update"], "before": {"id": "a", "size": 2, "vpc_id": "c"}, "after": {}}`); !slices.Equal(is, changed) {
		t.Error("the same object, changed by somebody, is told as another")
	}
}

func aliased(main string) string {
	return `
provider "terraform" {
  alias = "seoul"
}
provider "terraform" {
  alias = "tokyo"
}
` + main
}

func madeBy(alias string) string {
	return aliased(`
resource "terraform_data" "x" {
  provider = terraform.` + alias + `
  input    = "v"
}
`)
}

const (
	inTokyo = `provider["terraform.io/builtin/terraform"].tokyo`
	inSeoul = `provider["terraform.io/builtin/terraform"].seoul`
)

func TestAnotherProviderMakesIt(t *testing.T) {
	w := newWorld(t)
	req := w.request("run", w.commit(files(madeBy("tokyo"))))
	req.Commit = w.again(madeBy("seoul"))
	if now := w.plan(req.Commit); (dr.Plans{req.Approved}).Digest() == (dr.Plans{now}).Digest() {
		t.Error("the digest is the same")
	}
	w.wider(req, "terraform_data.x: made by "+inSeoul+" where "+inTokyo+" was approved")
}

// What no configuration has any more is deleted by the provider that the state names: an
// object of the same id in another Region is another one.
func TestAnotherProviderDeletesIt(t *testing.T) {
	w := newWorld(t)
	w.done("first", w.commit(files(madeBy("tokyo"))))
	gone := w.again(aliased(""))
	req := w.request("run", gone)
	if got := req.Approved.Changes[0].Provider; got != inTokyo {
		t.Errorf("deleted by %s", got)
	}
	counted := w.plan(w.again(strings.Replace(madeBy("tokyo"), "provider =", "count = 0\n  provider =", 1)))
	if wider := dr.Wider(w.plan(gone), counted); len(wider) > 1 { // other code
		t.Errorf("the same is deleted, for another reason: %v", wider)
	}
	state, err := os.ReadFile(w.state())
	if err != nil {
		t.Fatal(err)
	}
	quoted := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	if err := os.WriteFile(w.state(), []byte(strings.Replace(string(state), quoted(inTokyo), quoted(inSeoul), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	w.wider(req, "terraform_data.x: made by "+inSeoul+" where "+inTokyo+" was approved")
}

// A saved plan that is no archive, as that of a plan made elsewhere, or one without a state
// in it, tells no configuration: the provider's name is what is left.
func TestNobodyTellsWhoDeletesIt(t *testing.T) {
	raw := parsePlan(t, `{"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [
	  {"address": "x.a", "mode": "managed", "type": "x", "name": "a", "provider_name": "example.com/x/x", "change": {"actions": ["delete"], "before": {}}}]}`)
	saved := filepath.Join(t.TempDir(), "plan")
	archive := func(name, content string) string {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write([]byte(content))
		}
		if err := errors.Join(err, z.Close()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, content := range []string{"", "{}", archive("tfplan", "x"), archive("tfstate", "encrypted"), archive("tfstate", "{}")} {
		if err := os.WriteFile(saved, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := allowed(raw, []byte("key"), "app", false)
		if err == nil {
			err = (&module{saved: saved}).madeBy(p.Changes, raw)
		}
		if err != nil || p.Changes[0].Provider != `provider["example.com/x/x"]` {
			t.Errorf("of %.5q it is deleted by %q (%v)", content, p.Changes[0].Provider, err)
		}
	}
	if err := os.Remove(saved); err != nil {
		t.Fatal(err)
	}
	p, err := allowed(raw, []byte("key"), "app", false)
	if err == nil {
		err = (&module{saved: saved}).madeBy(p.Changes, raw)
	}
	if err == nil {
		t.Error("a saved plan that is gone is no error")
	}
}

// The base names another object to be imported than people approved.
func TestAnotherObjectIsImported(t *testing.T) {
	w := newWorld(t)
	imports := func(id string) string {
		return `
import {
  to = terraform_data.x
  id = "` + id + `"
}
resource "terraform_data" "x" {
  input = "v"
}
`
	}
	req := w.request("run", w.commit(files(imports("idle"))))
	approved := req.Commit
	req.Commit = w.again(imports("production"))
	if now := w.plan(req.Commit); (dr.Plans{req.Approved}).Digest() == (dr.Plans{now}).Digest() {
		t.Error("the digest is the same")
	}
	w.wider(req, "terraform_data.x: update, import of another object than the approved one, by its id, import id")
	req.Key, req.Commit = "as approved", approved
	if r := w.apply(req); r.Kind != dr.ApplyDone {
		t.Errorf("result %+v", r)
	}
}

// What is deleted is another object than people approved the deletion of.
func TestAnotherObjectIsDeleted(t *testing.T) {
	w := newWorld(t)
	const x = `
resource "terraform_data" "x" {
  input = "v"
}
`
	w.done("first", w.commit(files(x)))
	req := w.request("run", w.again(""))
	w.again(x)
	w.byHand("state", "rm", "terraform_data.x")
	w.byHand("import", "terraform_data.x", "production")
	w.again("")
	w.wider(req, "terraform_data.x: delete of another object than the approved one, by its id")
}

// A replacement that was approved to make the new object first deletes the old one first.
func TestReplacedTheOtherWayRound(t *testing.T) {
	w := newWorld(t)
	r := func(version, first string) string {
		return `
resource "terraform_data" "r" {
  triggers_replace = "` + version + `"
  lifecycle {
    create_before_destroy = ` + first + `
  }
}
`
	}
	w.done("first", w.commit(files(r("1", "true"))))
	req := w.request("run", w.again(r("2", "true")))
	req.Commit = w.again(r("2", "false"))
	w.wider(req, "terraform_data.r: delete, create where create, delete was approved")
}

// What was approved of a stack that leads the users may not drop out; what of it is
// done already is in no plan, and not lost.
func TestWhatLeadsTheUsersDropsOut(t *testing.T) {
	w := newWorld(t)
	stack := func(record string) string {
		return `
resource "terraform_data" "other" {
  input = "2"
}
` + record
	}
	const record = `
resource "terraform_data" "record" {
  input = "tokyo"
}
`
	req := w.request("run", w.commit(files(stack(record))))
	all := req.Commit
	req.Stack.Role = dr.TrafficStack
	req.Commit = w.again(stack(""))
	w.wider(req, "terraform_data.record: create was approved, is not done, and is in the plan no more; it may be what leads the users")

	w.done("by somebody", w.again(record))
	req.Key, req.Commit = "retry", all
	if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts != (dr.Counts{Add: 1}) {
		t.Errorf("result %+v", r)
	}
}
