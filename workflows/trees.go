package workflows

import (
	"context"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/steps"
)

// treesMoved tells whether what the run's stacks read is another in a tree than in what was
// planned: the change merged into a base. Where that cannot be read it is, because to plan
// again is never wrong.
func treesMoved(ctx context.Context, by Planner, c *course, base string, now dr.Tree) bool {
	changed, err := treesDiffer(ctx, by, c, base, now)
	if err != nil {
		c.run.Log().WarnContext(ctx, "what the stacks read could not be compared; it is planned again", "error", err)
		return true
	}
	return changed
}

func treesDiffer(ctx context.Context, by Planner, c *course, base string, now dr.Tree) (bool, error) {
	planned := dr.Tree{Commit: c.change.Head, MergeInto: base}
	return by.Changed(ctx, dr.TreesRequest{Service: c.svc, Stacks: steps.StacksOf(c.list), From: planned, To: now})
}

// outdated tells, while people read, whether another base makes what they read old. Where
// that cannot be told now it is at the merge.
func (s waiting) outdated(ctx context.Context, p proposal, base string) bool {
	changed, err := treesDiffer(ctx, s.f.Terraform, &s.f.course, p.Base, dr.Tree{Commit: s.f.change.Head, MergeInto: base})
	if err != nil {
		s.f.run.Log().WarnContext(ctx, "what the stacks read could not be compared; it is at the merge", "error", err)
	}
	return err == nil && changed
}
