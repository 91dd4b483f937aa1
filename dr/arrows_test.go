package dr_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/drbot/drbot/"

// arrows says which of the project's packages a package may import. A prefix that
// ends in a slash stands for all packages below it.
var arrows = map[string][]string{
	"dr":              nil,
	"policies":        {"dr"},
	"workflows":       {"dr", "policies"},
	"bot":             {"dr", "workflows"},
	"internal/web":    {"dr", "workflows"},
	"internal/github": {"dr"},
	"internal/aws":    {"dr"},
	"internal/tf":     {"dr"},
	"internal/store":  {"dr"},
	"internal/config": {"dr"},
	// A helper of tests alone.
	"internal/store/storetest": nil,
	"internal/sandbox":         {"dr", "internal/sandbox/"},
	"cmd/drbot":                {"dr", "policies", "workflows", "bot", "internal/"},
}

// sdks says which packages may import an SDK; the sandbox, whose servers are read
// with the SDKs, may import each.
var sdks = map[string][]string{
	"github.com/slack-go/":         {"bot"},
	"github.com/google/go-github/": {"internal/github"},
	"github.com/aws/":              {"internal/aws"},
	"github.com/hashicorp/":        {"internal/tf"},
	"github.com/dbos-inc/":         {"workflows"},
	"github.com/open-policy-agent": {"policies"},
	"modernc.org/sqlite":           {"internal/store"},
	"github.com/jackc/pgx":         {"internal/store", "internal/store/storetest"},
}

// TestArrows keeps the import arrows of docs/design.md.
func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			if why := broken(name, imp); why != "" {
				t.Errorf("%s imports %s: %s", name, imp, why)
			}
		}
	}
	if seen < len(arrows) {
		t.Fatalf("only %d packages were looked at", seen)
	}
}

func broken(name, imp string) string {
	sandbox := strings.HasPrefix(name, "internal/sandbox")
	if own, ok := strings.CutPrefix(imp, module); ok {
		key := name
		if sandbox {
			key = "internal/sandbox"
		}
		allowed, known := arrows[key]
		if !known {
			return "this package has no arrows; add it to docs/design.md and here"
		}
		if !slices.ContainsFunc(allowed, func(a string) bool { return own == a || strings.HasSuffix(a, "/") && strings.HasPrefix(own, a) }) {
			return "the arrow is not in docs/design.md"
		}
		return ""
	}
	if name == "dr" && strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
		return "dr uses the standard library alone"
	}
	for sdk, owners := range sdks {
		if strings.HasPrefix(imp, sdk) && !sandbox && !slices.Contains(owners, name) {
			return "this SDK is imported by " + strings.Join(owners, ", ") + " alone"
		}
	}
	return ""
}

// TestArrowsFind proves that the check can fail.
func TestArrowsFind(t *testing.T) {
	for _, c := range [][2]string{
		{"internal/aws", module + "internal/github"},
		{"workflows", module + "internal/aws"},
		{"policies", module + "workflows"},
		{"dr", "github.com/slack-go/slack"},
		{"bot", "github.com/aws/aws-sdk-go-v2/aws"},
		{"internal/sandbox/slack", module + "bot"},
		{"internal/brandnew", module + "dr"},
	} {
		if broken(c[0], c[1]) == "" {
			t.Errorf("%s may not import %s, and the check did not say so", c[0], c[1])
		}
	}
}
