package aws

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
)

// expiring is how long before their end keys are no longer begun with.
const expiring = time.Minute

// source gives credentials.
type source = func(context.Context) (awssdk.Credentials, error)

// keys are the credentials of a session, kept until they end or AWS does not take them.
type keys struct {
	timeout time.Duration
	now     func() time.Time
	anew    func(context.Context) (source, error) // reads where they come from once more; nil where there is nothing to read

	mu     sync.Mutex
	take   source
	held   awssdk.Credentials
	asking *asking // nil while nobody asks for others
	reread bool    // those held were not taken
}

// asking is one question for credentials, which answers all who wait.
type asking struct {
	done  chan struct{}
	taken awssdk.Credentials
	err   error
}

func (c *Client) newKeys(take source) *keys {
	return &keys{timeout: c.opts.CallTimeout, now: c.opts.Clock, take: take}
}

// Retrieve gives those that are held, or others.
func (k *keys) Retrieve(ctx context.Context) (awssdk.Credentials, error) {
	k.mu.Lock()
	if k.held.HasKeys() && (!k.held.CanExpire || k.now().Before(k.held.Expires.Add(-expiring))) {
		defer k.mu.Unlock()
		return k.held, nil
	}
	asked := k.ask(ctx)
	k.mu.Unlock()
	select {
	case <-asked.done:
		return asked.taken, asked.err
	case <-ctx.Done():
		return awssdk.Credentials{}, ctx.Err()
	}
}

// ask has others asked for, without the deadline of who happened to be first: one question
// serves all. The lock is held.
func (k *keys) ask(ctx context.Context) *asking {
	if k.asking == nil {
		k.asking = &asking{done: make(chan struct{})}
		go k.renew(context.WithoutCancel(ctx), k.asking)
	}
	return k.asking
}

func (k *keys) renew(ctx context.Context, a *asking) {
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	a.taken, a.err = k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if a.err == nil {
		k.held = a.taken
	}
	k.asking = nil
	close(a.done)
}

// fetch asks, and a panic in what is asked is its error.
func (k *keys) fetch(ctx context.Context) (taken awssdk.Credentials, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	k.mu.Lock()
	take, reread := k.take, k.reread && k.anew != nil
	k.mu.Unlock()
	if reread {
		if take, err = k.anew(ctx); err != nil {
			return taken, err
		}
		k.mu.Lock()
		k.take, k.reread = take, false
		k.mu.Unlock()
	}
	return take(ctx)
}

// drop forgets keys that AWS did not take, unless there are others by now.
func (k *keys) drop(used awssdk.Credentials) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held.AccessKeyID == used.AccessKeyID && k.held.SessionToken == used.SessionToken {
		k.held, k.reread = awssdk.Credentials{}, true
	}
}
