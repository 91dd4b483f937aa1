package text_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
	"text/template/parse"

	"go.yaml.in/yaml/v3"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

// entry is a message of a file: its forms, and the arguments they speak of.
type entry struct {
	forms map[string]string // "other" alone when it counts nothing
	args  map[string]bool
}

func (e entry) plural() bool { return len(e.forms) > 1 }

// entries reads a file of the catalogue. It refuses what no message may be.
func entries(t *testing.T, name string) map[string]entry {
	t.Helper()
	doc, err := fs.ReadFile(text.Files(), name)
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := yaml.Unmarshal(doc, &raw); err != nil {
		t.Fatal(err)
	}
	out := map[string]entry{}
	for id, v := range raw {
		e := entry{forms: map[string]string{}, args: map[string]bool{}}
		switch v := v.(type) {
		case string:
			e.forms["other"] = v
		case map[string]any:
			for form, s := range v {
				e.forms[form] = fmt.Sprint(s)
			}
		default:
			t.Errorf("%s: %s is no message", name, id)
		}
		for form, s := range e.forms {
			args, words, err := look(s)
			if err != nil {
				t.Errorf("%s: %s (%s): %v", name, id, form, err)
			}
			for _, a := range args {
				e.args[a] = true
			}
			if len(args) == 1 && strings.Trim(words, " .,:;") == "" && id != string(dr.Words) {
				t.Errorf("%s: %s is one argument alone: give the argument itself", name, id)
			}
			if only := len(args) > 1 && strings.Trim(words, " \n") == ""; only != joins[id] && (only || name == "en.yaml") {
				t.Errorf("%s: %s only joins what it is about, or does so no more: say it as a list, as lines, or with words", name, id)
			}
		}
		if e.plural() && e.forms["other"] == "" {
			t.Errorf("%s: %s has no form for many", name, id)
		}
		out[id] = e
	}
	return out
}

// joins are the messages that only set what they are about side by side. Records that are
// kept for ever have most of them, which is why they stay; there are to be no more.
var joins = map[string]bool{
	"run.leads.more": true, "unit.else": true, "result.step": true, "pr.plan.kind": true, "vote.remark": true, "promote.moving": true,
	"source.left": true, "audit.approval": true, "audit.end": true, "tf.sentences": true, "rule.installed": true,
}

// look gives the arguments that a form speaks of, and its own words.
func look(form string) (args []string, words string, err error) {
	funcs := template.FuncMap{"bold": fmt.Sprint, "code": fmt.Sprint, "check": fmt.Sprint, "measure": fmt.Sprint, "date": fmt.Sprint}
	tmpl, err := template.New("").Funcs(funcs).Parse(form)
	if err != nil {
		return nil, "", err
	}
	if tmpl.Tree == nil || tmpl.Root == nil {
		return nil, "", nil
	}
	for _, n := range tmpl.Root.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			words += string(n.Text)
		case *parse.ActionNode:
			for _, c := range n.Pipe.Cmds {
				for _, a := range c.Args {
					switch a := a.(type) {
					case *parse.FieldNode:
						args = append(args, strings.Join(a.Ident, "."))
					case *parse.StringNode:
						words += a.Text
					case *parse.IdentifierNode:
					default:
						return nil, "", fmt.Errorf("%s is more than an argument and a mark", n)
					}
				}
			}
		default:
			return nil, "", fmt.Errorf("%s: a message decides nothing; make it two", n)
		}
	}
	return args, words, nil
}

