package tf

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/drbot/drbot/dr"
)

// mostCode bounds how many bytes are looked through for a stack: a module counts as often as
// it is called.
const mostCode = 32 << 20

// look goes through the code of a stack and of every module that it reaches, as a checkout
// has them, for what no plan shows. It runs nothing and believes nothing: what cannot be
// told without running Terraform counts as found.
type look struct {
	root    string            // of the checkout
	stack   string            // the folder Terraform runs in, from there
	hosts   []string          // modules may come from these
	fetched map[string]string // the modules' folders by their keys; nil before init

	calls int   // of modules
	steps int   // of following what expressions say
	bytes int64 // of code
	found []finding
	seen  map[finding]bool
	err   error // of reading what is there
}

// finding is a place where the code does what no plan shows.
type finding struct {
	what dr.CodeKind
	file string // from the root of the checkout
	line int
	says saying // what stands there
}

// looked is one use of a module: the stack itself, or what a call leads to.
type looked struct {
	*look
	key  string // of the calls that lead to it, as Terraform has it
	dir  string // from the root of the checkout
	rel  string // path.module
	args *given // nil for the stack

	files  []codeFile
	locals map[string][]hclsyntax.Expression
	values map[string][]hclsyntax.Expression // of variables: their defaults, and what the stack's files say
	blind  bool                              // some of the values stand where they are not read
}

// codeFile is a file of a module.
type codeFile struct {
	name string // from the root of the checkout
	src  []byte
	body *hclsyntax.Body
}

// given is what a call gives to a module.
type given struct {
	by     *looked
	bodies []*hclsyntax.Body
	scopes scopes
}

// sorted are the findings by where they stand.
func (l *look) sorted() []finding {
	slices.SortFunc(l.found, func(a, b finding) int {
		return cmp.Or(strings.Compare(a.file, b.file), cmp.Compare(a.line, b.line), strings.Compare(string(a.what), string(b.what)),
			strings.Compare(a.says.code, b.says.code), strings.Compare(a.says.path, b.says.path), cmp.Compare(a.says.how, b.says.how))
	})
	return l.found
}

// find notes a finding once: a module may be called often.
func (l *look) find(f finding) {
	if l.seen == nil {
		l.seen = map[finding]bool{}
	}
	f.says.code = middled(f.says.code, 2*mostSaid)
	if !l.seen[f] {
		l.seen[f] = true
		l.found = append(l.found, f)
	}
}

// all looks at the stack and at what it calls.
func (l *look) all() ([]finding, error) {
	stack := &looked{look: l, dir: l.stack, rel: "."}
	l.module(stack)
	stack.tests(l.stack)
	stack.tests(path.Join(l.stack, "tests"))
	return l.sorted(), l.err
}

// module looks at one use of a module.
func (l *look) module(m *looked) {
	if l.calls++; l.calls > mostCalls {
		l.find(finding{dr.CodeModule, m.dir, 0, saying{how: tooManyCalls}})
		return
	}
	if !m.read() {
		return // init says that it is not there
	}
	for _, f := range m.files {
		m.functions(f, f.body, scopes{})
		for _, b := range f.body.Blocks {
			m.block(f, b)
		}
	}
}

// read parses the files of a module; false when it has no folder.
func (m *looked) read() bool {
	entries, err := os.ReadDir(filepath.Join(m.root, filepath.FromSlash(m.dir)))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			m.err = errors.Join(m.err, err)
		}
		return false
	}
	m.locals, m.values = map[string][]hclsyntax.Expression{}, map[string][]hclsyntax.Expression{}
	for _, e := range entries {
		name := path.Join(m.dir, e.Name())
		switch {
		case isValues(e.Name()) && m.args == nil:
			m.valuesOf(name)
		case strings.HasSuffix(e.Name(), ".tf.json"):
			m.find(finding{dr.CodeUnread, name, 1, saying{how: inJSON}})
		case isConfig(e.Name()):
			if f, ok := m.parse(name); ok {
				m.files = append(m.files, f)
				m.names(f)
			}
		}
	}
	return true
}

// content reads a file of the checkout that is small enough to be looked into.
func (l *look) content(name string) (string, bool) {
	at := filepath.Join(l.root, filepath.FromSlash(name))
	info, err := os.Stat(at)
	if err != nil || !info.Mode().IsRegular() || info.Size() > largestConfig {
		return "", false
	}
	if l.bytes += info.Size(); l.bytes > mostCode {
		return "", false
	}
	data, err := os.ReadFile(at)
	return string(data), err == nil && mayParse(string(data))
}

// parse reads a file of code. What does not parse is Terraform's to refuse; where init was
// content with it, it is not looked into.
func (m *looked) parse(name string) (codeFile, bool) {
	text, ok := m.content(name)
	if !ok {
		m.find(finding{dr.CodeUnread, name, 1, saying{how: tooLarge}})
		return codeFile{}, false
	}
	body := parsed(text)
	if body == nil {
		if m.fetched != nil {
			m.find(finding{dr.CodeUnread, name, 1, saying{how: unparsed}})
		}
		return codeFile{}, false
	}
	return codeFile{name, []byte(text), body}, true
}

// valuesOf reads what a file gives the variables.
func (m *looked) valuesOf(name string) {
	text, ok := m.content(name)
	if !ok || strings.HasSuffix(name, ".json") {
		m.blind = true
		return
	}
	body := parsed(text)
	if body == nil {
		m.blind = true
		return
	}
	for n, attr := range body.Attributes {
		m.values[n] = append(m.values[n], attr.Expr)
	}
}

// names takes what a file says its locals and variables are.
func (m *looked) names(f codeFile) {
	for _, b := range f.body.Blocks {
		switch {
		case b.Type == "locals":
			for n, attr := range b.Body.Attributes {
				m.locals[n] = append(m.locals[n], attr.Expr)
			}
		case b.Type == "variable" && len(b.Labels) == 1:
			if attr, ok := b.Body.Attributes["default"]; ok {
				m.values[b.Labels[0]] = append(m.values[b.Labels[0]], attr.Expr)
			}
		}
	}
}

// at notes a finding in a file.
func (m *looked) at(f codeFile, node hclsyntax.Node, what dr.CodeKind, says saying) {
	m.find(finding{what, f.name, node.Range().Start.Line, says})
}

// exists tells whether a file of the checkout is there.
func (l *look) exists(name string) bool {
	_, err := os.Lstat(filepath.Join(l.root, filepath.FromSlash(name)))
	return !errors.Is(err, fs.ErrNotExist)
}
