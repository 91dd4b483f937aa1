package tf

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/drbot/drbot/dr"
)

// mostProviders bounds how many of the providers are named that nobody has chosen.
const mostProviders = 5

// locked refuses a stack whose providers nobody has chosen: they are programs, and whichever
// the registry or the mirror has that day would run with the rights of the stack. It comes
// after init, which writes a lock file where there is none and a provider is not Terraform's
// own, and before any provider is started. Whether one is what the lock file names is init's
// to say; but it is content with a lock file that names nothing.
func (m *module) locked() error {
	data, err := fileOf(m, lockFileName, mostNoted)
	if errors.Is(err, fs.ErrNotExist) || m.rules.LockFileOptional {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the provider lock file: %w", err)
	}
	var loose []string
	body := parsed(string(data))
	if body == nil {
		body, loose = &hclsyntax.Body{}, []string{lockFileName}
	}
	for _, b := range body.Blocks {
		if b.Type == "provider" && len(b.Labels) == 1 && (m.locks == noLockFile || !hashed(b.Body)) {
			loose = append(loose, b.Labels[0])
		}
	}
	if len(loose) == 0 {
		return nil
	}
	slices.Sort(loose)
	return &dr.Error{
		Code: dr.Uncertain,
		What: dr.T("tf.lock-file.missing", "stack", m.name, "providers", loose[:min(len(loose), mostProviders)]),
		Next: dr.T("tf.lock-file.missing.next", "service", m.service, "platform", runtime.GOOS+"_"+runtime.GOARCH),
	}
}

// hashed tells whether a lock file has a hash of a provider that Terraform looks at.
func hashed(provider *hclsyntax.Body) bool {
	attr, ok := provider.Attributes["hashes"]
	if !ok {
		return false
	}
	list, ok := attr.Expr.(*hclsyntax.TupleConsExpr)
	return ok && slices.ContainsFunc(list.Exprs, func(e hclsyntax.Expression) bool {
		says, known := (&follower{}).may(e)
		return known && len(says) == 1 && (strings.HasPrefix(says[0], "h1:") || strings.HasPrefix(says[0], "zh:"))
	})
}
