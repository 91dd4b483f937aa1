package workflows

import (
	"context"
	"slices"
	"testing"

	"github.com/drbot/drbot/dr"
)

// desk notes in which order it was told what.
type desk struct{ told []string }

func (d *desk) Say(_ context.Context, n dr.Note) error {
	d.told = append(d.told, "said "+n.Key)
	return nil
}

func (d *desk) Changed(run string) { d.told = append(d.told, "woken for "+run) }

// TestSayWakes sees that a note is posted at once: the poster is woken, and only
// when the note is there to be found.
func TestSayWakes(t *testing.T) {
	d := &desk{}
	deps := &Deps{Outbox: d, Notify: d}
	if err := deps.say(t.Context(), dr.Note{Key: "health/portal/1"}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"said health/portal/1", "woken for "}; !slices.Equal(d.told, want) {
		t.Errorf("told %q, want %q", d.told, want)
	}
}
