package tf

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// unknown stands in a text for what only Terraform knows.
const unknown = "\x00"

// The functions that read a file named by their first argument.
var fileFunctions = []string{
	"file", "fileexists", "filebase64", "filemd5", "filesha1", "filesha256", "filesha512", "filebase64sha256", "filebase64sha512", "templatefile",
}

// keeping are the functions in which a path stays what it is, or becomes none. What others
// make of one (dirname, replace) may lead anywhere.
var keeping = append([]string{
	"abspath", "pathexpand", "join", "format", "formatlist", "concat", "merge", "flatten", "compact", "coalesce", "lookup", "try", "can",
	"tolist", "toset", "tomap", "jsonencode", "yamlencode", "md5", "sha1", "sha256", "sha512", "base64encode", "basename", "fileset",
}, fileFunctions...)

// joining are those of them that put texts together.
var joining = []string{"join", "format", "formatlist"}

// pureProviders have functions that read no file.
var pureProviders = []string{"aws", "azurerm", "google", "helm", "kubernetes", "terraform", "time"}

// visit walks expressions for what they read.
type visit struct {
	reads *reads
	ctx   context.Context
	call  *call
	seen  map[hclsyntax.Node]bool // part of a text that was looked at
	outer []string                // functions around
	err   error
}

// walk looks for files that are read.
func (r *reads) walk(ctx context.Context, c *call, node hclsyntax.Node) error {
	v := &visit{reads: r, ctx: ctx, call: c, seen: map[hclsyntax.Node]bool{}}
	if body, ok := node.(*hclsyntax.Body); ok {
		for _, b := range body.Blocks {
			if source, ok := b.Body.Attributes["source"]; ok && b.Type == "module" {
				v.text(source.Expr) // it is followed
			}
		}
	}
	// The walker reports no diagnostics of its own.
	_ = hclsyntax.Walk(node, v)
	return v.err
}

