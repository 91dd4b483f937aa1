package tf

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// call is one use of a module: the stack itself, or what a module block leads to.
type call struct {
	dir  string // in the repository, as it is named
	rel  string // path.module
	name string // of the calls that lead to it
	by   *call  // nil for the stack
	args []part // the module blocks: an override file may have one too

	sources []source
	// What is said more than once, by override files: which one counts is Terraform's to say.
	locals    map[string][]part
	inputs    map[string][]part // variable blocks
	values    map[string][]part // of variables, in the stack's own files
	outputs   map[string][]part
	data      map[string][]part // by type and name
	ephemeral map[string][]part // likewise
	calls     map[string][]*call
	needed    map[string]bool // what code refers to
}

// source is a file that was parsed.
type source struct {
	path string
	src  []byte
	body *hclsyntax.Body
}

// part is a piece of a source.
type part struct {
	src  []byte
	node hclsyntax.Node
}

// body is the part's, where it is a block.
func (p part) body() *hclsyntax.Body {
	if b, ok := p.node.(*hclsyntax.Block); ok {
		return b.Body
	}
	return &hclsyntax.Body{}
}

// follow reads a module and those that it calls.
func (r *reads) follow(ctx context.Context, c *call) error {
	if r.calls++; r.calls > mostCalls {
		r.whole = true
		r.runs("too many modules", r.snap.root)
		return nil
	}
	f := r.add(c.dir)
	if !f.there {
		return nil // init says so
	}
	if err := r.parse(ctx, c, f.path); err != nil {
		return err
	}
	for _, s := range c.sources {
		if err := r.walk(ctx, c, s.body); err != nil {
			return err
		}
	}
	r.codeOf(c)
	for _, s := range c.sources {
		for _, b := range s.body.Blocks {
			if b.Type != "module" || len(b.Labels) != 1 {
				continue
			}
			if err := r.into(ctx, c, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// into follows a call to where its source leads, if that is in the repository.
func (r *reads) into(ctx context.Context, c *call, b *hclsyntax.Block) error {
	attr, ok := b.Body.Attributes["source"]
	if !ok {
		return nil
	}
	from, known := r.words(c, attr.Expr)
	return r.called(ctx, c, b.Labels[0], from, known, c.blocks("module", b.Labels[0]))
}

// blocks are those of a type and a name.
func (c *call) blocks(kind, name string) (out []part) {
	for _, s := range c.sources {
		for _, b := range s.body.Blocks {
			if b.Type == kind && slices.Equal(b.Labels, []string{name}) {
				out = append(out, part{s.src, b})
			}
		}
	}
	return out
}

// called is into for a source in words.
func (r *reads) called(ctx context.Context, c *call, name, from string, known bool, args []part) error {
	if strings.HasPrefix(from, `.\`) || strings.HasPrefix(from, `..\`) {
		from = strings.ReplaceAll(from, `\`, "/") // as Terraform does
	}
	switch {
	case !known:
		r.whole = true
		running{r}.everything()
	case path.IsAbs(from):
		r.whole = true
	case strings.HasPrefix(from, "./"), strings.HasPrefix(from, "../"):
		to := &call{dir: path.Join(c.dir, from), rel: path.Join(c.rel, from), name: c.name + "." + name, by: c, args: args}
		c.calls[name] = append(c.calls[name], to)
		return r.follow(ctx, to)
	case r.own != "" && strings.Contains(strings.ToLower(from), strings.ToLower(r.own)):
		r.whole = true // the repository by its address: it moves with its base
	}
	running{r}.programmed(c, func() { // it may run what it is told, and where Terraform runs
		for _, p := range args {
			r.piece(c, p, "module", name)
		}
	})
	return nil
}

// parse reads the files of a module's folder.
func (r *reads) parse(ctx context.Context, c *call, dir string) error {
	c.locals, c.inputs, c.values = map[string][]part{}, map[string][]part{}, map[string][]part{}
	c.outputs, c.data, c.ephemeral = map[string][]part{}, map[string][]part{}, map[string][]part{}
	c.calls, c.needed = map[string][]*call{}, map[string]bool{}
	var files []string // as they are named
	for _, name := range r.snap.children[dir] {
		if isConfig(name) || c.by == nil && isValues(name) {
			files = append(files, path.Join(dir, name))
		}
	}
	slices.Sort(files)
	var at []string
	for _, name := range files {
		if f := r.snap.resolve(name); f.there && r.snap.entries[f.path].kind == "blob" {
			at = append(at, f.path)
		}
	}
	if err := r.snap.load(ctx, at...); err != nil {
		return err
	}
	for _, name := range files {
		f := r.snap.resolve(name)
		e := r.snap.entries[f.path]
		if !f.there || e.kind != "blob" {
			continue
		}
		if err := r.file(ctx, c, name, e.id); err != nil {
			return err
		}
	}
	return nil
}

func isConfig(name string) bool {
	return strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tf.json")
}

// isValues tells a file that gives a stack's variables their values unasked.
func isValues(name string) bool {
	name = strings.TrimSuffix(name, ".json")
	return name == "terraform.tfvars" || strings.HasSuffix(name, ".auto.tfvars")
}

// file parses one file of a module.
func (r *reads) file(ctx context.Context, c *call, name, id string) error {
	text := r.snap.blobs[id]
	if strings.HasSuffix(name, ".json") {
		return r.json(ctx, c, name, id, text)
	}
	body := parsed(text)
	if body == nil {
		r.whole = true
		r.runs("not read", name, id)
		return nil
	}
	src := []byte(text)
	c.sources = append(c.sources, source{name, src, body})
	if isValues(name) {
		for n, attr := range body.Attributes {
			c.values[n] = append(c.values[n], part{src, attr})
		}
		return nil
	}
	for _, b := range body.Blocks {
		switch {
		case b.Type == "locals":
			for n, attr := range b.Body.Attributes {
				c.locals[n] = append(c.locals[n], part{src, attr})
			}
		case b.Type == "variable" && len(b.Labels) == 1:
			c.inputs[b.Labels[0]] = append(c.inputs[b.Labels[0]], part{src, b})
		case b.Type == "output" && len(b.Labels) == 1:
			c.outputs[b.Labels[0]] = append(c.outputs[b.Labels[0]], part{src, b})
		case b.Type == "data" && len(b.Labels) == 2:
			of := b.Labels[0] + "." + b.Labels[1]
			c.data[of] = append(c.data[of], part{src, b})
		case b.Type == "ephemeral" && len(b.Labels) == 2:
			of := b.Labels[0] + "." + b.Labels[1]
			c.ephemeral[of] = append(c.ephemeral[of], part{src, b})
		}
	}
	return nil
}

// parsed is the body of a file; nil when it cannot be read.
func parsed(text string) *hclsyntax.Body {
	if !mayParse(text) {
		return nil
	}
	file, diags := hclsyntax.ParseConfig([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil
	}
	body, _ := file.Body.(*hclsyntax.Body)
	return body
}
