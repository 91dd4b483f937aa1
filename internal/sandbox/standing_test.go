//go:build proof || attack

package sandbox

import (
	"context"
	"testing"
)

func quickly(o *Options) { o.Quick = true }

// standing sees that nothing that cannot be taken back has been done.
func standing(t *testing.T, ctx context.Context, w *World, pull int) {
	t.Helper()
	if p, err := w.Hub.Pull(pull); err != nil || p.Merged {
		t.Errorf("#%d was merged (%v)", pull, err)
	}
	if ps, err := w.Cloud.Promotions(ctx); err != nil || len(ps) != 0 {
		t.Errorf("%d promotions were asked for (%v)", len(ps), err)
	}
}
