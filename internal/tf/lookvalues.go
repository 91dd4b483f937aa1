package tf

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

const (
	// mostValues bounds what an expression is followed to.
	mostValues = 2000
	// mostSteps bounds how much is followed in a stack: names can lead to names in ways without
	// number.
	mostSteps    = 500_000
	costOfFolder = 1000 // in steps, of going through one
	// deepestValue bounds how far names are followed to names.
	deepestValue = 20
)

// many is what goes over a collection may meet. What is nil is only told by running it.
type many struct{ keys, values []string }

// scopes are what the names of for expressions and of for_each may be.
type scopes map[string][]string

// with is the scopes and one more; a name of which nothing is told hides an outer one.
func (s scopes) with(name string, values []string) scopes {
	out := scopes{}
	for n, v := range s {
		out[n] = v
	}
	out[name] = values
	return out
}

// follower tells what expressions of a module may say.
type follower struct {
	m      *looked // nil in a template: there names are whatever it was given
	scopes scopes
	deep   int
}

// may is every text that an expression may say; false when only Terraform knows.
func (m *looked) may(expr hclsyntax.Expression, in scopes) ([]string, bool) {
	return (&follower{m: m, scopes: in}).may(expr)
}

// step goes one deeper, if that is not too far.
func (l *follower) step() bool {
	if l.m != nil {
		if l.m.steps++; l.m.steps > mostSteps {
			return false
		}
	}
	if l.deep >= deepestValue {
		return false
	}
	l.deep++
	return true
}

func (l *follower) may(expr hclsyntax.Expression) ([]string, bool) {
	if !l.step() {
		return nil, false
	}
	defer func() { l.deep-- }()
	switch e := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		if s, err := convert.Convert(e.Val, cty.String); err == nil && s.IsKnown() && !s.IsNull() {
			return []string{s.AsString()}, true
		}
	case *hclsyntax.TemplateExpr:
		return l.joined(e.Parts, "")
	case *hclsyntax.TemplateWrapExpr:
		return l.may(e.Wrapped)
	case *hclsyntax.ParenthesesExpr:
		return l.may(e.Expression)
	case *hclsyntax.ObjectConsKeyExpr:
		if word := hcl.ExprAsKeyword(e.Wrapped); word != "" && !e.ForceNonLiteral {
			return []string{word}, true
		}
		return l.may(e.Wrapped)
	case *hclsyntax.ConditionalExpr:
		a, aKnown := l.may(e.TrueResult)
		b, bKnown := l.may(e.FalseResult)
		return append(a, b...), aKnown && bKnown
	case *hclsyntax.ScopeTraversalExpr:
		return l.named(e.Traversal)
	case *hclsyntax.FunctionCallExpr:
		return l.made(e)
	}
	return nil, false
}

// joined is what expressions say one after the other.
func (l *follower) joined(parts []hclsyntax.Expression, between string) ([]string, bool) {
	out := []string{""}
	for i, p := range parts {
		next, known := l.may(p)
		if !known || len(out)*len(next) > mostValues {
			return nil, false
		}
		if i > 0 {
			next = slices.Clone(next)
			for j := range next {
				next[j] = between + next[j]
			}
		}
		var longer []string
		for _, o := range out {
			for _, n := range next {
				longer = append(longer, o+n)
			}
		}
		out = longer
	}
	return out, true
}

// made is what a function says that keeps a path what it is.
func (l *follower) made(e *hclsyntax.FunctionCallExpr) ([]string, bool) {
	switch name := strings.TrimPrefix(e.Name, "core::"); {
	case e.ExpandFinal || len(e.Args) == 0:
	case name == "abspath" && len(e.Args) == 1:
		return l.may(e.Args[0]) // from the folder Terraform runs in
	case name == "join" && len(e.Args) == 2:
		list, ok := e.Args[1].(*hclsyntax.TupleConsExpr)
		between, known := l.may(e.Args[0])
		if ok && known && len(between) == 1 {
			return l.joined(list.Exprs, between[0])
		}
	case name == "format":
		form, known := l.may(e.Args[0])
		if known && len(form) == 1 && strings.Count(form[0], "%") == strings.Count(form[0], "%s") && strings.Count(form[0], "%s") == len(e.Args)-1 {
			return l.formatted(strings.Split(form[0], "%s"), e.Args[1:])
		}
	}
	return nil, false
}

