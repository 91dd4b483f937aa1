package dr_test

import (
	"fmt"
	"go/types"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The sizes to feel of docs/design.md: a type or a port above them is told apart.
const (
	mostMethods     = 15 // of a type in workflows, bot and policies
	mostMethodsElse = 30 // of a type anywhere else
	mostPort        = 4  // methods of an interface
	mostDeps        = 8  // fields of a struct of dependencies, and dependencies of any struct
)

// small are the folders whose types are small.
var small = []string{"workflows", "bot", "policies"}

// largeTypes are the types above the size, each with its reason.
var largeTypes = map[string]string{
	"workflows/engine.Run": "what a runbook asks, and its record that steps write: 15 and 13 methods, each set bounded by itself",
	"internal/store.Store": "joins the parts of the store, each of them bounded by itself, for the one who opens it",
}

// largePorts are the interfaces above the size, each with its reason.
var largePorts = map[string]string{
	"bot.Desk":        "one table of the store: what is shown and said, read and marked by one poster",
	"cmd/drbot.diary": "two ports of the engine, for one function that writes to both",
}

// largeDeps are the structs of dependencies above the size, each with its reason.
var largeDeps = map[string]string{
	"internal/tf.Options":     "keys of the configuration, one field each; only cmd fills them",
	"internal/github.Options": "keys of the configuration, and bounds that a test sets; only cmd fills them",
}

// TestShape keeps types, ports and structs of dependencies small: by their sets of methods,
// which hold what an embedded struct or interface brings along.
func TestShape(t *testing.T) {
	unused := slices.Concat(slices.Collect(maps.Keys(largeTypes)), slices.Collect(maps.Keys(largePorts)), slices.Collect(maps.Keys(largeDeps)))
	all := source(t)
	if len(all) < 25 {
		t.Fatalf("only %d packages were looked at", len(all))
	}
	for _, p := range all {
		for _, large := range tooLarge(p) {
			unused = slices.DeleteFunc(unused, func(name string) bool { return name == large.name })
			if large.reason == "" {
				t.Error(large.what)
			}
		}
	}
	for _, name := range unused {
		t.Errorf("%s is an exception and not large", name)
	}
}

// large is what is above a size; the reason is that of an exception.
type large struct{ name, what, reason string }

// tooLarge lists what of a package is above the sizes.
func tooLarge(p typed) []large {
	most := mostMethodsElse
	if under(p.dir, small) {
		most = mostMethods
	}
	var out []large
	tell := func(exceptions map[string]string, named *types.TypeName, format string, args ...any) {
		name := p.dir + "." + named.Name()
		out = append(out, large{name, name + fmt.Sprintf(format, args...), exceptions[name]})
	}
	for _, named := range declared(p) {
		switch under := named.Type().Underlying().(type) {
		case *types.Interface:
			if n := under.NumMethods(); n > mostPort && !under.IsComparable() {
				tell(largePorts, named, " is an interface of %d methods; %d are the most", n, mostPort)
			}
			continue
		case *types.Struct:
			if n := under.NumFields(); n > mostDeps && ofDependencies(named, under) && !inCmd(p.dir) {
				tell(largeDeps, named, " is a struct of dependencies of %d fields; %d are the most", n, mostDeps)
			} else if n := len(reached(under, map[types.Type]bool{})); n > mostDeps && !inCmd(p.dir) {
				tell(largeDeps, named, " holds %d dependencies; %d are the most", n, mostDeps)
			}
		}
		if n := types.NewMethodSet(types.NewPointer(named.Type())).Len(); n > most {
			tell(largeTypes, named, " has %d methods, with those that are promoted; %d are the most", n, most)
		}
	}
	return out
}

func inCmd(dir string) bool { return strings.HasPrefix(dir, "cmd/") }

// declared lists the types that a package declares, those within functions too.
func declared(p typed) []*types.TypeName {
	var out []*types.TypeName
	for _, o := range p.info.Defs {
		if named, ok := o.(*types.TypeName); ok && !named.IsAlias() {
			if _, param := named.Type().(*types.TypeParam); !param {
				out = append(out, named)
			}
		}
	}
	slices.SortFunc(out, func(a, b *types.TypeName) int { return int(a.Pos() - b.Pos()) })
	return out
}

// ofDependencies tells whether a struct is one of dependencies: by its name, or because most
// of its fields are things that it asks, and it has three of them at least.
func ofDependencies(named *types.TypeName, s *types.Struct) bool {
	if slices.Contains([]string{"Deps", "Options", "World"}, named.Name()) {
		return true
	}
	n := 0
	for i := range s.NumFields() {
		if asked(s.Field(i).Type(), 0) {
			n++
		}
	}
	return n >= 3 && 2*n >= s.NumFields()
}

// reached are the fields that a struct has things to ask in, with what embedded ones bring.
func reached(s *types.Struct, seen map[types.Type]bool) []string {
	var out []string
	for i := range s.NumFields() {
		f := s.Field(i)
		inner := structOf(f.Type())
		switch {
		case f.Embedded() && inner != nil && !seen[inner]:
			seen[inner] = true
			out = append(out, reached(inner, seen)...)
		case asked(f.Type(), 0):
			out = append(out, f.Name())
		}
	}
	return out
}

// asked tells whether a field is something to ask: a port, a function, or a struct of these.
// An error, a context and what anything fits are values.
func asked(t types.Type, depth int) bool {
	if named, ok := t.(*types.Named); ok {
		if p := named.Obj().Pkg(); p == nil || p.Path() == "context" { // error
			return false
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Signature:
		return true
	case *types.Interface:
		return u.NumMethods() > 0
	}
	s := structOf(t)
	if named, ok := namedOf(t); !ok || s == nil || depth > 2 || !strings.HasPrefix(named.Pkg().Path()+"/", module) {
		return false
	}
	n := 0
	for i := range s.NumFields() {
		if asked(s.Field(i).Type(), depth+1) {
			n++
		}
	}
	return n >= 2 && 2*n >= s.NumFields()
}

// structOf is the struct that a type, or what it points to, is.
func structOf(t types.Type) *types.Struct {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	s, _ := t.Underlying().(*types.Struct)
	return s
}

func namedOf(t types.Type) (*types.TypeName, bool) {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	named, ok := t.(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return nil, false
	}
	return named.Obj(), true
}

// TestShapeFinds proves that the check can fail.
func TestShapeFinds(t *testing.T) {
	methods := func(of string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "func (x *%s) m%s%d() {}\n", of, of, i)
		}
		return b.String()
	}
	const ports = "type A interface{ a() }\ntype B interface{ b() }\ntype F func()\n"
	for name, src := range map[string]string{
		"methods":                       "type T struct{}\n" + methods("T", mostMethods+1),
		"promoted methods":              "type T struct{}\ntype U struct{ *T }\n" + methods("T", mostMethods-1) + methods("U", 2),
		"methods promoted twice":        "type T struct{}\ntype U struct{ T }\ntype V struct{ u }\ntype u struct{ *U }\n" + methods("T", 10) + methods("V", 6),
		"methods of an embedded port":   "type P interface{ a(); b(); c(); d() }\ntype U struct{ P }\n" + methods("U", mostMethods-3),
		"a type within a function":      "type T struct{}\n" + methods("T", 12) + "type P interface{ a(); b(); c(); d() }\nfunc f() any { type U struct{ *T; P }; return U{} }\n",
		"port":                          "type P interface{ a(); b(); c(); d(); e() }\n",
		"joined port":                   "type P interface{ a(); b(); c() }\ntype Q interface{ P; d(); e() }\n",
		"dependencies":                  "type Deps struct{ a, b, c, d, e, f, g, h, i int }\n",
		"dependencies by what they are": ports + "type held struct{ a, b, c A; d, e B; f, g, h F; i int }\n",
		"dependencies all around":       ports + "type one struct{ a, b, c, d, e A }\ntype Two struct{ f, g, h, i B; one; j, k, l, m, n, o, p, q, r, s int }\n",
	} {
		if found := tooLarge(checked(t, "workflows", map[string]string{"p.go": "package p\n" + src})); len(found) != 1 {
			t.Errorf("%s: %q", name, found)
		}
	}
	fine := ports + "type Told struct{ a, b, c, d, e, f, g, h, i error; j A }\ntype T struct{}\ntype U struct{ t *T }\n" + methods("T", mostMethods) + methods("U", mostMethods)
	if found := tooLarge(checked(t, "workflows", map[string]string{"p.go": "package p\n" + fine})); len(found) != 0 {
		t.Errorf("what is small enough is %q", found)
	}
}
