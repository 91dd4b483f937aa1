package github

import (
	"slices"
	"time"
)

type endJSON struct {
	Label string    `json:"label"`
	Ref   string    `json:"ref"`
	SHA   string    `json:"sha"`
	User  *userJSON `json:"user"`
	Repo  *repoJSON `json:"repo"`
}

type pullJSON struct {
	URL                 string      `json:"url"`
	ID                  int64       `json:"id"`
	NodeID              string      `json:"node_id"`
	HTMLURL             string      `json:"html_url"`
	DiffURL             string      `json:"diff_url"`
	IssueURL            string      `json:"issue_url"`
	CommentsURL         string      `json:"comments_url"`
	StatusesURL         string      `json:"statuses_url"`
	Number              int         `json:"number"`
	State               string      `json:"state"`
	Locked              bool        `json:"locked"`
	Title               string      `json:"title"`
	User                *userJSON   `json:"user"`
	Body                *string     `json:"body"`
	CreatedAt           time.Time   `json:"created_at"`
	UpdatedAt           time.Time   `json:"updated_at"`
	ClosedAt            *time.Time  `json:"closed_at"`
	MergedAt            *time.Time  `json:"merged_at"`
	MergeCommitSHA      *string     `json:"merge_commit_sha"`
	Assignees           []*userJSON `json:"assignees"`
	RequestedReviewers  []*userJSON `json:"requested_reviewers"`
	Labels              []string    `json:"labels"`
	Draft               bool        `json:"draft"`
	Head                endJSON     `json:"head"`
	Base                endJSON     `json:"base"`
	AuthorAssociation   string      `json:"author_association"`
	AutoMerge           any         `json:"auto_merge"`
	*pullDetailJSON                 // only where one pull request is asked for, not in lists
	MaintainerCanModify bool        `json:"maintainer_can_modify"`
}

type pullDetailJSON struct {
	Merged         bool      `json:"merged"`
	MergedBy       *userJSON `json:"merged_by"`
	Mergeable      *bool     `json:"mergeable"`
	Rebaseable     *bool     `json:"rebaseable"`
	MergeableState string    `json:"mergeable_state"`
	Comments       int       `json:"comments"`
	ReviewComments int       `json:"review_comments"`
	Commits        int       `json:"commits"`
	Additions      int       `json:"additions"`
	Deletions      int       `json:"deletions"`
	ChangedFiles   int       `json:"changed_files"`
}

func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func closedTime(t time.Time, set bool) *time.Time {
	if !set {
		return nil
	}
	return &t
}

func (s *Server) pullPayload(p *pull, detail bool) pullJSON {
	owner := s.ownerPayload()
	headRepo := s.repository()
	if s.lies.ForkHead {
		headRepo.ID, headRepo.FullName, headRepo.Fork = firstID-2, "stranger/"+s.repo, true
		headRepo.Owner = &userJSON{Login: "stranger", ID: firstID - 3, Type: "User"}
	}
	out := pullJSON{
		URL: s.repoURL("/pulls/%d", p.Number), ID: p.ID, NodeID: nodeID("PullRequest", p.ID),
		HTMLURL: s.pullURL(p.Number), DiffURL: s.pullURL(p.Number) + ".diff",
		IssueURL: s.repoURL("/issues/%d", p.Number), CommentsURL: s.repoURL("/issues/%d/comments", p.Number),
		StatusesURL: s.repoURL("/statuses/%s", p.HeadSHA), Number: p.Number, State: p.State, Title: p.Title,
		User: s.user(p.Author), Body: orNull(p.Body), CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
		ClosedAt: closedTime(p.ClosedAt, p.State == "closed"), MergedAt: closedTime(p.MergedAt, p.Merged),
		MergeCommitSHA: orNull(p.MergeCommitSHA), Assignees: []*userJSON{}, RequestedReviewers: []*userJSON{},
		Labels: []string{}, Draft: p.Draft, AuthorAssociation: s.association(p.Author),
		Head: endJSON{headRepo.Owner.Login + ":" + p.HeadRef, p.HeadRef, p.HeadSHA, headRepo.Owner, headRepo},
		Base: endJSON{s.owner + ":" + p.BaseRef, p.BaseRef, p.BaseSHA, owner, s.repository()},
	}
	if p.auto != nil {
		out.AutoMerge = map[string]any{"enabled_by": s.userPayload(p.auto.by), "merge_method": p.auto.method, "commit_title": nil, "commit_message": nil}
	}
	if detail {
		out.pullDetailJSON = s.pullDetail(p)
	}
	return out
}

