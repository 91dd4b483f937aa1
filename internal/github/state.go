package github

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

const (
	freshTries = 5 // reads of a pull request that GitHub does not know yet
	freshPause = 300 * time.Millisecond
)

// ChangeState reads everything the approval rules look at, fresh. A read that
// fails fails it all: half a picture could allow what the whole one forbids.
func (c *Client) ChangeState(ctx context.Context, repo dr.Repository, number int) (dr.ChangeState, error) {
	pull, err := c.pull(ctx, repo, number)
	if err != nil {
		return dr.ChangeState{}, err
	}
	state := dr.ChangeState{
		Open:     pull.GetState() == "open",
		Draft:    pull.GetDraft(),
		Merged:   pull.GetMerged(),
		MergedBy: pull.GetMergedBy().GetLogin(),
		Head:     pull.GetHead().GetSHA(),
		BaseRef:  pull.GetBase().GetRef(),
		SameRepo: inRepo(pull),
		Author:   pull.GetUser().GetLogin(),
	}
	if state.Merged {
		state.MergeSHA = pull.GetMergeCommitSHA()
	}
	if !isSHA(state.Head) {
		return dr.ChangeState{}, explain(errors.New("the pull request has no head"), doingPull(number))
	}
	for _, read := range []func(context.Context, dr.Repository, *gh.PullRequest, *dr.ChangeState) error{
		c.readBranches, c.readFiles, c.readCommits, c.readContents, c.readReviews, c.readWriters,
	} {
		if err := read(ctx, repo, pull, &state); err != nil {
			return dr.ChangeState{}, err
		}
	}
	return state, nil
}

func doingPull(number int) dr.Text { return dr.T("github.doing.read-pull", "number", number) }

// pull reads a pull request, and again when GitHub does not know it yet: the
// answer to its creation and the replica asked next may not agree for a moment.
func (c *Client) pull(ctx context.Context, repo dr.Repository, number int) (*gh.PullRequest, error) {
	for try := 1; ; try++ {
		pull, _, err := c.api.PullRequests.Get(ctx, repo.Owner, repo.Name, number)
		if !notFound(err) || try == freshTries {
			return pull, explain(err, doingPull(number))
		}
		if err := c.sleep(ctx, freshPause); err != nil {
			return nil, explain(err, doingPull(number))
		}
	}
}

func (c *Client) readBranches(ctx context.Context, repo dr.Repository, pull *gh.PullRequest, state *dr.ChangeState) error {
	tip, err := c.resolve(ctx, repo, state.BaseRef)
	if err != nil {
		return err
	}
	state.BaseSHA = tip
	if !state.SameRepo {
		return nil // the branch of a fork is not ours to look at
	}
	_, found, err := c.branch(ctx, repo, pull.GetHead().GetRef())
	state.BranchGone = !found
	return err
}

func (c *Client) readFiles(ctx context.Context, repo dr.Repository, pull *gh.PullRequest, state *dr.ChangeState) error {
	files, err := pages(func(o gh.ListOptions) ([]*gh.CommitFile, *gh.Response, error) {
		return c.api.PullRequests.ListFiles(ctx, repo.Owner, repo.Name, pull.GetNumber(), &o)
	})
	for _, f := range files {
		state.Files = append(state.Files, dr.FileChange{Path: f.GetFilename(), Status: f.GetStatus()})
	}
	return explain(err, dr.T("github.doing.list-files", "number", pull.GetNumber()))
}

func (c *Client) readCommits(ctx context.Context, repo dr.Repository, pull *gh.PullRequest, state *dr.ChangeState) error {
	commits, err := pages(func(o gh.ListOptions) ([]*gh.RepositoryCommit, *gh.Response, error) {
		return c.api.PullRequests.ListCommits(ctx, repo.Owner, repo.Name, pull.GetNumber(), &o)
	})
	for _, k := range commits {
		state.Commits = append(state.Commits, dr.Commit{
			SHA: k.GetSHA(), Author: k.GetAuthor().GetLogin(), Committer: k.GetCommitter().GetLogin(),
		})
	}
	return explain(err, dr.T("github.doing.list-commits", "number", pull.GetNumber()))
}

// readContents reads the file on both sides. A file that is gone on the head is
// an empty one: the rules compare it with what must be there.
func (c *Client) readContents(ctx context.Context, repo dr.Repository, pull *gh.PullRequest, state *dr.ChangeState) error {
	base := state.BaseSHA
	if !state.Open && isSHA(pull.GetBase().GetSHA()) {
		// After the merge the head is in the base branch, and the merge base of the
		// two is the head itself; GitHub keeps the base as it was before.
		base = pull.GetBase().GetSHA()
	}
	doing := dr.T("github.doing.compare", "commit", short(state.Head))
	diff, _, err := c.api.Repositories.CompareCommits(ctx, repo.Owner, repo.Name, base, state.Head, &gh.ListOptions{PerPage: 1})
	if err != nil {
		return explain(err, doing)
	}
	mergeBase := diff.GetMergeBaseCommit().GetSHA()
	if !isSHA(mergeBase) {
		return explain(errors.New("the answer has no merge base"), doing)
	}
	if state.BaseFile, _, err = c.contentAt(ctx, repo, mergeBase); err != nil {
		return err
	}
	state.HeadFile, _, err = c.contentAt(ctx, repo, state.Head)
	return err
}

func (c *Client) readReviews(ctx context.Context, repo dr.Repository, pull *gh.PullRequest, state *dr.ChangeState) error {
	reviews, err := pages(func(o gh.ListOptions) ([]*gh.PullRequestReview, *gh.Response, error) {
		return c.api.PullRequests.ListReviews(ctx, repo.Owner, repo.Name, pull.GetNumber(), &o)
	})
	for _, r := range reviews {
		state.Reviews = append(state.Reviews, dr.Review{
			ID: r.GetID(), By: r.GetUser().GetLogin(), Bot: isBot(r.GetUser()),
			// The REST API writes states in upper case, webhooks in lower.
			State:   dr.ReviewState(strings.ToUpper(r.GetState())),
			HeadSHA: r.GetCommitID(), At: r.GetSubmittedAt().Time,
		})
	}
	slices.SortStableFunc(state.Reviews, func(a, b dr.Review) int { return int(min(1, max(-1, a.ID-b.ID))) })
	return explain(err, dr.T("github.doing.list-reviews", "number", pull.GetNumber()))
}

func isBot(u *gh.User) bool {
	return strings.EqualFold(u.GetType(), "Bot") || strings.HasSuffix(strings.ToLower(u.GetLogin()), "[bot]")
}

// readWriters asks for each reviewer whether they may write. Bots are not asked
// about: they never count, and GitHub does not know them as collaborators.
func (c *Client) readWriters(ctx context.Context, repo dr.Repository, _ *gh.PullRequest, state *dr.ChangeState) error {
	asked := map[string]bool{}
	for _, r := range state.Reviews {
		login := strings.ToLower(r.By)
		if login == "" || r.Bot || asked[login] {
			continue
		}
		asked[login] = true
		level, _, err := c.api.Repositories.GetPermissionLevel(ctx, repo.Owner, repo.Name, r.By)
		if err != nil {
			return explain(err, dr.T("github.doing.read-permission", "login", r.By))
		}
		switch level.GetPermission() {
		case "admin", "maintain", "write":
			state.CanWrite = append(state.CanWrite, r.By)
		}
	}
	return nil
}
