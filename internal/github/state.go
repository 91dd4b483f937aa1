package github

import (
	"cmp"
	"context"
	"errors"
	"net/http"
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
	return c.whole(ctx, repo, number, look{tip: c.resolve, right: c.right})
}

// whole reads everything; how gives the ways in which a look reads what others read as well.
func (c *Client) whole(ctx context.Context, repo dr.Repository, number int, how look) (dr.ChangeState, error) {
	pull, err := c.pull(ctx, repo, number)
	if err != nil {
		return dr.ChangeState{}, err
	}
	state := dr.ChangeState{
		Open:     pull.GetState() == "open",
		Draft:    pull.GetDraft(),
		Merged:   pull.GetMerged(),
		MergedBy: pull.GetMergedBy().GetLogin(),
		MergedAt: pull.GetMergedAt().Time,
		Head:     pull.GetHead().GetSHA(),
		BaseRef:  pull.GetBase().GetRef(),
		SameRepo: inRepo(pull),
		Author:   pull.GetUser().GetLogin(),

		ByQueue:   pull.GetMerged() && strings.EqualFold(pull.GetMergedBy().GetLogin(), queueLogin),
		AutoMerge: pull.AutoMerge != nil && pull.GetState() == "open",
		Behind:    pull.GetMergeableState() == "behind",
	}
	if state.Merged {
		state.MergeSHA = pull.GetMergeCommitSHA()
	}
	if !isSHA(state.Head) {
		return dr.ChangeState{}, explain(errors.New("the pull request has no head"), doingPull(number))
	}
	l := how
	l.client, l.repo, l.pull, l.state = c, repo, pull, &state
	err = l.read(ctx, l.base, l.branch, l.files, l.commits, l.contents, l.reviews, l.history, l.writers)
	if err != nil {
		return dr.ChangeState{}, err
	}
	return state, nil
}

// look is one reading of a pull request under way.
type look struct {
	client *Client
	repo   dr.Repository
	pull   *gh.PullRequest
	state  *dr.ChangeState

	tip   func(ctx context.Context, repo dr.Repository, ref string) (string, error)   // of a branch
	right func(ctx context.Context, repo dr.Repository, login string) (string, error) // what somebody may do
}

// read does one reading after the other.
func (l look) read(ctx context.Context, readings ...func(context.Context) error) error {
	for _, read := range readings {
		if err := read(ctx); err != nil {
			return err
		}
	}
	return nil
}

func doingPull(number int) dr.Text { return dr.T("github.doing.read-pull", "number", number) }

// pull reads a pull request, and again when GitHub does not know it yet: the
// answer to its creation and the replica asked next may not agree for a moment.
func (c *Client) pull(ctx context.Context, repo dr.Repository, number int) (*gh.PullRequest, error) {
	for try := 1; ; try++ {
		pull, _, err := c.api.PullRequests.Get(ctx, repo.Owner, repo.Name, number)
		if notFound(err) && try == freshTries {
			err = cmp.Or(place{c, repo}.unseen(ctx), err)
		}
		if !notFound(err) || try == freshTries {
			return pull, explain(err, doingPull(number))
		}
		if err := c.sleep(ctx, freshPause); err != nil {
			return nil, explain(err, doingPull(number))
		}
	}
}

func (l look) base(ctx context.Context) (err error) {
	l.state.BaseSHA, err = l.tip(ctx, l.repo, l.state.BaseRef)
	return err
}

func (l look) branch(ctx context.Context) error {
	if !l.state.SameRepo {
		return nil // the branch of a fork is not ours to look at
	}
	_, found, err := l.client.branch(ctx, l.repo, l.pull.GetHead().GetRef())
	l.state.BranchGone = !found
	return err
}

func (l look) files(ctx context.Context) error {
	files, err := pages(func(o gh.ListOptions) ([]*gh.CommitFile, *gh.Response, error) {
		return l.client.api.PullRequests.ListFiles(ctx, l.repo.Owner, l.repo.Name, l.pull.GetNumber(), &o)
	})
	for _, f := range files {
		l.state.Files = append(l.state.Files, dr.FileChange{Path: f.GetFilename(), Status: f.GetStatus()})
	}
	return explain(err, dr.T("github.doing.list-files", "number", l.pull.GetNumber()))
}

func (l look) commits(ctx context.Context) error {
	commits, err := pages(func(o gh.ListOptions) ([]*gh.RepositoryCommit, *gh.Response, error) {
		return l.client.api.PullRequests.ListCommits(ctx, l.repo.Owner, l.repo.Name, l.pull.GetNumber(), &o)
	})
	for _, k := range commits {
		l.state.Commits = append(l.state.Commits, dr.Commit{
			SHA: k.GetSHA(), Author: k.GetAuthor().GetLogin(), Committer: k.GetCommitter().GetLogin(),
		})
	}
	return explain(err, dr.T("github.doing.list-commits", "number", l.pull.GetNumber()))
}

