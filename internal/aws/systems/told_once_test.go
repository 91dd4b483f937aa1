package systems_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/aws/systems"
)

// TestEveryCheckIsToldOnce finds each check's id as a literal in exactly one file of
// the systems, and in no rule.
func TestEveryCheckIsToldOnce(t *testing.T) {
	files := map[string][]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if v, err := strconv.Unquote(lit.Value); err == nil {
					files[v] = append(files[v], path)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Glob("../../../policies/*.rego")
	if err != nil || len(rules) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	for _, spec := range systems.Specs() {
		if len(files[spec.ID]) != 1 {
			t.Errorf("%s stands in %q", spec.ID, files[spec.ID])
		}
		for _, rule := range rules {
			text, err := os.ReadFile(rule)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), `"`+spec.ID+`"`) {
				t.Errorf("%s stands in %s", spec.ID, rule)
			}
		}
	}
}
