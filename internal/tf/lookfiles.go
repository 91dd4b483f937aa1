package tf

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/drbot/drbot/dr"
)

// functions looks at the functions in a part of a file that read files.
func (m *looked) functions(f codeFile, node hclsyntax.Node, in scopes) {
	_ = hclsyntax.Walk(node, &reader{m: m, f: f, scopes: []scopes{in}}) // it reports no diagnostics of its own
}

// reader walks expressions for the files they read.
type reader struct {
	m        *looked
	f        codeFile
	scopes   []scopes // the latest counts
	template bool     // the expressions are a template's, where names are whatever it was given
}

func (r *reader) scope() scopes { return r.scopes[len(r.scopes)-1] }

// may is what an expression may say where the reader is.
func (r *reader) may(expr hclsyntax.Expression) ([]string, bool) {
	return r.follower().may(expr)
}

func (r *reader) follower() *follower {
	l := &follower{m: r.m, scopes: r.scope()}
	if r.template {
		l.m = nil
	}
	return l
}

// Enter looks at a node before what is in it.
func (r *reader) Enter(node hclsyntax.Node) hcl.Diagnostics {
	switch n := node.(type) {
	case *hclsyntax.Block:
		r.scopes = append(r.scopes, r.m.scopeOf(n, r.scope()))
	case *hclsyntax.ForExpr:
		r.scopes = append(r.scopes, r.follower().inside(n))
	case *hclsyntax.FunctionCallExpr:
		r.call(n)
	}
	return nil
}

// Exit leaves a node.
func (r *reader) Exit(node hclsyntax.Node) hcl.Diagnostics {
	switch node.(type) {
	case *hclsyntax.Block, *hclsyntax.ForExpr:
		r.scopes = r.scopes[:len(r.scopes)-1]
	}
	return nil
}

// call looks at one call of a function.
func (r *reader) call(n *hclsyntax.FunctionCallExpr) {
	name := strings.TrimPrefix(n.Name, "core::")
	switch {
	case strings.Contains(name, "::"):
		if of := strings.Split(name, "::"); len(of) > 1 {
			if kind, found := kindOfType(of[1]); found {
				r.at(n, kind, written(name))
			}
		}
	case name == "templatestring":
		r.at(n, dr.CodeFile, saying{how: computedTemplate, code: name})
	case name != "fileset" && !slices.Contains(fileFunctions, name):
	case len(n.Args) == 0 || n.ExpandFinal:
		r.at(n, dr.CodeFile, saying{how: computedPath, code: name})
	default:
		r.reads(n, name)
	}
}

func (r *reader) at(n hclsyntax.Node, what dr.CodeKind, says saying) { r.m.at(r.f, n, what, says) }

// reads looks at which files a function reads.
func (r *reader) reads(n *hclsyntax.FunctionCallExpr, name string) {
	paths, known := r.may(n.Args[0])
	if known && name == "fileset" {
		patterns, said := []string(nil), false
		if len(n.Args) == 2 {
			patterns, said = r.may(n.Args[1])
		}
		known = said
		for _, p := range patterns {
			if path.IsAbs(p) || slices.Contains(strings.Split(p, "/"), "..") {
				r.at(n, dr.CodeFile, saying{how: readsPath, code: name, path: shortened(p)})
			}
		}
	}
	if !known {
		r.at(n, dr.CodeFile, saying{how: computedPath, code: name})
		return
	}
	for _, p := range paths {
		switch {
		case r.m.leaves(p):
			r.at(n, dr.CodeFile, saying{how: readsPath, code: name, path: shortened(p)})
		case name == "templatefile":
			r.within(path.Join(r.m.stack, p))
		}
	}
}

// leaves tells whether a path that Terraform is told leads out of the checkout.
func (l *look) leaves(name string) bool {
	at := path.Join(l.stack, name)
	return path.IsAbs(name) || strings.HasPrefix(name, "~") || at == ".." || strings.HasPrefix(at, "../")
}

// within looks into a template: its functions read files as the code's do.
func (r *reader) within(name string) {
	key := finding{what: "template", file: name}
	if r.m.look.seen[key] {
		return
	}
	if r.m.look.seen == nil {
		r.m.look.seen = map[finding]bool{}
	}
	r.m.look.seen[key] = true
	text, ok := r.m.content(name)
	if !ok {
		if r.m.exists(name) {
			r.m.find(finding{dr.CodeUnread, name, 1, saying{how: templateTooLarge}})
		}
		return
	}
	expr, diags := hclsyntax.ParseTemplate([]byte(text), name, hcl.InitialPos)
	if diags.HasErrors() {
		return // nor does Terraform read it
	}
	inner := &reader{m: r.m, f: codeFile{name: name, src: []byte(text)}, scopes: []scopes{{}}, template: true}
	_ = hclsyntax.Walk(expr, inner)
}

// mostSaid bounds what is repeated of a file of somebody else's.
const mostSaid = 60

// middled is a text without its middle where it is longer than so many characters.
func middled(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most/2]) + "..." + string(r[len(r)-most/2:])
}

// shortened is a text as people are told it: in quotes, cut in the middle.
func shortened(s string) string { return strconv.Quote(middled(s, mostSaid)) }
