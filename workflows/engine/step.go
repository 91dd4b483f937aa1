package engine

import "context"

// Step is one line of a runbook. Do looks before it acts, because it may run twice, and
// gives what it leaves behind by Done.
type Step interface {
	Name() string
	Do(ctx context.Context, r *Run) (Outcome, error)
}

// attemptKey carries the number of the attempt to a step.
type attemptKey struct{}

// Attempt is how often this step has been begun by people's leave: 1 at first, one more
// with every retry, and when it is done once more. A restart is the same attempt.
func Attempt(ctx context.Context) int {
	n, _ := ctx.Value(attemptKey{}).(int)
	return max(n, 1)
}

// Answerer decides what becomes of a run whose step did not go well: go on with Retry
// or Skip, or an error that ends the run.
type Answerer func(step string, out Outcome) (verb string, err error)

// Perform runs a step until it has gone well or people decide otherwise. The error is
// the answerer's. A step that is performed once more goes on with its attempts.
func Perform(r *Run, s Step, ask Answerer) error {
	for {
		r.begun[s.Name()]++
		n := r.begun[s.Name()]
		out := r.shown(s.Name(), func(ctx context.Context) (Outcome, error) {
			return s.Do(context.WithValue(ctx, attemptKey{}, n), r)
		})
		if out.OK() {
			return nil
		}
		verb, err := ask(s.Name(), out)
		if err != nil || verb == Skip {
			return err
		}
	}
}

// Grant keeps what people allowed a step beyond what was approved. It is derived from
// the outcomes of steps, as all that a runbook knows.
func (r *Run) Grant(step string, what any) { r.granted[step] = what }

// Granted is what people allowed a step.
func Granted[T any](r *Run, step string) (T, bool) {
	what, ok := r.granted[step].(T)
	return what, ok
}

// Until runs a function as a shown step until it has gone well or people decide
// otherwise; what it last gave comes back.
func Until[T any](r *Run, name string, ask Answerer, fn func(context.Context) (T, error)) (T, error) {
	for {
		out := Do(r, name, fn)
		if out.OK() {
			return out.Value, nil
		}
		verb, err := ask(name, out.Outcome)
		if err != nil || verb == Skip {
			return out.Value, err
		}
	}
}
