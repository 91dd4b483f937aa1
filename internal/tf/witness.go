package tf

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// looksFirst and looksLast are the pauses between looks at a lock that the
	// apply in hand does not hold yet.
	looksFirst = 100 * time.Millisecond
	looksLast  = 5 * time.Second

	applyOperation = "OperationTypeApply"
	planOperation  = "OperationTypePlan"
)

// ownLock is what a supervisor noted of the state's lock while its apply ran.
//
// Terraform gives nobody its lock's id, and what the lock says of its holder fits
// every Terraform of one user on one host. So the lock is read while the apply
// runs, and Terraform's own words tell whether it is the apply's: if the lock
// that was there before Terraform said that it is changing something is there
// afterwards, nobody else can have held it in between, so Terraform did.
type ownLock struct {
	Lock stateLock `json:"lock"`
	Read time.Time `json:"read"` // after which the lock had been read
	// Working is a moment after Read at which the apply held the lock; zero when
	// Terraform has not said anything since.
	Working time.Time `json:"working,omitzero"`
}

// proves tells whether a lock that is held now is the one of that apply.
func (o ownLock) proves(now stateLock) bool {
	return o.Lock.same(now) && o.Lock.Operation == applyOperation && o.Working.After(o.Read)
}

// witness learns the lock of the apply in hand.
type witness struct {
	folder folder
	module *module
	since  time.Time // before the apply was started

	mu      sync.Mutex
	working time.Time     // when Terraform last said that it was changing something
	news    chan struct{} // has an item when working moved
}

func newWitness(f folder, m *module) *witness {
	return &witness{folder: f, module: m, since: time.Now().UTC(), news: make(chan struct{}, 1)}
}

// start looks until the lock is known, also while an apply that was asked to stop
// ends what it is making; stop ends the looking and waits for it.
func (w *witness) start(ctx context.Context) (stop func()) {
	known, err := w.module.lockOutlives()
	if err != nil {
		fmt.Fprintln(os.Stderr, "supervise:", err)
	}
	if !known {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := guarded(func() error { return w.look(ctx) }); err != nil && ctx.Err() == nil {
			// The apply goes on: without this a person frees the lock if it dies.
			fmt.Fprintln(os.Stderr, "supervise: note the state's lock:", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// hear takes a line of the apply. Steps of resources are worked on only while
// the lock is held; the moment is Terraform's own, because a line may have waited
// in the pipe.
func (w *witness) hear(e event) {
	if !strings.HasPrefix(e.Type, "apply_") && !strings.HasPrefix(e.Type, "provision_") {
		return
	}
	at, err := time.Parse(time.RFC3339Nano, e.At)
	if err != nil {
		return // a moment that cannot be read proves nothing
	}
	w.mu.Lock()
	if at.After(w.working) {
		w.working = at.UTC()
	}
	w.mu.Unlock()
	select {
	case w.news <- struct{}{}:
	default: // there is an item already
	}
}

// look reads the lock until one is proved. What is known so far is on disk, so
// that it is there if everything dies.
func (w *witness) look(ctx context.Context) error {
	var own ownLock
	for pause := looksFirst; ; pause = min(2*pause, looksLast) {
		now, err := w.module.lockNow(ctx)
		if err != nil {
			return err
		}
		read := time.Now().UTC()
		switch {
		case now != nil && own.proves(*now):
			return nil // there before and after Terraform spoke
		case now != nil && now.Operation == applyOperation && !now.Created.Before(w.since):
			own = ownLock{Lock: *now, Read: read}
			if err := w.folder.write(ownLockFile, own); err != nil {
				return err
			}
			if own.Working, err = w.worksAfter(ctx, read); err != nil {
				return err
			}
			if err := w.folder.write(ownLockFile, own); err != nil {
				return err
			}
			continue // was it still there?
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// worksAfter waits until Terraform works later than a moment.
func (w *witness) worksAfter(ctx context.Context, read time.Time) (time.Time, error) {
	for {
		w.mu.Lock()
		working := w.working
		w.mu.Unlock()
		if working.After(read) {
			return working, nil
		}
		select {
		case <-w.news:
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}