// template walks a text that Terraform evaluates.
func (r *reads) template(ctx context.Context, c *call, text string) error {
	if !mayParse(text) {
		r.whole = true
		return nil
	}
	expr, diags := hclsyntax.ParseTemplate([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		r.whole = true
		return nil
	}
	return r.walk(ctx, c, expr)
}

// rendered walks what a template has Terraform evaluate. What stands around that is text,
// and names nothing.
func (v *visit) rendered(text string) error {
	if !mayParse(text) {
		v.reads.whole = true
		return nil
	}
	expr, diags := hclsyntax.ParseTemplate([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		v.reads.whole = true
		return nil
	}
	parts := []hclsyntax.Expression{expr}
	if t, ok := expr.(*hclsyntax.TemplateExpr); ok {
		parts = t.Parts
	}
	for _, p := range parts {
		if _, text := p.(*hclsyntax.LiteralValueExpr); text {
			continue
		}
		if err := v.reads.walk(v.ctx, v.call, p); err != nil {
			return err
		}
	}
	return nil
}

// words is what an expression says; known is false when only Terraform knows.
func (r *reads) words(c *call, expr hclsyntax.Expression) (text string, known bool) {
	v := &visit{reads: r, call: c, seen: map[hclsyntax.Node]bool{}}
	text = v.text(expr)
	return text, !strings.Contains(text, unknown)
}

// text is what an expression says, with unknown for what only Terraform knows.
func (v *visit) text(expr hclsyntax.Expression) string {
	switch e := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		v.seen[e] = true
		if s, err := convert.Convert(e.Val, cty.String); err == nil && s.IsKnown() && !s.IsNull() {
			return s.AsString()
		}
	case *hclsyntax.TemplateExpr:
		v.seen[e] = true
		out := ""
		for _, p := range e.Parts {
			out += v.text(p)
		}
		return out
	case *hclsyntax.TemplateWrapExpr:
		return v.text(e.Wrapped)
	case *hclsyntax.ParenthesesExpr:
		return v.text(e.Expression)
	case *hclsyntax.ScopeTraversalExpr:
		if at, ok := v.path(e); ok {
			v.seen[e] = true
			return at
		}
	case *hclsyntax.FunctionCallExpr:
		if (e.Name == "abspath" || e.Name == "pathexpand") && len(e.Args) == 1 {
			return v.text(e.Args[0])
		}
	}
	return unknown
}

// path is what path.module and its like say, seen from the folder Terraform runs in.
func (v *visit) path(e *hclsyntax.ScopeTraversalExpr) (string, bool) {
	if e.Traversal.RootName() != "path" || len(e.Traversal) != 2 {
		return "", false
	}
	step, _ := e.Traversal[1].(hcl.TraverseAttr)
	switch step.Name {
	case "module":
		return v.call.rel, true
	case "root", "cwd":
		return ".", true
	}
	return "", false
}

// Enter looks at a node before what is in it.
func (v *visit) Enter(node hclsyntax.Node) hcl.Diagnostics {
	switch n := node.(type) {
	case *hclsyntax.FunctionCallExpr:
		v.function(n)
		v.cuts(n)
		v.outer = append(v.outer, strings.TrimPrefix(n.Name, "core::"))
	case *hclsyntax.LiteralValueExpr:
		if !v.seen[n] {
			v.strays(v.text(n))
		}
	case *hclsyntax.TemplateExpr:
		if !v.seen[n] {
			v.strays(v.text(n))
		}
	case *hclsyntax.ScopeTraversalExpr:
		if n.Traversal.RootName() == "path" && !v.seen[n] && !v.kept() {
			v.reads.whole = true
		}
	}
	return nil
}

// Exit leaves a node.
func (v *visit) Exit(node hclsyntax.Node) hcl.Diagnostics {
	if _, ok := node.(*hclsyntax.FunctionCallExpr); ok {
		v.outer = v.outer[:len(v.outer)-1]
	}
	return nil
}

// cuts looks at what a function may make a shorter path of. A path that was kept under a
// name is one, too.
func (v *visit) cuts(n *hclsyntax.FunctionCallExpr) {
	if slices.Contains(keeping, strings.TrimPrefix(n.Name, "core::")) {
		return
	}
	for _, arg := range n.Args {
		if (&leads{call: v.call, seen: map[string]bool{}}).to(arg) {
			v.reads.whole = true
		}
	}
}

// leads finds paths in what expressions refer to.
type leads struct {
	call  *call
	seen  map[string]bool // names that were followed
	files int             // functions around that read a file: what comes of them is no path
	found bool
}

func (l *leads) to(node hclsyntax.Node) bool {
	_ = hclsyntax.Walk(node, l) // it reports no diagnostics of its own
	return l.found
}

func readsFile(n hclsyntax.Node) (string, bool) {
	f, ok := n.(*hclsyntax.FunctionCallExpr)
	if !ok {
		return "", false
	}
	name := strings.TrimPrefix(f.Name, "core::")
	return name, name == "fileset" || slices.Contains(fileFunctions, name)
}

// Enter looks at a node before what is in it.
func (l *leads) Enter(node hclsyntax.Node) hcl.Diagnostics {
	name, file := readsFile(node)
	if file {
		l.files++
	}
	if l.files > 0 {
		return nil
	}
	if name == "abspath" || name == "pathexpand" {
		l.found = true
	}
	if n, ok := node.(*hclsyntax.ScopeTraversalExpr); ok {
		l.refers(n.Traversal)
	}
	return nil
}

// Exit leaves a node.
func (l *leads) Exit(node hclsyntax.Node) hcl.Diagnostics {
	if _, file := readsFile(node); file {
		l.files--
	}
	return nil
}

func (l *leads) refers(to hcl.Traversal) {
	if to.RootName() == "path" {
		l.found = true
	}
	if len(to) < 2 {
		return
	}
	step, _ := to[1].(hcl.TraverseAttr)
	key := l.call.name + " " + to.RootName() + "." + step.Name
	if l.found || l.seen[key] {
		return
	}
	l.seen[key] = true
	switch to.RootName() {
	case "local":
		for _, p := range l.call.locals[step.Name] {
			l.to(p.node)
		}
	case "var":
		at := l.call
		for _, args := range at.args {
			if attr, ok := args.body().Attributes[step.Name]; ok {
				l.call = at.by
				l.to(attr)
				l.call = at
			}
		}
	}
}

// kept tells whether the functions around leave a path what it is.
func (v *visit) kept() bool {
	return !slices.ContainsFunc(v.outer, func(f string) bool { return !slices.Contains(keeping, f) })
}

// joined tells whether the functions around make something else of a path.
func (v *visit) joined() bool {
	return !v.kept() || slices.ContainsFunc(v.outer, func(f string) bool { return slices.Contains(joining, f) })
}

// strays takes what a text names outside of the folders that are read anyway. Texts
// without a way up name what is in them.
func (v *visit) strays(text string) {
	if !strings.Contains(text, "..") {
		return
	}
	for _, word := range append(split(text), text) { // a name may have blanks in it
		if !slices.Contains(strings.Split(word, "/"), "..") || strings.Contains(word, "://") {
			continue
		}
		to := path.Clean(word)
		// A way up alone is put together with something else.
		if strings.Contains(word, unknown) || path.Base(to) == ".." || v.joined() {
			v.reads.whole = true
			return
		}
		v.reads.add(path.Join(v.reads.stack, to))
		v.reads.add(path.Join(v.call.dir, to))
		v.reads.add(v.reads.stack + "/" + word) // the kernel goes up from where a link leads, Terraform from the link
	}
}

// split gives the words of a text that may be paths.
func split(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" \t\r\n\"'`;|&=,:()<>$", c) })
}

