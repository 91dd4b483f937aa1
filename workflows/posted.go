package workflows

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// board is what a run has put on its pull request for people to read, and who has given a
// review of something else that stood there.
type board struct {
	dr.Posted
	Seen  []int64 `json:"seen,omitempty"`  // the reviews there were when it was last seen as it was posted
	Void  []int64 `json:"void,omitempty"`  // those that were given between that and its being put back
	Wrong bool    `json:"wrong,omitempty"` // it is not as it was posted, or was not a moment ago
}

// posting keeps what people read on the pull request what was posted there.
type posting stage

func (s posting) key() string { return fmt.Sprintf("%s/posted/%d", s.f.req.Run, s.f.change.Number) }

// read gives the board; an empty one of a run that an earlier edition put before people.
func (s posting) read(ctx context.Context) (b board, err error) {
	kept, err := s.f.Store.Memory.Get(ctx, s.key())
	if errors.Is(err, dr.ErrUnsealed) { // what was posted is not known: nothing is counted on it
		return b, cmp.Or(engine.TellUnsealed(ctx, s.f.run, s.key(), err), err)
	}
	if err != nil || kept == "" {
		return b, err
	}
	if err := json.Unmarshal([]byte(kept), &b); err != nil {
		return b, fmt.Errorf("decode what was posted: %w", err)
	}
	return b, nil
}

func (s posting) write(ctx context.Context, b board) error {
	doc, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return s.f.Store.Memory.Put(ctx, s.key(), string(doc))
}

// change keeps what has been posted besides.
func (s posting) amend(ctx context.Context, how func(*board)) error {
	b, err := s.read(ctx)
	if err != nil {
		return err
	}
	how(&b)
	return s.write(ctx, b)
}

// comment posts a comment that nobody else is to rewrite.
func (s posting) comment(ctx context.Context, marker, body string) error {
	repo, number := s.f.svc.Repository, s.f.change.Number
	if err := s.f.Forge.Publish.Comment(ctx, repo, number, marker, body); err != nil {
		return err
	}
	written, err := s.f.Forge.Publish.Commented(ctx, repo, number, marker)
	if err != nil {
		return err
	}
	return s.amend(ctx, func(b *board) {
		b.Posted = b.WithComment(dr.PostedComment{Marker: marker, Body: body, Written: written})
	})
}

// status sets a status that nobody else is to set. Until it is known to be set, none is.
func (s posting) status(ctx context.Context, status dr.PostedStatus) error {
	if err := s.amend(ctx, func(b *board) { b.Posted = b.WithoutStatus(status.Name) }); err != nil {
		return err
	}
	if err := s.f.Forge.Publish.Status(ctx, s.f.svc.Repository, s.f.change.Head, status.Name, status.State, status.Text, ""); err != nil {
		return err
	}
	return s.amend(ctx, func(b *board) { b.Head, b.Posted = s.f.change.Head, b.WithStatus(status) })
}

// plan posts the comments of a plan. What an earlier one had more of says so.
func (s posting) plan(ctx context.Context, comments []string) error {
	b, err := s.read(ctx)
	if err != nil {
		return err
	}
	for i := len(comments); slices.ContainsFunc(b.Comments, func(c dr.PostedComment) bool { return c.Marker == planPart(s.f.req.Run, i) }); i++ {
		comments = append(comments, s.f.Forge.Pages.Comment(dr.T("pr.plan.gone", "run", s.f.req.Run), nil))
	}
	for i, body := range comments {
		if err := s.comment(ctx, planPart(s.f.req.Run, i), body); err != nil {
			return err
		}
	}
	return nil
}

// planPart is the marker of one of the comments with the plan.
func planPart(run string, i int) string { return numbered(planMarker(run), i+1) }

// heed has the pull request say what was posted there. Where something else stood there, the
// reviews do not count that were given meanwhile: those that the last look which saw it as it
// was posted did not see, up to those that were there when it had been put back. They are
// told by their ids; by no clock.
func (s posting) heed(ctx context.Context, st dr.ChangeState, read reading) (dr.ChangeState, error) {
	b, err := s.read(ctx)
	if err != nil || b.Title == "" || !st.Open && !st.Merged {
		return st, err
	}
	before, was := b, b.Wrong
	now, err := s.f.Forge.Publish.Restore(ctx, s.f.svc.Repository, s.f.change.Number, b.Posted, func(other []dr.Rewritten) error {
		was, b.Wrong = true, true
		b.void(st.Reviews)
		if err := s.write(ctx, b); err != nil {
			return err
		}
		return s.tellRewritten(ctx, other)
	})
	if err != nil {
		return st, err
	}
	if b.Posted = now; was {
		if st, err = read(ctx, s.f.svc.Repository, s.f.change.Number); err != nil {
			return st, err
		}
		b.void(st.Reviews)
		b.Wrong = false
	}
	b.Seen = idsOf(st.Reviews)
	if !was && b.Same(before.Posted) && slices.Equal(b.Seen, before.Seen) {
		return st, nil
	}
	return st, s.write(ctx, b)
}

// void takes what was said since the board was last seen as it was posted for what was said
// of something else.
func (b *board) void(reviews []dr.Review) {
	for _, id := range idsOf(reviews) {
		if !slices.Contains(b.Seen, id) && !slices.Contains(b.Void, id) {
			b.Void = append(b.Void, id)
		}
	}
}

func idsOf(reviews []dr.Review) []int64 {
	out := make([]int64, len(reviews))
	for i, r := range reviews {
		out[i] = r.ID
	}
	return out
}

// tellRewritten records who has rewritten what, each time, and tells it to people once.
func (s posting) tellRewritten(ctx context.Context, other []dr.Rewritten) error {
	lines := make([]dr.Text, len(other))
	for i, o := range other {
		lines[i] = dr.T("posted.line", "what", o.What, "who", orSomebody(o.By))
	}
	if err := s.f.run.Audit(ctx, "put-back", dr.T("audit.put-back", "number", s.f.change.Number, "what", lines)); err != nil {
		return err
	}
	return s.f.run.Say(ctx, fmt.Sprintf("rewritten/%d", s.f.change.Number), dr.Warn, dr.T("note.rewritten", "number", s.f.change.Number),
		append(lines, dr.T("note.rewritten.follows"))...)
}
