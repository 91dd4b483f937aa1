package dr_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// besideProduct are folders that stand in for what the product meets, and helpers of tests.
var besideProduct = []string{"internal/sandbox", "internal/contract", "internal/store/storetest", "internal/aws/awstest", "workflows/world"}

// typed is a package of the product's source with what the compiler knows of it.
type typed struct {
	dir   string // from the root
	types *types.Package
	info  *types.Info
	files map[string]*ast.File // by their path from the root
}

// source is the product's own code, without tests; what it imports is read as it was built.
func source(t *testing.T) []typed {
	t.Helper()
	all, err := readSource()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var readSource = sync.OnceValues(func() ([]typed, error) {
	list := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", module+"...")
	out, err := list.Output()
	if err != nil {
		return nil, err
	}
	fset, built := token.NewFileSet(), map[string]string{}
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(built[path]) })
	var all []typed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir, Export string
			GoFiles                 []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		built[p.ImportPath] = p.Export // what a package imports is listed before it
		dir, own := strings.CutPrefix(p.ImportPath, module)
		if !own || under(dir, besideProduct) {
			continue
		}
		files := map[string]*ast.File{}
		for _, name := range p.GoFiles {
			if files[dir+"/"+name], err = parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution); err != nil {
				return nil, err
			}
		}
		one, err := check(fset, imports, dir, files)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
})

// check has the compiler's front end read one package.
func check(fset *token.FileSet, imports types.Importer, dir string, files map[string]*ast.File) (typed, error) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	var list []*ast.File
	for _, f := range files {
		list = append(list, f)
	}
	conf := types.Config{Importer: imports}
	pkg, err := conf.Check(module+dir, fset, list, info)
	return typed{dir, pkg, info, files}, err
}

// checked is check of the source of one made-up package.
func checked(t *testing.T, dir string, sources map[string]string) typed {
	t.Helper()
	fset, files := token.NewFileSet(), map[string]*ast.File{}
	for name, src := range sources {
		file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[dir+"/"+name] = file
	}
	one, err := check(fset, importer.ForCompiler(fset, "source", nil), dir, files)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// under tells whether a folder is one of some, or below one.
func under(dir string, some []string) bool {
	return slices.ContainsFunc(some, func(s string) bool { return dir == s || strings.HasPrefix(dir, s+"/") })
}
