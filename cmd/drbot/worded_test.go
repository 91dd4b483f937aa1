package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestWorded puts words beside every text of a document, once, and leaves all else as it is.
func TestWorded(t *testing.T) {
	w, err := shellWords()
	if err != nil {
		t.Fatal(err)
	}
	for doc, want := range map[string]string{
		`[]`: `[]`, `{}`: `{}`, `"a"`: `"a"`, `null`: `null`, `{"id":7}`: `{"id":7}`,
		`{"z":1.50,"a":{"id":"x","other":{"id":"level.ok"}},"list":[{"id":"level.warn"},true]}`: `{"z":1.50,"a":{"id":"x","other":{"id":"level.ok","words":"ok"}},"list":[{"id":"level.warn","words":"warn"},true]}`,
		`{"id":"run.paused","args":{"step":{"m":{"id":"level.ok"}}}}`:                           `{"id":"run.paused","args":{"step":{"m":{"id":"level.ok"}}},"words":"Paused at ok."}`,
	} {
		got, err := worded([]byte(doc), w.Say)
		if err != nil || string(got) != want {
			t.Errorf("%s becomes %s (%v), not %s", doc, got, err, want)
		}
	}
}

// TestJSONHasWords sees that a program reads the same run from it, and people its words.
func TestJSONHasWords(t *testing.T) {
	h := newHost(t)
	h.run = sample()
	h.run.Checks = []dr.Check{{Name: "aurora.lag", Level: dr.Unknown, Detail: dr.T("aurora.lag.none", "cluster", "c", "window", "5m")}}
	h.run.Outcome = dr.T("run.cancelled", "who", "bob")
	for _, command := range []string{"status", "runs"} {
		_, out, _ := h.typed(command, "portal", "--json")
		var runs []dr.Run
		if err := json.Unmarshal([]byte(out), &runs); err != nil || len(runs) != 1 || !runs[0].Outcome.Same(h.run.Outcome) {
			t.Errorf("%s is read as %v (%v)", command, runs, err)
		}
		for _, want := range []string{`"words": "cancelled by bob."`, `"words": "no reading for c in the last 5m"`} {
			if !strings.Contains(out, want) {
				t.Errorf("%s lacks %s:\n%s", command, want, out)
			}
		}
	}
}
