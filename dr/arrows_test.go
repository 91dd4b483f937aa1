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

// arrows says which of the project's packages a package may import. A name that ends
// in a slash stands for all packages below it, on either side; the longest name that
// fits a package counts.
var arrows = map[string][]string{
	"dr":               nil,
	"text":             {"dr"},
	"view":             {"dr", "text"},
	"policies":         {"dr"},
	"workflows":        {"dr", "policies", "workflows/engine", "workflows/steps"},
	"workflows/steps":  {"dr", "workflows/engine"},
	"workflows/engine": {"dr"},
	"bot":              {"dr", "text", "view", "workflows"},
	"internal/web":     {"dr", "text", "view", "workflows"},
	"internal/github":  {"dr"},
	"internal/aws":     {"dr", "internal/awshttp"},
	"internal/awshttp": nil,
	// A system of AWS knows the sessions of the root and no other system.
	"internal/aws/":        {"dr", "internal/aws"},
	"internal/aws/ecs":     {"dr", "internal/aws", "internal/aws/elb"},
	"internal/aws/systems": {"dr", "internal/aws", "internal/aws/"},
	"internal/tf":          {"dr", "internal/wall"},
	"internal/wall":        nil,
	"internal/flood":       nil,
	"internal/store":       {"dr"},
	"internal/config":      {"dr"},
	// Helpers of tests alone.
	"workflows/world":          {"dr", "text", "view", "policies", "workflows", "workflows/", "internal/store"},
	"internal/store/storetest": nil,
	"internal/wall/walltest":   nil,
	"internal/contract":        {"dr"},
	"text/texttest":            {"dr", "text"},
	"internal/aws/awstest":     {"dr", "text", "internal/aws"},
	"internal/sandbox":         {"dr", "internal/sandbox/"},
	"internal/sandbox/":        {"dr", "internal/awshttp", "internal/sandbox/"},
	"cmd/drbot":                {"dr", "text", "view", "policies", "workflows", "workflows/", "bot", "internal/config", "internal/web", "internal/github", "internal/aws", "internal/aws/", "internal/tf", "internal/store", "internal/wall", "internal/flood"},
	"cmd/drbot-launch":         {"internal/wall"},
	"cmd/drbot-switch":         {"internal/wall"},
	"cmd/drbot-sandbox":        {"dr", "internal/sandbox", "internal/sandbox/", "internal/tf", "internal/wall"},
}

// sdks says which packages may import an SDK, in the same names; the sandbox, whose servers are read
// with the SDKs, may import each.
var sdks = map[string][]string{
	"github.com/slack-go/":         {"bot"},
	"github.com/google/go-github/": {"internal/github"},
	"github.com/bradleyfalzon/":    {"internal/github"},
	"github.com/aws/":              {"internal/aws", "internal/aws/"},
	"github.com/hashicorp/":        {"internal/tf"},
	"github.com/dbos-inc/":         {"workflows/engine"},
	"github.com/open-policy-agent": {"policies"},
	"github.com/nicksnyder/":       {"text"},
	"github.com/agnivade/":         {"text", "internal/config"},
	"github.com/landlock-lsm/":     {"internal/wall"},
	// The clock of the engine reads a schedule, and the configuration refuses one that it could not.
	"github.com/robfig/cron/": {"workflows/engine", "internal/config"},
	"modernc.org/sqlite":      {"internal/store"},
	"github.com/jackc/pgx":    {"internal/store", "internal/store/storetest"},
}

// TestArrows keeps the import arrows of docs/design.md.
func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen, by := 0, map[string][]string{}
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
			if lib := unlisted(name, imp); lib != "" && !slices.Contains(by[lib], name) {
				by[lib] = append(by[lib], name)
			}
		}
	}
	for lib, names := range by {
		if len(names) > 1 {
			t.Errorf("%s is imported by %s: have one import it, or list it among the SDKs", lib, strings.Join(names, ", "))
		}
	}
	if seen < len(arrows) {
		t.Fatalf("only %d packages were looked at", seen)
	}
}

