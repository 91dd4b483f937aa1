package aws_test

import (
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

var update = flag.Bool("update", false, "write docs/errors.md anew")

// class is one kind of error as docs/errors.md has it.
type class struct {
	what  string // the id of what is shown
	next  []string
	code  dr.Code
	comes string // of what
	sent  bool   // the SDK itself puts a question again for it
	anew  bool   // the credentials are taken anew, and the call is made once more, an act too
}

// classes are all there are, in the order in which one is told from another.
var classes = []class{
	{what: "aws.endpoint", next: []string{"aws.endpoint.next"}, code: dr.Invalid, comes: "`aws.endpoint` of the configuration is no address"},
	{what: "aws.configuration", next: []string{"aws.configuration.next"}, code: dr.Invalid, comes: "the files of AWS's own tools on this host"},
	{what: "aws.variables", next: []string{"aws.variables.next"}, code: dr.Invalid, comes: "variables, beside an endpoint without TLS"},
	{what: "aws.no-region", code: dr.Invalid, comes: "a service without the Region that is asked for"},
	{what: "aws.lend.no-region", next: []string{"aws.lend.no-region.next"}, code: dr.Invalid, comes: "a role of a stack that belongs to no Region, and AWS_REGION is not set"},
	{what: "aws.lend.empty", code: dr.Temporary, comes: "STS answers without all parts of a session"},
	{what: "aws.signed-out", next: []string{"aws.signed-out.next"}, code: dr.Denied, comes: "IAM Identity Center: the token has ended, or is refused"},
	{what: "aws.failed-program", next: []string{"aws.failed-program.next"}, code: dr.Denied, comes: "`credential_process` ends with an error, or prints something else"},
	{what: "aws.no-credentials", next: []string{"aws.no-credentials.next"}, code: dr.Denied, comes: "the whole chain gave none, the instance's metadata last"},
	{what: "aws.host.fault", next: []string{"aws.host.fault.next"}, code: dr.Temporary, comes: "the credentials endpoint of a task, a pod or an instance answers 429 or 5xx", sent: true},
	{what: "aws.host.late", next: []string{"aws.host.late.next"}, code: dr.Temporary, comes: "no credentials in the time of one call"},
	{what: "aws.host.unreachable", next: []string{"aws.host.unreachable.next"}, code: dr.Temporary, comes: "no connection to that endpoint", sent: true},
	{what: "aws.unread-credentials", next: []string{"aws.unread-credentials.next"}, code: dr.Denied, comes: "it refuses; a file is missing or is none"},
	{what: "aws.proxied", next: []string{"aws.proxied.next"}, code: dr.Temporary, comes: "a proxy, or a page to sign in at, answers 2xx, 3xx or 4xx, or makes no connection; of an act *uncertain*, but for 407, 429 and no connection. The SDK tries 429 alone again", sent: true},
	{what: "aws.proxied.fault", code: dr.Temporary, comes: "5xx that no service of AWS wrote; of an act *uncertain*", sent: true},
	{what: "aws.slow-down", code: dr.Temporary, comes: "throttling by its codes, `TooManyRequests`, 429", sent: true},
	{what: "aws.not-found", code: dr.NotFound, comes: "the codes of what is not there"},
	{what: "aws.conflict", next: []string{"aws.conflict.next"}, code: dr.Conflict, comes: "the codes of a state that does not allow it"},
	{what: "aws.not-now", code: dr.Temporary, comes: "`RequestTimeout`, 408 (of an act *uncertain*), `IDPCommunicationError`", sent: true},
	{what: "aws.denied.clocks", next: []string{"aws.denied.clocks.next"}, code: dr.Denied, comes: "a refused signature, and the answer's own time is 4 minutes or more from the host's", anew: true},
	{what: "aws.denied.credentials", next: []string{"aws.denied.clock.next", "aws.denied.expired.next", "aws.denied.key.next", "aws.denied.signature.next", "aws.denied.credentials.next"},
		code: dr.Denied, comes: "a refused signature: its time, an ended session, a key nobody knows, a wrong secret; and, without another attempt, a Region that is not switched on, a subscription, a web identity, 401 and 403 with a code nobody has heard of", anew: true},
	{what: "aws.denied.role", next: []string{"aws.denied.role.next"}, code: dr.Denied, comes: "STS does not let drbot take the role"},
	{what: "aws.denied.action", next: []string{"aws.denied.action.next", "aws.denied.own-action.next"}, code: dr.Denied, comes: "the role lacks the action"},
	{what: "aws.refused", next: []string{"aws.refused.next"}, code: dr.Invalid, comes: "any other 4xx of a service"},
	{what: "aws.fault", code: dr.Temporary, comes: "5xx of a service; of an act *uncertain*", sent: true},
	{what: "aws.hollow", code: dr.Temporary, comes: "2xx in which nothing stands; of an act *uncertain*"},
	{what: "aws.late", code: dr.Temporary, comes: "no answer in the time of one call; of an act *uncertain*"},
	{what: "aws.broken-off", code: dr.Temporary, comes: "drbot ends, or the step is over; of an act that was sent *uncertain*"},
	{what: "aws.unreachable", code: dr.Temporary, comes: "no name, no route, no connection; and half an answer, a connection that broke, of an act *uncertain*", sent: true},
	{what: "aws.unsent", next: []string{"aws.unsent.next"}, code: dr.Invalid, comes: "the SDK does not take the question as it is"},
	{what: "aws.uncertain", next: []string{"aws.uncertain.next"}, code: dr.Uncertain, comes: "an act: whatever may hide that it was accepted"},
	{what: "aws.uncertain.proxied", next: []string{"aws.uncertain.next"}, code: dr.Uncertain, comes: "an act: a proxy that may have passed it on answered"},
}

// noErrors are words of this package that are parts of others, or of a check.
var noErrors = []string{"aws.call", "aws.no-status", "aws.based"}

// again is what is done by itself.
func (c class) again() string {
	var does []string
	if c.anew {
		does = append(does, "once at once, with credentials taken anew, an act too")
	}
	if c.sent {
		does = append(does, "a question up to 3 times in the time of one call")
	}
	if c.code == dr.Temporary {
		does = append(does, "the step up to 6 times, after its own look at what is there already")
	}
	if len(does) == 0 {
		return "no"
	}
	return strings.Join(does, "; ")
}

// asked is what people are asked.
func (c class) asked() string {
	switch {
	case slices.Contains([]string{"aws.endpoint", "aws.configuration", "aws.variables"}, c.what):
		return "nothing: drbot does not start"
	case c.code == dr.Temporary:
		return "after the last try"
	case c.code == dr.Uncertain:
		return "when the state, watched for a while, does not show what became of it"
	case c.code == dr.Conflict:
		return "at once; a promotion looks first whether another is pending"
	case c.code == dr.NotFound:
		return "at once; where what is not there is an answer, nothing"
	}
	return "at once"
}

// TestCaseAWSErrorTable holds docs/errors.md against the code: it has every class of error
// that can be told, with its words and its code, and every code of AWS that is known by name.
func TestCaseAWSErrorTable(t *testing.T) {
	const path = "../../docs/errors.md"
	said, codes, names := ofTheCode(t)
	listed := map[string]bool{}
	for _, c := range classes {
		listed[c.what] = true
		for _, next := range c.next {
			listed[next] = true
		}
		if code, known := codes[c.what]; known && code != c.code {
			t.Errorf("%s is %s in the table and %s in the code", c.what, c.code, code)
		}
	}
	for _, id := range said {
		if !listed[id] && !slices.Contains(noErrors, id) && !strings.HasPrefix(id, "aws.subject.") {
			t.Errorf("the table lacks %s", id)
		}
	}
	for id := range listed {
		if !slices.Contains(said, id) {
			t.Errorf("nobody says %s", id)
		}
	}
	out := document(t, names)
	if *update {
		if err := os.WriteFile(path, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != out {
		t.Errorf("%s is not what the code says; go test ./internal/aws -run TestCaseAWSErrorTable -update writes it", path)
	}
}

// ofTheCode reads the package: the ids it says, the codes that stand beside them, and AWS's codes
// that it knows by name.
func ofTheCode(t *testing.T) (said []string, codes map[string]dr.Code, names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]dr.Code{"Invalid": dr.Invalid, "Denied": dr.Denied, "Conflict": dr.Conflict, "NotFound": dr.NotFound, "Temporary": dr.Temporary, "Uncertain": dr.Uncertain}
	codes = map[string]dr.Code{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if id := idOf(n); strings.HasPrefix(id, "aws.") && !slices.Contains(said, id) {
					said = append(said, id)
				}
			case *ast.CompositeLit:
				var code, id string
				for _, e := range n.Elts {
					pair, ok := e.(*ast.KeyValueExpr)
					if !ok {
						continue
					}
					key, _ := pair.Key.(*ast.Ident)
					if selected, ok := pair.Value.(*ast.SelectorExpr); ok && key != nil && key.Name == "Code" {
						code = selected.Sel.Name
					}
					if call, ok := pair.Value.(*ast.CallExpr); ok && key != nil && key.Name == "What" {
						id = idOf(call)
					}
				}
				if known, ok := byName[code]; ok && id != "" {
					codes[id] = known
				}
			case *ast.CaseClause:
				for _, e := range n.List {
					if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING && path == "codes.go" {
						if name, err := strconv.Unquote(lit.Value); err == nil && name != "" {
							names = append(names, name)
						}
					}
				}
			}
			return true
		})
	}
	if len(said) < 30 || len(codes) < 20 || len(names) < 30 {
		t.Fatalf("read %d ids, %d codes, %d names", len(said), len(codes), len(names))
	}
	return said, codes, names
}

