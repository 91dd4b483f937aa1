package workflows

import (
	"context"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/steps"
)

// treesMoved tells whether what the run's stacks read is another in a tree than in what was
// planned: the change merged into a base. Where that cannot be read it is, because to plan
// again is never wrong.
func treesMoved(ctx context.Context, f *failover, base string, now dr.Tree) bool {
	changed, err := treesDiffer(ctx, f, base, now)
	if err != nil {
		f.run.Log().WarnContext(ctx, "what the stacks read could not be compared; it is planned again", "error", err)
		return true
	}
	return changed
}

func treesDiffer(ctx context.Context, f *failover, base string, now dr.Tree) (bool, error) {
	planned := dr.Tree{Commit: f.change.Head, MergeInto: base}
	return f.Terraform.Changed(ctx, dr.TreesRequest{Service: f.svc, Stacks: steps.StacksOf(f.list), From: planned, To: now})
}

// outdated tells, while people read, whether another base makes what they read old. Where
// that cannot be told now it is at the merge.
func (a waiting) outdated(ctx context.Context, p proposal, base string) bool {
	changed, err := treesDiffer(ctx, a.failover, p.Base, dr.Tree{Commit: a.change.Head, MergeInto: base})
	if err != nil {
		a.run.Log().WarnContext(ctx, "what the stacks read could not be compared; it is at the merge", "error", err)
	}
	return err == nil && changed
}
