package github

import (
	"context"
	"strings"
	"time"

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
	text := cut(line+"\n"+body, maxComment, cutNote)
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

// CommentedAt is when the bot's comment with this marker was last written.
func (c *Client) CommentedAt(ctx context.Context, repo dr.Repository, number int, marker string) (time.Time, error) {
	mine, err := c.ownComment(ctx, repo, number, "<!-- "+marker+" -->")
	switch {
	case err != nil:
		return time.Time{}, err
	case mine == nil:
		return time.Time{}, &dr.Error{Code: dr.NotFound, What: dr.T("github.no-comment", "number", number)}
	}
	return mine.GetUpdatedAt().Time, nil
}

// ownComment finds the oldest comment by the bot that begins with a line.
func (c *Client) ownComment(ctx context.Context, repo dr.Repository, number int, line string) (*gh.IssueComment, error) {
	self, err := c.Self(ctx)
	if err != nil {
		return nil, err
	}
	comments, err := pages(func(o gh.ListOptions) ([]*gh.IssueComment, *gh.Response, error) {
		return c.api.Issues.ListComments(ctx, repo.Owner, repo.Name, number, &gh.IssueListCommentsOptions{ListOptions: o})
	})
	if err != nil {
		return nil, explain(err, dr.T("github.doing.list-comments", "number", number))
	}
	for _, k := range comments {
		first, _, _ := strings.Cut(k.GetBody(), "\n")
		if strings.EqualFold(k.GetUser().GetLogin(), self) && strings.TrimRight(first, "\r") == line {
			return k, nil
		}
	}
	return nil, nil
}

// Status sets a commit status. The newest of a name wins, so a second time does
// no harm.
func (c *Client) Status(ctx context.Context, repo dr.Repository, sha, name string, state dr.CommitState, text, url string) error {
	s := &gh.RepoStatus{
		State: gh.String(string(state)), Context: &name,
		Description: gh.String(cut(text, maxDescription, "…")),
	}
	if url != "" {
		s.TargetURL = &url
	}
	_, _, err := c.api.Repositories.CreateStatus(ctx, repo.Owner, repo.Name, sha, s)
	return explain(err, dr.T("github.doing.set-status", "status", name, "commit", short(sha)))
}
