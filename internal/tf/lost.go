package tf

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
)

// inquestTime bounds the look at the state after an apply was lost.
const inquestTime = 2 * time.Minute

// rescued says where a state is that Terraform could not store.
func rescued() dr.Text { return dr.T("tf.rescued", "file", rescuedState) }

// sentences says some texts one after the other; those that are empty are left out.
func sentences(first dr.Text, more ...dr.Text) dr.Text {
	for _, t := range more {
		switch {
		case first.Empty():
			first = t
		case !t.Empty():
			first = dr.T("tf.sentences", "first", first, "then", t)
		}
	}
	return first
}

// lost is the result of an apply whose processes are gone without one. It names
// what was made and is not in the state, and releases the lock that was left so
// that people can import; what it found is kept.
func (t *Terraform) lost(ctx context.Context, f folder, req request, svc dr.Service) (*dr.ApplyResult, error) {
	var r dr.ApplyResult
	if known, err := f.read(lostFile, &r); err != nil {
		return nil, err
	} else if known {
		return &r, nil
	}
	seen := newTail(f, "", nil)
	defer seen.close()
	if err := seen.read(); err != nil {
		return nil, err
	}
	if err := f.clear(t.opts.Isolation); err != nil {
		return nil, fmt.Errorf("clear the lost apply: %w", err)
	}
	r = dr.ApplyResult{Kind: dr.ApplyLost, Made: seen.tally.made, Counts: seen.tally.counts}
	r.Summary = dr.T("tf.lost", "n", seen.tally.done, "total", seen.tally.total)
	if len(seen.tally.open) > 0 {
		r.Summary = sentences(r.Summary, dr.T("tf.lost.open", "open", named(seen.tally.open)))
	}
	if f.has(rescuedState) {
		r.Summary = sentences(r.Summary, rescued())
	}
	limited, cancel := context.WithTimeout(ctx, inquestTime)
	defer cancel()
	found, err := t.inquest(limited, f, req, svc)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		// The next call looks again.
		t.opts.Logger.WarnContext(ctx, "cannot look at the state after a lost apply", "run", req.Run, "stack", req.Stack.Name, "error", err)
		r.Summary = sentences(r.Summary, dr.T("tf.lost.unlooked"))
		return &r, nil
	}
	r.Summary = sentences(r.Summary, found)
	return &r, f.write(lostFile, r)
}

// inquest compares what a lost apply made with the state, in a checkout of its
// own, and says what it found.
func (t *Terraform) inquest(ctx context.Context, f folder, req request, svc dr.Service) (dr.Text, error) {
	a, err := f.fallen()
	if err != nil {
		return dr.Text{}, err
	}
	j, err := t.job(ctx, svc, req.Stack, toApply)
	if err != nil {
		return dr.Text{}, err
	}
	dir, release, err := t.disk.scratch(ctx)
	if err != nil {
		return dr.Text{}, err
	}
	defer release()
	m, err := j.to(ActLook).open(ctx, dir, req.Stack, req.Commit, "", sitter{For: req.Run})
	if err != nil {
		return dr.Text{}, err
	}
	defer m.close()
	if err := m.init(ctx, req.Stack); err != nil {
		return dr.Text{}, err
	}
	state, err := m.stateAddresses(ctx)
	if err != nil {
		return dr.Text{}, err
	}
	var found dr.Text
	if missing := a.missing(state); len(missing) > 0 {
		found = dr.T("tf.lost.missing", "made", named(missing))
	} else if len(a.created) > 0 {
		found = dr.T("tf.lost.all-there")
	}
	if err := relend(ctx, m, ActApply); err != nil { // to free a lock
		return dr.Text{}, err
	}
	lock, err := a.left(ctx, m)
	return sentences(found, lock), err
}

// afterFallen readies the state for a new apply: it releases the locks that
// fallen applies of it left, and refuses while the state lacks what they made.
// A plan comes after it, and passAfter judges that.
func (s *supervisor) afterFallen(ctx context.Context, m *module) ([]fallen, error) {
	found, err := fallenApplies(s.folder, s.request)
	if len(found) == 0 || err != nil {
		return nil, err
	}
	// To free a lock takes the right to write; nothing of the repository's runs meanwhile.
	if err := relend(ctx, m, ActApply); err != nil {
		return nil, err
	}
	for _, a := range found {
		said, err := a.left(ctx, m)
		if err != nil {
			return nil, err
		}
		if !said.Empty() {
			fmt.Fprintln(os.Stderr, "supervise:", said)
			s.remarks = append(s.remarks, said)
		}
	}
	state, err := m.stateAddresses(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range found {
		if missing := a.missing(state); len(missing) > 0 {
			return nil, a.refusal(missing)
		}
	}
	return found, nil
}

// passAfter refuses a plan that makes once more what a fallen apply has made,
// also one that fell while the plan was made. The others are settled: the state
// has all that they made, and a later run may well make the same again.
func (s *supervisor) passAfter(p dr.Plan, settled []fallen) error {
	found, err := fallenApplies(s.folder, s.request)
	if err != nil {
		return err
	}
	for _, a := range found {
		if again := a.again(p); len(again) > 0 {
			return a.refusal(again)
		}
	}
	for _, a := range found {
		if !slices.ContainsFunc(settled, func(s fallen) bool { return s.folder == a.folder }) {
			continue
		}
		if err := a.folder.settle(); err != nil {
			return fmt.Errorf("settle an apply that died: %w", err)
		}
	}
	return nil
}