func (l *follower) formatted(between []string, args []hclsyntax.Expression) ([]string, bool) {
	var parts []hclsyntax.Expression
	for i, text := range between {
		parts = append(parts, &hclsyntax.LiteralValueExpr{Val: cty.StringVal(text)})
		if i < len(args) {
			parts = append(parts, args[i])
		}
	}
	return l.joined(parts, "")
}

// named is what a name may say.
func (l *follower) named(to hcl.Traversal) ([]string, bool) {
	root, second := to.RootName(), ""
	if len(to) > 1 {
		step, _ := to[1].(hcl.TraverseAttr)
		second = step.Name
	}
	if values, hidden := l.scopes[root]; hidden {
		return values, values != nil && len(to) == 1
	}
	if values, scoped := l.scopes[root+"."+second]; scoped {
		return values, values != nil && len(to) == 2
	}
	if l.m == nil || len(to) != 2 {
		return nil, false
	}
	switch root {
	case "path":
		switch second {
		case "module":
			return []string{l.m.rel}, true
		case "root", "cwd":
			return []string{"."}, true
		}
	case "local":
		return l.each(l.m.locals[second], l.m, nil)
	case "var":
		return l.variable(second)
	}
	return nil, false
}

// each is what some definitions may say together; nothing is told where there is none.
func (l *follower) each(of []hclsyntax.Expression, m *looked, in scopes) ([]string, bool) {
	inner := &follower{m: m, scopes: in, deep: l.deep}
	var out []string
	for _, expr := range of {
		says, known := inner.may(expr)
		if !known {
			return nil, false
		}
		out = append(out, says...)
	}
	return out, len(of) > 0 && len(out) <= mostValues
}

// variable is what a variable may say: what the stack's files give it, or the calls.
func (l *follower) variable(name string) ([]string, bool) {
	exprs, m, in := l.definitions(name)
	return l.each(exprs, m, in)
}

// definitions are what gives a variable its value, and where that stands. A default beside
// what is given may count, too.
func (l *follower) definitions(name string) (exprs []hclsyntax.Expression, m *looked, in scopes) {
	if l.m.args == nil {
		if l.m.blind {
			return nil, nil, nil
		}
		return l.m.values[name], l.m, nil
	}
	for _, body := range l.m.args.bodies {
		if attr, ok := body.Attributes[name]; ok {
			exprs = append(exprs, attr.Expr)
		}
	}
	if len(exprs) == 0 {
		return l.m.values[name], l.m, nil
	}
	return exprs, l.m.args.by, l.m.args.scopes
}

// over is what goes over a collection meets.
func (l *follower) over(expr hclsyntax.Expression) many {
	if !l.step() {
		return many{}
	}
	defer func() { l.deep-- }()
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return l.over(e.Expression)
	case *hclsyntax.TupleConsExpr:
		values, _ := l.each(e.Exprs, l.m, l.scopes)
		return many{values: values}
	case *hclsyntax.ObjectConsExpr:
		var keys, values []hclsyntax.Expression
		for _, i := range e.Items {
			keys, values = append(keys, i.KeyExpr), append(values, i.ValueExpr)
		}
		var out many
		out.keys, _ = l.each(keys, l.m, l.scopes)
		out.values, _ = l.each(values, l.m, l.scopes)
		return out
	case *hclsyntax.ForExpr:
		inner := &follower{m: l.m, scopes: l.inside(e), deep: l.deep}
		var out many
		if e.KeyExpr != nil {
			out.keys, _ = inner.may(e.KeyExpr)
		}
		out.values, _ = inner.may(e.ValExpr)
		return out
	case *hclsyntax.FunctionCallExpr:
		return l.collected(e)
	case *hclsyntax.ScopeTraversalExpr:
		return l.namedMany(e.Traversal)
	}
	return many{}
}

