package github

import (
	"context"
	"errors"
	"net/http"
	"slices"
)

// QueueLogin is the account by which a merge queue merges.
const QueueLogin = "github-merge-queue[bot]"

// queued is a pull request's place in the queue of its base, and how it last left one.
type queued struct {
	by  *account
	in  bool
	out string // why it was taken out, as the event says; empty while it never was
}

// queue lists the numbers of the pull requests in the queue of a base, the first one first.
func (s *Server) queue(base string) []int {
	return slices.DeleteFunc(slices.Clone(s.queues), func(n int) bool { return s.pulls[n-1].BaseRef != base })
}

// enqueue puts a pull request into the queue of its base, under the rules of enqueuePullRequest.
func (s *Server) enqueue(ctx context.Context, by *account, p *pull, expected string) error {
	d := s.demands[p.BaseRef]
	switch {
	case !d.Queue:
		return unprocessable("No merge queue found for branch '" + p.BaseRef + "'")
	case p.queued.in:
		return unprocessable("Pull request is already queued")
	case p.State != "open" || p.Draft:
		return unprocessable("Pull request is not in a state that can be queued")
	case expected != "" && expected != p.HeadSHA:
		return unprocessable("The head of the pull request is not at the expected commit")
	}
	d.Queue, d.Strict = false, false // the queue itself brings it up to date
	if err := s.meets(ctx, by, p, d, queueMethod); err != nil {
		return err
	}
	p.queued = queued{by: by, in: true}
	s.queues = append(s.queues, p.Number)
	s.happened(p, by, Event{Kind: "added_to_merge_queue"})
	s.watch.bump()
	return nil
}

// queueMethod is how this queue merges.
const queueMethod = "merge"

// dequeue takes a pull request out of its queue.
func (s *Server) dequeue(p *pull, by *account, why string) {
	if !p.queued.in {
		return
	}
	p.queued.in, p.queued.out = false, why
	s.queues = slices.DeleteFunc(s.queues, func(n int) bool { return n == p.Number })
	s.happened(p, by, Event{Kind: "removed_from_merge_queue", Message: why})
	s.watch.bump()
}

// MergeQueued has the queue of the default branch merge its first pull request, as it does
// when the checks of the merge have passed. It gives the merge commit.
func (s *Server) MergeQueued(ctx context.Context) (string, error) {
	defer s.lock()()
	list := s.queue(DefaultBranch)
	if len(list) == 0 {
		return "", errors.New("the queue is empty")
	}
	p, by := s.pulls[list[0]-1], s.accounts[QueueLogin]
	tip, err := s.git.branch(ctx, p.BaseRef)
	if err != nil {
		return "", err
	}
	sha, err := s.mergeCommit(ctx, by, p, mergeInput{Method: queueMethod})
	if err != nil {
		return "", err
	}
	s.dequeue(p, by, "merged")
	p.State = "closed" // so that the move of its base does not touch it
	if err := s.moveBranch(ctx, by, p.BaseRef, tip, sha); err != nil {
		return "", err
	}
	s.markMerged(p, by, sha)
	s.watch.bump()
	return sha, nil
}

// ThrowOut has the queue take a pull request out, as it does when checks fail.
func (s *Server) ThrowOut(n int, why string) error {
	defer s.lock()()
	p, err := s.pull(n)
	if err != nil {
		return err
	}
	if !p.queued.in {
		return errors.New("it is in no queue")
	}
	s.dequeue(p, s.accounts[QueueLogin], why)
	return nil
}

// Enqueue puts a pull request into the queue as a persona.
func (s *Server) Enqueue(ctx context.Context, login string, n int) error {
	return s.actOn(ctx, login, n, func(ctx context.Context, by *account, p *pull) error {
		if err := needWrite(by); err != nil {
			return err
		}
		return s.enqueue(ctx, by, p, "")
	})
}

// Queue lists the numbers of the pull requests in the queue of the default branch.
func (s *Server) Queue() []int {
	defer s.lock()()
	return s.queue(DefaultBranch)
}

// auto is that a pull request merges by itself as soon as what is demanded is there.
type auto struct {
	by     *account
	method string
}

// SetAutoMerge has a persona set a pull request to merge by itself, or not any more. GitHub
// takes it of one alone that could not be merged at once.
func (s *Server) SetAutoMerge(ctx context.Context, login string, n int, on bool) error {
	return s.actOn(ctx, login, n, func(ctx context.Context, by *account, p *pull) error {
		if err := needWrite(by); err != nil {
			return err
		}
		if !on {
			s.stopAuto(p, by)
			return nil
		}
		switch {
		case !s.autoMerge:
			return unprocessable("Auto merge is not allowed for this repository")
		case p.State != "open" || s.checkMerge(ctx, by, p, mergeInput{Method: s.methods[0]}) == nil:
			return unprocessable("Pull request is in clean status")
		}
		p.auto = &auto{by, s.methods[0]}
		s.happened(p, by, Event{Kind: "auto_merge_enabled"})
		s.emitPull(p, by, "auto_merge_enabled", nil)
		s.watch.bump()
		return nil
	})
}

