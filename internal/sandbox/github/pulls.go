package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// maxBody is the longest comment, review or description GitHub takes, in characters.
const maxBody = 65536

type openInput struct {
	Title string `json:"title"`
	Head  string `json:"head"`
	Base  string `json:"base"`
	Body  string `json:"body"`
	Draft bool   `json:"draft"`
}

func pullDetail(code, field, message string) *Error {
	return invalid(Detail{Resource: "PullRequest", Code: code, Field: field, Message: message})
}

func tooLong(resource, field, body string) error {
	if utf8.RuneCountInString(body) <= maxBody {
		return nil
	}
	msg := fmt.Sprintf("Body is too long (maximum is %d characters)", maxBody)
	return invalid(Detail{Resource: resource, Code: "unprocessable", Field: field, Message: msg})
}

func (s *Server) openPull(ctx context.Context, by *account, in openInput) (*pull, error) {
	if strings.TrimSpace(in.Title) == "" {
		return nil, pullDetail("missing_field", "title", "")
	}
	if err := tooLong("PullRequest", "body", in.Body); err != nil {
		return nil, err
	}
	branch := in.Head
	if owner, name, ok := strings.Cut(in.Head, ":"); ok {
		if !strings.EqualFold(owner, s.owner) {
			return nil, pullDetail("invalid", "head", "")
		}
		branch = name
	}
	base, head, err := s.pullEnds(ctx, in.Base, branch)
	if err != nil {
		return nil, err
	}
	if p := s.openFor(branch, in.Base); p != nil {
		msg := fmt.Sprintf("A pull request already exists for %s:%s.", s.owner, branch)
		return nil, pullDetail("custom", "", msg)
	}
	now := s.now()
	p := &pull{Pull: Pull{
		Number: len(s.pulls) + 1, ID: s.newID(), Title: in.Title, Body: in.Body, Draft: in.Draft, State: "open",
		Author: by.Login, HeadRef: branch, BaseRef: in.Base, BaseSHA: base, CreatedAt: now, UpdatedAt: now,
	}}
	s.setHead(p, head)
	if err := s.refresh(ctx, p); err != nil {
		return nil, err
	}
	s.pulls = append(s.pulls, p)
	s.emitPull(p, by, "opened", nil)
	s.watch.bump()
	return p, nil
}

// pullEnds checks both branches of a new pull request.
func (s *Server) pullEnds(ctx context.Context, baseRef, headRef string) (base, head string, err error) {
	head, err = s.git.branch(ctx, headRef)
	if errors.Is(err, errNoObject) {
		return "", "", pullDetail("invalid", "head", "")
	}
	if err != nil {
		return "", "", err
	}
	base, err = s.git.branch(ctx, baseRef)
	if errors.Is(err, errNoObject) {
		return "", "", pullDetail("invalid", "base", "")
	}
	if err != nil {
		return "", "", err
	}
	n, err := s.git.count(ctx, base, head)
	if err == nil && n == 0 {
		msg := fmt.Sprintf("No commits between %s and %s", baseRef, headRef)
		return "", "", pullDetail("custom", "", msg)
	}
	return base, head, err
}

func (s *Server) openFor(head, base string) *pull {
	for _, p := range s.pulls {
		if p.State == "open" && p.HeadRef == head && p.BaseRef == base {
			return p
		}
	}
	return nil
}

type editInput struct {
	Title *string `json:"title"`
	Body  *string `json:"body"`
	State *string `json:"state"`
	Base  *string `json:"base"`
}

