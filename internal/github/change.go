package github

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// OpenChange makes branch, commit and pull request, or finds those it made
// before. The commit is one, its parent is req.BaseSHA, and it changes the
// active_region file alone. Whatever else stands on the branch is a dr.Conflict.
func (c *Client) OpenChange(ctx context.Context, req dr.ChangeRequest) (dr.Change, error) {
	if err := checkRequest(req); err != nil {
		return dr.Change{}, err
	}
	pull, err := c.findPull(ctx, req.Repository, req.Branch)
	if err != nil {
		return dr.Change{}, err
	}
	as := opening{c, req}
	if pull != nil {
		return as.adopt(ctx, pull)
	}
	head, err := as.ensureBranch(ctx)
	if err != nil {
		return dr.Change{}, err
	}
	if pull, err = as.createPull(ctx); err != nil {
		return dr.Change{}, err
	}
	if pull.GetHead().GetSHA() != head {
		return dr.Change{}, foreign(req.Branch, dr.T("github.foreign.moved"))
	}
	return toChange(req, pull), nil
}

// opening is a change that is being opened, or was by an earlier try.
type opening struct {
	client *Client
	req    dr.ChangeRequest
}

func checkRequest(req dr.ChangeRequest) error {
	switch {
	case !isSHA(req.BaseSHA):
		return &dr.Error{Code: dr.Invalid, What: dr.T("github.change.half-sha")}
	case req.Branch == "" || req.Branch == req.Repository.Base:
		return &dr.Error{Code: dr.Invalid, What: dr.T("github.change.no-branch")}
	case req.Repository.File == "":
		return &dr.Error{Code: dr.Invalid, What: dr.T("github.change.no-file"), Next: dr.T("github.change.no-file.next")}
	}
	return nil
}

// findPull finds the newest pull request from a branch, open or not; nil when
// there never was one.
func (c *Client) findPull(ctx context.Context, repo dr.Repository, branch string) (*gh.PullRequest, error) {
	list, err := pages(func(o gh.ListOptions) ([]*gh.PullRequest, *gh.Response, error) {
		return c.api.PullRequests.List(ctx, repo.Owner, repo.Name, &gh.PullRequestListOptions{
			State: "all", Head: repo.Owner + ":" + branch, ListOptions: o,
		})
	})
	if notFound(err) {
		err = cmp.Or(place{c, repo}.unseen(ctx), err)
	}
	if err != nil {
		return nil, explain(err, dr.T("github.doing.list-pulls", "branch", branch))
	}
	var newest *gh.PullRequest
	for _, p := range list {
		// The filter is by owner, and an owner may have a fork of the repository.
		if p.GetHead().GetRef() == branch && inRepo(p) && p.GetNumber() > newest.GetNumber() {
			newest = p
		}
	}
	return newest, nil
}

// inRepo tells whether head and base are in one repository. A deleted fork has
// no name any more, so an empty one is never the same.
func inRepo(p *gh.PullRequest) bool {
	head := p.GetHead().GetRepo().GetFullName()
	return head != "" && strings.EqualFold(head, p.GetBase().GetRepo().GetFullName())
}

// adopt takes a pull request found on the branch for ours, if it is.
func (c opening) adopt(ctx context.Context, pull *gh.PullRequest) (dr.Change, error) {
	req := c.req
	if base := pull.GetBase().GetRef(); base != req.Repository.Base {
		return dr.Change{}, foreign(req.Branch, dr.T("github.foreign.base", "number", pull.GetNumber(), "base", base))
	}
	if err := c.checkOurs(ctx, pull.GetHead().GetSHA()); err != nil {
		return dr.Change{}, err
	}
	return toChange(req, pull), nil
}

func toChange(req dr.ChangeRequest, pull *gh.PullRequest) dr.Change {
	return dr.Change{
		Number: pull.GetNumber(), URL: pull.GetHTMLURL(), Branch: req.Branch,
		Head: pull.GetHead().GetSHA(), Base: req.BaseSHA,
	}
}

