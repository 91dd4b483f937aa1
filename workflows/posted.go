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
type posting struct{ *approval }

func (a posting) key() string { return fmt.Sprintf("%s/posted/%d", a.req.Run, a.change.Number) }

// read gives the board; an empty one of a run that an earlier edition put before people.
func (a posting) read(ctx context.Context) (b board, err error) {
	kept, err := a.Store.Memory.Get(ctx, a.key())
	if errors.Is(err, dr.ErrUnsealed) { // what was posted is not known: nothing is counted on it
		return b, cmp.Or(engine.TellUnsealed(ctx, a.run, a.key(), err), err)
	}
	if err != nil || kept == "" {
		return b, err
	}
	if err := json.Unmarshal([]byte(kept), &b); err != nil {
		return b, fmt.Errorf("decode what was posted: %w", err)
	}
	return b, nil
}

func (a posting) write(ctx context.Context, b board) error {
	doc, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return a.Store.Memory.Put(ctx, a.key(), string(doc))
}

// change keeps what has been posted besides.
func (a posting) amend(ctx context.Context, how func(*board)) error {
	b, err := a.read(ctx)
	if err != nil {
		return err
	}
	how(&b)
	return a.write(ctx, b)
}

// comment posts a comment that nobody else is to rewrite.
func (a posting) comment(ctx context.Context, marker, body string) error {
	repo, number := a.svc.Repository, a.change.Number
	if err := a.Forge.Publish.Comment(ctx, repo, number, marker, body); err != nil {
		return err
	}
	written, err := a.Forge.Publish.Commented(ctx, repo, number, marker)
	if err != nil {
		return err
	}
	return a.amend(ctx, func(b *board) {
		b.Posted = b.WithComment(dr.PostedComment{Marker: marker, Body: body, Written: written})
	})
}

// status sets a status that nobody else is to set. Until it is known to be set, none is.
func (a posting) status(ctx context.Context, s dr.PostedStatus) error {
	if err := a.amend(ctx, func(b *board) { b.Posted = b.WithoutStatus(s.Name) }); err != nil {
		return err
	}
	if err := a.Forge.Publish.Status(ctx, a.svc.Repository, a.change.Head, s.Name, s.State, s.Text, ""); err != nil {
		return err
	}
	return a.amend(ctx, func(b *board) { b.Head, b.Posted = a.change.Head, b.WithStatus(s) })
}

// plan posts the comments of a plan. What an earlier one had more of says so.
func (a posting) plan(ctx context.Context, comments []string) error {
	b, err := a.read(ctx)
	if err != nil {
		return err
	}
	for i := len(comments); slices.ContainsFunc(b.Comments, func(c dr.PostedComment) bool { return c.Marker == planPart(a.req.Run, i) }); i++ {
		comments = append(comments, a.Forge.Pages.Comment(dr.T("pr.plan.gone", "run", a.req.Run), nil))
	}
	for i, body := range comments {
		if err := a.comment(ctx, planPart(a.req.Run, i), body); err != nil {
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
func (a posting) heed(ctx context.Context, st dr.ChangeState, read reading) (dr.ChangeState, error) {
	b, err := a.read(ctx)
	if err != nil || b.Title == "" || !st.Open && !st.Merged {
		return st, err
	}
	before, was := b, b.Wrong
	now, err := a.Forge.Publish.Restore(ctx, a.svc.Repository, a.change.Number, b.Posted, func(other []dr.Rewritten) error {
		was, b.Wrong = true, true
		b.void(st.Reviews)
		if err := a.write(ctx, b); err != nil {
			return err
		}
		return a.tellRewritten(ctx, other)
	})
	if err != nil {
		return st, err
	}
	if b.Posted = now; was {
		if st, err = read(ctx, a.svc.Repository, a.change.Number); err != nil {
			return st, err
		}
		b.void(st.Reviews)
		b.Wrong = false
	}
	b.Seen = idsOf(st.Reviews)
	if !was && b.Same(before.Posted) && slices.Equal(b.Seen, before.Seen) {
		return st, nil
	}
	return st, a.write(ctx, b)
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
func (a posting) tellRewritten(ctx context.Context, other []dr.Rewritten) error {
	lines := make([]dr.Text, len(other))
	for i, o := range other {
		lines[i] = dr.T("posted.line", "what", o.What, "who", orSomebody(o.By))
	}
	if err := a.run.Audit(ctx, "put back", dr.T("audit.put-back", "number", a.change.Number, "what", lines)); err != nil {
		return err
	}
	return a.run.Say(ctx, fmt.Sprintf("rewritten/%d", a.change.Number), dr.Warn, dr.T("note.rewritten", "number", a.change.Number),
		append(lines, dr.T("note.rewritten.follows"))...)
}
