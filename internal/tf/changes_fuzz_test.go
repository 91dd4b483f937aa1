package tf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// FuzzPlanJSON makes a dr.Plan of anything that Terraform's JSON reader takes, and
// of the same plan with every value replaced by a planted one. Whatever of a value
// gets through, in part or by what depends on it, then shows as a difference or as a
// planted value. The names of attributes may get through and are left as they are.
func FuzzPlanJSON(f *testing.F) {
	f.Add([]byte(rawPlan))
	f.Add([]byte(`{"format_version": "1.2"}`))
	f.Add([]byte(`{"format_version": "1.2", "resource_changes": [null, {"address": "x.a"}], "resource_drift": [null], "output_changes": {"dsn": null}}`))
	f.Add([]byte(`{"format_version": "1.2", "action_invocations": [null, {"address": "action.x.y", "type": "x", "config_values": {"a": "secret-value"}}]}`))
	f.Add([]byte(`{"format_version": "1.2", "complete": false}`))
	f.Add([]byte(`{"format_version": "1.2",
	  "output_changes": {"dsn": {"actions": ["update"], "before": "mysql://a:secret-1@h", "after": "mysql://a:secret-2@h", "after_sensitive": true}, "same": {"actions": ["no-op"], "before": "secret-3", "after": "secret-3"}},
	  "checks": [{"address": {"kind": "check", "to_display": "check.up"}, "status": "fail", "instances": [{"address": {"to_display": "check.up"}, "status": "fail", "problems": [{"message": "got secret-4"}]}]}],
	  "resource_changes": [{"address": "x.a[\"k\"]", "previous_address": "x.b", "deposed": "d0d0d0d0", "mode": "managed", "type": "x", "index": "k",
	    "change": {"actions": ["update"], "before": {"a b": ["secret-5", 1e9], "m": {"k.k": "secret-6"}}, "after": {"a b": ["secret-5", 1000000000], "m": {"k.k": ["secret-6"]}},
	      "after_unknown": {"a b": [false, {"z": true}]}, "before_sensitive": {"m": true}, "after_sensitive": {"a b": [true]}, "replace_paths": [["m"]], "importing": {"id": "i"}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		read := func() *tfjson.Plan {
			var p tfjson.Plan
			p.UseJSONNumber(true) // as in the product
			if json.Unmarshal(data, &p) != nil {
				return nil
			}
			return &p
		}
		raw, blind := read(), read()
		if raw == nil {
			return
		}
		c := canaries{}
		c.putInto(blind)
		plan, err := allowed(raw, []byte("a key of enough bytes"), "app", true)
		blindPlan, blindErr := allowed(blind, []byte("a key of enough bytes"), "app", true)
		if err != nil {
			if msg, _ := texttest.Told(t, err); msg == "" || blindErr == nil {
				t.Fatalf("refused with %v, and with other values %v", err, blindErr)
			}
			return
		}
		digest := dr.Plans{plan}.Digest()
		out, err := json.Marshal(blindPlan)
		if err != nil {
			t.Fatal(err)
		}
		if i := bytes.Index(out, []byte(planted)); i >= 0 {
			t.Errorf("a value got through: …%s", out[i:min(i+80, len(out))])
		}
		if a, b := unhashed(t, plan), unhashed(t, blindPlan); !reflect.DeepEqual(a, b) {
			t.Errorf("the values show in\n%+v\nwhich with others is\n%+v", a, b)
		}
		_ = secretsOf(raw) // whatever is taken must be readable for the scrubber too
		again, err := allowed(read(), []byte("a key of enough bytes"), "app", true)
		if err != nil || (dr.Plans{again}).Digest() != digest {
			t.Errorf("the same plan has two digests (%v)", err)
		}
	})
}

const planted = "planted-value-"

// canaries gives each value another one in its place, and equal values equal ones:
// whether an attribute changes is no secret.
type canaries map[string]string

func (c canaries) putInto(p *tfjson.Plan) {
	change := func(ch *tfjson.Change) {
		if ch != nil {
			ch.Before, ch.After = c.of(ch.Before), c.of(ch.After)
		}
	}
	for _, list := range [][]*tfjson.ResourceChange{p.ResourceChanges, p.ResourceDrift} {
		for _, rc := range list {
			if rc != nil {
				change(rc.Change)
			}
		}
	}
	for _, ch := range p.OutputChanges {
		change(ch)
	}
	for _, a := range p.ActionInvocations {
		if a != nil {
			a.ConfigValues = c.of(a.ConfigValues)
		}
	}
	for _, v := range p.Variables {
		if v != nil {
			v.Value = c.of(v.Value)
		}
	}
}

func (c canaries) of(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, child := range v {
			out[k] = c.of(child)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = c.of(child)
		}
		return out
	case nil, bool:
		return v // there is nothing to tell them by
	case string:
		if v == "" {
			return v // whether there is something is no secret
		}
		return c.in(v)
	default:
		return c.in(v)
	}
}

// in gives the one that stands in for a value.
func (c canaries) in(v any) string {
	key := fmt.Sprintf("%T %v", v, v)
	if c[key] == "" {
		c[key] = fmt.Sprintf("%s%d", planted, len(c))
	}
	return c[key]
}

var hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// unhashed is a plan without the keyed hashes, which must be nothing else.
func unhashed(t *testing.T, p dr.Plan) dr.Plan {
	t.Helper()
	for _, list := range [][]dr.ResourceChange{p.Changes, p.Drift} {
		for i := range list {
			unhashPaths(t, list[i].Paths)
			unhashPaths(t, list[i].Whole)
			unhashPaths(t, list[i].Object)
		}
	}
	return p
}

func unhashPaths(t *testing.T, paths []dr.PathChange) {
	t.Helper()
	for i, path := range paths {
		for _, hash := range []string{path.Value, path.Was} {
			if hash != "" && !hashForm.MatchString(hash) {
				t.Errorf("%s has the value %q and no hash", path.Path, hash)
			}
		}
		if strings.Contains(path.Path, planted) {
			t.Errorf("the path %q is a value", path.Path)
		}
		paths[i].Value, paths[i].Was = "", ""
	}
}
