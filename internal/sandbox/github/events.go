package github

import (
	"context"
	"strings"
)

// envelope is what every webhook payload carries.
type envelope struct {
	Repository   any            `json:"repository"`
	Organization map[string]any `json:"organization"`
	Sender       *userJSON      `json:"sender"`
}

func (s *Server) envelope(by *account) envelope {
	return envelope{Repository: s.repository(), Organization: s.organization(), Sender: s.userPayload(by)}
}

type pullEvent struct {
	Action      string         `json:"action"`
	Number      int            `json:"number"`
	PullRequest pullJSON       `json:"pull_request"`
	Before      string         `json:"before,omitempty"`
	After       string         `json:"after,omitempty"`
	Changes     map[string]any `json:"changes,omitempty"`
	envelope
}

func (s *Server) emitPull(p *pull, by *account, action string, more func(*pullEvent)) {
	e := &pullEvent{Action: action, Number: p.Number, PullRequest: s.pullPayload(p, true), envelope: s.envelope(by)}
	if action != "closed" { // the real service has not computed it yet when it sends these
		e.PullRequest.Mergeable, e.PullRequest.Rebaseable, e.PullRequest.MergeableState = nil, nil, "unknown"
	}
	if more != nil {
		more(e)
	}
	s.send("pull_request", action, e)
}

func (s *Server) emitReview(p *pull, r *Review, by *account, action string) {
	review := s.reviewPayload(p, r)
	review.State = strings.ToLower(review.State)
	s.send("pull_request_review", action, struct {
		Action      string     `json:"action"`
		Review      reviewJSON `json:"review"`
		PullRequest pullJSON   `json:"pull_request"`
		envelope
	}{action, review, s.pullPayload(p, false), s.envelope(by)})
}

func (s *Server) emitComment(p *pull, c *Comment, by *account, action string, changes map[string]any) {
	s.send("issue_comment", action, struct {
		Action  string         `json:"action"`
		Issue   map[string]any `json:"issue"`
		Comment commentJSON    `json:"comment"`
		Changes map[string]any `json:"changes,omitempty"`
		envelope
	}{action, s.issuePayload(p), s.commentPayload(c), changes, s.envelope(by)})
}

// issuePayload is a pull request as the issue it also is.
func (s *Server) issuePayload(p *pull) map[string]any {
	api := s.repoURL("/pulls/%d", p.Number)
	comments := 0
	for _, c := range s.comments {
		if c.Pull == p.Number {
			comments++
		}
	}
	return map[string]any{
		"id": p.ID, "number": p.Number, "title": p.Title, "body": p.Body, "state": p.State,
		"user": s.user(p.Author), "created_at": p.CreatedAt, "updated_at": p.UpdatedAt, "labels": []string{}, "draft": p.Draft,
		"url": s.repoURL("/issues/%d", p.Number), "html_url": s.pullURL(p.Number), "node_id": nodeID("Issue", p.ID),
		"comments_url": s.repoURL("/issues/%d/comments", p.Number), "events_url": s.repoURL("/issues/%d/events", p.Number),
		"labels_url": s.repoURL("/issues/%d/labels{/name}", p.Number), "repository_url": s.repoURL(""),
		"closed_at": closedTime(p.ClosedAt, p.State == "closed"), "comments": comments, "locked": false,
		"assignee": nil, "assignees": []any{}, "milestone": nil, "reactions": reactions(s.repoURL("/issues/%d/reactions", p.Number)), "author_association": s.association(p.Author), "active_lock_reason": nil,
		"pull_request": map[string]any{"url": api, "html_url": s.pullURL(p.Number), "merged_at": closedTime(p.MergedAt, p.Merged), "diff_url": s.pullURL(p.Number) + ".diff", "patch_url": s.pullURL(p.Number) + ".patch"},
	}
}

