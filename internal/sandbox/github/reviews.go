package github

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// The states of a review, as REST says them; a webhook says them in lower case.
const (
	Approved         = "APPROVED"
	ChangesRequested = "CHANGES_REQUESTED"
	Commented        = "COMMENTED"
	Dismissed        = "DISMISSED"
	Pending          = "PENDING"
)

// eventStates maps what a reviewer asks for to the state the review gets.
var eventStates = map[string]string{
	"APPROVE": Approved, "REQUEST_CHANGES": ChangesRequested, "COMMENT": Commented, "": Pending,
}

type reviewInput struct {
	CommitID string `json:"commit_id"`
	Body     string `json:"body"`
	Event    string `json:"event"`
}

func (s *Server) addReview(ctx context.Context, by *account, p *pull, in reviewInput) (*Review, error) {
	state, ok := eventStates[in.Event]
	if !ok {
		return nil, unprocessable("Variable $event of type PullRequestReviewEvent was provided invalid value")
	}
	if err := checkReview(by, p, state, in.Body); err != nil {
		return nil, err
	}
	commit := p.HeadSHA
	if in.CommitID != "" {
		known, err := s.partOf(ctx, p, in.CommitID)
		if err != nil {
			return nil, err
		}
		if !known {
			return nil, unprocessable("Commit is not part of the pull request")
		}
		commit = in.CommitID
	}
	if state == Pending && s.pendingOf(by, p) != nil {
		return nil, unprocessable("User can only have one pending review per pull request")
	}
	p.Reviews = append(p.Reviews, Review{
		ID: s.newID(), User: by.Login, State: state, Body: in.Body, CommitID: commit, SubmittedAt: s.now(),
	})
	r := &p.Reviews[len(p.Reviews)-1]
	s.reviewSubmitted(p, by, r)
	return r, s.fire(context.WithoutCancel(ctx))
}

func (s *Server) reviewSubmitted(p *pull, by *account, r *Review) {
	p.UpdatedAt = s.now()
	if r.State != Pending { // a pending review is nobody's business yet
		s.emitReview(p, r, by, "submitted")
	}
	s.watch.bump()
}

func checkReview(by *account, p *pull, state, body string) error {
	own := strings.EqualFold(by.Login, p.Author)
	switch {
	case own && state == Approved:
		return unprocessable("Can not approve your own pull request")
	case own && state == ChangesRequested:
		return unprocessable("Can not request changes on your own pull request")
	case body == "" && (state == ChangesRequested || state == Commented):
		return unprocessable("Body can't be blank")
	}
	return tooLong("PullRequestReview", "body", body)
}

// partOf also knows commits that a force push has taken off the branch.
func (s *Server) partOf(ctx context.Context, p *pull, sha string) (bool, error) {
	if slices.Contains(p.Heads, sha) {
		return true, nil
	}
	commits, err := s.git.log(ctx, p.BaseTip+".."+p.HeadSHA)
	return slices.ContainsFunc(commits, func(c Commit) bool { return c.SHA == sha }), err
}

func (s *Server) pendingOf(by *account, p *pull) *Review {
	for i := range p.Reviews {
		if r := &p.Reviews[i]; r.State == Pending && strings.EqualFold(r.User, by.Login) {
			return r
		}
	}
	return nil
}

// review finds a review that the viewer may see.
func (p *pull) review(id int64, viewer *account) (*Review, error) {
	for i := range p.Reviews {
		r := &p.Reviews[i]
		if r.ID == id && (r.State != Pending || strings.EqualFold(r.User, viewer.Login)) {
			return r, nil
		}
	}
	return nil, notFound()
}

// submitReview turns a pending review into an opinion. It counts for the head of now.
func (s *Server) submitReview(by *account, p *pull, r *Review, in reviewInput) error {
	state := eventStates[in.Event]
	if state == "" || state == Pending {
		return unprocessable("Event can't be blank")
	}
	if r.State != Pending {
		return unprocessable("Can not submit a review that is not pending")
	}
	if in.Body != "" {
		r.Body = in.Body
	}
	if err := checkReview(by, p, state, r.Body); err != nil {
		return err
	}
	r.State, r.SubmittedAt, r.CommitID = state, s.now(), p.HeadSHA
	s.reviewSubmitted(p, by, r)
	return nil
}

func (s *Server) dismissReview(by *account, p *pull, r *Review, message string) error {
	if strings.TrimSpace(message) == "" {
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n\"message\" wasn't supplied.")
	}
	if r.State != Approved && r.State != ChangesRequested {
		return unprocessable("Can not dismiss a " + strings.ToLower(r.State) + " pull request review")
	}
	s.happened(p, by, Event{Kind: "review_dismissed", Review: r.ID, Was: strings.ToLower(r.State), Message: message})
	r.State = Dismissed
	p.UpdatedAt = s.now()
	s.emitReview(p, r, by, "dismissed")
	s.watch.bump()
	return nil
}
