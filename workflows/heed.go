package workflows

import (
	"context"

	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/steps"
)

// heedful is a step that may be cut off between its beginning and its act. Right before that
// it heeds that the run was abandoned.
type heedful struct {
	steps.Beginner
	run *engine.Run
}

// heeding makes a step heedful that can be.
func heeding(r *engine.Run, s engine.Step) engine.Step {
	if b, ok := s.(steps.Beginner); ok {
		if _, thinks := s.(steps.Thinker); thinks {
			return heedful{b, r}
		}
	}
	return s
}

// Thinking has the step think whether the run was abandoned as well.
func (s heedful) Thinking(think func(ctx context.Context) (engine.Outcome, error), thought bool) steps.Beginner {
	return s.Beginner.(steps.Thinker).Thinking(func(ctx context.Context) (engine.Outcome, error) {
		if out, err := engine.UnlessAbandoned(ctx, s.run); err != nil {
			return out, err
		}
		return think(ctx)
	}, thought)
}

// Follows tells whether the step has set going what goes on by itself: a promotion that was
// asked for, or an apply that Terraform has. What stops the source is not gone on with: its
// tasks come back at the run's end.
func (s judged) Follows(ctx context.Context, r *engine.Run) (bool, error) {
	step := s.Step
	if t, ok := step.(thinking); ok {
		step = t.Beginner
	}
	if h, ok := step.(heedful); ok {
		step = h.Beginner
	}
	b, acts := step.(steps.Beginner)
	if _, stops := step.(steps.Stopper); stops || !acts {
		return false, nil
	}
	return b.Begun(ctx, r)
}
