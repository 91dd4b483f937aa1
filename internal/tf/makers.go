package tf

import (
	"archive/zip"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/drbot/drbot/dr"
)

// makers are the providers' configurations that make the resources of a plan, as its
// configuration has them: the modules' own names for them are resolved.
type makers struct {
	configs map[string]*tfjson.ProviderConfig
	root    *tfjson.ConfigModule
}

func makersOf(raw *tfjson.Plan) makers {
	if raw.Config == nil {
		return makers{}
	}
	return makers{configs: raw.Config.ProviderConfigs, root: raw.Config.RootModule}
}

// of is what makes a resource, in the words of a state; "" when the configuration does not
// have the resource, or no longer.
func (m makers) of(rc *tfjson.ResourceChange) string {
	r := m.resource(rc)
	if r == nil {
		return ""
	}
	if c := m.configs[r.ProviderConfigKey]; c != nil {
		return maker(c.ModuleAddress, cmp.Or(c.FullName, rc.ProviderName), c.Alias)
	}
	// One that nobody configured: it has no alias, unless this Terraform's keys are others.
	_, alias, _ := strings.Cut(r.ProviderConfigKey[strings.LastIndex(r.ProviderConfigKey, ":")+1:], ".")
	return maker("", rc.ProviderName, alias)
}

// resource is what the configuration says of one.
func (m makers) resource(rc *tfjson.ResourceChange) *tfjson.ConfigResource {
	in := m.root
	for _, name := range callsTo(rc.ModuleAddress) {
		if in == nil || in.ModuleCalls[name] == nil {
			return nil
		}
		in = in.ModuleCalls[name].Module
	}
	if in == nil {
		return nil
	}
	i := slices.IndexFunc(in.Resources, func(r *tfjson.ConfigResource) bool {
		return r != nil && r.Mode == rc.Mode && r.Type == rc.Type && r.Name == rc.Name
	})
	if i < 0 {
		return nil
	}
	return in.Resources[i]
}

// callsTo are the names of the calls that lead to a module: of all its instances.
func callsTo(address string) []string {
	if address == "" {
		return nil
	}
	steps, diags := hclsyntax.ParseTraversalAbs([]byte(address), "", hcl.InitialPos)
	if diags.HasErrors() {
		return []string{address} // which no call is named
	}
	var out []string
	module := false // the word before the name
	for _, step := range steps {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			module = true
		case hcl.TraverseAttr:
			if module {
				out = append(out, step.Name)
			}
			module = !module
		}
	}
	return out
}

// maker names a provider's configuration as a state does.
func maker(module, name, alias string) string {
	out := `provider["` + name + `"]`
	if module != "" {
		out = module + "." + out
	}
	if alias != "" {
		out += "." + alias
	}
	return out
}

// stored are the providers by which a state's objects were made: they delete those that no
// configuration has any more.
type stored map[string]string

func storedKey(module, mode, kind, name string) string {
	return strings.Join([]string{module, mode, kind, name}, "\x00")
}

// storedIn reads the state that a saved plan was made of. A plan that is kept elsewhere, or
// encrypted, does not tell it.
func storedIn(saved string) (stored, error) {
	file, err := zip.OpenReader(saved)
	if errors.Is(err, zip.ErrFormat) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := fs.ReadFile(file, "tfstate")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var state struct {
		Resources []struct{ Module, Mode, Type, Name, Provider string }
	}
	if err != nil || json.Unmarshal(data, &state) != nil {
		return nil, err // not the cause, which could quote a secret
	}
	out := stored{}
	for _, r := range state.Resources {
		out[storedKey(r.Module, r.Mode, r.Type, r.Name)] = r.Provider
	}
	return out, nil
}

// madeBy completes the changes of resources that the configuration does not have. Where
// the state is not told either, it is the provider's own name alone.
func (m *module) madeBy(changes []dr.ResourceChange, raw *tfjson.Plan) error {
	unknown := func(c dr.ResourceChange) bool {
		return c.Provider == "" && !slices.Equal(c.Actions, []string{"invoke"})
	}
	if !slices.ContainsFunc(changes, unknown) {
		return nil
	}
	by, err := storedIn(m.saved)
	if err != nil {
		return fmt.Errorf("read who made what is deleted: %w", err)
	}
	of := map[string]*tfjson.ResourceChange{}
	for _, rc := range raw.ResourceChanges {
		of[addressOf(rc)] = rc
	}
	for i, c := range changes {
		if rc := of[c.Address]; rc != nil && unknown(c) {
			changes[i].Provider = cmp.Or(by[storedKey(rc.ModuleAddress, string(rc.Mode), rc.Type, rc.Name)], maker("", rc.ProviderName, ""))
		}
	}
	return nil
}

// addressOf is the address of a change: that of what a replacement left names the object
// that took its place alone.
func addressOf(rc *tfjson.ResourceChange) string {
	if rc.DeposedKey == "" {
		return rc.Address
	}
	return rc.Address + " (deposed " + rc.DeposedKey + ")"
}

// naming is what an attribute is called that may name an object that has neither an id, nor
// an ARN, nor an identity.
var naming = regexp.MustCompile(`(^|_)(id|arn|name|identifier)$`)

// named is which object a change is done to: by hashes of what names it. Nothing names
// what is yet to be made.
func (d *differ) named(rc *tfjson.ResourceChange) []dr.PathChange {
	var out []dr.PathChange
	add := func(name string, v any) {
		if !none(v) {
			out = append(out, dr.PathChange{Path: name, Value: d.hash("the object's "+name, v)})
		}
	}
	before, _ := rc.Change.Before.(map[string]any)
	add("arn", before["arn"])
	add("id", before["id"])
	add("identity", rc.Change.BeforeIdentity)
	if i := rc.Change.Importing; i != nil {
		add("import id", i.ID)
		add("import identity", i.Identity)
	}
	if len(out) == 0 {
		names := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(before)) {
			if v := before[name]; naming.MatchString(name) && !none(v) {
				names[name] = v
			}
		}
		if len(names) > 0 {
			add("names", names)
		}
	}
	add("region", before["region"]) // an id may be one in every Region
	return out
}
