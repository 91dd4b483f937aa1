package text_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// use is one place of the code that says a message.
type use struct {
	at     string
	id     string
	prefix bool     // the id is the beginning of a family
	args   []string // what it is about
	open   bool     // it is about more, which the place does not show
}

// unfit says what is wrong between a use and its message.
func (u use) unfit(e entry) []string {
	var out []string
	for a := range e.args {
		if !u.open && !slices.Contains(u.args, a) {
			out = append(out, "is not given "+a)
		}
	}
	for _, a := range u.args {
		if !e.args[a] && (a != "n" || !e.plural()) {
			out = append(out, "is given "+a+", of which it does not speak")
		}
	}
	if e.plural() && !u.open && !slices.Contains(u.args, "n") {
		out = append(out, "counts something and is not given n")
	}
	return out
}

// uses reads the code of the whole module without building it.
func uses(t *testing.T) []use {
	t.Helper()
	var out []use
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".."):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		out = append(out, usesOf(t, path, nil)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// usesOf reads one file.
func usesOf(t *testing.T, path string, src any) []use {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	inDR := file.Name.Name == "dr"
	var out []use
	add := func(n ast.Node, id ast.Expr, u use) {
		u.at = set.Position(n.Pos()).String()
		var ok bool
		if u.id, u.prefix, ok = idOf(id); !ok {
			t.Errorf("%s: the id of a message is written where it is said", u.at)
			return
		}
		if u.id != "" {
			out = append(out, u)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if isDR(n.Fun, "T", inDR) && len(n.Args) > 0 {
				u := use{open: n.Ellipsis.IsValid()}
				for i := 1; i < len(n.Args) && !u.open; i += 2 {
					key, ok := literal(n.Args[i])
					if !ok {
						t.Errorf("%s: the name of an argument is written where it is given", set.Position(n.Args[i].Pos()))
					}
					u.args = append(u.args, key)
				}
				add(n, n.Args[0], u)
			}
		case *ast.CompositeLit:
			if isDR(n.Type, "Text", inDR) {
				for _, el := range n.Elts {
					if kv, ok := el.(*ast.KeyValueExpr); ok && name(kv.Key) == "ID" && !(inDR && name(kv.Value) == "id") {
						add(n, kv.Value, use{open: len(n.Elts) > 1})
					}
				}
			}
		}
		return true
	})
	return out
}

func isDR(e ast.Expr, want string, inDR bool) bool {
	if sel, ok := e.(*ast.SelectorExpr); ok {
		return name(sel.X) == "dr" && sel.Sel.Name == want
	}
	return inDR && name(e) == want
}

func name(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// idOf reads an id: a literal, or a literal and a variable, which is a family. The
// message of words in no catalogue goes by its name and gives "".
func idOf(e ast.Expr) (id string, prefix, ok bool) {
	switch v := e.(type) {
	case *ast.CallExpr: // dr.TextID(...)
		if len(v.Args) == 1 && (isDR(v.Fun, "TextID", true)) {
			return idOf(v.Args[0])
		}
	case *ast.BinaryExpr:
		if s, lit := literal(v.X); lit {
			return s, true, true
		}
	case *ast.BasicLit:
		s, lit := literal(v)
		return s, false, lit
	case *ast.Ident, *ast.SelectorExpr:
		if isDR(v, "Words", true) {
			return "", false, true
		}
	}
	return "", false, false
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// TestUsesFind proves that the reading of the code finds what it is for.
func TestUsesFind(t *testing.T) {
	src := `package x
import "github.com/drbot/drbot/dr"
var a = dr.T("a.b", "k", 1)
var b = dr.Text{ID: "c.d"}
func f(s string, pairs ...any) { _ = dr.T(dr.TextID("state."+s)); _ = dr.T("e.f", pairs...); _ = dr.T(dr.Words, "words", dr.Foreign(s)) }
`
	got := usesOf(t, "x.go", src)
	if len(got) != 4 || got[0].id != "a.b" || !slices.Equal(got[0].args, []string{"k"}) || got[1].id != "c.d" || got[2].id != "state." || !got[2].prefix || !got[3].open {
		t.Errorf("read as %+v", got)
	}
	e := entry{forms: map[string]string{"one": "", "other": ""}, args: map[string]bool{"x": true}}
	if why := (use{args: []string{"k"}}).unfit(e); len(why) != 3 {
		t.Errorf("a use that fits in nothing is found unfit in %q", why)
	}
}
