package workflows_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/workflows/world"
)

// ours are the words that only the catalogue has: what stands between the arguments of
// its messages, where it is more than a word.
var ours = sync.OnceValues(func() ([]string, error) {
	doc, err := fs.ReadFile(text.Files(), "en.yaml")
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := yaml.Unmarshal(doc, &all); err != nil {
		return nil, err
	}
	hole := regexp.MustCompile(`\{\{[^}]*\}\}`)
	var out []string
	var take func(v any)
	take = func(v any) {
		switch v := v.(type) {
		case string:
			for _, part := range hole.Split(v, -1) {
				if part = strings.Trim(part, " .,:;()\"`"); len(strings.Fields(part)) >= 3 {
					out = append(out, part)
				}
			}
		case map[string]any:
			for _, e := range v {
				take(e)
			}
		}
	}
	take(all)
	return out, nil
})

// posted is a row of what was posted on a pull request.
var posted = regexp.MustCompile(`^drbot_[a-z]+: [^ ]*/posted/\d+ \|`)

// joined is people in one value, with a word of ours between them: what a list is for.
var joined = regexp.MustCompile(`\b(alice|bob|carol|dave|erin)( and |, )(alice|bob|carol|dave|erin)\b`)

// noWords finds no words of ours in the database: neither in the records, the outbox and
// the audit log, nor in the engine's tables.
func noWords(t *testing.T, w *world.World) {
	t.Helper()
	words, err := ours()
	if err != nil || len(words) < 100 {
		t.Fatalf("only %d phrases are looked for: %v", len(words), err)
	}
	// What was posted on a pull request is kept to the letter: it is compared, and put back.
	rows := slices.DeleteFunc(strings.Split(w.Dump(), "\n"), func(row string) bool { return posted.MatchString(row) })
	dump := strings.Join(rows, "\n")
	if !strings.Contains(dump, "operation_outputs: ") || !strings.Contains(dump, "drbot_outbox: ") {
		t.Fatal("the dump lacks tables")
	}
	if at := joined.FindStringIndex(dump); at != nil {
		t.Errorf("people are stored in one value: %s", dump[max(0, at[0]-120):min(len(dump), at[1]+120)])
	}
	for _, phrase := range words {
		if i := strings.Index(dump, phrase); i >= 0 {
			t.Errorf("%q is stored: %s", phrase, dump[max(0, i-120):min(len(dump), i+120)])
		}
	}
}

// TestNothingStoredInWords plays the reports. Every run is looked at so by TestTraces.
func TestNothingStoredInWords(t *testing.T) {
	t.Parallel()
	every := func(s *dr.Service) {
		s.Schedule = dr.Schedule{TimeZone: "Asia/Seoul", Health: "*/5 * * * *", Drift: "*/5 * * * *"}
	}
	world.Run(t, world.Options{Service: every}, func(t *testing.T, w *world.World) {
		w.Drift("tokyo", "aws_ecs_service.this")
		w.SetLag(-1)
		w.Down(world.Seoul, true)
		w.Schedule(t.Context())
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		noWords(t, w)
	})
}
