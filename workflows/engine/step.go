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

// Follower is a step that may have set going what goes on by itself. That is followed to its
// end although the run is abandoned.
type Follower interface {
	Follows(ctx context.Context, r *Run) (bool, error)
}

// Perform runs a step until it has gone well or people decide otherwise. The error is
// the answerer's. A step that is performed once more goes on with its attempts. Nothing is
// begun, or tried again, once the run is abandoned: a process that died, or a service that
// did not answer, may have kept that from being read.
func Perform(r *Run, s Step, ask Answerer) error {
	return perform(r, s, ask, func(ctx context.Context) (Outcome, error) {
		out, err := UnlessAbandoned(ctx, r)
		if f, ok := s.(Follower); ok && out.Cancelled {
			if goesOn, unknown := f.Follows(ctx, r); unknown != nil || goesOn {
				return Outcome{}, unknown
			}
		}
		return out, err
	})
}

// PerformLast is Perform for what is owed at the end of a run, however that came.
func PerformLast(r *Run, s Step, ask Answerer) error {
	return perform(r, s, ask, func(context.Context) (Outcome, error) { return Outcome{}, nil })
}

func perform(r *Run, s Step, ask Answerer, may func(context.Context) (Outcome, error)) error {
	for {
		r.begun[s.Name()]++
		n := r.begun[s.Name()]
		out := r.shown(s.Name(), func(ctx context.Context) (Outcome, error) {
			ctx = context.WithValue(ctx, attemptKey{}, n)
			if out, err := may(ctx); err != nil {
				return out, err
			}
			return s.Do(ctx, r)
		})
		if out.OK() {
			return nil
		}
		r.abandoned = abandonedIn(out, r.abandoned)
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
