package github

import (
	"context"
	"errors"
	"net/http"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// Merge merges exactly this head, or fails with dr.Conflict when that is no
// longer what the pull request holds. It looks first, so that a second call
// after a crash gives the merge of the first. When GitHub's answer was lost and
// the pull request is not merged a moment later, the error is dr.Uncertain: look
// again before anything else.
func (c *Client) Merge(ctx context.Context, repo dr.Repository, number int, head string) (mergeSHA string, err error) {
	if !isSHA(head) {
		return "", &dr.Error{Code: dr.Invalid, What: dr.T("github.merge.half-sha")}
	}
	if sha, done, err := c.merged(ctx, repo, number, head); done || err != nil {
		return sha, err
	}
	result, _, err := c.api.PullRequests.Merge(ctx, repo.Owner, repo.Name, number, "", &gh.PullRequestOptions{
		CommitTitle: cut(c.mergeTitle(number), maxTitle, "…"), SHA: head, MergeMethod: "merge",
	})
	if err == nil && result.GetMerged() && isSHA(result.GetSHA()) {
		return result.GetSHA(), nil
	}
	if err == nil {
		err = errors.New("the answer names no merge: " + result.GetMessage())
	}
	return c.afterRefusal(ctx, repo, number, head, err)
}

// merged looks at a pull request before a merge: done means that this head is
// merged; an error, that it cannot be merged any more.
func (c *Client) merged(ctx context.Context, repo dr.Repository, number int, head string) (sha string, done bool, err error) {
	pull, err := c.pull(ctx, repo, number)
	if err != nil {
		return "", false, err
	}
	now := pull.GetHead().GetSHA()
	switch {
	case now != head:
		return "", false, conflict(number, dr.ArgOf(dr.T("github.merge.other-head", "head", short(now), "approved", short(head))), nil)
	case pull.GetMerged() && !isSHA(pull.GetMergeCommitSHA()):
		return "", false, explain(errors.New("the merged pull request has no merge commit"), doingPull(number))
	case pull.GetMerged():
		return pull.GetMergeCommitSHA(), true, nil
	case pull.GetState() != "open":
		return "", false, conflict(number, dr.ArgOf(dr.T("github.merge.closed")), nil)
	}
	return "", false, nil
}

// afterRefusal finds out what became of a merge that was not answered by a yes.
func (c *Client) afterRefusal(ctx context.Context, repo dr.Repository, number int, head string, cause error) (string, error) {
	sha, done, lookErr := c.merged(ctx, repo, number, head)
	if done {
		return sha, nil
	}
	code := status(cause)
	var answer *gh.ErrorResponse
	switch {
	case lost(cause):
		if dr.CodeOf(lookErr) == dr.Conflict {
			return "", lookErr
		}
		return "", &dr.Error{
			Code: dr.Uncertain,
			What: dr.T("github.merge.unknown", "number", number),
			Next: dr.T("github.merge.unknown.next"), Err: errors.Join(cause, lookErr),
		}
	case (code == http.StatusConflict || code == http.StatusMethodNotAllowed) && errors.As(cause, &answer):
		return "", conflict(number, dr.ArgOf(said(answer)), cause)
	default:
		return "", explain(cause, dr.T("github.doing.merge", "number", number))
	}
}

func conflict(number int, why dr.Arg, cause error) error {
	return &dr.Error{
		Code: dr.Conflict, What: dr.T("github.merge.refused", "number", number, "why", why),
		Next: dr.T("github.merge.refused.next"), Err: cause,
	}
}

// CloseChange closes the pull request and deletes the bot's branch. A branch that
// somebody has pushed to is left alone: the work on it is theirs.
func (c *Client) CloseChange(ctx context.Context, repo dr.Repository, change dr.Change) error {
	if change.Number != 0 {
		if err := c.closePull(ctx, repo, change.Number); err != nil {
			return err
		}
	}
	if change.Branch == "" || change.Branch == repo.Base {
		return nil
	}
	tip, found, err := c.branch(ctx, repo, change.Branch)
	if err != nil || !found {
		return err
	}
	if tip != change.Head {
		c.log.InfoContext(ctx, "branch left in place: its head is not the bot's", "branch", change.Branch, "head", tip)
		return nil
	}
	_, err = c.api.Git.DeleteRef(ctx, repo.Owner, repo.Name, "heads/"+change.Branch)
	if err != nil {
		// GitHub answers 422 when the branch is gone, and so does a lost first try.
		if _, still, lookErr := c.branch(ctx, repo, change.Branch); lookErr == nil && !still {
			return nil
		}
	}
	return explain(err, dr.T("github.doing.delete-branch", "branch", change.Branch))
}

func (c *Client) closePull(ctx context.Context, repo dr.Repository, number int) error {
	pull, err := c.pull(ctx, repo, number)
	if err != nil {
		return err
	}
	if pull.GetState() == "closed" {
		return nil
	}
	_, _, err = c.api.PullRequests.Edit(ctx, repo.Owner, repo.Name, number, &gh.PullRequest{State: gh.String("closed")})
	if lost(err) {
		if now, lookErr := c.pull(ctx, repo, number); lookErr == nil && now.GetState() == "closed" {
			return nil
		}
	}
	return explain(err, dr.T("github.doing.close", "number", number))
}
