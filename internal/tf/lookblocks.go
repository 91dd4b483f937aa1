package tf

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/drbot/drbot/dr"
)

// block looks at one block of a module for what it is.
func (m *looked) block(f codeFile, b *hclsyntax.Block) {
	switch b.Type {
	case "terraform":
		for _, inner := range b.Body.Blocks {
			switch inner.Type {
			case "backend":
				m.backend(f, inner)
			case "cloud":
				m.at(f, inner, dr.CodeBackend, written(opening(inner)))
			}
		}
	case "provider":
		m.settings(f, b.Body)
	case "module":
		m.called(f, b)
	case "resource", "removed":
		for _, inner := range b.Body.Blocks {
			if inner.Type == "provisioner" || inner.Type == "connection" {
				m.at(f, inner, dr.CodeProvisioner, written(opening(inner)))
			}
		}
		m.typed(f, b)
	case "data", "ephemeral", "action", "list":
		m.typed(f, b)
		m.remote(f, b)
	case "check":
		for _, inner := range b.Body.Blocks {
			m.block(f, inner)
		}
	}
}

// opening is how a block begins.
func opening(b *hclsyntax.Block) string {
	says := b.Type
	for _, l := range b.Labels {
		says += " " + strconv.Quote(l)
	}
	return says
}

// kindOfType is what a resource or data is whose type says that a program, a request or the
// machine gives it.
func kindOfType(name string) (dr.CodeKind, bool) {
	switch {
	case name == "external", strings.HasPrefix(name, "external_"), strings.HasPrefix(name, "shell_"):
		return dr.CodeExternal, true
	case name == "http", strings.HasPrefix(name, "http_"):
		return dr.CodeHTTP, true
	case name == "local", strings.HasPrefix(name, "local_"):
		return dr.CodeLocal, true
	case name == "template_file", name == "template_dir": // what they render may read files
		return dr.CodeFile, true
	}
	return "", false
}

func (m *looked) typed(f codeFile, b *hclsyntax.Block) {
	if len(b.Labels) == 0 {
		return
	}
	if kind, found := kindOfType(b.Labels[0]); found {
		m.at(f, b, kind, written(opening(b)))
	}
}

// aside are names that end as an address does and are none.
var aside = []string{"use_fips_endpoint", "use_dualstack_endpoint", "s3_us_east_1_regional_endpoint"}

// servers are the backends that speak to an address of their own, for which they need nothing
// that the cloud gives the stack.
var servers = []string{"http", "remote", "consul", "pg", "etcd", "etcdv3", "artifactory"}

// kindOfSetting is what a setting of a provider or a backend takes from elsewhere than the
// bot gave it.
func kindOfSetting(name string) (dr.CodeKind, bool) {
	switch {
	case name == "profile":
		return dr.CodeProfile, true
	case strings.HasPrefix(name, "shared_") && (strings.HasSuffix(name, "_files") || strings.HasSuffix(name, "_file")):
		return dr.CodeSharedFiles, true
	case strings.HasPrefix(name, "assume_role"), name == "role_arn":
		return dr.CodeAssumeRole, true
	case slices.Contains(aside, name):
	case name == "endpoints", name == "endpoint", strings.HasSuffix(name, "_endpoint"), name == "http_proxy", name == "https_proxy", name == "custom_ca_bundle":
		return dr.CodeEndpoints, true
	case name == "access_key", name == "secret_key", name == "exec":
		return dr.CodeCredentials, true
	}
	return "", false
}

// settings looks at what a provider or a backend is told.
func (m *looked) settings(f codeFile, body *hclsyntax.Body) {
	for name, attr := range body.Attributes {
		switch kind, found := kindOfSetting(name); {
		case found:
			m.at(f, attr, kind, written(name))
		case m.asksMetadata(name, attr.Expr):
			m.at(f, attr, dr.CodeCredentials, written(name))
		default:
			m.programs(f, attr.Expr)
		}
	}
	for _, b := range body.Blocks {
		name := b.Type
		if name == "dynamic" && len(b.Labels) == 1 {
			name = b.Labels[0]
		}
		if kind, found := kindOfSetting(name); found {
			m.at(f, b, kind, written(name))
			continue
		}
		m.settings(f, b.Body)
	}
}

// asksMetadata tells whether a setting has a provider or a backend ask the metadata of the
// host for credentials, whatever its environment says.
func (m *looked) asksMetadata(name string, expr hclsyntax.Expression) bool {
	if name != "skip_metadata_api_check" {
		return false
	}
	says, known := m.may(expr, nil)
	return !known || slices.ContainsFunc(says, func(s string) bool { return s != "true" })
}

// programs looks for programs for credentials in what a provider is told.
func (m *looked) programs(f codeFile, expr hclsyntax.Expression) {
	_ = hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		if key, ok := n.(*hclsyntax.ObjectConsKeyExpr); ok && f.word(key) == "exec" {
			m.at(f, key, dr.CodeCredentials, written("exec"))
		}
		return nil
	})
}

// word is a key as it is written.
func (f codeFile) word(key hclsyntax.Node) string {
	return strings.Trim(string(key.Range().SliceBytes(f.src)), `"`)
}

// backend looks at where the state is.
func (m *looked) backend(f codeFile, b *hclsyntax.Block) {
	m.settings(f, b.Body)
	if len(b.Labels) == 1 && slices.Contains(servers, b.Labels[0]) {
		m.at(f, b, dr.CodeBackend, written(opening(b)))
	}
	for _, name := range []string{"path", "workspace_dir"} {
		attr, ok := b.Body.Attributes[name]
		if !ok || !slices.Equal(b.Labels, []string{"local"}) {
			continue
		}
		if to, known := m.may(attr.Expr, nil); !known || slices.ContainsFunc(to, m.leaves) {
			m.at(f, attr, dr.CodeBackend, written(opening(b)+" "+name))
		}
	}
}

// remote looks at whose state is read, and as whom. No provider is needed for it.
func (m *looked) remote(f codeFile, b *hclsyntax.Block) {
	if len(b.Labels) == 0 || b.Labels[0] != "terraform_remote_state" {
		return
	}
	if attr, ok := b.Body.Attributes["backend"]; ok {
		if kinds, known := m.may(attr.Expr, nil); !known || slices.ContainsFunc(kinds, func(k string) bool { return k == "local" || slices.Contains(servers, k) }) {
			m.at(f, attr, dr.CodeRemoteState, written(opening(b)))
		}
	}
	attr, ok := b.Body.Attributes["config"]
	if !ok {
		return
	}
	m.config(f, attr.Expr, opening(b))
}

// config looks at the configuration of a backend in an expression: it must stand where it is
// looked at, with keys in words.
func (m *looked) config(f codeFile, expr hclsyntax.Expression, of string) {
	for e, ok := expr.(*hclsyntax.ParenthesesExpr); ok; e, ok = expr.(*hclsyntax.ParenthesesExpr) {
		expr = e.Expression
	}
	object, ok := expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		m.at(f, expr, dr.CodeRemoteState, saying{how: computedConfig, code: of})
		return
	}
	for _, i := range object.Items {
		names, known := m.may(i.KeyExpr, nil)
		if !known {
			m.at(f, i.KeyExpr, dr.CodeRemoteState, saying{how: computedConfig, code: of})
		}
		for _, name := range names {
			if kind, found := kindOfSetting(name); found {
				m.at(f, i.KeyExpr, kind, written(name))
			} else if m.asksMetadata(name, i.ValueExpr) {
				m.at(f, i.KeyExpr, dr.CodeCredentials, written(name))
			}
		}
	}
}