func (s *Server) pullDetail(p *pull) *pullDetailJSON {
	d := &pullDetailJSON{
		Merged: p.Merged, Commits: p.Commits, Additions: p.Additions, Deletions: p.Deletions,
		ChangedFiles: p.ChangedFiles, MergeableState: "unknown",
	}
	if p.Merged {
		d.MergedBy = s.user(p.MergedBy)
	}
	for _, c := range s.comments {
		if c.Pull == p.Number {
			d.Comments++
		}
	}
	if p.State != "open" || p.pending {
		return d
	}
	mergeable := p.Mergeable
	d.Mergeable, d.Rebaseable = &mergeable, &mergeable
	combined, latest := s.latestStatuses(p.HeadSHA)
	switch {
	case p.Draft:
		d.MergeableState = "draft"
	case !mergeable:
		d.MergeableState = "dirty"
	case s.behind(p):
		d.MergeableState = "behind"
	case len(latest) > 0 && combined != "success":
		d.MergeableState = "unstable"
	default:
		d.MergeableState = "clean"
	}
	return d
}

type reviewJSON struct {
	ID                int64      `json:"id"`
	NodeID            string     `json:"node_id"`
	User              *userJSON  `json:"user"`
	Body              string     `json:"body"`
	State             string     `json:"state"`
	HTMLURL           string     `json:"html_url"`
	PullRequestURL    string     `json:"pull_request_url"`
	AuthorAssociation string     `json:"author_association"`
	SubmittedAt       *time.Time `json:"submitted_at,omitempty"`
	CommitID          string     `json:"commit_id"`
}

func (s *Server) reviewPayload(p *pull, r *Review) reviewJSON {
	login, commit := r.User, r.CommitID
	if shown, ok := s.lies.ReviewUsers[login]; ok {
		login = shown
	}
	if s.lies.ReviewsAtHead {
		commit = p.HeadSHA
	}
	return reviewJSON{
		ID: r.ID, NodeID: nodeID("PullRequestReview", r.ID), User: s.user(login), Body: r.Body, State: r.State,
		HTMLURL:        s.pullURL(p.Number) + "#pullrequestreview-" + itoa(r.ID),
		PullRequestURL: s.repoURL("/pulls/%d", p.Number), AuthorAssociation: s.association(login),
		SubmittedAt: closedTime(r.SubmittedAt, r.State != Pending), CommitID: commit,
	}
}

type commentJSON struct {
	ID                int64     `json:"id"`
	NodeID            string    `json:"node_id"`
	URL               string    `json:"url"`
	HTMLURL           string    `json:"html_url"`
	IssueURL          string    `json:"issue_url"`
	Body              string    `json:"body"`
	User              *userJSON `json:"user"`
	CreatedAt         time.Time `json:"created_at"`
	UpdatedAt         time.Time `json:"updated_at"`
	AuthorAssociation string    `json:"author_association"`

	App       *struct{}      `json:"performed_via_github_app"` // null: not told here
	Reactions map[string]any `json:"reactions"`
}

func (s *Server) commentPayload(c *Comment) commentJSON {
	return commentJSON{
		ID: c.ID, NodeID: nodeID("IssueComment", c.ID), URL: s.repoURL("/issues/comments/%d", c.ID),
		HTMLURL:  s.pullURL(c.Pull) + "#issuecomment-" + itoa(c.ID),
		IssueURL: s.repoURL("/issues/%d", c.Pull), Body: c.Body, User: s.user(c.User),
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, AuthorAssociation: s.association(c.User),
		Reactions: reactions(s.repoURL("/issues/comments/%d/reactions", c.ID)),
	}
}

type statusJSON struct {
	ID          int64     `json:"id"`
	NodeID      string    `json:"node_id"`
	URL         string    `json:"url"`
	State       string    `json:"state"`
	Context     string    `json:"context"`
	Description *string   `json:"description"`
	TargetURL   *string   `json:"target_url"`
	Creator     *userJSON `json:"creator"`
	AvatarURL   *string   `json:"avatar_url"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func (s *Server) statusPayload(st *Status) statusJSON {
	out := statusJSON{
		ID: st.ID, NodeID: nodeID("Status", st.ID), URL: s.repoURL("/statuses/%s", st.SHA), State: st.State,
		Context: st.Context, Description: orNull(st.Description), TargetURL: orNull(st.TargetURL),
		Creator: s.user(st.Creator), CreatedAt: st.CreatedAt, UpdatedAt: st.CreatedAt,
	}
	if out.Creator != nil {
		out.AvatarURL = &out.Creator.AvatarURL
	}
	return out
}

func (s *Server) statusPayloads(list []*Status) []statusJSON {
	out := make([]statusJSON, 0, len(list))
	for _, st := range list {
		out = append(out, s.statusPayload(st))
	}
	return out
}

// newestFirst copies a list the other way round.
func newestFirst[T any](list []T) []T {
	out := slices.Clone(list)
	slices.Reverse(out)
	return out
}
