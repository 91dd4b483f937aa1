package text_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// notOurs are folders whose words nobody reads of the product: stand-ins and helpers of tests.
var notOurs = []string{"internal/sandbox", "cmd/drbot-sandbox", "workflows/world", "internal/contract", "internal/aws/awstest", "internal/store/storetest", "internal/wall/walltest", "text/texttest"}

// twoWords is what a sentence has and a name has not.
var twoWords = regexp.MustCompile(`[A-Za-z][a-z]*,? [a-z]{2,}`)

// notSaid are the words beside the catalogue that stay, by their file and how they begin, each
// with its reason.
var notSaid = map[string]string{
	"bot/server.go: ":                      "answers to what is no request of Slack's; Slack shows none of them",
	"internal/github/webhook.go: ":         "answers to GitHub's deliveries, which a program reads",
	"internal/web/health.go: ":             "answers to probes",
	"internal/web/state.go: ":              "answers to probes, and to a program that came too early",
	"internal/tf/lend.go: ":                "answers to the SDK inside Terraform",
	"cmd/drbot-launch/main.go: ":           "a program that nobody starts",
	"internal/wall/enter.go: drbot: ":      "by which one program of ours knows another's output",
	"internal/tf/fault.go: ":               "looked for in what Terraform says",
	"internal/tf/hints.go: ":               "looked for in what Terraform says",
	"internal/tf/git.go: ":                 "looked for in what git says",
	"internal/tf/diagnostics.go: ":         "looked for in what Terraform says",
	"internal/tf/workspace.go: ":           "looked for in what Terraform says",
	"internal/tf/absent.go: version ":      "how a pointer of Git LFS begins",
	"internal/aws/aurora/events.go: ":      "looked for in what RDS says",
	"workflows/engine/drain.go: ":          "looked for in what DBOS says",
	"internal/github/demands.go: ":         "looked for in what GitHub says",
	"internal/github/errors.go: ":          "looked for in what GitHub says",
	"internal/github/merge.go: ":           "looked for in what GitHub says",
	"internal/github/ratelimit.go: ":       "looked for in what GitHub says",
	"internal/github/rules.go: ":           "names of GitHub's permissions",
	"internal/github/posted.go: query(":    "asked of GitHub",
	"internal/github/queue.go: query(":     "asked of GitHub",
	"internal/github/signed.go: query(":    "asked of GitHub",
	"internal/github/signed.go: git ":      "a command",
	"internal/store/head.go: audit verify": "a command",
	"internal/store/seal.go: audit verify": "a command",
	"internal/store/verify.go: audit ":     "a command",
	"cmd/drbot/runbook.go: ":               "commands",
	"cmd/drbot/rules.go: check github ":    "a command",
	"cmd/drbot/audit.go: drbot ":           "what a key is made for",
	"cmd/drbot/count.go: no count":         "an error that is told by its type",
	"cmd/drbot/main.go: exit status":       "an error that is told by its type",
	"internal/config/config.go: not read":  "stands for a secret that is not shown",
	"internal/tf/calls.go: ":               "part of a hash",
	"internal/tf/makers.go: ":              "part of a hash",
	"internal/tf/paths.go: some file":      "part of a hash",
	"internal/tf/supervise.go: ":           "of the supervisor's log",
	"internal/tf/ownanswer.go: ":           "of the supervisor's log",
	"internal/tf/witness.go: ":             "of the supervisor's log",
	"workflows/steps/restarted.go: ":       "a mark that is kept",
}

// inStore are the database's own language, and what it was asked to do when it failed, which
// is the cause of an error and never told.
var inStore = regexp.MustCompile(`^(SELECT|PRAGMA|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WITH|sqlite:|postgres:| \(service)|^(ask|begin|close|commit|copy|drop|give|keep|list|lock|look|make|mark|note|open|prepare|put|read|store|take|update|wait|write) `)

// TestWordsStandInTheCatalogue looks through the product's code for words of two or more that
// are no id, no line of the log and no error's cause: those stand in the catalogue alone.
func TestWordsStandInTheCatalogue(t *testing.T) {
	found, files := map[string]bool{}, 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("..", path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && (slices.Contains(notOurs, rel) || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".."):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		for _, s := range wordsOf(t, path, nil) {
			if strings.HasPrefix(rel, "internal/store/") && inStore.MatchString(s) {
				continue
			}
			known := false
			for key := range notSaid {
				if strings.HasPrefix(rel+": "+s, key) {
					known, found[key] = true, true
				}
			}
			if !known {
				t.Errorf("%s: %q stands in no catalogue", rel, s)
			}
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files: %v", files, err)
	}
	for key := range notSaid {
		if !found[key] {
			t.Errorf("%s is an exception and not there", key)
		}
	}
}

// wordsOf are the literals of a file that read like words people are told.
func wordsOf(t *testing.T, path string, src any) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			return n.Tag == nil // the names of a document
		case *ast.CallExpr:
			return !forTheLog(n)
		case *ast.BasicLit:
			if s, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil && twoWords.MatchString(s) {
				out = append(out, s)
			}
		}
		return true
	})
	return out
}

// forTheLog tells a call whose words are no person's to read: a log's line, an error that is
// the cause of one with words, and the end of the process.
func forTheLog(c *ast.CallExpr) bool {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name == "panic"
	case *ast.SelectorExpr:
		of := name(f.X)
		switch {
		case of == "errors" && f.Sel.Name == "New", of == "fmt" && f.Sel.Name == "Errorf":
			return true
		case slices.Contains([]string{"InfoContext", "WarnContext", "ErrorContext", "DebugContext"}, f.Sel.Name),
			slices.Contains([]string{"Info", "Warn", "Error", "Debug"}, f.Sel.Name) && of != "http" && len(c.Args) > 0, f.Sel.Name == "Log" && len(c.Args) > 2:
			return true
		}
	}
	return false
}

// TestWordsOfFinds proves that the check can fail.
func TestWordsOfFinds(t *testing.T) {
	got := wordsOf(t, "x.go", `package x
type t struct { A int `+"`json:\"a, b c\"`"+` }
const note = "_The rest was cut._"
func f(log l) {
	g("another process", "newer commit", "newer-commit", "a.b")
	log.InfoContext(ctx, "of the log", "k", 1)
	_ = fmt.Errorf("read the file: %w", errors.New("it is gone"))
}`)
	if !slices.Equal(got, []string{"_The rest was cut._", "another process", "newer commit"}) {
		t.Errorf("found %q", got)
	}
}
