package workflows

import (
	"context"
	"fmt"

	"github.com/drbot/drbot/dr"
)

// notByItself has the change not merge by itself where somebody has set it to, and says so:
// before a status that could set it off, and as soon as it is seen. Where that is refused,
// or comes too late, the merge is somebody else's and taken up as such.
func (a *approval) notByItself(ctx context.Context) error {
	number := a.change.Number
	by, err := a.Forge.Itself.StopAutoMerge(ctx, a.svc.Repository, number)
	switch {
	case err != nil && (by == "" || dr.CodeOf(err) == dr.Temporary): // it is not known to be on, or is tried again
		return err
	case err != nil:
		a.run.Log().WarnContext(ctx, "auto-merge could not be switched off", "number", number, "error", err)
		what, _ := dr.Told(err)
		return a.run.Say(ctx, fmt.Sprintf("auto-merge/%d", number), dr.Warn, dr.T("note.auto-merge.stays", "number", number), what, dr.T("note.auto-merge.stays.line"))
	case by == "":
		return nil
	}
	if err := a.run.Audit(ctx, "stop auto-merge", dr.T("audit.auto-merge", "number", number, "who", by)); err != nil {
		return err
	}
	return a.run.Say(ctx, fmt.Sprintf("auto-merge/%d/%d", number, a.run.Now(ctx).Unix()), dr.Warn, dr.T("note.auto-merge", "number", number, "who", by), dr.T("note.auto-merge.line"))
}
