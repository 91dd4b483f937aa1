package tf

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/drbot/drbot/dr"
)

// allowed reduces Terraform's plan to what may leave this package.
func allowed(raw *tfjson.Plan, key []byte, stack string, withDrift bool) (dr.Plan, error) {
	if raw.Complete != nil && !*raw.Complete || len(raw.DeferredChanges) > 0 {
		return dr.Plan{}, &dr.Error{Code: dr.Conflict, What: dr.T("tf.plan.deferred", "stack", stack)}
	}
	if !readable(raw) {
		return dr.Plan{}, &dr.Error{Code: dr.Conflict, What: dr.T("tf.plan.unreadable", "stack", stack)}
	}
	plan := dr.Plan{Stack: stack, Terraform: raw.TerraformVersion}
	var err error
	if plan.Changes, err = changesOf(raw.ResourceChanges, makersOf(raw), key, stack); err != nil {
		return dr.Plan{}, err
	}
	for _, a := range raw.ActionInvocations {
		plan.Changes = append(plan.Changes, dr.ResourceChange{Stack: stack, Address: a.Address, Type: a.Type, Actions: []string{"invoke"}})
	}
	if withDrift {
		if plan.Drift, err = changesOf(raw.ResourceDrift, makersOf(raw), key, stack); err != nil {
			return dr.Plan{}, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(raw.OutputChanges)) {
		if !raw.OutputChanges[name].Actions.NoOp() {
			plan.Outputs = append(plan.Outputs, name)
		}
	}
	for _, c := range raw.Checks {
		bad := c.Status == tfjson.CheckStatusFail || c.Status == tfjson.CheckStatusError
		if bad && c.Address.Kind == tfjson.CheckKindCheckBlock {
			plan.Failed = append(plan.Failed, c.Address.ToDisplay)
		}
	}
	slices.Sort(plan.Failed)
	return plan, nil
}

// readable tells whether every entry of a plan says what it does. What is empty
// would be left out of what people see.
func readable(raw *tfjson.Plan) bool {
	for _, rc := range slices.Concat(raw.ResourceChanges, raw.ResourceDrift) {
		if rc == nil || rc.Change == nil {
			return false
		}
	}
	for _, c := range raw.OutputChanges {
		if c == nil {
			return false
		}
	}
	return !slices.Contains(raw.ActionInvocations, nil)
}

func changesOf(list []*tfjson.ResourceChange, by makers, key []byte, stack string) ([]dr.ResourceChange, error) {
	var out []dr.ResourceChange
	for _, rc := range list {
		actions := actionsOf(rc)
		if len(actions) == 0 {
			continue
		}
		c := dr.ResourceChange{Stack: stack, Address: addressOf(rc), Type: rc.Type, Actions: actions, Provider: by.of(rc)}
		if rc.DeposedKey != "" {
			c.Deposed = rc.Address
		}
		if moved(rc) {
			c.From = rc.PreviousAddress
		}
		c.Overwrites = overwrites(rc)
		d := differ{key: key, stack: stack, address: c.Address}
		whole := d
		d.keepsOld = rc.Change.Before != nil
		was := differ{key: key, stack: stack, address: rc.Address} // the same when it is deposed
		c.Object = was.named(rc)
		// What is deleted loses every attribute; its action says so.
		if !rc.Change.Actions.Delete() && !rc.Change.Actions.Forget() {
			d.walk("", node{
				before: rc.Change.Before, after: rc.Change.After, unknown: rc.Change.AfterUnknown,
				secretBefore: rc.Change.BeforeSensitive, secretAfter: rc.Change.AfterSensitive,
			})
		}
		if rc.Change.Actions.Replace() {
			// As a plan to create it will say, when the old object is gone.
			whole.walk("", node{after: rc.Change.After, unknown: rc.Change.AfterUnknown, secretAfter: rc.Change.AfterSensitive})
		}
		if err := cmp.Or(d.err, whole.err, was.err); err != nil {
			return nil, fmt.Errorf("hash the plan of %s: %w", c.Address, err)
		}
		c.Paths, c.Nulled, c.Whole = d.paths, d.nulled, whole.paths
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b dr.ResourceChange) int { return cmp.Compare(a.Address, b.Address) })
	return out, nil
}

// actionsOf lists what an apply would do to a resource. Reading a data source is
// no change. A move or an import changes the state alone but is an act all the
// same, so a plan never does something that people did not see.
func actionsOf(rc *tfjson.ResourceChange) []string {
	if rc.Mode == tfjson.DataResourceMode {
		return nil
	}
	var out []string
	for _, a := range rc.Change.Actions {
		if a != tfjson.ActionNoop && a != tfjson.ActionRead {
			out = append(out, string(a))
		}
	}
	if moved(rc) {
		out = append(out, "move")
	}
	if rc.Change.Importing != nil {
		out = append(out, "import")
	}
	return out
}

// overwrites tells whether a resource that is made takes the place of one that is there,
// made by somebody else.
func overwrites(rc *tfjson.ResourceChange) bool {
	after, _ := rc.Change.After.(map[string]any)
	return slices.Contains(rc.Change.Actions, tfjson.ActionCreate) && after["allow_overwrite"] == true
}

func moved(rc *tfjson.ResourceChange) bool {
	return rc.PreviousAddress != "" && rc.PreviousAddress != rc.Address
}

