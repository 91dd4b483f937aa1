package tf

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// programData are the kinds of data that a program, a request or this host gives: what
// their names begin with.
var programData = []string{"external", "http", "local_", "shell_script", "aws_lambda_invocation", "kustomization_"}

// programs are those of them that may read anything when they are planned: a program, and
// what goes on from the folder that it is told.
var programs = []string{"external", "local_command", "shell_script", "kustomization_build", "kustomization_overlay", "ansible_playbook"}

// logins are the programs by which a provider gets its credentials and that read nothing of
// a repository.
var logins = []string{"aws", "aws-iam-authenticator", "gke-gcloud-auth-plugin", "kubelogin"}

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
	case "terraform", "provider":
		r.piece(c, p, b.Type)
		if r.login(c, b.Body) {
			r.whole = true
			running{r}.programmed(c, func() { running{r}.texts(c, b) })
		}
	case "action":
		if r.piece(c, p, b.Type); isProgram(b) {
			running{r}.programmed(c, func() { running{r}.texts(c, b) })
		}
	case "module":
		for _, name := range []string{"source", "version", "providers"} {
			if attr, ok := b.Body.Attributes[name]; ok {
				// The folder it leads to is no code: what of it is, is told by itself.
				r.runs(c.name, b.Type, strings.Join(b.Labels, "."), tokens(part{p.src, attr}))
			}
		}
	case "resource", "removed":
		r.provisioners(c, p, b)
		r.unseen(c, p, b)
		if b.Type == "resource" && isProgram(b) {
			running{r}.programmed(c, func() { r.piece(c, p, strings.Join(b.Labels, ".")) })
		}
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

// isProgram tells a block whose kind is to start a program.
func isProgram(b *hclsyntax.Block) bool {
	return len(b.Labels) > 0 && slices.Contains(programs, b.Labels[0])
}

// provisioners are the programs that a resource starts, and where. What the resource has
// is theirs to name.
func (r *reads) provisioners(c *call, p part, b *hclsyntax.Block) {
	label := strings.Join(b.Labels, ".")
	for _, inner := range b.Body.Blocks {
		if inner.Type != "provisioner" && inner.Type != "connection" {
			continue
		}
		r.start = true
		running{r}.programmed(c, func() {
			r.piece(c, part{p.src, inner}, label)
			for _, name := range []string{"for_each", "count"} {
				if attr, ok := b.Body.Attributes[name]; ok {
					r.piece(c, part{p.src, attr}, label)
				}
			}
			running{r}.has(c, b)
		})
	}
}

// unseen are the arguments that a provider is given and no plan and no state has, their
// values being secrets: here alone it can be told that another is given.
func (r *reads) unseen(c *call, p part, b *hclsyntax.Block) {
	label := strings.Join(b.Labels, ".")
	if !r.writeOnly(c, p, b.Body, label) {
		return
	}
	for _, name := range []string{"for_each", "count"} {
		if attr, ok := b.Body.Attributes[name]; ok {
			r.piece(c, part{p.src, attr}, label)
		}
	}
}

// writeOnly takes the write-only arguments of a body, and tells whether there are any.
func (r *reads) writeOnly(c *call, p part, body *hclsyntax.Body, label ...string) bool {
	some := false
	for _, attr := range body.Attributes {
		if isWriteOnly(p.src, attr) {
			r.piece(c, part{p.src, attr}, label...)
			some = true
		}
	}
	for _, inner := range body.Blocks {
		if r.writeOnly(c, p, inner.Body, append(slices.Clone(label), inner.Type)...) {
			some = true
			if inner.Type == "dynamic" {
				r.piece(c, part{p.src, inner}, label...) // with what it goes over
			}
		}
	}
	return some
}

// isWriteOnly tells an argument, or an object with one, whose name says so, as providers
// name them, or that has an ephemeral value, which Terraform lets stand in no other.
func isWriteOnly(src []byte, attr *hclsyntax.Attribute) bool {
	found := strings.HasSuffix(attr.Name, "_wo")
	_ = hclsyntax.VisitAll(attr.Expr, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.ScopeTraversalExpr:
			found = found || n.Traversal.RootName() == "ephemeral"
		case *hclsyntax.ObjectConsKeyExpr:
			key := strings.Trim(string(n.Range().SliceBytes(src)), `"`)
			found = found || strings.HasSuffix(key, "_wo")
		}
		return nil
	})
	return found
}