type pushedCommit struct {
	ID        string     `json:"id"`
	TreeID    string     `json:"tree_id"`
	Distinct  bool       `json:"distinct"`
	Message   string     `json:"message"`
	Timestamp string     `json:"timestamp"`
	URL       string     `json:"url"`
	Author    personJSON `json:"author"`
	Committer personJSON `json:"committer"`
	Added     []string   `json:"added"`
	Removed   []string   `json:"removed"`
	Modified  []string   `json:"modified"`
}

type pushEvent struct {
	Ref        string          `json:"ref"`
	Before     string          `json:"before"`
	After      string          `json:"after"`
	Created    bool            `json:"created"`
	Deleted    bool            `json:"deleted"`
	Forced     bool            `json:"forced"`
	BaseRef    *string         `json:"base_ref"`
	Compare    string          `json:"compare"`
	Commits    []*pushedCommit `json:"commits"`
	HeadCommit *pushedCommit   `json:"head_commit"`
	Pusher     personJSON      `json:"pusher"`
	envelope
}

// maxPushed is how many commits a push payload lists.
const maxPushed = 2048

func (s *Server) emitPush(ctx context.Context, by *account, branch, old, sha string, forced bool) error {
	e := pushEvent{
		Ref: "refs/heads/" + branch, Before: old, After: sha, Created: old == "", Deleted: sha == "", Forced: forced,
		Compare: s.htmlURL("/compare/%s...%s", short(old), short(sha)), Commits: []*pushedCommit{},
		Pusher: personJSON{Name: by.Login, Email: by.Email}, envelope: s.envelope(by),
	}
	repo := s.repository() // in this one event the times are numbers
	repo.CreatedAt, repo.PushedAt = s.started.Unix(), s.now().Unix()
	e.Repository = repo
	if old == "" {
		e.Before = zeroSHA
	}
	if sha == "" {
		e.After = zeroSHA
		s.send("push", "", e)
		return nil
	}
	head, err := s.git.commit(ctx, sha)
	if err != nil {
		return err
	}
	if e.HeadCommit, err = s.pushedCommit(ctx, head); err != nil {
		return err
	}
	if old != "" {
		commits, err := s.git.log(ctx, "--reverse", old+".."+sha)
		if err != nil {
			return err
		}
		for _, c := range commits[max(0, len(commits)-maxPushed):] {
			pc, err := s.pushedCommit(ctx, c)
			if err != nil {
				return err
			}
			e.Commits = append(e.Commits, pc)
		}
	}
	s.send("push", "", e)
	return nil
}

func (s *Server) pushedCommit(ctx context.Context, c Commit) (*pushedCommit, error) {
	out := &pushedCommit{
		ID: c.SHA, TreeID: c.Tree, Distinct: true, Message: c.Message, URL: s.htmlURL("/commit/%s", c.SHA),
		Timestamp: c.Committer.When.Format("2006-01-02T15:04:05Z07:00"),
		Author:    s.pushedBy(c.Author), Committer: s.pushedBy(c.Committer),
		Added: []string{}, Removed: []string{}, Modified: []string{},
	}
	if len(c.Parents) == 0 {
		return out, nil
	}
	files, err := s.git.diff(ctx, c.Parents[0], c.SHA)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		switch f.Status {
		case "added":
			out.Added = append(out.Added, f.Path)
		case "removed":
			out.Removed = append(out.Removed, f.Path)
		case "renamed":
			out.Added, out.Removed = append(out.Added, f.Path), append(out.Removed, f.Previous)
		default:
			out.Modified = append(out.Modified, f.Path)
		}
	}
	return out, nil
}

func (s *Server) pushedBy(by Signature) personJSON {
	p := personJSON{Name: by.Name, Email: by.Email}
	if a := s.accountByEmail(by.Email); a != nil {
		p.Username = a.Login
	}
	return p
}

func short(sha string) string {
	if sha == "" {
		sha = zeroSHA
	}
	return sha[:min(len(sha), 7)]
}