// collected is what goes over a function's collection meets.
func (l *follower) collected(e *hclsyntax.FunctionCallExpr) many {
	switch strings.TrimPrefix(e.Name, "core::") {
	case "toset", "tolist", "sort", "distinct", "compact":
		if len(e.Args) == 1 && !e.ExpandFinal {
			of := l.over(e.Args[0])
			return many{keys: of.values, values: of.values}
		}
	case "fileset":
		if l.m == nil || len(e.Args) != 2 || e.ExpandFinal {
			return many{}
		}
		dirs, known := l.may(e.Args[0])
		patterns, said := l.may(e.Args[1])
		if !known || !said {
			return many{}
		}
		var files []string
		for _, dir := range dirs {
			files = append(files, l.m.below(dir, patterns)...)
		}
		return many{keys: files, values: files}
	}
	return many{}
}

// namedMany is what goes over what a name leads to meets.
func (l *follower) namedMany(to hcl.Traversal) many {
	if _, hidden := l.scopes[to.RootName()]; hidden || l.m == nil || len(to) != 2 {
		return many{}
	}
	step, _ := to[1].(hcl.TraverseAttr)
	exprs, m, in := l.m.locals[step.Name], l.m, scopes(nil)
	switch to.RootName() {
	case "local":
	case "var":
		exprs, m, in = l.definitions(step.Name)
	default:
		return many{}
	}
	out := many{}
	for i, expr := range exprs {
		next := (&follower{m: m, scopes: in, deep: l.deep}).over(expr)
		if i > 0 {
			next.keys, next.values = both(out.keys, next.keys), both(out.values, next.values)
		}
		out = next
	}
	return out
}

// both is what is told of two, if all of it is.
func both(a, b []string) []string {
	if a == nil || b == nil {
		return nil
	}
	return append(slices.Clone(a), b...)
}

// inside is what the names of a for expression may be in it.
func (l *follower) inside(e *hclsyntax.ForExpr) scopes {
	of := l.over(e.CollExpr)
	in := l.scopes.with(e.ValVar, of.values)
	if e.KeyVar != "" {
		in = in.with(e.KeyVar, of.keys)
	}
	return in
}

// scopeOf is what each.key and each.value may be in a block. The name of a dynamic block may
// hide any other, and nothing is told of it.
func (m *looked) scopeOf(b *hclsyntax.Block, outer scopes) scopes {
	attr, ok := b.Body.Attributes["for_each"]
	switch {
	case b.Type == "dynamic" && len(b.Labels) == 1:
		name := b.Labels[0]
		if iterator, named := b.Body.Attributes["iterator"]; named {
			name = hcl.ExprAsKeyword(iterator.Expr)
		}
		return outer.with(name, nil)
	case !ok:
		return outer
	}
	of := (&follower{m: m, scopes: outer}).over(attr.Expr)
	return outer.with("each.key", of.keys).with("each.value", of.values)
}

// below are the files of a folder that may match one of the patterns, as fileset gives them.
func (l *look) below(dir string, patterns []string) []string {
	if l.leaves(dir) {
		return nil
	}
	at, err := filepath.EvalSymlinks(filepath.Join(l.root, filepath.FromSlash(path.Join(l.stack, dir))))
	out := []string{}
	if l.steps += costOfFolder; l.steps > mostSteps {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return out
	}
	if err != nil {
		return nil
	}
	err = filepath.WalkDir(at, func(name string, e fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(at, name)
		switch {
		case err != nil || relErr != nil || len(out) > mostValues:
			return errors.New("these files are not told")
		case e.Type()&fs.ModeSymlink != 0 && leadsToFolder(name):
			return errors.New("what is in a folder by a link is not told")
		case e.IsDir():
			return nil
		case slices.ContainsFunc(patterns, func(p string) bool { return mayMatch(p, filepath.ToSlash(rel)) }):
			out = append(out, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return out
}

func leadsToFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// mayMatch tells whether a pattern of fileset matches a name; in doubt it does.
func mayMatch(pattern, name string) bool {
	if strings.ContainsAny(pattern, "{\\") {
		return true
	}
	if strings.Contains(pattern, "**") {
		pattern, name = path.Base(pattern), path.Base(name)
	}
	ok, err := path.Match(pattern, name)
	return ok || err != nil || strings.Contains(pattern, "**")
}