// idOf is the id in dr.T("id", ...); empty for another call.
func idOf(call *ast.CallExpr) string {
	of, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || of.Sel.Name != "T" || len(call.Args) == 0 {
		return ""
	}
	lit, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return ""
	}
	id, _ := strconv.Unquote(lit.Value)
	return id
}

var hole = regexp.MustCompile(`\{\{\.([a-z]+)\}\}`)

// document writes the page.
func document(t *testing.T, names []string) string {
	t.Helper()
	catalogue, err := os.ReadFile("../../text/en.yaml")
	if err != nil {
		t.Fatal(err)
	}
	words := func(id string) string {
		found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(id) + `: "(.*)"$`).FindSubmatch(catalogue)
		if found == nil {
			t.Fatalf("no words of %s", id)
		}
		return strings.ReplaceAll(hole.ReplaceAllString(string(found[1]), "*$1*"), "|", "\\|")
	}
	var b strings.Builder
	b.WriteString(`# Errors of AWS

Every class of error that the way to AWS can have: what is shown, what is tried again, when people are asked. Made of the code by
` + "`go test ./internal/aws -run TestCaseAWSErrorTable -update`" + `, and held against it by the same test: it cannot lack one.

A check that meets an error is *unknown*, with these words; nothing is asked for it alone. A step that fails pauses its run and asks: retry, skip (which takes as many people as the change), stop; [operate.md](operate.md) has
what each leads to. An act of drbot's own (a promotion, a number of tasks, a new deployment) is never repeated by the SDK, and only what is known not to have been accepted is called
anything but *uncertain*.

| Shown | What to do | Code | It comes of | Tried again | Asked |
|---|---|---|---|---|---|
`)
	for _, c := range classes {
		var next []string
		for _, id := range c.next {
			next = append(next, words(id))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", words(c.what), strings.Join(next, "<br>or: "), c.code, c.comes, c.again(), c.asked())
	}
	b.WriteString("\n## The codes of AWS that are known by name\n\nBeside these, those that the SDK knows as throttling, and `TooManyRequests` and `RequestTimeout...`, are temporary. Any other is told by its status: 408, 429 and 5xx temporary (of an act 408 and 5xx uncertain), 401 and 403 denied, the rest invalid.\n\n| Code | In a question | In an act |\n|---|---|---|\n")
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, codeBy(t, name, read), codeBy(t, name, act))
	}
	return b.String()
}

// codeBy is the code of an error in which a service answers 400 with a code of its own.
func codeBy(t *testing.T, name string, ask func(context.Context, *aws.Client) error) dr.Code {
	t.Helper()
	c, err := aws.New(t.Context(), aws.Options{Endpoint: "http://127.0.0.1:1", CallTimeout: awstest.CallTimeout, HTTPClient: &http.Client{Transport: answers(400, name)}})
	if err != nil {
		t.Fatal(err)
	}
	return dr.CodeOf(ask(t.Context(), c))
}