// differ lists the attributes of one resource that change.
type differ struct {
	key            []byte
	stack, address string
	keepsOld       bool // beside what is not known yet
	paths          []dr.PathChange
	nulled         []string
	err            error
}

// node is one place in a resource's value, as Terraform describes it.
type node struct {
	before, after, unknown    any
	secretBefore, secretAfter any

	comes, goes bool // the place itself: on one side there is none, not even for a null
}

func (d *differ) walk(path string, n node) {
	switch {
	case isTrue(n.unknown):
		d.add(path, n)
	case n.goes, n.comes && n.after == nil && !anyTrue(n.unknown):
		d.add(path, n)
	case isTrue(n.secretBefore), isTrue(n.secretAfter):
		// Not descended into: the keys and the length of a secret are part of it.
		if anyTrue(n.unknown) || !reflect.DeepEqual(n.before, n.after) {
			d.add(path, n)
		}
	case isObject(n.after, n.unknown) && fits[map[string]any](n.before):
		d.object(path, n)
	case isList(n.after, n.unknown) && fits[[]any](n.before):
		d.list(path, n)
	case !reflect.DeepEqual(n.before, n.after):
		d.add(path, n)
	}
}

func (d *differ) object(path string, n node) {
	before, _ := n.before.(map[string]any)
	after, _ := n.after.(map[string]any)
	unknown, _ := n.unknown.(map[string]any)
	secretBefore, _ := n.secretBefore.(map[string]any)
	secretAfter, _ := n.secretAfter.(map[string]any)
	keys := make(map[string]bool)
	for _, m := range []map[string]any{before, after, unknown} {
		for k := range m {
			keys[k] = true
		}
	}
	if n.before == nil && len(keys) == 0 {
		d.add(path, n) // from nothing to an empty map
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		_, was := before[k]
		_, is := after[k]
		is = is || anyTrue(unknown[k])
		d.walk(join(path, k), node{
			before[k], after[k], unknown[k], secretBefore[k], secretAfter[k],
			// An attribute of the resource is always there, and null when it is not set.
			path != "" && is && !was, path != "" && was && !is,
		})
	}
}

func (d *differ) list(path string, n node) {
	before, _ := n.before.([]any)
	after, _ := n.after.([]any)
	unknown, _ := n.unknown.([]any)
	secretBefore, _ := n.secretBefore.([]any)
	secretAfter, _ := n.secretAfter.([]any)
	length := max(len(before), len(after), len(unknown))
	if n.before == nil && length == 0 {
		d.add(path, n)
	}
	for i := range length {
		was, is := i < len(before), i < len(after) || anyTrue(at(unknown, i))
		d.walk(path+"["+strconv.Itoa(i)+"]", node{
			at(before, i), at(after, i), at(unknown, i), at(secretBefore, i), at(secretAfter, i),
			is && !was, was && !is,
		})
	}
}

// add notes one changed attribute. A value that is known only in part counts as
// unknown.
func (d *differ) add(path string, n node) {
	if anyTrue(n.unknown) {
		p := dr.PathChange{Path: path}
		if d.keepsOld {
			p.Was = d.valueAt(path, n.before, n.comes)
		}
		d.paths = append(d.paths, p)
		return
	}
	if none(n.after) && !none(n.before) {
		d.nulled = append(d.nulled, path)
	}
	d.paths = append(d.paths, dr.PathChange{Path: path, Value: d.valueAt(path, n.after, n.goes)})
}

// valueAt stands for a value, or for there being no such place.
func (d *differ) valueAt(path string, value any, none bool) string {
	if none {
		return d.gone(path)
	}
	return d.hash(path, value)
}

// none tells whether a value says that there is nothing: many providers take "" for it.
func none(v any) bool { return v == nil || v == "" }

// hash stands for a value at its place.
func (d *differ) hash(path string, value any) string { return d.mac(d.stack, d.address, path, value) }

// gone stands for there being no such place: an element less is not one that is null.
func (d *differ) gone(path string) string { return d.mac(d.stack, d.address, path, nil, "gone") }

func (d *differ) mac(parts ...any) string {
	// An array keeps the parts apart whatever is in them, and Go's encoding of
	// maps is sorted.
	canonical, err := json.Marshal(parts)
	if err != nil {
		d.err = err
		return ""
	}
	mac := hmac.New(sha256.New, d.key)
	mac.Write(canonical)
	return hex.EncodeToString(mac.Sum(nil))
}

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

func join(path, key string) string {
	switch {
	case !plainKey.MatchString(key):
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	default:
		return path + "." + key
	}
}

func anyTrue(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case map[string]any:
		for _, child := range v {
			if anyTrue(child) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, anyTrue)
	}
	return false
}

// isObject tells whether an attribute will be a map; an attribute that is not in
// the plan's values at all may still have parts that are not known yet.
func isObject(after, unknown any) bool {
	_, is := after.(map[string]any)
	_, may := unknown.(map[string]any)
	return is || after == nil && may && anyTrue(unknown)
}

func isList(after, unknown any) bool {
	_, is := after.([]any)
	_, may := unknown.([]any)
	return is || after == nil && may && anyTrue(unknown)
}

// fits tells whether a value has the type, or is not there.
func fits[T any](v any) bool {
	_, ok := v.(T)
	return ok || v == nil
}
