package engine

import (
	"context"
	"log/slog"
	"sync"
)

// drain counts the acts in hand and can refuse new ones.
type drain struct {
	mu      sync.Mutex
	closing bool
	inHand  int
	idle    chan struct{}
}

func newDrain() *drain { return &drain{idle: make(chan struct{})} }

// enter admits an act; while draining it waits for the end of the process, or of
// the engine in a test.
func (d *drain) enter(ctx context.Context) error {
	d.mu.Lock()
	if !d.closing {
		d.inHand++
		d.mu.Unlock()
		return nil
	}
	d.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

func (d *drain) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inHand--
	if d.closing && d.inHand == 0 {
		close(d.idle)
	}
}

func (d *drain) close(ctx context.Context) error {
	d.mu.Lock()
	if !d.closing {
		d.closing = true
		if d.inHand == 0 {
			close(d.idle)
		}
	}
	d.mu.Unlock()
	select {
	case <-d.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// quiet passes on the engine's warnings and errors: its information lines speak
// of its own tables, not of anybody's failover.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}

// Handle leaves out what the engine calls a warning and is every wait's normal end.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "Recv() timeout reached" {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}

func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }

func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
