package workflows

import (
	"context"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// A cancel that comes when it does not count any more: whoever said it was told that they
// would hear of it.

// tooLate tells of one that was read when nobody could act on it any more.
func tooLate(f *failover) {
	if by := engine.TooLate(f.run); by != "" {
		tellTooLate(f, by)
	}
}

func tellTooLate(f *failover, by string) {
	if !engine.Patched(f.run, "too-late") {
		return
	}
	engine.Note(f.run, "too-late", func(ctx context.Context) (bool, error) {
		return true, sayTooLate(ctx, f, "too-late/"+by)
	})
}

func sayTooLate(ctx context.Context, f *failover, key string) error {
	title := dr.T("note.too-late")
	if f.req.Kind == dr.Resume { // it merges nothing
		title = dr.T("note.too-late.resume")
	}
	return f.run.Say(ctx, key, dr.Warn, title, dr.T("note.too-late.line", "command", dr.Cmd("cancel", "run", f.req.Run), "n", dr.AbandonedBy))
}
