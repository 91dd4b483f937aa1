package tf

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// programData are the kinds of data that a program, a request or this host gives: what
// their names begin with.
var programData = []string{"external", "http", "local_", "shell_script", "aws_lambda_invocation"}

// codeOf takes what of a module is code that runs.
func (r *reads) codeOf(c *call) {
	for _, s := range c.sources {
		for _, b := range s.body.Blocks {
			r.codeBlock(c, part{s.src, b}, b)
		}
	}
}

func (r *reads) codeBlock(c *call, p part, b *hclsyntax.Block) {
	switch b.Type {
	case "terraform", "provider", "action":
		r.piece(c, p, b.Type)
	case "module":
		for _, name := range []string{"source", "version", "providers"} {
			if attr, ok := b.Body.Attributes[name]; ok {
				// The folder it leads to is no code: what of it is, is told by itself.
				r.runs(c.name, b.Type, strings.Join(b.Labels, "."), tokens(part{p.src, attr}))
			}
		}
	case "resource", "removed":
		r.provisioners(c, p, b)
	case "data", "ephemeral":
		r.data(c, p, b)
	case "check":
		for _, inner := range b.Body.Blocks {
			if inner.Type == "data" {
				r.data(c, part{p.src, inner}, inner)
			}
		}
	}
}

// provisioners are the programs that a resource starts, and where.
func (r *reads) provisioners(c *call, p part, b *hclsyntax.Block) {
	some := false
	for _, inner := range b.Body.Blocks {
		if inner.Type == "provisioner" || inner.Type == "connection" {
			r.piece(c, part{p.src, inner}, strings.Join(b.Labels, "."))
			some = true
		}
	}
	for _, name := range []string{"for_each", "count"} {
		if attr, ok := b.Body.Attributes[name]; ok && some {
			r.piece(c, part{p.src, attr}, strings.Join(b.Labels, "."))
		}
	}
}

func (r *reads) data(c *call, p part, b *hclsyntax.Block) {
	if len(b.Labels) == 0 || !slices.ContainsFunc(programData, func(kind string) bool { return strings.HasPrefix(b.Labels[0], kind) }) {
		return
	}
	r.piece(c, p, strings.Join(b.Labels, "."))
	if b.Labels[0] == "external" {
		r.whole = true // it runs when planned, and may read anything
	}
}

// piece takes a part of a module as code, with the locals, variables and files that it
// names.
func (r *reads) piece(c *call, p part, label ...string) {
	r.runs(append([]string{c.name}, append(label, tokens(p))...)...)
	v := &visit{reads: r, call: c, seen: map[hclsyntax.Node]bool{}}
	_ = hclsyntax.VisitAll(p.node, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.ScopeTraversalExpr:
			r.need(c, n.Traversal)
		case *hclsyntax.LiteralValueExpr:
			r.files(v.text(n))
		case *hclsyntax.TemplateExpr:
			r.files(v.text(n))
		}
		return nil
	})
}

// files takes what a program is told by name.
func (r *reads) files(text string) {
	for _, word := range split(text) {
		at := path.Join(r.stack, word)
		if strings.Contains(word, unknown) || path.IsAbs(word) || at == r.stack {
			continue
		}
		if f := r.snap.resolve(at); f.there && f.path != "" {
			r.runs("named", at, r.identity(at))
		}
	}
}

// need takes the local or the variable that code refers to, and what that refers to.
func (r *reads) need(c *call, to hcl.Traversal) {
	if len(to) < 2 {
		return
	}
	step, ok := to[1].(hcl.TraverseAttr)
	key := to.RootName() + "." + step.Name
	if !ok || c.needed[key] {
		return
	}
	switch to.RootName() {
	case "local":
		c.needed[key] = true
		if p, ok := c.locals[step.Name]; ok {
			r.piece(c, p, key)
		}
	case "var":
		c.needed[key] = true
		if p, ok := c.inputs[step.Name]; ok {
			r.piece(c, p, key)
		}
		for _, p := range c.values[step.Name] {
			r.piece(c, p, key)
		}
		if c.by == nil {
			return
		}
		if attr, ok := c.args.body().Attributes[step.Name]; ok {
			r.piece(c.by, part{c.args.src, attr}, c.name, key)
		}
	}
}

// tokens is a part of a source without comments and blanks.
func tokens(p part) string {
	at := p.node.Range()
	lexed, _ := hclsyntax.LexConfig(p.src[at.Start.Byte:at.End.Byte], "", hcl.InitialPos)
	var out strings.Builder
	for _, t := range lexed {
		if t.Type != hclsyntax.TokenComment && t.Type != hclsyntax.TokenNewline {
			out.Write(t.Bytes)
			out.WriteByte('\x01')
		}
	}
	return out.String()
}
