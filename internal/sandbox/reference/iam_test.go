package reference

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The bot's module and the document that says of each action why it is there. A
// heading of the document names the file whose actions stand below it.
const (
	botModule   = checkout + "/modules/drbot"
	iamDocument = "../../../docs/iam.md"
)

var (
	docFile   = regexp.MustCompile("^## .*`([a-z0-9_/]+\\.tf)`")
	docAction = regexp.MustCompile("`([a-z][a-z0-9-]*:[A-Z][A-Za-z]+)`")
	oneAction = regexp.MustCompile(`^[a-z][a-z0-9-]*:[A-Z][A-Za-z]+$`)
)

// actionsIn lists what the policies of a file allow: every text under a key named
// Action.
func actionsIn(name string, src []byte) (actions, faults []string) {
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, []string{diags.Error()}
	}
	_ = hclsyntax.VisitAll(file.Body.(*hclsyntax.Body), func(n hclsyntax.Node) hcl.Diagnostics {
		object, isObject := n.(*hclsyntax.ObjectConsExpr)
		if !isObject {
			return nil
		}
		for _, item := range object.Items {
			if hcl.ExprAsKeyword(item.KeyExpr) != "Action" {
				continue
			}
			_ = hclsyntax.VisitAll(item.ValueExpr, func(n hclsyntax.Node) hcl.Diagnostics {
				text, isText := n.(*hclsyntax.TemplateExpr)
				if !isText {
					return nil
				}
				value, diags := text.Value(nil)
				switch {
				case diags.HasErrors():
					faults = append(faults, text.Range().String()+": an action that only Terraform can tell")
				case !oneAction.MatchString(value.AsString()):
					faults = append(faults, text.Range().String()+": "+value.AsString()+" is not the name of one action")
				default:
					actions = append(actions, value.AsString())
				}
				return nil
			})
		}
		return nil
	})
	slices.Sort(actions)
	return slices.Compact(actions), faults
}

// documented lists the actions of the document by the file of their heading.
func documented(doc string) map[string][]string {
	out := map[string][]string{}
	file := ""
	for line := range strings.Lines(doc) {
		if strings.HasPrefix(line, "## ") {
			file = ""
			if m := docFile.FindStringSubmatch(line); m != nil {
				file = m[1]
			}
		}
		for _, m := range docAction.FindAllStringSubmatch(line, -1) {
			if !slices.Contains(out[file], m[1]) {
				out[file] = append(out[file], m[1])
			}
		}
	}
	return out
}

// undocumented compares the files of a module with the document, both ways.
func undocumented(files map[string][]byte, doc string) []string {
	var out []string
	said := documented(doc)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		actions, faults := actionsIn(name, files[name])
		out = append(out, faults...)
		for _, a := range actions {
			if !slices.Contains(said[name], a) {
				out = append(out, name+" allows "+a+", and the document does not say why")
			}
		}
		for _, a := range said[name] {
			if !slices.Contains(actions, a) {
				out = append(out, "the document explains "+a+", which "+name+" does not allow")
			}
		}
		delete(said, name)
	}
	for _, name := range slices.Sorted(maps.Keys(said)) {
		out = append(out, "the document explains "+strings.Join(said[name], ", ")+" of no file ("+name+")")
	}
	return out
}

// TestActionsAreExplained keeps docs/iam.md true.
func TestActionsAreExplained(t *testing.T) {
	files := map[string][]byte{}
	err := filepath.WalkDir(botModule, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".tf" {
			return err
		}
		name, err := filepath.Rel(botModule, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(iamDocument)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range undocumented(files, string(doc)) {
		t.Error(what)
	}
	count := 0
	for name, src := range files {
		actions, _ := actionsIn(name, src)
		count += len(actions)
	}
	if count < 100 {
		t.Errorf("only %d actions were looked at", count)
	}
}

// TestUndocumented proves that the check can fail.
func TestUndocumented(t *testing.T) {
	const doc = "## Read (`read.tf`)\n\n| `ecs:DescribeServices` | why |\n"
	policy := func(action string) map[string][]byte {
		return map[string][]byte{"read.tf": []byte(`resource "x" "y" { policy = jsonencode({ Statement = [{ Effect = "Allow", Action = ` + action + ` }] }) }`)}
	}
	if found := undocumented(policy(`"ecs:DescribeServices"`), doc); len(found) > 0 {
		t.Errorf("found where nothing is: %s", found)
	}
	for what, action := range map[string]string{
		"one more":         `["ecs:DescribeServices", "ecs:UpdateService"]`,
		"one more inside":  `concat(["ecs:DescribeServices"], true ? ["ecs:UpdateService"] : [])`,
		"none":             `[]`,
		"another":          `"ecs:UpdateService"`,
		"a wildcard":       `["ecs:DescribeServices", "ecs:Describe*"]`,
		"one put together": `["ecs:DescribeServices", "ecs:${var.a}"]`,
	} {
		if len(undocumented(policy(action), doc)) == 0 {
			t.Errorf("nothing was found in %s", what)
		}
	}
	if len(undocumented(policy(`"ecs:DescribeServices"`), doc+"\n## Nothing (`gone.tf`)\n\n`ecs:UpdateService`\n")) == 0 {
		t.Error("a section of a file that is not there was not found")
	}
	if len(undocumented(policy(`"ecs:DescribeServices"`), doc+"\n## No file\n\n`ecs:UpdateService`\n")) == 0 {
		t.Error("an action below a heading without a file was not found")
	}
}
