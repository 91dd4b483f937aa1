package tf

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/drbot/drbot/dr"
)

// flip is the change of one value in one file of a checkout, as a stack of it sees it: the
// checkout, and from there the stack's folder and the file.
type flip struct{ root, dir, file string }

// says is the Region in the file, empty where it cannot be read.
func (f flip) says() dr.Region {
	if f.file == "" {
		return ""
	}
	data, err := readWithin(f.root, f.file, largestFile)
	if err != nil {
		return ""
	}
	says, err := (RegionFile{}).ActiveRegion(string(data))
	if err != nil {
		return ""
	}
	return says
}

// unreached says why a plan was made with another Region than it must be; empty when it
// was made with that one. What the plan itself says counts, not what the files look like:
// Terraform alone knows which of its sources of values wins.
func (f flip) unreached(raw *tfjson.Plan, to dr.Region) dr.Text {
	v, declared := raw.Variables[regionAttribute]
	if !declared || v == nil {
		return dr.T("tf.flip.undeclared", "variable", regionAttribute)
	}
	if v.Value == string(to) {
		return dr.Text{}
	}
	setters := f.setters()
	if len(setters) == 0 {
		return dr.T("tf.flip.unset", "variable", regionAttribute)
	}
	wins := setters[len(setters)-1]
	linked := slices.ContainsFunc(setters, f.flipped)
	switch {
	case f.flipped(wins):
		return dr.T("tf.flip.elsewhere", "variable", regionAttribute, "file", wins)
	case linked:
		return dr.T("tf.flip.overridden", "variable", regionAttribute, "file", wins)
	default:
		return dr.T("tf.flip.copy", "variable", regionAttribute, "file", wins)
	}
}

// setters are the files of the stack that Terraform reads by itself and that set the
// variable, in the order in which it reads them: the last one wins.
func (f flip) setters() []string {
	there, err := namesWithin(f.root, f.dir)
	if err != nil {
		return nil
	}
	slices.Sort(there) // as Terraform sorts them
	names := []string{"terraform.tfvars", "terraform.tfvars.json"}
	for _, name := range there {
		if strings.HasSuffix(name, ".auto.tfvars") || strings.HasSuffix(name, ".auto.tfvars.json") {
			names = append(names, name)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return !f.sets(name) })
}

// flipped tells whether a file of the stack is the one that is changed, by whatever link.
func (f flip) flipped(name string) bool {
	return f.file != "" && sameWithin(f.root, path.Join(f.dir, name), f.file)
}

// sets tells whether a file of values has one for the variable. One that cannot be read
// sets nothing: Terraform itself refuses it.
func (f flip) sets(name string) bool {
	data, err := readWithin(f.root, path.Join(f.dir, name), largestFile)
	if err != nil {
		return false
	}
	if strings.HasSuffix(name, ".json") {
		var values map[string]json.RawMessage
		if json.Unmarshal(data, &values) != nil {
			return false
		}
		_, set := values[regionAttribute]
		return set
	}
	file, _ := hclsyntax.ParseConfig(data, name, hcl.InitialPos)
	if file == nil {
		return false
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return false
	}
	_, set := body.Attributes[regionAttribute]
	return set
}
