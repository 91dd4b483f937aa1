package workflows

import (
	"errors"
	"testing"

	"github.com/drbot/drbot/dr"
)

// Whatever error ends a run, it is an ending: what is owed at the end, the tasks of the source
// among it, is owed then as well.
func TestEveryErrorIsAnEnding(t *testing.T) {
	t.Parallel()
	if end := endingOf(errors.New("of no kind")); end.State != dr.RunStopped || end.Outcome.ID != "run.cannot-go-on" {
		t.Errorf("it ends %v", end)
	}
	own := &ending{State: dr.RunCancelled}
	if end := endingOf(own); end != own {
		t.Errorf("it ends %v", end)
	}
}