// function takes what a call of a function reads.
func (v *visit) function(n *hclsyntax.FunctionCallExpr) {
	name := strings.TrimPrefix(n.Name, "core::")
	switch {
	case strings.Contains(name, "::"):
		of := strings.Split(name, "::")
		if len(of) < 2 || !slices.Contains(pureProviders, of[1]) {
			v.reads.whole = true
		}
	case name == "templatestring":
		v.reads.whole = true
	case !slices.Contains(fileFunctions, name) && name != "fileset":
	case len(n.Args) == 0 || n.ExpandFinal:
		v.reads.whole = true
	case name == "fileset":
		v.fileset(n)
	default:
		v.read(name, v.text(n.Args[0]))
	}
}

// read takes a file that a function reads.
func (v *visit) read(function, name string) {
	if strings.Contains(name, unknown) {
		v.reads.whole = true
		for _, dir := range v.around(name) {
			v.reads.runs("some file", dir, v.reads.identity(dir))
		}
		return
	}
	if path.IsAbs(name) || strings.HasPrefix(name, "~") {
		v.reads.runs("file", name)
		return // none of the repository's
	}
	at := path.Join(v.reads.stack, name)
	f := v.reads.add(at)
	v.reads.runs("file", at, v.reads.identity(at))
	values := slices.Contains(documents, path.Ext(f.path)) || slices.ContainsFunc(v.outer, func(f string) bool { return strings.HasSuffix(f, "decode") })
	if function != "templatefile" && (function != "file" || !values) || !f.there || v.err != nil {
		return
	}
	if v.err = v.reads.snap.load(v.ctx, f.path); v.err != nil {
		return
	}
	text := v.reads.snap.blobs[v.reads.snap.entries[f.path].id]
	if function == "templatefile" {
		v.err = v.rendered(text)
		return
	}
	if len(text) > largestConfig {
		v.reads.whole = true
		return
	}
	v.strays(text)
}

// documents are what the names of files end with that hold values, and so names of files.
var documents = []string{".json", ".yaml", ".yml", ".csv"}

// around are the folders in which a file is whose name is known in part.
func (v *visit) around(name string) []string {
	first, _, _ := strings.Cut(name, unknown)
	if i := strings.LastIndexByte(first, '/'); i > 0 && !path.IsAbs(first) {
		return []string{path.Join(v.reads.stack, first[:i])}
	}
	return []string{v.reads.stack, v.call.dir}
}

// fileset takes the names that a pattern is matched with.
func (v *visit) fileset(n *hclsyntax.FunctionCallExpr) {
	pattern := unknown
	if len(n.Args) == 2 {
		pattern = v.text(n.Args[1])
	}
	dir := v.text(n.Args[0])
	if strings.Contains(dir+pattern, unknown) || slices.Contains(strings.Split(pattern, "/"), "..") {
		v.read("fileset", unknown)
		return
	}
	fixed := pattern[:strings.LastIndexByte(pattern[:len(pattern)-len(strings.TrimLeft(pattern, literals))], '/')+1]
	v.read("fileset", path.Join(dir, fixed))
}

// literals are what stands for itself in a pattern.
const literals = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./ "