// families are messages that are found by a part of their id: that of each verb, state,
// level. Each member that is known here must have its message; those of checks are known
// to their systems.
func families() map[string][]string {
	out := map[string][]string{
		"choice.":     nil,
		"run.title.":  {string(dr.Failover), string(dr.Failback), string(dr.Resume)},
		"pr.mode.":    {string(dr.Planned), string(dr.Disaster)},
		"step-state.": {string(dr.StepPending), string(dr.StepRunning), string(dr.StepDone), string(dr.StepFailed), string(dr.StepSkipped)},
		"level.":      {string(dr.OK), string(dr.Warn), string(dr.Fail), string(dr.Unknown)},
		"check.":      {},
		"unit.":       {"else", "instances", "status"},
		"unit-of.":    {"else", "instances", "status"},
		"kind.":       {"quiesce", "promote", "apply", "redeploy", "gate", "verify", "give-back", "restore"},
		"skip.":       {"any", "quorum"},
		"need.":       {"nothing", string(dr.NeedOK), string(dr.NeedWarn), string(dr.NeedGood), string(dr.NeedSound), string(dr.NeedFact)},
		"reference.":  nil,
		"mend.":       {},
		"field.":      {},
		"action.":     {},
		"called.":     {},
	}
	out["policy."] = ruled()
	for _, s := range []dr.RunState{dr.RunRunning, dr.RunWaiting, dr.RunPaused, dr.RunSucceeded, dr.RunRefused, dr.RunCancelled, dr.RunExpired, dr.RunStopped} {
		out["state."] = append(out["state."], string(s))
	}
	for _, v := range dr.Verbs() {
		out["verb."] = append(out["verb."], v.Name)
		if v.Name != "help" { // which the command line has of its own
			out["more."] = append(out["more."], v.Name)
		}
		for _, p := range v.Params {
			switch {
			case p.Flag != "" && !slices.Contains(out["param."], p.Name):
				out["param."] = append(out["param."], p.Name)
			case v.Name == "answer" && p.Name == "answer":
				out["choice."] = p.Choices
			}
			if !p.Optional && !slices.Contains(out["which."], p.Name) {
				out["which."] = append(out["which."], p.Name)
			}
		}
	}
	return out
}

// ruled are the messages that the rules say, by the rest of their ids.
func ruled() []string {
	files, err := filepath.Glob("../policies/*.rego")
	if err != nil || len(files) == 0 {
		panic("there are no rules")
	}
	var out []string
	for _, f := range files {
		doc, err := os.ReadFile(f)
		if err != nil {
			panic(err)
		}
		for _, m := range regexp.MustCompile(`"policy\.([a-z.-]+)"`).FindAllStringSubmatch(string(doc), -1) {
			if !strings.HasSuffix(f, "_test.rego") && !slices.Contains(out, m[1]) {
				out = append(out, m[1])
			}
		}
	}
	return out
}

func family(id string) string {
	for f := range families() {
		if strings.HasPrefix(id, f) {
			return f
		}
	}
	return ""
}

// TestCatalogue holds the catalogue against the program: every message that the code
// names is there and speaks of what it is given, and none is there that nobody says.
func TestCatalogue(t *testing.T) {
	english := entries(t, "en.yaml")
	said := uses(t)
	if len(said) < 50 {
		t.Fatalf("only %d uses of messages were found: the code is not read", len(said))
	}
	used := map[string]bool{string(dr.Words): true}
	for _, u := range said {
		members := []string{u.id}
		if u.prefix {
			members = membersOf(english, u.id)
			if _, known := families()[u.id]; !known {
				t.Errorf("%s: %q begins no family of messages", u.at, u.id)
			}
		}
		for _, id := range members {
			used[id] = true
			e, ok := english[id]
			if !ok {
				t.Errorf("%s: %s stands in no catalogue", u.at, id)
				continue
			}
			for _, why := range u.unfit(e) {
				t.Errorf("%s: %s %s", u.at, id, why)
			}
		}
	}
	for id := range english {
		if !used[id] && family(id) == "" {
			t.Errorf("en.yaml: nobody says %s", id)
		}
	}
	for f, members := range families() {
		for _, m := range members {
			if _, ok := english[f+m]; !ok {
				t.Errorf("en.yaml: %s%s is missing", f, m)
			}
		}
		for _, id := range membersOf(english, f) {
			if m := strings.TrimPrefix(id, f); len(members) > 0 && !slices.Contains(members, m) {
				t.Errorf("en.yaml: %s is of nobody in its family", id)
			}
		}
	}
}

// TestOtherLanguages sees that a language has no message of its own, and none that
// speaks of what the English one does not.
func TestOtherLanguages(t *testing.T) {
	english := entries(t, "en.yaml")
	files, err := fs.Glob(text.Files(), "*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("the catalogue has the files %v (%v)", files, err)
	}
	for _, f := range files {
		for id, e := range entries(t, f) {
			en, ok := english[id]
			if !ok {
				t.Errorf("%s: %s is not in English", f, id)
			}
			for a := range e.args {
				if !en.args[a] {
					t.Errorf("%s: %s speaks of %s, which it is not given", f, id, a)
				}
			}
		}
	}
}

func membersOf(english map[string]entry, prefix string) []string {
	var out []string
	for id := range english {
		if strings.HasPrefix(id, prefix) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}
