package workflows

import (
	"context"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/steps"
)

// treesMoved tells whether what the run's stacks read is another in a tree than in what was
// planned: the change merged into a base. Where that cannot be read it is, because to plan
// again is never wrong.
func (f *failover) treesMoved(ctx context.Context, base string, now dr.Tree) bool {
	planned := dr.Tree{Commit: f.change.Head, MergeInto: base}
	changed, err := f.Terraform.Changed(ctx, dr.TreesRequest{Service: f.svc, Stacks: steps.StacksOf(f.list), From: planned, To: now})
	if err != nil {
		f.run.Log().WarnContext(ctx, "what the stacks read could not be compared; it is planned again", "error", err)
		return true
	}
	return changed
}
