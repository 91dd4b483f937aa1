package github

import (
	"context"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// Comment writes or rewrites the one comment of the bot's own with this marker.
// A marker in somebody else's comment, or quoted further down, is not it.
func (c *Client) Comment(ctx context.Context, repo dr.Repository, number int, marker, body string) error {
	if marker == "" || strings.ContainsAny(marker, "<>\n") {
		return &dr.Error{Code: dr.Invalid, What: dr.T("github.marker")}
	}
	line := "<!-- " + marker + " -->"
	text := c.cut.comment(marker, body)
	mine, err := c.ownComment(ctx, repo, number, line)
	if err != nil {
		return err
	}
	if mine != nil {
		if mine.GetBody() == text {
			return nil
		}
		_, _, err := c.api.Issues.EditComment(ctx, repo.Owner, repo.Name, mine.GetID(), &gh.IssueComment{Body: &text})
		return explain(err, dr.T("github.doing.rewrite-comment", "number", number))
	}
	_, _, err = c.api.Issues.CreateComment(ctx, repo.Owner, repo.Name, number, &gh.IssueComment{Body: &text})
	if lost(err) {
		if made, lookErr := c.ownComment(ctx, repo, number, line); lookErr == nil && made != nil {
			return nil
		}
	}
	return explain(err, dr.T("github.doing.comment", "number", number))
}

// Commented is which comment of the bot's has this marker, and when it was last written.
func (c *Client) Commented(ctx context.Context, repo dr.Repository, number int, marker string) (dr.Written, error) {
	mine, err := c.ownComment(ctx, repo, number, "<!-- "+marker+" -->")
	switch {
	case err != nil:
		return dr.Written{}, err
	case mine == nil:
		return dr.Written{}, &dr.Error{Code: dr.NotFound, What: dr.T("github.no-comment", "number", number)}
	}
	return dr.Written{ID: mine.GetID(), At: mine.GetUpdatedAt().Time}, nil
}

// ownComment finds the oldest comment by the bot that begins with a line.
func (c *Client) ownComment(ctx context.Context, repo dr.Repository, number int, line string) (*gh.IssueComment, error) {
	self, err := c.Self(ctx)
	if err != nil {
		return nil, err
	}
	comments, err := c.listComments(ctx, repo, number)
	if err != nil {
		return nil, err
	}
	for _, k := range comments {
		first, _, _ := strings.Cut(k.GetBody(), "\n")
		if strings.EqualFold(k.GetUser().GetLogin(), self) && strings.TrimRight(first, "\r") == line {
			return k, nil
		}
	}
	return nil, nil
}

func (c *Client) listComments(ctx context.Context, repo dr.Repository, number int) ([]*gh.IssueComment, error) {
	all, err := counted(ctx, func(ctx context.Context, o gh.ListOptions) ([]*gh.IssueComment, *gh.Response, error) {
		return c.api.Issues.ListComments(ctx, repo.Owner, repo.Name, number, &gh.IssueListCommentsOptions{ListOptions: o})
	})
	return all, explain(err, dr.T("github.doing.list-comments", "number", number))
}

// Status sets a commit status. The newest of a name wins, so a second time does
// no harm.
func (c *Client) Status(ctx context.Context, repo dr.Repository, sha, name string, state dr.CommitState, text, url string) error {
	s := &gh.RepoStatus{
		State: gh.String(string(state)), Context: &name,
		Description: gh.String(descriptionOf(text)),
	}
	if url != "" {
		s.TargetURL = &url
	}
	_, _, err := c.api.Repositories.CreateStatus(ctx, repo.Owner, repo.Name, sha, s)
	return explain(err, dr.T("github.doing.set-status", "status", name, "commit", short(sha)))
}
