package github

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

const (
	// defaultShare is how long what is common to the runs of a repository is shared.
	defaultShare = 15 * time.Second
	// readWhole is after how long a pull request is read whole although nothing of it has changed.
	readWhole = 30 * time.Minute
	// forgetSight is after how long a pull request that nobody looks at is forgotten.
	forgetSight = 2 * readWhole
	// settles is how long after it was first seen a mark may stand for two states.
	settles = 3 * time.Second
)

// watcher is what the looks at one repository have in common. A repository that is busy
// changes nearly every document of GitHub's at every push, because the repository itself
// stands in it; what is read at each look here does not, so GitHub answers 304.
type watcher struct {
	now   func() time.Time
	share time.Duration

	mu     sync.Mutex
	tips   map[string]*shared[string]
	rights map[string]*shared[string]
	pulls  map[pullKey]sight
}

type pullKey struct {
	owner, name string
	number      int
}

// sight is a pull request as it was last read whole.
type sight struct {
	mark  mark
	state dr.ChangeState
	at    time.Time
	// first is when it was first read whole with this mark. GitHub's times are of whole
	// seconds, and the replica asked may be behind, so what is read until a while later is
	// not the last.
	first time.Time
}

// sure tells whether what was read is all that the mark stands for.
func (s sight) sure() bool { return s.at.Sub(s.first) >= settles }

// mark is what changes with everything about a pull request but its reviews and its
// base, and with nothing else.
type mark struct {
	updated, merged time.Time
	state           string
	draft           bool
}

func newWatcher(now func() time.Time, share time.Duration) *watcher {
	return &watcher{now: now, share: share, tips: map[string]*shared[string]{}, rights: map[string]*shared[string]{}, pulls: map[pullKey]sight{}}
}

// Look is ChangeState for who waits. Its reviews are read at every look, and everything
// is when GitHub says that the pull request has changed; the base's tip and people's
// rights may be as old as they are shared. Before an act, ChangeState is asked.
func (c *Client) Look(ctx context.Context, repo dr.Repository, number int) (dr.ChangeState, error) {
	key := pullKey{strings.ToLower(repo.Owner), strings.ToLower(repo.Name), number}
	mark, known, err := c.mark(ctx, repo, number)
	if err != nil {
		return dr.ChangeState{}, err
	}
	seen, before := c.watch.sight(key)
	if known && before && seen.sure() && seen.mark == mark && c.watch.since(seen.at) < readWhole {
		state := seen.state
		state.Files, state.Commits = slices.Clone(state.Files), slices.Clone(state.Commits)
		l := look{client: c, repo: repo, pull: &gh.PullRequest{Number: &number}, state: &state, tip: c.sharedTip, right: c.sharedRight}
		if err := l.read(ctx, l.base, l.reviews, l.history, l.writers); err != nil {
			return dr.ChangeState{}, err
		}
		return state, nil
	}
	at := c.watch.now()
	state, err := c.whole(ctx, repo, number, look{tip: c.sharedTip, right: c.sharedRight})
	if err == nil && known {
		kept := state
		kept.Reviews, kept.CanWrite = nil, nil
		first := at
		if before && seen.mark == mark {
			first = seen.first
		}
		c.watch.keep(key, sight{mark, kept, at, first})
	}
	return state, err
}

// mark reads the pull request as the issue it also is: that document names no
// repository. A token that may not read it makes every look a whole one.
func (c *Client) mark(ctx context.Context, repo dr.Repository, number int) (m mark, known bool, err error) {
	issue, _, err := c.api.Issues.Get(ctx, repo.Owner, repo.Name, number)
	switch status(err) {
	case http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return m, false, nil
	}
	if err != nil {
		return m, false, explain(err, doingPull(number))
	}
	return mark{
		updated: issue.GetUpdatedAt().Time, merged: issue.GetPullRequestLinks().GetMergedAt().Time,
		state: issue.GetState(), draft: issue.GetDraft(),
	}, true, nil
}

func (c *Client) sharedTip(ctx context.Context, repo dr.Repository, ref string) (string, error) {
	return one(c.watch, c.watch.tips, repo.Owner+"/"+repo.Name+" "+ref).get(ctx, c.watch, func() (string, error) { return c.resolve(ctx, repo, ref) })
}

func (c *Client) sharedRight(ctx context.Context, repo dr.Repository, login string) (string, error) {
	key := strings.ToLower(repo.Owner + "/" + repo.Name + " " + login)
	return one(c.watch, c.watch.rights, key).get(ctx, c.watch, func() (string, error) { return c.right(ctx, repo, login) })
}

func (w *watcher) sight(key pullKey) (sight, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.pulls[key]
	return s, ok
}

func (w *watcher) keep(key pullKey, s sight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for k, old := range w.pulls {
		if w.since(old.at) >= forgetSight {
			delete(w.pulls, k)
		}
	}
	w.pulls[key] = s
}

// since is how old something is; what lies in the future is as old as can be, because the
// clock was set.
func (w *watcher) since(at time.Time) time.Duration {
	if age := w.now().Sub(at); age >= 0 {
		return age
	}
	return forgetSight
}

// shared is one reading for all who ask within a while.
type shared[T any] struct {
	turn  chan struct{} // holds one: who reads, or looks whether to
	at    time.Time     // when the reading began; zero before the first
	value T
}

// one finds the reading of a key.
func one[T any](w *watcher, all map[string]*shared[T], key string) *shared[T] {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := all[key]
	if s == nil {
		s = &shared[T]{turn: make(chan struct{}, 1)}
		all[key] = s
	}
	return s
}

// get reads unless somebody has a moment ago. What could not be read is nobody else's.
func (s *shared[T]) get(ctx context.Context, w *watcher, read func() (T, error)) (T, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
	if !s.at.IsZero() && w.since(s.at) < w.share {
		return s.value, nil
	}
	at := w.now()
	v, err := read()
	if err == nil {
		s.at, s.value = at, v
	}
	return v, err
}
