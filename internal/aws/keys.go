package aws

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// renewBefore is how long before their end others are asked for, beside the calls: who
	// gives them may be away for as long, and nothing is seen of it.
	renewBefore = 10 * time.Minute
	// renewPause is how long keys that are still good are left alone after a question for others.
	renewPause = 30 * time.Second
)

// source gives credentials.
type source = func(context.Context) (awssdk.Credentials, error)

// keys are the credentials of a session, kept until they end or AWS does not take them.
type keys struct {
	timeout time.Duration
	now     func() time.Time
	log     *slog.Logger
	anew    func(context.Context) (source, error) // reads where they come from once more; nil where there is nothing to read

	mu     sync.Mutex
	take   source
	held   awssdk.Credentials
	asking *asking // nil while nobody asks for others
	asked  time.Time
	reread bool // those held were not taken
}

// asking is one question for credentials, which answers all who wait.
type asking struct {
	done  chan struct{}
	taken awssdk.Credentials
	err   error
}

func (c *Client) newKeys(take source) *keys {
	return &keys{timeout: c.opts.CallTimeout, now: c.opts.Clock, log: c.opts.Logger, take: take}
}

// Retrieve gives those that are held until they end, whoever gives others being away or not.
func (k *keys) Retrieve(ctx context.Context) (awssdk.Credentials, error) {
	k.mu.Lock()
	if now := k.now(); k.held.HasKeys() && (!k.held.CanExpire || now.Before(k.held.Expires)) {
		defer k.mu.Unlock()
		if k.held.CanExpire && !now.Before(k.held.Expires.Add(-renewBefore)) && now.Sub(k.asked).Abs() >= renewPause {
			k.ask(ctx)
		}
		return k.held, nil
	}
	late := k.asking != nil // it may have been put before who gives them came back
	asked := k.ask(ctx)
	k.mu.Unlock()
	taken, err := asked.wait(ctx)
	if err != nil && late && ctx.Err() == nil {
		k.mu.Lock()
		asked = k.ask(ctx)
		k.mu.Unlock()
		return asked.wait(ctx)
	}
	return taken, err
}

func (a *asking) wait(ctx context.Context) (awssdk.Credentials, error) {
	select {
	case <-a.done:
		return a.taken, a.err
	case <-ctx.Done():
		return awssdk.Credentials{}, ctx.Err()
	}
}

// ask has others asked for, without the deadline of who happened to be first: one question
// serves all. The lock is held.
func (k *keys) ask(ctx context.Context) *asking {
	if k.asking == nil {
		k.asking, k.asked = &asking{done: make(chan struct{})}, k.now()
		go k.renew(context.WithoutCancel(ctx), k.asking, k.limit(ctx))
	}
	return k.asking
}

// limit is for a question: a little less than who waits has, so that they are told where it
// went wrong, also where the answer takes another question; no less than half of a call's.
func (k *keys) limit(ctx context.Context) time.Duration {
	most := k.timeout
	if end, ok := ctx.Deadline(); ok {
		most = min(most, time.Until(end))
	}
	return max(most*9/10, k.timeout/2)
}

func (k *keys) renew(ctx context.Context, a *asking, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	a.taken, a.err = k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case a.err == nil:
		k.held = a.taken
	case k.held.HasKeys():
		k.log.WarnContext(ctx, "the credentials could not be renewed; those that are held are used until they end", "until", k.held.Expires, "error", a.err)
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

// ofChain asks the SDK's own chain, which tells an end that is earlier than the true one:
// so it asks for others when they are due here.
func ofChain(chain awssdk.CredentialsProvider) source {
	return func(ctx context.Context) (awssdk.Credentials, error) {
		taken, err := chain.Retrieve(ctx)
		if taken.CanExpire {
			taken.Expires = taken.Expires.Add(renewBefore)
		}
		return taken, err
	}
}

func dueInChain(o *awssdk.CredentialsCacheOptions) { o.ExpiryWindow = renewBefore }

// drop forgets keys that AWS did not take, unless there are others by now.
func (k *keys) drop(used awssdk.Credentials) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held.AccessKeyID == used.AccessKeyID && k.held.SessionToken == used.SessionToken {
		k.held, k.reread = awssdk.Credentials{}, true
	}
}
