package engine

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestFound tells what became of a step: one that went well and whose value this version
// cannot read has run all the same.
func TestFound(t *testing.T) {
	t.Parallel()
	type left struct{ N int }
	promotion := Key[left]("promote")
	r := &Run{
		Record: &Record{ID: "portal-1"}, engine: &Engine{opts: Options{Host: Host{Log: slog.New(slog.DiscardHandler)}}},
		outcomes: map[string]Outcome{
			"promote/read":    {Value: json.RawMessage(`{"N": 7}`)},
			"promote/unread":  {Value: json.RawMessage(`{"N": "seven"}`)},
			"promote/failed":  {Code: dr.Conflict},
			"promote/skipped": {Code: dr.Conflict},
		},
		skipped: map[string]bool{"promote/skipped": true},
	}
	for on, want := range map[string]Found{"read": Ran, "unread": Unread, "failed": Never, "skipped": Skipped, "never": Never} {
		v, found := promotion.Of(r, on)
		if found != want || (v.N == 7) != (want == Ran) {
			t.Errorf("%s: %+v, %s", on, v, found)
		}
	}
}