func (s *Server) editPull(ctx context.Context, by *account, p *pull, in editInput) error {
	if err := s.checkEdit(ctx, p, in); err != nil {
		return err
	}
	changes := map[string]any{}
	if in.Title != nil && *in.Title != p.Title {
		changes["title"] = from(p.Title)
		p.Title = *in.Title
		s.happened(p, by, Event{Kind: "renamed"})
	}
	if in.Body != nil && *in.Body != p.Body {
		changes["body"] = from(p.Body)
		p.Body, p.bodyBy = *in.Body, by.Login
	}
	if in.Base != nil && *in.Base != p.BaseRef {
		tip, err := s.git.branch(ctx, *in.Base)
		if err != nil {
			return err
		}
		changes["base"] = map[string]any{"ref": from(p.BaseRef), "sha": from(p.BaseSHA)}
		p.BaseRef, p.BaseSHA = *in.Base, tip
		s.happened(p, by, Event{Kind: "base_ref_changed"})
		if err := s.refresh(ctx, p); err != nil {
			return err
		}
	}
	p.UpdatedAt = s.now()
	if len(changes) > 0 {
		s.emitPull(p, by, "edited", func(e *pullEvent) { e.Changes = changes })
	}
	if in.State != nil {
		if err := s.setState(ctx, by, p, *in.State); err != nil {
			return err
		}
	}
	s.watch.bump()
	return nil
}

func from(old string) map[string]any { return map[string]any{"from": old} }

func (s *Server) checkEdit(ctx context.Context, p *pull, in editInput) error {
	if in.Title != nil && strings.TrimSpace(*in.Title) == "" {
		return pullDetail("missing_field", "title", "")
	}
	if in.Body != nil {
		if err := tooLong("PullRequest", "body", *in.Body); err != nil {
			return err
		}
	}
	if in.State != nil && *in.State != "open" && *in.State != "closed" {
		return pullDetail("invalid", "state", "")
	}
	if in.Base == nil || *in.Base == p.BaseRef {
		return nil
	}
	if p.State != "open" {
		return pullDetail("custom", "base", "Cannot change the base branch of a closed pull request.")
	}
	if s.openFor(p.HeadRef, *in.Base) != nil {
		msg := fmt.Sprintf("A pull request already exists for base branch '%s' and head branch '%s'", *in.Base, p.HeadRef)
		return pullDetail("invalid", "base", msg)
	}
	_, _, err := s.pullEnds(ctx, *in.Base, p.HeadRef)
	return err
}

func (s *Server) setState(ctx context.Context, by *account, p *pull, state string) error {
	switch {
	case state == p.State:
		return nil
	case state == "closed":
		s.closePull(p, by)
		return nil
	case p.Merged:
		return pullDetail("custom", "state", "state cannot be changed. The pull request cannot be reopened.")
	}
	_, head, err := s.pullEnds(ctx, p.BaseRef, p.HeadRef)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			msg := fmt.Sprintf("state cannot be changed. The %s branch has been deleted.", p.HeadRef)
			return pullDetail("custom", "state", msg)
		}
		return err
	}
	if s.openFor(p.HeadRef, p.BaseRef) != nil {
		return pullDetail("custom", "state", "state cannot be changed. There is already an open pull request.")
	}
	p.State, p.ClosedBy = "open", ""
	s.setHead(p, head)
	if err := s.refresh(ctx, p); err != nil {
		return err
	}
	s.happened(p, by, Event{Kind: "reopened"})
	s.emitPull(p, by, "reopened", nil)
	return nil
}

func (s *Server) closePull(p *pull, by *account) {
	s.dequeue(p, by, "closed")
	s.stopAuto(p, by)
	p.State, p.ClosedAt, p.UpdatedAt, p.ClosedBy = "closed", s.now(), s.now(), by.Login
	s.happened(p, by, Event{Kind: "closed"})
	s.emitPull(p, by, "closed", nil)
}

func (s *Server) markMerged(p *pull, by *account, sha string) {
	p.Merged, p.MergedBy, p.MergedAt, p.MergeCommitSHA = true, by.Login, s.now(), sha
	s.happened(p, by, Event{Kind: "merged"})
	s.closePull(p, by)
}

// needWrite is the refusal of a persona who may only look.
func needWrite(by *account) error {
	if by.canWrite() {
		return nil
	}
	return refuse(http.StatusForbidden, "Must have push access to repository")
}
