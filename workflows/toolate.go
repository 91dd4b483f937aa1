package workflows

import (
	"context"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// A cancel that comes when it does not count any more: whoever said it was told that they
// would hear of it.

// tooLate tells of one that was read when nobody could act on it any more.
func tooLate(c *course) {
	if by := engine.TooLate(c.run); by != "" {
		tellTooLate(c, by)
	}
}

func tellTooLate(c *course, by string) {
	if !engine.Patched(c.run, "too-late") {
		return
	}
	engine.Note(c.run, "too-late", func(ctx context.Context) (bool, error) {
		return true, sayTooLate(ctx, c, "too-late/"+by)
	})
}

func sayTooLate(ctx context.Context, c *course, key string) error {
	title := dr.T("note.too-late")
	if c.req.Kind == dr.Resume { // it merges nothing
		title = dr.T("note.too-late.resume")
	}
	return c.run.Say(ctx, key, dr.Warn, title, dr.T("note.too-late.line", "command", dr.Cmd("cancel", "run", c.req.Run), "n", dr.AbandonedBy))
}
