package dr_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/aws/systems"
	"github.com/drbot/drbot/internal/github"
	"github.com/drbot/drbot/workflows/steps"
)

// notThePlace are folders whose code speaks of kinds and checks from the outside: it
// stands in for what the product reads, and would prove nothing in the product's words.
var notThePlace = []string{"internal/sandbox", "workflows/world", "internal/contract", "internal/aws/awstest"}

// alsoThere are the words in a file that are an id in another, each with its reason.
var alsoThere = map[string]string{
	"internal/tf/command.go: apply":   "Terraform's word for its own operation",
	"internal/aws/client.go: promote": "what an AWS role is for, in a role's name",
	"cmd/drbot/backup.go: restore":    "a command that puts a backup in the database's place",
	"cmd/drbot/audit.go: verify":      "a command that checks the audit's chain",
}

// TestOnePlace keeps what a step or a check is called in one file: a new kind is a new
// file, and nothing else in the program knows it by name.
func TestOnePlace(t *testing.T) {
	ids := map[string]bool{}
	for _, k := range steps.Kinds(&steps.World{}) {
		ids[k.ID] = true
	}
	kinds := len(ids)
	for _, c := range systems.Specs() {
		ids[c.ID] = true
	}
	for _, c := range github.Specs() {
		ids[c.ID] = true
	}
	if kinds < 5 || len(ids) < kinds+5 {
		t.Fatalf("there are only %d kinds of steps and %d checks", kinds, len(ids)-kinds)
	}
	files, rules := sources(t, "..")
	if len(files) < 50 || len(rules) == 0 {
		t.Fatalf("only %d files of code and %d rules were found", len(files), len(rules))
	}
	for _, why := range elsewhere(t, ids, files, rules) {
		t.Error(why)
	}
	for word := range alsoThere {
		name, id, _ := strings.Cut(word, ": ")
		if !slices.Contains(literals(t, name, files[name]), id) {
			t.Errorf("%s is an exception and not there", word)
		}
	}
}

// sources gives the product's code and its rules, each file by its path.
func sources(t *testing.T, root string) (files, rules map[string]string) {
	t.Helper()
	files, rules = map[string]string{}, map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && rel != "." || slices.Contains(notThePlace, rel) {
				return filepath.SkipDir
			}
			return nil
		}
		into := files
		switch {
		case strings.HasSuffix(rel, "_test.go"), strings.HasSuffix(rel, "_test.rego"):
			return nil
		case strings.HasSuffix(rel, ".rego"):
			into = rules
		case !strings.HasSuffix(rel, ".go"):
			return nil
		}
		doc, err := os.ReadFile(path)
		into[rel] = string(doc)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, rules
}

// elsewhere lists where an id stands that has its place already.
func elsewhere(t *testing.T, ids map[string]bool, files, rules map[string]string) []string {
	t.Helper()
	at := map[string][]string{}
	for name, src := range files {
		for _, s := range literals(t, name, src) {
			for _, words := range []string{"kind.", "check.", "mend."} { // the catalogue's, of an id
				s = strings.TrimPrefix(s, words)
			}
			if ids[s] && alsoThere[name+": "+s] == "" && !slices.Contains(at[s], name) {
				at[s] = append(at[s], name)
			}
		}
	}
	var out []string
	for id := range ids {
		if len(at[id]) > 1 {
			slices.Sort(at[id])
			out = append(out, strconv.Quote(id)+" is written in "+strings.Join(at[id], " and "))
		}
		for name, src := range rules {
			if strings.Contains(src, strconv.Quote(id)) {
				out = append(out, strconv.Quote(id)+" is written in "+name+": a rule goes by what a check is for")
			}
		}
	}
	slices.Sort(out)
	return out
}

// literals gives the strings of a file of code, but for the names in tags of fields.
func literals(t *testing.T, name, src string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			if s, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil {
				out = append(out, s)
			}
		}
		return true
	})
	return out
}

// TestOnePlaceFinds proves that the check can fail.
func TestOnePlaceFinds(t *testing.T) {
	ids := map[string]bool{"promote": true}
	one := "package p\nconst id = \"promote\"\n"
	if why := elsewhere(t, ids, map[string]string{"a.go": one}, map[string]string{"r.rego": "package r\n"}); len(why) != 0 {
		t.Errorf("one place is %q", why)
	}
	if why := elsewhere(t, ids, map[string]string{"a.go": one, "b.go": "package p\nvar x = f(\"promote\")\n"}, nil); len(why) != 1 {
		t.Errorf("two files are %q", why)
	}
	if why := elsewhere(t, ids, map[string]string{"a.go": one, "b.go": "package p\nvar x = f(\"mend.promote\")\n"}, nil); len(why) != 1 {
		t.Errorf("two files, one with its words, are %q", why)
	}
	if why := elsewhere(t, ids, map[string]string{"a.go": one}, map[string]string{"r.rego": "package r\nx if input.step == \"promote\"\n"}); len(why) != 1 {
		t.Errorf("a rule that names a step is %q", why)
	}
}
