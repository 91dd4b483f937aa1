package tf

import (
	"context"
	"io"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/drbot/drbot/dr"
)

// defaultWorkspace is the one that every state has.
const defaultWorkspace = "default"

// enter goes to the workspace that the configuration names.
func (m *module) enter(ctx context.Context, workspace string) error {
	if m.workspace = workspace; workspace == "" {
		return nil
	}
	err := run(ctx, io.Discard, func(ctx context.Context, _ io.Writer) error { return m.tf.WorkspaceSelect(ctx, workspace) })
	if err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "doesn't exist") {
		return &dr.Error{
			Code: dr.NotFound, What: dr.T("tf.workspace.missing", "stack", m.name, "workspace", workspace),
			Next: dr.T("tf.workspace.missing.next"),
		}
	}
	return m.ended(ctx, dr.T("tf.doing.workspace"), &output{}, err)
}

// inOthers refuses a plan on an empty state where nobody has named a workspace and there
// are others than default: it would make everything once more beside what is there.
func (m *module) inOthers(ctx context.Context, raw *tfjson.Plan) error {
	if m.workspace != "" || !emptyState(raw.PriorState) {
		return nil
	}
	var all []string
	err := run(ctx, io.Discard, func(ctx context.Context, _ io.Writer) (err error) {
		all, _, err = m.tf.WorkspaceList(ctx)
		return err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	others := slices.DeleteFunc(all, func(name string) bool { return name == "" || name == defaultWorkspace })
	if err != nil || len(others) == 0 {
		return nil // a backend that has no workspaces, or whose list the role may not read
	}
	return &dr.Error{
		Code: dr.Conflict, What: dr.T("tf.workspace.unnamed", "stack", m.name, "others", named(others)),
		Next: dr.T("tf.workspace.unnamed.next", "stack", m.name),
	}
}

func emptyState(s *tfjson.State) bool {
	if s == nil || s.Values == nil || s.Values.RootModule == nil {
		return true
	}
	root := s.Values.RootModule
	return len(root.Resources) == 0 && len(root.ChildModules) == 0
}
