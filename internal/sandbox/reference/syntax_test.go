package reference

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/drbot/drbot/internal/tf"
)

const checkout = "../../../terraform"

// later are names that Terraform 1.1 does not know, with the version that brought
// them. Sources: the change logs of hashicorp/terraform.
var (
	laterBlocks = map[string]string{
		"precondition": "1.2", "postcondition": "1.2", "check": "1.5", "import": "1.5", "removed": "1.7", "ephemeral": "1.10",
	}
	laterFunctions = map[string]string{
		"startswith": "1.3", "endswith": "1.3", "timecmp": "1.3", "optional": "1.3", "strcontains": "1.5", "plantimestamp": "1.5",
		"issensitive": "1.8", "templatestring": "1.9", "ephemeralasnull": "1.10",
	}
	laterAttributes = map[string]string{"replace_triggered_by": "1.2", "ephemeral": "1.10"}
	laterResources  = map[string]string{"terraform_data": "1.4"}
)

// tooNew lists what a file says that Terraform 1.1 does not understand.
func tooNew(name string, src []byte) []string {
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return []string{diags.Error()}
	}
	var out []string
	_ = hclsyntax.VisitAll(file.Body.(*hclsyntax.Body), func(n hclsyntax.Node) hcl.Diagnostics {
		found := func(what, since string) {
			if since != "" {
				out = append(out, n.Range().String()+": "+what+" came with Terraform "+since)
			}
		}
		switch n := n.(type) {
		case *hclsyntax.Block:
			found(n.Type, laterBlocks[n.Type])
			if len(n.Labels) > 0 {
				found(n.Labels[0], laterResources[n.Labels[0]])
			}
			if n.Type == "variable" && len(n.Labels) == 1 {
				for _, v := range n.Body.Blocks {
					if v.Type == "validation" {
						out = append(out, others(n.Labels[0], v)...)
					}
				}
			}
		case *hclsyntax.FunctionCallExpr:
			found(n.Name, laterFunctions[n.Name])
			if strings.Contains(n.Name, "::") {
				found(n.Name, "1.8")
			}
		case *hclsyntax.Attribute:
			found(n.Name, laterAttributes[n.Name])
			if strings.HasSuffix(n.Name, "_wo") || strings.HasSuffix(n.Name, "_wo_version") {
				found(n.Name, "1.11")
			}
		}
		return nil
	})
	return out
}

// others lists what a validation reads besides its own variable, which Terraform
// allows since 1.9.
func others(variable string, validation *hclsyntax.Block) []string {
	var out []string
	for _, a := range validation.Body.Attributes {
		for _, t := range a.Expr.Variables() {
			name := ""
			if len(t) > 1 {
				if step, isAttr := t[1].(hcl.TraverseAttr); isAttr {
					name = step.Name
				}
			}
			if t.RootName() != "var" || name != variable {
				out = append(out, a.Range().String()+": the validation of "+variable+" reads "+t.RootName()+"."+name+", which came with Terraform 1.9")
			}
		}
	}
	return out
}

// TestTerraform11 keeps the reference infrastructure to what Terraform 1.1
// understands, which is what the case runs.
func TestTerraform11(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(checkout, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".tf" {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		for _, what := range tooNew(path, src) {
			t.Error(what)
		}
		if filepath.Base(path) == "versions.tf" && !strings.Contains(string(src), `required_version = ">= 1.1.2"`) {
			t.Errorf("%s does not ask for Terraform >= 1.1.2", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 30 {
		t.Fatalf("only %d files were looked at", seen)
	}
}

// TestTooNew proves that the check can fail.
func TestTooNew(t *testing.T) {
	for _, src := range []string{
		`variable "a" { type = object({ b = optional(string) }) }`,
		`resource "x" "y" { lifecycle { precondition { condition = true } } }`,
		`resource "x" "y" { lifecycle { replace_triggered_by = [x.z] } }`,
		`resource "terraform_data" "y" {}`,
		`check "a" {}`,
		`locals { a = strcontains("a", "b") }`,
		`locals { a = [for s in ["a"] : startswith(s, "b")] }`,
		`resource "x" "y" { master_password_wo = "z" }`,
		"variable \"a\" {\n  validation {\n    condition = var.a != var.b\n    error_message = \"No.\"\n  }\n}",
		`locals { a = provider::aws::arn_parse("x") }`,
	} {
		if len(tooNew("x.tf", []byte(src))) == 0 {
			t.Errorf("nothing was found in %s", src)
		}
	}
	if found := tooNew("x.tf", []byte("variable \"a\" {\n  validation {\n    condition = contains([\"b\"], var.a)\n    error_message = \"No.\"\n  }\n}")); len(found) > 0 {
		t.Errorf("found where nothing is: %s", found)
	}
}

// terraform is the program as the bot finds it, installed if need be.
func terraform(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	path, err := tf.Find(t.Context(), filepath.Join(cache, "drbot"))
	if err != nil {
		t.Skipf("not proved here: %v", err)
	}
	return path
}

// TestFormat keeps the files as terraform fmt writes them.
func TestFormat(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), terraform(t), "fmt", "-check", "-recursive", "-diff", checkout).CombinedOutput()
	if err != nil {
		t.Errorf("terraform fmt: %v\n%s", err, out)
	}
}
