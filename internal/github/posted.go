package github

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// behind is how long a replica may show what stood somewhere before.
const behind = time.Second

// Restore has a pull request say what was posted there. What says something else is put
// back; right before that it tells first what it is and who wrote it, whose error keeps it
// from it. What it gives is what stands there then.
func (c *Client) Restore(ctx context.Context, repo dr.Repository, number int, want dr.Posted, first func([]dr.Rewritten) error) (dr.Posted, error) {
	r := restoring{place{c, repo}, number}
	found, err := r.compare(ctx, want)
	if err != nil || len(found) == 0 {
		return want, err
	}
	if err := c.sleep(ctx, behind); err != nil {
		return want, err
	}
	if found, err = r.compare(ctx, want); err != nil || len(found) == 0 {
		return want, err
	}
	told := r.writers(ctx, found)
	if err := first(told); err != nil {
		return want, err
	}
	for _, f := range found {
		if want, err = f.mend(ctx, want); err != nil {
			return want, err
		}
	}
	return want, nil
}

// restoring is a pull request that is compared with what was posted there.
type restoring struct {
	place
	number int
}

// otherwise is one thing that is not as it was posted, and how it is put back.
type otherwise struct {
	dr.Rewritten
	kind    string // which of the forge's records tells who has done it
	comment int64
	mend    func(context.Context, dr.Posted) (dr.Posted, error)
}

const (
	otherTitle   = "title"
	otherBody    = "body"
	otherComment = "comment"
	goneComment  = "gone"
	otherStatus  = "status"
)