// checkOurs tells whether a commit is the one this request would make.
func (c opening) checkOurs(ctx context.Context, sha string) error {
	req := c.req
	repo := req.Repository
	commit, _, err := c.client.api.Repositories.GetCommit(ctx, repo.Owner, repo.Name, sha, nil)
	if err != nil {
		return explain(err, doingCommit(sha))
	}
	if len(commit.Parents) != 1 || commit.Parents[0].GetSHA() != req.BaseSHA {
		return foreign(req.Branch, dr.T("github.foreign.commits", "commit", short(sha), "base", short(req.BaseSHA)))
	}
	if len(commit.Files) != 1 || commit.Files[0].GetFilename() != repo.File {
		return foreign(req.Branch, dr.T("github.foreign.files", "commit", short(sha), "file", repo.File))
	}
	content, _, err := c.client.contentAt(ctx, repo, sha)
	if err != nil {
		return err
	}
	if content != req.Content {
		return foreign(req.Branch, dr.T("github.foreign.content", "commit", short(sha), "file", repo.File))
	}
	return named(commit)
}

// checkNamed looks whose GitHub takes a commit for that the bot has just made. Where
// GitHub does not know it yet, the count of the approvals will tell.
func (c *Client) checkNamed(ctx context.Context, repo dr.Repository, sha string) error {
	for range freshTries {
		commit, _, err := c.api.Repositories.GetCommit(ctx, repo.Owner, repo.Name, sha, nil)
		if !notFound(err) && status(err) != http.StatusUnprocessableEntity {
			return cmp.Or(explain(err, doingCommit(sha)), named(commit))
		}
		if err := c.sleep(ctx, freshPause); err != nil {
			return explain(err, doingCommit(sha))
		}
	}
	return nil
}

// named refuses a commit of the bot's whose address GitHub knows no account for. Nobody
// could tell it from a stranger's, and another one would be the same: so it is said
// before a pull request is opened and people are woken.
func named(commit *gh.RepositoryCommit) error {
	if commit.GetAuthor().GetLogin() != "" && commit.GetCommitter().GetLogin() != "" {
		return nil
	}
	written := commit.GetCommit()
	address := written.GetAuthor().GetEmail()
	if commit.GetAuthor().GetLogin() != "" {
		address = written.GetCommitter().GetEmail()
	}
	return &dr.Error{
		Code: dr.Invalid, What: dr.T("github.change.nobodys", "address", dr.Foreign(address)),
		Next: dr.T("github.change.nobodys.next"),
	}
}

func doingCommit(sha string) dr.Text { return dr.T("github.doing.read-commit", "commit", short(sha)) }

func foreign(branch string, why dr.Text) error {
	return &dr.Error{
		Code: dr.Conflict,
		What: dr.T("github.foreign", "branch", branch, "why", why),
		Next: dr.T("github.foreign.next"),
	}
}

// ensureBranch makes the commit and the branch that points at it, or finds them.
// The branch comes last, so that it never exists without the commit.
func (c opening) ensureBranch(ctx context.Context) (head string, err error) {
	req := c.req
	about := place{c.client, req.Repository}
	if c.client.app != nil {
		mode, err := c.mode(ctx)
		if err != nil {
			return "", err
		}
		if mode != modeExecutable {
			return signed{about, req}.ensure(ctx)
		}
	}
	if head, found, err := c.ownBranch(ctx); found || err != nil {
		return head, err
	}
	if c.client.app != nil {
		if err := about.unsigned(ctx); err != nil {
			return "", err
		}
	}
	sha, err := c.commit(ctx)
	if err != nil {
		return "", err
	}
	if err := c.client.checkNamed(ctx, req.Repository, sha); err != nil {
		return "", err
	}
	ref := &gh.Reference{Ref: gh.String("refs/heads/" + req.Branch), Object: &gh.GitObject{SHA: &sha}}
	_, _, err = c.client.api.Git.CreateRef(ctx, req.Repository.Owner, req.Repository.Name, ref)
	if err == nil {
		return sha, nil
	}
	if status(err) == http.StatusUnprocessableEntity || lost(err) {
		// The answer to an earlier try may have been lost, or somebody was faster.
		if head, found, lookErr := c.ownBranch(ctx); found || lookErr != nil {
			return head, lookErr
		}
	}
	return "", explain(err, dr.T("github.doing.make-branch", "branch", req.Branch))
}

