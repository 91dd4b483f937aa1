package steps

import (
	"context"
	"errors"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// patiently does something until it is not told any more to slow down, in the time of its
// context, and says meanwhile on the step's line why it waits. What does not answer at all is
// for people sooner.
func patiently(ctx context.Context, w *World, r *engine.Run, step string, do func() error) error {
	for {
		err := do()
		if err == nil || dr.CodeOf(err) != dr.Temporary {
			return err
		}
		what, next := dr.Told(err)
		r.Waits(ctx, step, dr.T("gate.waiting", "lacking", []dr.Text{what}))
		if !errors.Is(err, dr.ErrSlowDown) {
			return err
		}
		if engine.Wait(ctx, w.Timing.Poll) != nil {
			return &dr.Error{Code: dr.Conflict, What: what, Next: next, Err: err}
		}
	}
}

func why(err error) dr.Text {
	what, _ := dr.Told(err)
	return what
}
