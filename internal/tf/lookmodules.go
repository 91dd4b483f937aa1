package tf

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/drbot/drbot/dr"
)

// registryHost is where a module comes from that is named without a host.
const registryHost = "registry.terraform.io"

// called looks at where a module comes from, and into it where it is there.
func (m *looked) called(f codeFile, b *hclsyntax.Block) {
	attr, ok := b.Body.Attributes["source"]
	if !ok || len(b.Labels) != 1 {
		return
	}
	sources, known := m.may(attr.Expr, nil)
	if !known || len(sources) != 1 {
		m.at(f, attr, dr.CodeModule, saying{how: computedSource})
		return
	}
	from := strings.ReplaceAll(sources[0], `\`, "/")
	to := &looked{look: m.look, key: strings.TrimPrefix(m.key+"."+b.Labels[0], "."), args: &given{by: m, scopes: m.scopeOf(b, nil)}}
	for _, file := range m.files {
		for _, other := range file.body.Blocks {
			if other.Type == "module" && strings.Join(other.Labels, "") == b.Labels[0] {
				to.args.bodies = append(to.args.bodies, other.Body)
			}
		}
	}
	local := strings.HasPrefix(from, "./") || strings.HasPrefix(from, "../")
	if !local && !m.listed(from) {
		m.at(f, attr, dr.CodeModule, saying{how: atHost, code: hostOf(from)})
	}
	switch dir, there := m.fetched[to.key]; {
	case there:
		to.dir = path.Join(m.stack, filepath.ToSlash(dir))
		to.rel = path.Clean(filepath.ToSlash(dir))
	case m.fetched != nil:
		m.at(f, attr, dr.CodeModule, saying{how: unfetchedSource})
		return
	case !local:
		return // looked at when it is there
	default:
		to.dir, to.rel = path.Join(m.dir, from), path.Join(m.rel, from)
	}
	if to.dir == ".." || strings.HasPrefix(to.dir, "../") {
		m.at(f, attr, dr.CodeModule, saying{how: outsideSource})
		return
	}
	m.module(to)
}

// tests looks at where the modules of a stack's tests come from: nothing of them is run, but
// init fetches them.
func (m *looked) tests(dir string) {
	entries, err := os.ReadDir(filepath.Join(m.root, filepath.FromSlash(dir)))
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case strings.HasSuffix(e.Name(), ".tftest.json"):
			m.find(finding{dr.CodeUnread, name, 1, saying{how: testsInJSON}})
		case strings.HasSuffix(e.Name(), ".tftest.hcl"):
			f, ok := m.parse(name)
			if !ok {
				continue
			}
			for _, run := range f.body.Blocks {
				for _, b := range run.Body.Blocks {
					if attr, ok := b.Body.Attributes["source"]; ok && b.Type == "module" {
						m.fromTest(f, attr)
					}
				}
			}
		}
	}
}

func (m *looked) fromTest(f codeFile, attr *hclsyntax.Attribute) {
	sources, known := m.may(attr.Expr, nil)
	switch {
	case !known || len(sources) != 1:
		m.at(f, attr, dr.CodeModule, saying{how: computedSource})
	case strings.HasPrefix(sources[0], "./"), strings.HasPrefix(sources[0], "../"):
	case !m.listed(sources[0]):
		m.at(f, attr, dr.CodeModule, saying{how: atHost, code: hostOf(sources[0])})
	}
}

// listed tells whether the configuration lists where a module comes from.
func (l *look) listed(from string) bool {
	at := strings.ToLower(addressOfModule(from))
	for _, host := range l.hosts {
		host = strings.ToLower(strings.Trim(host, "/"))
		if at == host || strings.HasPrefix(at, host+"/") {
			return true
		}
	}
	return false
}

// hostOf is what people list of a module's address.
func hostOf(from string) string {
	host, _, _ := strings.Cut(addressOfModule(from), "/")
	return host
}

var (
	// getter is what forces a way of fetching: git::, s3::.
	getter = regexp.MustCompile(`^[A-Za-z0-9]+::`)
	// byShell is git's short form of an address by SSH.
	byShell = regexp.MustCompile(`^[A-Za-z0-9._-]+@([A-Za-z0-9.-]+):(.*)$`)
	// inRegistry is the address of a module in a registry, with or without its host.
	inRegistry = regexp.MustCompile(`^(?:([A-Za-z0-9.-]+\.[A-Za-z0-9-]+(?::\d+)?)/)?[0-9A-Za-z_-]+/[0-9A-Za-z_-]+/[0-9a-z]+(?://.*)?$`)
)

// addressOfModule is host and path of where a module is fetched from; "file" and the path
// where it is the machine itself. It follows what Terraform and its fetcher make of the
// short forms.
func addressOfModule(from string) string {
	forced := getter.MatchString(from)
	for getter.MatchString(from) {
		from = from[strings.Index(from, "::")+2:]
	}
	if m := byShell.FindStringSubmatch(from); m != nil {
		return m[1] + "/" + strings.TrimPrefix(m[2], "/")
	}
	if u, err := url.Parse(from); err == nil && u.Scheme != "" && u.Host != "" && u.Scheme != "file" {
		return u.Host + path.Clean("/"+u.Path)
	}
	first, _, _ := strings.Cut(from, "/")
	switch {
	case strings.Contains(from, "://"), strings.HasPrefix(from, "/"), strings.HasPrefix(from, "."), strings.HasPrefix(from, "~"), first == "":
		return "file" + path.Clean("/"+from)
	case first == "github.com", first == "bitbucket.org", first == "gitlab.com":
		return path.Clean(from)
	case !forced && inRegistry.MatchString(from):
		if strings.Contains(first, ".") {
			return path.Clean(from)
		}
		return registryHost + "/" + path.Clean(from)
	case strings.Contains(first, "."):
		return path.Clean(from)
	}
	return "file/" + path.Clean(from)
}

// keyed gives the folders of the modules that init found, by their keys.
func keyed(dir string) (map[string]string, error) {
	modules, err := modulesOf(dir)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, mod := range modules {
		if filepath.IsAbs(mod.Dir) {
			return nil, fmt.Errorf("module %s is not below the stack", mod.Key)
		}
		out[mod.Key] = mod.Dir
	}
	return out, nil
}