func broken(name, imp string) string {
	if own, ok := strings.CutPrefix(imp, module); ok {
		key, known := arrowsOf(name)
		if !known {
			return "this package has no arrows; add it to docs/design.md and here"
		}
		if !slices.ContainsFunc(arrows[key], func(a string) bool { return fits(a, own) }) {
			return "the arrow is not in docs/design.md"
		}
		return ""
	}
	if name == "dr" && strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
		return "dr uses the standard library alone"
	}
	if strings.HasPrefix(name, "internal/sandbox") {
		return ""
	}
	for sdk, owners := range sdks {
		if strings.HasPrefix(imp, sdk) && !slices.ContainsFunc(owners, func(o string) bool { return fits(o, name) }) {
			return "this SDK is imported by " + strings.Join(owners, ", ") + " alone"
		}
	}
	return ""
}

// everywhere are libraries that are as the standard one is.
var everywhere = []string{"golang.org/x/", "go.yaml.in/yaml"}

// unlisted is the library that a package imports, where no table says who may; empty for
// what is listed, and for the sandbox.
func unlisted(name, imp string) string {
	parts := strings.SplitN(imp, "/", 4)
	if !strings.Contains(parts[0], ".") || strings.HasPrefix(imp, module) || strings.Contains(name, "sandbox") || strings.HasPrefix(name, "text/texttest") {
		return ""
	}
	for sdk := range sdks {
		if strings.HasPrefix(imp, sdk) {
			return ""
		}
	}
	if slices.ContainsFunc(everywhere, func(e string) bool { return strings.HasPrefix(imp, e) }) {
		return ""
	}
	return strings.Join(parts[:min(3, len(parts))], "/")
}

// fits tells whether a name of the tables stands for a package.
func fits(name, pkg string) bool {
	return pkg == name || strings.HasSuffix(name, "/") && strings.HasPrefix(pkg, name)
}

// arrowsOf finds the longest name of the table that stands for a package.
func arrowsOf(pkg string) (key string, known bool) {
	for name := range arrows {
		if fits(name, pkg) && len(name) > len(key) {
			key, known = name, true
		}
	}
	return key, known
}

// TestProductWithoutSandbox keeps the stand-ins, the bench and the sabotage out of the
// product's program, however long the way to them.
func TestProductWithoutSandbox(t *testing.T) {
	for program, has := range map[string]bool{"cmd/drbot": false, "cmd/drbot-sandbox": true} {
		out, err := exec.Command("go", "list", "-deps", module+program).Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		var found []string
		for imp := range strings.Lines(string(out)) {
			if strings.HasPrefix(imp, module+"internal/sandbox") {
				found = append(found, strings.TrimSpace(imp))
			}
		}
		if (len(found) > 0) != has {
			t.Errorf("%s holds of the sandbox: %q", program, found)
		}
	}
}

// TestArrowsFind proves that the check can fail.
func TestArrowsFind(t *testing.T) {
	for _, c := range [][2]string{
		{"internal/aws", module + "internal/github"},
		{"internal/aws", module + "internal/aws/aurora"},
		{"internal/aws/aurora", module + "internal/aws/ecs"},
		{"internal/aws/brandnew", module + "internal/aws/elb"},
		{"internal/aws/systems", module + "internal/tf"},
		{"internal/awsome", "github.com/aws/aws-sdk-go-v2/aws"},
		{"workflows", module + "internal/aws"},
		{"workflows", module + "text"},
		{"view", module + "workflows"},
		{"policies", module + "workflows"},
		{"dr", "github.com/slack-go/slack"},
		{"bot", "github.com/aws/aws-sdk-go-v2/aws"},
		{"internal/sandbox/slack", module + "bot"},
		{"cmd/drbot", module + "internal/sandbox/slack"},
		{"cmd/drbot-sandbox", module + "bot"},
		{"internal/brandnew", module + "dr"},
		{"bot", "github.com/robfig/cron/v3"},
	} {
		if broken(c[0], c[1]) == "" {
			t.Errorf("%s may not import %s, and the check did not say so", c[0], c[1])
		}
	}
	for imp, want := range map[string]string{"github.com/some/lib/v3": "github.com/some/lib", "github.com/slack-go/slack": "", "golang.org/x/sys/unix": "", "net/http": "", module + "dr": ""} {
		if got := unlisted("workflows", imp); got != want {
			t.Errorf("%s is of the library %q", imp, got)
		}
	}
}
