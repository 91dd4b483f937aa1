package bot

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/text/texttest"
)

var word = regexp.MustCompile(`[a-z]{3,}`)

// said gives every text of some blocks.
func said(t *testing.T, v any) string {
	t.Helper()
	doc, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(doc, &tree); err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(any)
	walk = func(n any) {
		switch n := n.(type) {
		case []any:
			for _, c := range n {
				walk(c)
			}
		case map[string]any:
			if s, ok := n["text"].(string); ok {
				out = append(out, s)
			}
			for _, c := range n {
				walk(c)
			}
		}
	}
	walk(tree)
	return strings.ToLower(strings.Join(out, " "))
}

// TestNoWordsOfItsOwn shows everything with a catalogue of nonsense: what is in English
// then is in no catalogue.
func TestNoWordsOfItsOwn(t *testing.T) {
	w := texttest.Nonsense(t).In("en", text.Slack)
	check := func(name, shown, names string) {
		t.Helper()
		if !strings.Contains(shown, texttest.Word) {
			t.Errorf("%s says nothing of the catalogue's: %s", name, shown)
		}
		for _, s := range word.FindAllString(shown, -1) {
			if s != texttest.Word && !strings.Contains(names, s) {
				t.Errorf("%s says %q, which is in no catalogue", name, s)
			}
		}
	}
	for name, run := range goldenRuns() {
		record, err := json.Marshal(run) // names, and the words of others
		if err != nil {
			t.Fatal(err)
		}
		title, blocks := RunMessage(w, run, t0.Add(time.Minute))
		check(name, said(t, blocks)+" "+strings.ToLower(title), strings.ToLower(string(record))+" amp date date_short_pretty time_secs utc")
	}
	title, blocks := NoteMessage(w, dr.Note{Title: dr.T("run.starting"), Lines: goldenRuns()["done"].ResultLines(), Link: "https://x"}, nil)
	check("a note", said(t, blocks)+" "+title, "authorize verify https")
	s := &Server{words: marked(w)}
	verbs, err := json.Marshal(dr.Verbs())
	if err != nil {
		t.Fatal(err)
	}
	check("the help", strings.ToLower(s.help()), strings.ToLower(string(verbs)))
	check("a refusal", strings.ToLower(s.refusal(errOtherWorkspace())), "")
}