func (c opening) ownBranch(ctx context.Context) (head string, found bool, err error) {
	req := c.req
	head, found, err = c.client.branch(ctx, req.Repository, req.Branch)
	if err == nil && found {
		err = c.checkOurs(ctx, head)
	}
	return head, found, err
}

// commit makes blob, tree and commit. Nothing points at them yet, so a second
// time does no harm. Author and committer are left to GitHub: they are the bot.
func (c opening) commit(ctx context.Context) (sha string, err error) {
	req := c.req
	owner, name := req.Repository.Owner, req.Repository.Name
	doing := dr.T("github.doing.write-commit")
	base, _, err := c.client.api.Git.GetCommit(ctx, owner, name, req.BaseSHA)
	if err != nil {
		return "", explain(err, doingCommit(req.BaseSHA))
	}
	mode, err := c.mode(ctx)
	if err != nil {
		return "", err
	}
	// By base64 every byte stays, whatever the encoding of the comments around the literal.
	content := base64.StdEncoding.EncodeToString([]byte(req.Content))
	blob, _, err := c.client.api.Git.CreateBlob(ctx, owner, name, &gh.Blob{Content: &content, Encoding: gh.String("base64")})
	if err != nil {
		return "", explain(err, doing)
	}
	tree, _, err := c.client.api.Git.CreateTree(ctx, owner, name, base.GetTree().GetSHA(), []*gh.TreeEntry{{
		Path: &req.Repository.File, Mode: &mode, Type: gh.String("blob"), SHA: blob.SHA,
	}})
	if err != nil {
		return "", explain(err, doing)
	}
	if tree.GetSHA() == base.GetTree().GetSHA() {
		return "", &dr.Error{Code: dr.Conflict, What: dr.T("github.change.nothing", "file", req.Repository.File)}
	}
	made, _, err := c.client.api.Git.CreateCommit(ctx, owner, name, &gh.Commit{
		Message: &req.Message, Tree: tree, Parents: []*gh.Commit{{SHA: &req.BaseSHA}},
	}, nil)
	if err == nil && !isSHA(made.GetSHA()) {
		err = errors.New("the answer has no commit")
	}
	return made.GetSHA(), explain(err, doing)
}

// mode is the file's own, which a change keeps. A link is not replaced by a file: whoever
// put it there would not find it again.
func (c opening) mode(ctx context.Context) (string, error) {
	e, err := c.client.entryAt(ctx, c.req.Repository, c.req.BaseSHA)
	switch {
	case dr.CodeOf(err) == dr.NotFound:
		return modeFile, nil
	case err != nil:
		return "", err
	case e.GetMode() == modeLink, e.GetType() != "blob":
		return "", &dr.Error{Code: dr.Invalid, What: dr.T("rule.link", "file", c.req.Repository.File), Next: dr.MendOf(fileCheck)}
	default:
		return e.GetMode(), nil
	}
}

func (c opening) createPull(ctx context.Context) (*gh.PullRequest, error) {
	req := c.req
	repo := req.Repository
	pull, _, err := c.client.api.PullRequests.Create(ctx, repo.Owner, repo.Name, &gh.NewPullRequest{
		Title: gh.String(titleOf(req.Title)),
		Body:  gh.String(c.client.cut.body(req.Body)),
		Head:  &req.Branch, Base: &repo.Base,
	})
	if err == nil {
		return pull, nil
	}
	if status(err) == http.StatusUnprocessableEntity || lost(err) {
		if found, lookErr := c.client.findPull(ctx, repo, req.Branch); found != nil || lookErr != nil {
			return found, lookErr
		}
	}
	return nil, explain(err, dr.T("github.doing.open-pull"))
}