func (r *reads) data(c *call, p part, b *hclsyntax.Block) {
	if len(b.Labels) == 0 || !slices.ContainsFunc(programData, func(kind string) bool { return strings.HasPrefix(b.Labels[0], kind) }) {
		return
	}
	label := strings.Join(b.Labels, ".")
	r.start = true
	if !isProgram(b) {
		r.piece(c, p, label)
		return
	}
	r.whole = true
	running{r}.programmed(c, func() { r.piece(c, p, label) })
}

// login tells whether a provider starts a program of somebody's for its credentials.
func (r *reads) login(c *call, body *hclsyntax.Body) bool {
	some := false
	for _, b := range body.Blocks {
		if command, ok := b.Body.Attributes["command"]; ok && b.Type == "exec" {
			name, _ := r.words(c, command.Expr)
			some = some || !slices.Contains(logins, name)
		}
		some = r.login(c, b.Body) || some
	}
	return some
}

// piece takes a part of a module as code, with the locals, variables and files that it
// names.
func (r *reads) piece(c *call, p part, label ...string) {
	r.runs(append([]string{c.name}, append(label, tokens(p))...)...)
	running{r}.texts(c, p.node)
}

// named takes what a node of a part names.
func (v *visit) named(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		v.reads.need(v.call, n.Traversal)
	case *hclsyntax.LiteralValueExpr:
		if !v.reads.strict || !v.seen[n] { // part of a text that is told as a whole
			v.reads.files(v.text(n), v.reads.stack, v.call.dir)
		}
	case *hclsyntax.TemplateExpr:
		v.reads.files(v.text(n), v.reads.stack, v.call.dir)
	}
	return nil
}

// files takes what a program is told by name, in one of the folders where it may be, and
// what that names in turn.
func (r *reads) files(text string, folders ...string) {
	if r.strict {
		running{r}.told(text, folders)
	}
	for _, word := range split(text) {
		for _, folder := range folders {
			at := path.Join(folder, word)
			if strings.Contains(word, unknown) || above(at, folder) || above(at, r.stack) {
				continue
			}
			f := r.snap.resolve(folder + "/" + word) // the kernel goes up from where a link leads
			if f.path != at {
				r.runs("named", at, r.identity(at))
			}
			if !f.there || above(f.path, r.stack) {
				continue
			}
			r.runs("named", at, r.snap.entries[f.path].String())
			running{r}.look(f.path, folders)
		}
	}
}

// above tells whether a folder is another one, or has it in it.
func above(dir, of string) bool {
	return dir == "" || dir == "." || dir == of || strings.HasPrefix(of, dir+"/")
}

// need takes the local, the variable, the data or the output of a module that code refers
// to, and what that refers to.
func (r *reads) need(c *call, to hcl.Traversal) {
	var names []string
	for _, step := range to {
		if attr, ok := step.(hcl.TraverseAttr); ok {
			names = append(names, attr.Name)
		}
	}
	if to.RootName() == "local" || to.RootName() == "var" {
		names = names[:min(len(names), 1)]
	}
	if len(names) == 0 {
		return
	}
	key := running{r}.key(to.RootName() + "." + strings.Join(names[:min(len(names), 2)], "."))
	if c.needed[key] {
		return
	}
	c.needed[key] = true
	all := func(of *call, parts []part) {
		for _, p := range parts {
			r.piece(of, p, key)
		}
	}
	switch to.RootName() {
	case "local":
		all(c, c.locals[names[0]])
	case "data":
		all(c, c.data[strings.Join(names[:min(len(names), 2)], ".")])
	case "ephemeral":
		all(c, c.ephemeral[strings.Join(names[:min(len(names), 2)], ".")])
	case "module":
		running{r}.afterwards(func(context.Context) error {
			for _, of := range c.calls[names[0]] {
				for name, parts := range of.outputs {
					if len(names) == 1 || names[1] == name {
						all(of, parts)
					}
				}
			}
			return nil
		})
	case "var":
		all(c, c.inputs[names[0]])
		all(c, c.values[names[0]])
		for _, args := range c.args {
			if attr, ok := args.body().Attributes[names[0]]; ok {
				r.piece(c.by, part{args.src, attr}, c.name, key)
				r.each(c, args, attr)
			}
		}
	default:
		if r.strict {
			running{r}.resources(c, to.RootName(), names[0])
		}
	}
}

// each takes what a module is called for, where an argument is made of it.
func (r *reads) each(c *call, args part, attr *hclsyntax.Attribute) {
	of := map[string]string{"each": "for_each", "count": "count"}
	for _, v := range attr.Expr.Variables() {
		if meta, ok := args.body().Attributes[of[v.RootName()]]; ok {
			r.piece(c.by, part{args.src, meta}, c.name, meta.Name)
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
