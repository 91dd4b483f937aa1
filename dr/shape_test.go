package dr_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The sizes to feel of docs/design.md: a type or a port above them is told apart.
const (
	mostMethods     = 15 // of a type in workflows, bot and policies
	mostMethodsElse = 30 // of a type anywhere else
	mostPort        = 4  // methods of an interface
	mostDeps        = 8  // fields of a struct of dependencies
)

// small are the folders whose types are small.
var small = []string{"workflows", "bot", "policies"}

// largePorts are the interfaces above the size, each with its reason.
var largePorts = map[string]string{
	"bot.Desk": "one table of the store: what is shown and said, read and marked by one poster",
}

// largeDeps are the structs of dependencies above the size, each with its reason.
var largeDeps = map[string]string{
	"internal/tf.Options":     "keys of the configuration, one field each; only cmd fills them",
	"internal/github.Options": "keys of the configuration, and bounds that a test sets; only cmd fills them",
}

// shape is what a package's source says of its types.
type shape struct {
	methods map[string]int // type -> methods declared
	ports   map[string]int // interface -> methods
	deps    map[string]int // struct of dependencies -> fields
}

// TestShape keeps types, ports and structs of dependencies small.
func TestShape(t *testing.T) {
	seen := 0
	for dir, s := range shapes(t, "..") {
		seen++
		most := mostMethodsElse
		if slices.ContainsFunc(small, func(p string) bool { return dir == p || strings.HasPrefix(dir, p+"/") }) {
			most = mostMethods
		}
		for _, why := range s.tooLarge(dir, most) {
			t.Error(why)
		}
	}
	if seen < 10 {
		t.Fatalf("only %d packages were looked at", seen)
	}
}

func (s shape) tooLarge(dir string, most int) []string {
	var out []string
	for name, n := range s.methods {
		if n > most {
			out = append(out, fmt.Sprintf("%s.%s has %d methods; %d are the most", dir, name, n, most))
		}
	}
	for name, n := range s.ports {
		if n > mostPort && largePorts[dir+"."+name] == "" {
			out = append(out, fmt.Sprintf("the interface %s.%s has %d methods; %d are the most", dir, name, n, mostPort))
		}
	}
	for name, n := range s.deps {
		if n > mostDeps && largeDeps[dir+"."+name] == "" {
			out = append(out, fmt.Sprintf("the dependencies %s.%s have %d fields; %d are the most", dir, name, n, mostDeps))
		}
	}
	return out
}

// shapes reads every package of the product: tests, the sandbox and helpers of tests
// are left out.
func shapes(t *testing.T, root string) map[string]shape {
	t.Helper()
	out := map[string]shape{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch {
			case d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && rel != ".":
				return filepath.SkipDir
			case slices.Contains([]string{"internal/sandbox", "internal/contract", "internal/store/storetest", "internal/aws/awstest", "workflows/world"}, filepath.ToSlash(rel)):
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(rel))
		s, ok := out[dir]
		if !ok {
			s = shape{methods: map[string]int{}, ports: map[string]int{}, deps: map[string]int{}}
			out[dir] = s
		}
		s.read(dir, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s shape) read(dir string, file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv != nil && len(d.Recv.List) == 1 {
				s.methods[receiver(d.Recv.List[0].Type)]++
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if ts, ok := spec.(*ast.TypeSpec); ok {
					s.readType(dir, ts)
				}
			}
		}
	}
}

func (s shape) readType(dir string, ts *ast.TypeSpec) {
	switch t := ts.Type.(type) {
	case *ast.InterfaceType:
		for _, m := range t.Methods.List {
			s.ports[ts.Name.Name] += max(1, len(m.Names))
		}
	case *ast.StructType:
		if strings.HasPrefix(dir, "cmd") || !slices.Contains([]string{"Deps", "Options", "World"}, ts.Name.Name) {
			return
		}
		for _, f := range t.Fields.List {
			s.deps[ts.Name.Name] += max(1, len(f.Names))
		}
	}
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	default:
		return ""
	}
}

// TestShapeFinds proves that the check can fail.
func TestShapeFinds(t *testing.T) {
	methods := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "func (x *T) M%d() {}\n", i)
		}
		return b.String()
	}
	for name, src := range map[string]string{
		"methods": "package p\ntype T struct{}\n" + methods(mostMethods+1),
		"port":    "package p\ntype P interface { A(); B(); C(); D(); E() }\n",
		"deps":    "package p\ntype Deps struct { a, b, c, d, e, f, g, h, i int }\n",
	} {
		file, err := parser.ParseFile(token.NewFileSet(), name+".go", src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s := shape{methods: map[string]int{}, ports: map[string]int{}, deps: map[string]int{}}
		s.read("workflows", file)
		if len(s.tooLarge("workflows", mostMethods)) != 1 {
			t.Errorf("%s is too large, and the check did not say so", name)
		}
	}
}
