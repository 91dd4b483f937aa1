package dr_test

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
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
	said, rules := map[string][]word{}, ruleFiles(t, "..")
	for _, p := range source(t) {
		for name, file := range p.files {
			said[name] = words(p.info, file)
		}
	}
	if len(said) < 50 || len(rules) == 0 {
		t.Fatalf("only %d files of code and %d rules were found", len(said), len(rules))
	}
	for _, why := range elsewhere(ids, said, rules) {
		t.Error(why)
	}
	for there := range alsoThere {
		name, id, _ := strings.Cut(there, ": ")
		if !slices.Contains(said[name], word{text: id}) {
			t.Errorf("%s is an exception and not there", there)
		}
	}
}

// ruleFiles gives the product's rules, each file by its path.
func ruleFiles(t *testing.T, root string) map[string]string {
	t.Helper()
	rules := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && rel != "." || under(rel, besideProduct)):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(rel, ".rego") || strings.HasSuffix(rel, "_test.rego"):
			return nil
		}
		doc, err := os.ReadFile(path)
		rules[rel] = string(doc)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// ofAnID are the beginnings of the catalogue's words for an id.
var ofAnID = []string{"kind.", "check.", "mend."}

// putTogether are the places where the catalogue's words for an id are put together with one
// that is read, each with its reason.
var putTogether = map[string]string{
	"dr/check.go: check.": "the one place",
	"dr/check.go: mend.":  "the one place",
	"dr/check.go: kind.":  "the one place",
}

// elsewhere lists where an id stands that has its place already, and where one could stand
// that nobody sees: put together of what the words for an id begin with.
func elsewhere(ids map[string]bool, said map[string][]word, rules map[string]string) []string {
	at := map[string][]string{}
	var out []string
	for name, all := range said {
		for _, w := range all {
			if w.begins {
				if putTogether[name+": "+w.text] == "" {
					out = append(out, strconv.Quote(w.text)+" begins something that is put together in "+name)
				}
				continue
			}
			id := w.text
			for _, words := range ofAnID {
				id = strings.TrimPrefix(id, words)
			}
			if ids[id] && alsoThere[name+": "+id] == "" && !slices.Contains(at[id], name) {
				at[id] = append(at[id], name)
			}
		}
	}
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
	return slices.Compact(out)
}

// word is a string of the code: the whole of it, or what it begins with.
type word struct {
	text   string
	begins bool
}

// words gives the strings of a file of code as the compiler knows them, so that what is put
// together of constants is seen whole; of what is put together while the program runs, what
// it begins with where the words for an id begin so. What the tags of fields say is no string
// of the program, and a constant's name is none of the literals.
func words(info *types.Info, file *ast.File) []word {
	var out []word
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			n.Tag = nil
		case *ast.BasicLit, *ast.BinaryExpr, *ast.CallExpr:
			e := n.(ast.Expr)
			_, call := e.(*ast.CallExpr)
			if s, whole := constantString(info, e); whole && !call { // a call is a name's other type
				out = append(out, word{text: s})
			} else if s, ok := beginning(info, e); ok {
				out = append(out, word{s, true})
			}
		}
		return true
	})
	return out
}

func constantString(info *types.Info, e ast.Expr) (string, bool) {
	v := info.Types[e].Value
	if v == nil || v.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(v), true
}

// beginning is what something that is put together while the program runs begins with, as
// the words for an id do: the left of a sum, or a format.
func beginning(info *types.Info, e ast.Expr) (string, bool) {
	var left ast.Expr
	switch e := e.(type) {
	case *ast.BinaryExpr:
		if _, whole := constantString(info, e); whole || e.Op != token.ADD {
			return "", false
		}
		left = e.X
	case *ast.CallExpr:
		if len(e.Args) == 0 {
			return "", false
		}
		left = e.Args[0]
		if f, ok := constantString(info, left); !ok || !strings.Contains(f, "%") {
			return "", false
		}
	default:
		return "", false
	}
	s, ok := constantString(info, left)
	if !ok {
		return "", false
	}
	for _, words := range ofAnID {
		if strings.HasPrefix(s, words) {
			return s, true
		}
	}
	return "", false
}

// TestOnePlaceFinds proves that the check can fail.
func TestOnePlaceFinds(t *testing.T) {
	ids := map[string]bool{"promote": true, "aurora.lag": true}
	find := func(files, rules map[string]string) []string {
		said := map[string][]word{}
		p := checked(t, "p", files)
		for name, file := range p.files {
			said[name] = words(p.info, file)
		}
		return elsewhere(ids, said, rules)
	}
	const one = "package p\nconst id, lag, system = \"promote\", \"aurora.lag\", \"aurora\"\nfunc f(string) string { return id }\nfunc sprintf(string, ...any) {}\n"
	for name, c := range map[string]struct {
		code, rule string
		n          int
	}{
		"one place":                   {"var x = f(id)", "", 0},
		"two files":                   {"var x = f(\"promote\")", "", 1},
		"two files, with its words":   {"var x = f(\"mend.promote\")", "", 1},
		"of two literals":             {"var x = f(\"pro\" + \"mote\")", "", 1},
		"of a constant and a literal": {"var x = f(system + \".lag\")", "", 1},
		"by another constant":         {"const dot = \".\"\nvar x = f(\"check.\" + system + dot + \"lag\")", "", 1},
		"put together":                {"var x = \"check.\" + f(id)", "", 1},
		"a format":                    {"func g() { sprintf(\"mend.%s\", id) }", "", 1},
		"another format":              {"func g() { sprintf(\"%s.%s\", id, id) }", "", 0},
		"a rule":                      {"", "package r\nx if input.step == \"promote\"\n", 1},
	} {
		if why := find(map[string]string{"a.go": one, "b.go": "package p\n" + c.code + "\n"}, map[string]string{"r.rego": c.rule}); len(why) != c.n {
			t.Errorf("%s: %q", name, why)
		}
	}
}
