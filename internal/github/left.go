package github

import (
	"context"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// newestPages bounds how far back OpenChanges looks, in pages of a hundred.
const newestPages = 3

// OpenChanges lists the open pull requests of a repository from branches of its own whose
// name begins so, newest first, among the newest few hundred that are open.
func (c *Client) OpenChanges(ctx context.Context, repo dr.Repository, branches string) ([]dr.Change, error) {
	list, err := pages(func(o gh.ListOptions) ([]*gh.PullRequest, *gh.Response, error) {
		list, res, err := c.api.PullRequests.List(ctx, repo.Owner, repo.Name, &gh.PullRequestListOptions{
			State: "open", Sort: "created", Direction: "desc", ListOptions: o,
		})
		if err == nil && o.Page >= newestPages {
			res.NextPage = 0
		}
		return list, res, err
	})
	if err != nil {
		return nil, explain(err, dr.T("github.doing.list-left"))
	}
	var out []dr.Change
	for _, p := range list {
		if branch := p.GetHead().GetRef(); strings.HasPrefix(branch, branches) && inRepo(p) {
			out = append(out, dr.Change{Number: p.GetNumber(), URL: p.GetHTMLURL(), Branch: branch, Head: p.GetHead().GetSHA(), Base: p.GetBase().GetSHA()})
		}
	}
	return out, nil
}
