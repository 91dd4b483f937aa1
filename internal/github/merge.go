package github

import (
	"context"
	"errors"
	"net/http"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// Merge merges exactly this head by the first method the repository allows. The head is
// one commit, so by whatever method the first parent of what comes of it is the base.
//
// It looks first and after, so that a second call after a crash or a lost answer gives
// the merge of the first. Its errors say what the caller can do: dr.Conflict where the
// pull request does not hold this head any more or GitHub will not for a reason it
// names; dr.Temporary where another look and another try may go well, because the base
// moved, the answer was lost or no reason was given; dr.Uncertain where a person must
// change something first. None of them closes anything.
func (c *Client) Merge(ctx context.Context, repo dr.Repository, number int, head string) (mergeSHA string, err error) {
	if !isSHA(head) {
		return "", &dr.Error{Code: dr.Invalid, What: dr.T("github.merge.half-sha")}
	}
	mergeSHA, err = merging{c, repo, number, head}.merge(ctx)
	return mergeSHA, forPeople(repo, number, err)
}

// merging is one merge under way.
type merging struct {
	client *Client
	repo   dr.Repository
	number int
	head   string
}

func (m merging) merge(ctx context.Context) (string, error) {
	if _, sha, err := m.look(ctx); sha != "" || err != nil {
		return sha, err
	}
	methods, err := m.methods(ctx)
	if err != nil {
		return "", err
	}
	var sha string
	for _, method := range methods {
		if sha, err = m.by(ctx, method); !wrongMethod(method, err) {
			break
		}
	}
	return m.after(ctx, sha, err)
}

// methods are those the repository allows, best first. What it does not tell, because
// the bot's account may not see it, is tried.
func (m merging) methods(ctx context.Context) ([]string, error) {
	doing := dr.T("github.doing.read-repository", "owner", m.repo.Owner, "repository", m.repo.Name)
	r, _, err := m.client.api.Repositories.Get(ctx, m.repo.Owner, m.repo.Name)
	if err != nil {
		return nil, explain(err, doing)
	}
	var out []string
	for _, way := range ways(r) {
		if way.allowed == nil || *way.allowed {
			out = append(out, way.name)
		}
	}
	if len(out) == 0 {
		return nil, &dr.Error{
			Code: dr.Uncertain,
			What: dr.T("github.merge.no-method", "owner", m.repo.Owner, "repository", m.repo.Name),
			Next: dr.T("github.merge.no-method.next", "number", m.number),
		}
	}
	return out, nil
}

// by asks for the merge by one method.
func (m merging) by(ctx context.Context, method string) (string, error) {
	result, _, err := m.client.api.PullRequests.Merge(ctx, m.repo.Owner, m.repo.Name, m.number, "", &gh.PullRequestOptions{
		CommitTitle: cut(m.client.mergeTitle(m.number), maxTitle, "…"), SHA: m.head, MergeMethod: method,
	})
	if err == nil && !(result.GetMerged() && isSHA(result.GetSHA())) {
		err = errors.New("the answer names no merge: " + result.GetMessage())
	}
	return result.GetSHA(), err
}

// wrongMethod tells a refusal of the method alone. The repository's settings leave little
// of it: they may change after they were read, and a branch can have rules of its own.
func wrongMethod(method string, err error) bool {
	var answer *gh.ErrorResponse
	if status(err) != http.StatusMethodNotAllowed || !errors.As(err, &answer) {
		return false
	}
	text := strings.ToLower(answer.Message)
	if method == "merge" {
		return strings.Contains(text, "merge commits") || strings.Contains(text, "linear history")
	}
	return strings.Contains(text, method+" merges are not allowed")
}

// look reads the pull request: a commit is the merge of this head, an error says that
// it cannot be merged as it is.
func (m merging) look(ctx context.Context) (pull *gh.PullRequest, sha string, err error) {
	if pull, err = m.client.pull(ctx, m.repo, m.number); err != nil {
		return nil, "", err
	}
	now, base := pull.GetHead().GetSHA(), pull.GetBase().GetRef()
	switch {
	case pull.GetMerged() && base != m.repo.Base:
		return pull, "", &dr.Error{
			Code: dr.Uncertain,
			What: dr.T("github.merge.elsewhere", "number", m.number, "now", base, "base", m.repo.Base),
			Next: dr.T("github.merge.elsewhere.next", "now", base, "base", m.repo.Base),
		}
	case now != m.head:
		return pull, "", conflict(m.number, dr.ArgOf(dr.T("github.merge.other-head", "head", short(now), "approved", short(m.head))), nil)
	case pull.GetMerged() && !isSHA(pull.GetMergeCommitSHA()):
		return pull, "", explain(errors.New("the merged pull request has no merge commit"), doingPull(m.number))
	case pull.GetMerged():
		return pull, pull.GetMergeCommitSHA(), nil
	case pull.GetState() != "open":
		return pull, "", conflict(m.number, dr.ArgOf(dr.T("github.merge.closed")), nil)
	case base != m.repo.Base:
		return pull, "", notNow(m.number, dr.ArgOf(dr.T("github.merge.other-base", "now", base, "base", m.repo.Base)), nil)
	case pull.GetDraft():
		return pull, "", notNow(m.number, dr.ArgOf(dr.T("github.merge.draft")), nil)
	}
	return pull, "", nil
}

// after finds out what became of a merge that was asked for. Whatever was answered, what
// the pull request says counts: an answer may be lost, and a pull request be sent to
// another branch between the look and the merge.
func (m merging) after(ctx context.Context, merged string, cause error) (string, error) {
	pull, sha, err := m.look(ctx)
	switch {
	case sha != "":
		return sha, nil
	case pull != nil && err != nil:
		return "", err
	case cause == nil:
		return merged, nil // what GitHub said, and its pull request does not show yet
	}
	var answer *gh.ErrorResponse
	code := status(cause)
	switch {
	case lost(cause):
		return "", &dr.Error{
			Code: dr.Temporary, What: dr.T("github.merge.unknown", "number", m.number), Next: dr.T("github.merge.again.next", "number", m.number),
			Err: errors.Join(cause, err),
		}
	case code != http.StatusConflict && code != http.StatusMethodNotAllowed || !errors.As(cause, &answer):
		return "", explain(cause, dr.T("github.doing.merge", "number", m.number))
	case pull != nil && pull.Mergeable != nil && !pull.GetMergeable():
		return "", conflict(m.number, dr.ArgOf(dr.T("github.merge.conflicts", "base", m.repo.Base)), cause)
	case code == http.StatusConflict || passes(answer.Message):
		return "", notNow(m.number, dr.ArgOf(said(answer)), cause)
	}
	return "", conflict(m.number, dr.ArgOf(said(answer)), cause)
}

// passes tells a refusal that names nothing a person could change: a branch that moved at
// that moment, a check of conflicts that is not done yet, or no reason at all.
func passes(message string) bool {
	text := strings.ToLower(strings.TrimSpace(message))
	return text == "" || strings.Contains(text, "branch was modified") || strings.Contains(text, "not mergeable")
}

func conflict(number int, why dr.Arg, cause error) error {
	return &dr.Error{
		Code: dr.Conflict, What: dr.T("github.merge.refused", "number", number, "why", why),
		Next: dr.T("github.merge.refused.next"), Err: cause,
	}
}

// notNow is a refusal after which another look and another try may go well.
func notNow(number int, why dr.Arg, cause error) error {
	return &dr.Error{
		Code: dr.Temporary, What: dr.T("github.merge.not-now", "number", number, "why", why),
		Next: dr.T("github.merge.again.next", "number", number), Err: cause,
	}
}

// forPeople makes of what no other try mends a question for a person, with the cause and
// what to change: an approved pull request is not given up because a token has expired.
func forPeople(repo dr.Repository, number int, err error) error {
	if err == nil {
		return nil
	}
	what, _ := dr.Told(err)
	switch code := dr.CodeOf(err); {
	case code == dr.Temporary, code == dr.Conflict, code == dr.Uncertain && what.ID != mayNot:
		return err
	}
	next := dr.T("github.merge.mend.next", "number", number)
	switch status(err) {
	case http.StatusUnauthorized:
		next = dr.T("github.merge.bad-token.next", "number", number)
	case http.StatusForbidden, http.StatusUnavailableForLegalReasons:
		next = dr.T("github.merge.forbidden.next", "number", number, "owner", repo.Owner, "repository", repo.Name, "base", repo.Base)
	case http.StatusNotFound, http.StatusGone:
		next = dr.T("github.merge.unseen.next", "number", number, "owner", repo.Owner, "repository", repo.Name)
	}
	return &dr.Error{Code: dr.Uncertain, What: what, Next: next, Err: err}
}

// CloseChange closes the pull request and deletes the bot's branch. A branch that
// somebody has pushed to is left alone: the work on it is theirs. A change without a number
// is found by its branch, if there is one: the answer to its opening was lost.
func (c *Client) CloseChange(ctx context.Context, repo dr.Repository, change dr.Change) error {
	if change.Number == 0 && change.Branch != "" && change.Branch != repo.Base {
		pull, err := c.findPull(ctx, repo, change.Branch)
		if err != nil {
			return err
		}
		change.Number = pull.GetNumber()
	}
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