func (s *Server) stopAuto(p *pull, by *account) {
	if p.auto == nil {
		return
	}
	p.auto = nil
	s.happened(p, by, Event{Kind: "auto_merge_disabled"})
	s.emitPull(p, by, "auto_merge_disabled", nil)
	s.watch.bump()
}

// fire merges what is set to merge by itself and may be now. What refuses it is waited for.
func (s *Server) fire(ctx context.Context) error {
	for _, p := range s.pulls {
		if p.auto == nil || p.State != "open" {
			continue
		}
		in, by := mergeInput{Method: p.auto.method}, p.auto.by
		if s.demands[p.BaseRef].Queue && s.enqueue(ctx, by, p, "") == nil {
			s.stopAuto(p, by) // it is the queue's from here
			continue
		}
		if s.checkMerge(ctx, by, p, in) != nil {
			continue
		}
		p.auto = nil
		if _, err := s.mergePull(ctx, by, p, in); err != nil {
			return err
		}
	}
	return nil
}

// pullMutations are those of GraphQL that act upon a pull request.
var pullMutations = map[string]func(*Server, *request, *pull, pullInput) error{
	"enqueuePullRequest": func(s *Server, r *request, p *pull, in pullInput) error {
		return s.enqueue(r.Context(), r.user, p, in.Expected)
	},
	"dequeuePullRequest": func(s *Server, r *request, p *pull, _ pullInput) error {
		if !p.queued.in {
			return unprocessable("Pull request is not in the merge queue")
		}
		s.dequeue(p, r.user, "manual")
		return nil
	},
	"disablePullRequestAutoMerge": func(s *Server, r *request, p *pull, _ pullInput) error {
		if p.auto == nil {
			return unprocessable("Can't disable auto-merge for this pull request")
		}
		s.stopAuto(p, r.user)
		return nil
	},
}

// pullInput is of a mutation of a pull request, which one of them names otherwise.
type pullInput struct {
	Pull     string `json:"pullRequestId"`
	ID       string `json:"id"`
	Expected string `json:"expectedHeadOid"`
}

// mutatePull does one of the mutations.
func (s *Server) mutatePull(r *request, name string, in pullInput) (any, error) {
	refused := func(kind, words string) error { return &graphqlError{kind, []string{name}, words} }
	i := slices.IndexFunc(s.pulls, func(p *pull) bool { return nodeID("PullRequest", p.ID) == in.Pull+in.ID })
	switch {
	case i < 0 || !r.user.canRead():
		return nil, refused("NOT_FOUND", "Could not resolve to a node with the global id of '"+in.Pull+in.ID+"'.")
	case !r.user.canWrite():
		return nil, refused("FORBIDDEN", r.user.Login+" does not have the correct permissions to execute `"+name+"`")
	case s.isApp(r.user) && name != "disablePullRequestAutoMerge" && !s.appMay(r, "merge_queues", "write"):
		return nil, refused("FORBIDDEN", msgMayNot)
	}
	var told *Error
	switch err := pullMutations[name](s, r, s.pulls[i], in); {
	case errors.As(err, &told) && told.Status != http.StatusInternalServerError:
		words := told.Message
		if len(told.Errors) > 0 && told.Errors[0].Message != "" {
			words = told.Errors[0].Message
		}
		return nil, refused("UNPROCESSABLE", words)
	case err != nil:
		return nil, err
	}
	return map[string]any{"clientMutationId": nil}, nil
}

// queuePayload is where a pull request stands, as GraphQL tells it.
func (s *Server) queuePayload(number int) (any, error) {
	p, err := s.pull(number)
	if err != nil {
		return nil, &graphqlError{"NOT_FOUND", []string{"repository", "pullRequest"}, "Could not resolve to a PullRequest with the number of " + itoa(int64(number)) + "."}
	}
	out := map[string]any{"id": nodeID("PullRequest", p.ID), "headRefOid": p.HeadSHA, "isInMergeQueue": p.queued.in, "mergeQueueEntry": nil}
	events := []any{}
	if p.queued.in {
		out["mergeQueueEntry"] = map[string]any{"state": "AWAITING_CHECKS", "position": slices.Index(s.queue(p.BaseRef), p.Number) + 1}
	}
	if p.queued.out != "" {
		events = append(events, map[string]any{"reason": p.queued.out})
	}
	out["timelineItems"] = map[string]any{"nodes": events}
	return map[string]any{"repository": map[string]any{"pullRequest": out}}, nil
}
