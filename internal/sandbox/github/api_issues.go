package github

import (
	"net/http"
	"time"
)

func issueRoutes() []route {
	const one = repoPath + "/issues/{number}"
	const comment = repoPath + "/issues/comments/{comment}"
	return []route{
		{"GET", one, reader, onPull((*Server).getIssue)},
		{"GET", repoPath + "/issues/{first}/{second}", reader, (*Server).getIssuePath},
		{"POST", one + "/comments", reader, onPull((*Server).postComment)},
		{"PATCH", comment, reader, onComment((*Server).patchComment)},
		{"DELETE", comment, reader, onComment((*Server).delComment)},
	}
}

func (s *Server) getIssue(_ *request, p *pull) (int, any, error) {
	return http.StatusOK, s.issuePayload(p), nil
}

// getIssuePath tells /issues/1/comments from a path of /issues/comments, which the router holds for ambiguous.
func (s *Server) getIssuePath(r *request) (int, any, error) {
	first, second := r.PathValue("first"), r.PathValue("second")
	switch {
	case second == "comments":
		r.SetPathValue("number", first)
		return onPull((*Server).listComments)(s, r)
	case second == "events":
		r.SetPathValue("number", first)
		return onPull((*Server).listEvents)(s, r)
	}
	return 0, nil, notFound()
}

func onComment(do func(*Server, *request, *Comment) (int, any, error)) endpoint {
	return func(s *Server, r *request) (int, any, error) {
		id, err := r.number("comment")
		if err != nil {
			return 0, nil, err
		}
		c, err := s.comment(id)
		if err != nil {
			return 0, nil, err
		}
		return do(s, r, c)
	}
}

type commentInput struct {
	Body string `json:"body"`
}

func (s *Server) listComments(r *request, p *pull) (int, any, error) {
	since := time.Time{}
	if v := r.FormValue("since"); v != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, v); err != nil {
			return 0, nil, refuse(http.StatusUnprocessableEntity, "Invalid value for since: %s", v)
		}
	}
	var out []commentJSON
	for _, c := range s.comments {
		if c.Pull == p.Number && !c.UpdatedAt.Before(since) {
			out = append(out, s.commentPayload(c))
		}
	}
	return http.StatusOK, paged(r, out), nil
}

type eventJSON struct {
	ID        int64          `json:"id"`
	NodeID    string         `json:"node_id"`
	URL       string         `json:"url"`
	Actor     *userJSON      `json:"actor"` // null when the account was deleted
	Event     string         `json:"event"`
	CommitID  *string        `json:"commit_id"`
	CommitURL *string        `json:"commit_url"`
	CreatedAt time.Time      `json:"created_at"`
	App       *struct{}      `json:"performed_via_github_app"` // null: by a person
	Dismissed *dismissalJSON `json:"dismissed_review,omitempty"`
}

type dismissalJSON struct {
	State    string `json:"state"` // what it said until then, in lower case
	ReviewID int64  `json:"review_id"`
	Message  string `json:"dismissal_message"`
}

func (s *Server) listEvents(r *request, p *pull) (int, any, error) {
	out := make([]eventJSON, 0, len(p.events))
	for _, e := range p.events {
		doc := eventJSON{
			ID: e.ID, NodeID: nodeID("Event", e.ID), URL: s.repoURL("/issues/events/%d", e.ID),
			Actor: s.user(e.Actor), Event: e.Kind, CreatedAt: e.At,
		}
		if e.Review != 0 {
			doc.Dismissed = &dismissalJSON{State: e.Was, ReviewID: e.Review, Message: e.Message}
		}
		out = append(out, doc)
	}
	return http.StatusOK, paged(r, out), nil
}

func (s *Server) postComment(r *request, p *pull) (int, any, error) {
	var in commentInput
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	c, err := s.addComment(r.user, p, in.Body)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, s.commentPayload(c), nil
}

func (s *Server) patchComment(r *request, c *Comment) (int, any, error) {
	var in commentInput
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	if err := s.editComment(r.user, c, in.Body); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.commentPayload(c), nil
}