// contents reads the file on both sides. A file that is gone on the head is
// an empty one: the rules compare it with what must be there.
func (l look) contents(ctx context.Context) error {
	base := l.state.BaseSHA
	if !l.state.Open && isSHA(l.pull.GetBase().GetSHA()) {
		// After the merge the head is in the base branch, and the merge base of the
		// two is the head itself; GitHub keeps the base as it was before.
		base = l.pull.GetBase().GetSHA()
	}
	doing := dr.T("github.doing.compare", "commit", short(l.state.Head))
	diff, _, err := l.client.api.Repositories.CompareCommits(ctx, l.repo.Owner, l.repo.Name, base, l.state.Head, &gh.ListOptions{PerPage: 1})
	if err != nil {
		return explain(err, doing)
	}
	mergeBase := diff.GetMergeBaseCommit().GetSHA()
	if !isSHA(mergeBase) {
		return explain(errors.New("the answer has no merge base"), doing)
	}
	if l.state.BaseFile, _, err = l.client.contentAt(ctx, l.repo, mergeBase); err != nil {
		return err
	}
	l.state.HeadFile, _, err = l.client.contentAt(ctx, l.repo, l.state.Head)
	return err
}

func (l look) reviews(ctx context.Context) error {
	reviews, err := pages(func(o gh.ListOptions) ([]*gh.PullRequestReview, *gh.Response, error) {
		return l.client.api.PullRequests.ListReviews(ctx, l.repo.Owner, l.repo.Name, l.pull.GetNumber(), &o)
	})
	for _, r := range reviews {
		l.state.Reviews = append(l.state.Reviews, dr.Review{
			ID: r.GetID(), By: r.GetUser().GetLogin(), ByID: r.GetUser().GetID(), Bot: isBot(r.GetUser()),
			// The REST API writes states in upper case, webhooks in lower.
			State:   dr.ReviewState(strings.ToUpper(r.GetState())),
			HeadSHA: r.GetCommitID(), At: r.GetSubmittedAt().Time,
		})
	}
	slices.SortStableFunc(l.state.Reviews, func(a, b dr.Review) int { return int(min(1, max(-1, a.ID-b.ID))) })
	return explain(err, dr.T("github.doing.list-reviews", "number", l.pull.GetNumber()))
}

func isBot(u *gh.User) bool {
	return strings.EqualFold(u.GetType(), "Bot") || strings.HasSuffix(strings.ToLower(u.GetLogin()), "[bot]")
}

// history finds what each dismissed review said, and who dismissed it: the review itself
// does not tell any more, the history of the pull request does. It also tells who closed one.
func (l look) history(ctx context.Context) error {
	dismissed := map[int64]*dr.Review{}
	for i := range l.state.Reviews {
		if r := &l.state.Reviews[i]; r.State == dr.Dismissed {
			dismissed[r.ID] = r
		}
	}
	closed := !l.state.Open && !l.state.Merged
	if len(dismissed) == 0 && !closed {
		return nil
	}
	events, err := pages(func(o gh.ListOptions) ([]*gh.IssueEvent, *gh.Response, error) {
		return l.client.api.Issues.ListIssueEvents(ctx, l.repo.Owner, l.repo.Name, l.pull.GetNumber(), &o)
	})
	if s := status(err); s == http.StatusForbidden || notFound(err) {
		// A token may lack the right to read histories: then nobody is known to have
		// dismissed anything, and the rules take that for what it is.
		l.client.log.WarnContext(ctx, "GitHub does not show the history of a pull request", "number", l.pull.GetNumber(), "status", s)
		return nil
	}
	for _, e := range events {
		if closed && e.GetEvent() == "closed" {
			l.state.ClosedBy = e.GetActor().GetLogin()
		}
		if r := dismissed[e.GetDismissedReview().GetReviewID()]; r != nil && e.GetEvent() == "review_dismissed" {
			r.Was = dr.ReviewState(strings.ToUpper(e.GetDismissedReview().GetState()))
			r.DismissedBy, r.DismissedByID = e.GetActor().GetLogin(), e.GetActor().GetID()
			r.DismissedAt = e.GetCreatedAt().Time
		}
	}
	return explain(err, dr.T("github.doing.list-events", "number", l.pull.GetNumber()))
}

// writers asks for each reviewer whether they may write. Bots are not asked about: they
// never count, and GitHub does not know them as collaborators; nor are strangers, who
// are many where a repository is public. Whom GitHub does not know may not write.
func (l look) writers(ctx context.Context) error {
	asked := map[string]bool{}
	for _, r := range l.state.Reviews {
		login := strings.ToLower(r.By)
		if login == "" || r.Bot || asked[login] || !l.client.known(r.By) {
			continue
		}
		asked[login] = true
		level, err := l.right(ctx, l.repo, r.By)
		if err != nil {
			return err
		}
		switch level {
		case "admin", "maintain", "write":
			l.state.CanWrite = append(l.state.CanWrite, r.By)
		}
	}
	return nil
}

// right is what somebody may do in a repository; nothing when GitHub does not know them.
func (c *Client) right(ctx context.Context, repo dr.Repository, login string) (string, error) {
	level, _, err := c.api.Repositories.GetPermissionLevel(ctx, repo.Owner, repo.Name, login)
	if err != nil && !notFound(err) {
		return "", explain(err, dr.T("github.doing.read-permission", "login", login))
	}
	return level.GetPermission(), nil
}
