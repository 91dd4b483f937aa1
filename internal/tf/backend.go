package tf

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/drbot/drbot/dr"
)

// secretBackend are the arguments of backends whose values are secrets.
var secretBackend = regexp.MustCompile(`(?i)password|secret|token|access_key|conn_str|encryption_key|credentials`)

// backendFile is what the configuration says of a stack's backend, as a file for
// -backend-config: what is on a command line is shown to every user of the host.
func backendFile(given map[string]string) ([]byte, error) {
	f := hclwrite.NewEmptyFile()
	for _, k := range slices.Sorted(maps.Keys(given)) {
		if !hclsyntax.ValidIdentifier(k) {
			return nil, &dr.Error{Code: dr.Invalid, What: dr.T("tf.backend.key", "key", dr.Foreign(k)), Next: dr.T("tf.backend.key.next")}
		}
		if composed(given[k]) {
			f.Body().SetAttributeRaw(k, hclwrite.Tokens{{Type: hclsyntax.TokenIdent, Bytes: []byte(given[k])}})
			continue
		}
		f.Body().SetAttributeValue(k, cty.StringVal(given[k])) // which Terraform makes a number or a yes of where one is wanted
	}
	return bytes.TrimSpace(f.Bytes()), nil
}

// composed tells whether a value is an object or a list, as an argument of more than one
// value takes it.
func composed(v string) bool {
	expr, diags := hclsyntax.ParseExpression([]byte(v), "", hcl.InitialPos)
	if diags.HasErrors() {
		return false
	}
	switch expr.(type) {
	case *hclsyntax.ObjectConsExpr, *hclsyntax.TupleConsExpr:
		return true
	}
	return false
}

// backendPath is where that file is until init has read it: in the stack's own folder, since
// Terraform makes a path from there of whatever path it is given.
func (m *module) backendPath() string { return filepath.Join(m.dir, dataDir, "backend.hcl") }

// writeBackend writes it, if there is anything to say.
func writeBackend(m *module, stack dr.Stack) error {
	if len(stack.BackendConfig) == 0 {
		return nil
	}
	doc, err := backendFile(stack.BackendConfig)
	if err != nil {
		return err
	}
	if err := os.WriteFile(m.backendPath(), append(doc, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the backend's configuration: %w", err)
	}
	for k, v := range stack.BackendConfig {
		if secretBackend.MatchString(k) {
			m.scrub = m.scrub.and(v)
		}
	}
	return nil
}