func (r restoring) compare(ctx context.Context, want dr.Posted) ([]otherwise, error) {
	var out []otherwise
	for _, compare := range []func(context.Context, dr.Posted) ([]otherwise, error){r.page, r.comments, r.statuses} {
		found, err := compare(ctx, want)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// page compares title and description. The issue that a pull request also is names no
// repository, so it is another document when it has changed and not at every push.
func (r restoring) page(ctx context.Context, want dr.Posted) ([]otherwise, error) {
	if want.Title == "" && want.Body == "" {
		return nil, nil
	}
	issue, _, err := r.client.api.Issues.Get(ctx, r.repo.Owner, r.repo.Name, r.number)
	title, body := issue.GetTitle(), issue.GetBody()
	switch status(err) {
	case http.StatusForbidden, http.StatusNotFound, http.StatusGone: // as in a look: the token may not read issues
		var pull *gh.PullRequest
		pull, err = r.client.pull(ctx, r.repo, r.number)
		title, body = pull.GetTitle(), pull.GetBody()
	}
	if err != nil {
		return nil, explain(err, doingPull(r.number))
	}
	var out []otherwise
	back := func(edit gh.PullRequest) func(context.Context, dr.Posted) (dr.Posted, error) {
		return func(ctx context.Context, want dr.Posted) (dr.Posted, error) {
			_, _, err := r.client.api.PullRequests.Edit(ctx, r.repo.Owner, r.repo.Name, r.number, &edit)
			return want, explain(err, dr.T("github.doing.restore", "number", r.number))
		}
	}
	if posted := titleOf(want.Title); !reads(title, posted) {
		out = append(out, otherwise{Rewritten: dr.Rewritten{What: dr.T("posted.title")}, kind: otherTitle, mend: back(gh.PullRequest{Title: &posted})})
	}
	if posted := r.client.cut.body(want.Body); !reads(body, posted) {
		out = append(out, otherwise{Rewritten: dr.Rewritten{What: dr.T("posted.body")}, kind: otherBody, mend: back(gh.PullRequest{Body: &posted})})
	}
	return out, nil
}

// reads tells whether a text is one that was posted. GitHub's page ends lines in its own
// way and drops what is blank at the ends.
func reads(now, posted string) bool {
	same := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return same(now) == same(posted)
}

func (r restoring) comments(ctx context.Context, want dr.Posted) ([]otherwise, error) {
	if len(want.Comments) == 0 {
		return nil, nil
	}
	all, err := r.client.listComments(ctx, r.repo, r.number)
	if err != nil {
		return nil, err
	}
	var out []otherwise
	for _, posted := range want.Comments {
		i := slices.IndexFunc(all, func(k *gh.IssueComment) bool { return k.GetID() == posted.ID })
		o := otherwise{Rewritten: dr.Rewritten{What: dr.T("posted.comment")}, kind: otherComment, comment: posted.ID}
		switch {
		case i < 0:
			o.What, o.kind, o.mend = dr.T("posted.comment.gone"), goneComment, r.postAgain(posted)
		case !reads(all[i].GetBody(), r.client.cut.comment(posted.Marker, posted.Body)):
			o.mend = r.writeAgain(posted)
		case all[i].GetUpdatedAt().After(posted.At) && !posted.At.IsZero():
			posted.At = all[i].GetUpdatedAt().Time
			o.mend = func(_ context.Context, want dr.Posted) (dr.Posted, error) { return want.WithComment(posted), nil }
		default:
			continue
		}
		out = append(out, o)
	}
	return out, nil
}

// writeAgain rewrites a comment, its marker included, whatever stands there.
func (r restoring) writeAgain(posted dr.PostedComment) func(context.Context, dr.Posted) (dr.Posted, error) {
	return func(ctx context.Context, want dr.Posted) (dr.Posted, error) {
		text := r.client.cut.comment(posted.Marker, posted.Body)
		now, _, err := r.client.api.Issues.EditComment(ctx, r.repo.Owner, r.repo.Name, posted.ID, &gh.IssueComment{Body: &text})
		if err != nil {
			return want, explain(err, dr.T("github.doing.rewrite-comment", "number", r.number))
		}
		posted.At = now.GetUpdatedAt().Time
		return want.WithComment(posted), nil
	}
}

func (r restoring) postAgain(posted dr.PostedComment) func(context.Context, dr.Posted) (dr.Posted, error) {
	return func(ctx context.Context, want dr.Posted) (dr.Posted, error) {
		if err := r.client.Comment(ctx, r.repo, r.number, posted.Marker, posted.Body); err != nil {
			return want, err
		}
		at, err := r.client.Commented(ctx, r.repo, r.number, posted.Marker)
		if err != nil {
			return want, err
		}
		posted.Written = at
		return want.WithComment(posted), nil
	}
}

// statuses compares the newest status of each name.
func (r restoring) statuses(ctx context.Context, want dr.Posted) ([]otherwise, error) {
	if len(want.Statuses) == 0 || want.Head == "" {
		return nil, nil
	}
	all, err := counted(ctx, func(ctx context.Context, o gh.ListOptions) ([]*gh.RepoStatus, *gh.Response, error) {
		return r.client.api.Repositories.ListStatuses(ctx, r.repo.Owner, r.repo.Name, want.Head, &o)
	})
	if err != nil {
		return nil, explain(err, dr.T("github.doing.list-statuses", "commit", short(want.Head)))
	}
	var out []otherwise
	for _, posted := range want.Statuses {
		i := slices.IndexFunc(all, func(s *gh.RepoStatus) bool { return strings.EqualFold(s.GetContext(), posted.Name) })
		if i >= 0 && all[i].GetState() == string(posted.State) && reads(all[i].GetDescription(), descriptionOf(posted.Text)) && all[i].GetTargetURL() == "" {
			continue
		}
		o := otherwise{Rewritten: dr.Rewritten{What: dr.T("posted.status", "status", posted.Name)}, kind: otherStatus}
		if i >= 0 {
			o.By = all[i].GetCreator().GetLogin()
		}
		o.mend = func(ctx context.Context, want dr.Posted) (dr.Posted, error) {
			return want, r.client.Status(ctx, r.repo, want.Head, posted.Name, posted.State, posted.Text, "")
		}
		out = append(out, o)
	}
	return out, nil
}

// writers names who has rewritten what, as far as GitHub tells: what it does not tell keeps
// nothing from being put back.
func (r restoring) writers(ctx context.Context, found []otherwise) []dr.Rewritten {
	type actor struct {
		Login string `json:"login"`
	}
	var answer struct {
		Repository struct {
			PullRequest struct {
				Editor        actor `json:"editor"`
				TimelineItems struct {
					Nodes []struct {
						Kind  string `json:"__typename"`
						Actor actor  `json:"actor"`
					} `json:"nodes"`
				} `json:"timelineItems"`
				Comments struct {
					Nodes []struct {
						ID     int64 `json:"databaseId"`
						Editor actor `json:"editor"`
					} `json:"nodes"`
				} `json:"comments"`
			} `json:"pullRequest"`
		} `json:"repository"`
	}
	if _, err := r.graphql(ctx, doingPull(r.number), editorsQuery, map[string]any{"owner": r.repo.Owner, "name": r.repo.Name, "number": r.number}, &answer); err != nil {
		r.client.log.WarnContext(ctx, "GitHub does not tell who has rewritten what stands on a pull request", "number", r.number, "error", err)
	}
	pull := answer.Repository.PullRequest
	out := make([]dr.Rewritten, len(found))
	for i, f := range found {
		switch f.kind {
		case otherBody:
			f.By = pull.Editor.Login
		case otherTitle, goneComment:
			of := map[string]string{otherTitle: "RenamedTitleEvent", goneComment: "CommentDeletedEvent"}[f.kind]
			for _, n := range pull.TimelineItems.Nodes {
				if n.Kind == of {
					f.By = n.Actor.Login // the last one
				}
			}
		case otherComment:
			for _, n := range pull.Comments.Nodes {
				if n.ID == f.comment {
					f.By = n.Editor.Login
				}
			}
		}
		out[i] = f.Rewritten
	}
	return out
}

const editorsQuery = `query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      editor { login }
      timelineItems(last: 20, itemTypes: [RENAMED_TITLE_EVENT, COMMENT_DELETED_EVENT]) {
        nodes { __typename ... on RenamedTitleEvent { actor { login } } ... on CommentDeletedEvent { actor { login } } }
      }
      comments(last: 100) { nodes { databaseId editor { login } } }
    }
  }
}`
