package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxDescription = 140  // characters of a status description
	maxStatuses    = 1000 // statuses per commit and context
)

func checkComment(body string) error {
	if strings.TrimSpace(body) == "" {
		return invalid(Detail{Resource: "IssueComment", Code: "missing_field", Field: "body"})
	}
	return tooLong("IssueComment", "data", body)
}

func (s *Server) addComment(by *account, p *pull, body string) (*Comment, error) {
	if err := checkComment(body); err != nil {
		return nil, err
	}
	now := s.now()
	c := &Comment{ID: s.newID(), Pull: p.Number, User: by.Login, Body: body, CreatedAt: now, UpdatedAt: now}
	s.comments = append(s.comments, c)
	p.UpdatedAt = now
	s.emitComment(p, c, by, "created", nil)
	s.watch.bump()
	return c, nil
}

func (s *Server) comment(id int64) (*Comment, error) {
	for _, c := range s.comments {
		if c.ID == id {
			return c, nil
		}
	}
	return nil, notFound()
}

func (s *Server) editComment(by *account, c *Comment, body string) error {
	if err := s.ownComment(by, c); err != nil {
		return err
	}
	if err := checkComment(body); err != nil {
		return err
	}
	old := c.Body
	c.Body, c.UpdatedAt = body, s.now()
	c.Edits, c.Editor = c.Edits+1, by.Login
	s.emitComment(s.pulls[c.Pull-1], c, by, "edited", map[string]any{"body": from(old)})
	s.watch.bump()
	return nil
}

// ownComment lets authors and people with write access change a comment.
func (s *Server) ownComment(by *account, c *Comment) error {
	if strings.EqualFold(by.Login, c.User) {
		return nil
	}
	return needWrite(by)
}

type statusInput struct {
	State       string  `json:"state"`
	TargetURL   string  `json:"target_url"`
	Description string  `json:"description"`
	Context     *string `json:"context"`
}

func (s *Server) addStatus(ctx context.Context, by *account, sha string, in statusInput) (*Status, error) {
	kind, err := s.git.objectType(ctx, sha)
	if err != nil {
		return nil, err
	}
	if kind != "commit" {
		return nil, refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", sha)
	}
	name := "default"
	if in.Context != nil && *in.Context != "" {
		name = *in.Context
	}
	if err := s.checkStatus(sha, name, in); err != nil {
		return nil, err
	}
	st := &Status{
		ID: s.newID(), SHA: sha, State: in.State, Context: name, Description: in.Description,
		TargetURL: in.TargetURL, Creator: by.Login, CreatedAt: s.now(),
	}
	s.statuses = append(s.statuses, st)
	s.watch.bump()
	return st, s.fire(context.WithoutCancel(ctx))
}

func (s *Server) checkStatus(sha, name string, in statusInput) error {
	detail := func(field, message string) error {
		return invalid(Detail{Resource: "Status", Code: "custom", Field: field, Message: message})
	}
	if !slices.Contains([]string{"error", "failure", "pending", "success"}, in.State) {
		return detail("state", "state is not included in the list")
	}
	if utf8.RuneCountInString(in.Description) > maxDescription {
		return detail("description", fmt.Sprintf("description is too long (maximum is %d characters)", maxDescription))
	}
	if in.TargetURL != "" && !strings.HasPrefix(in.TargetURL, "http://") && !strings.HasPrefix(in.TargetURL, "https://") {
		return detail("target_url", "target_url must use http(s) scheme")
	}
	n := 0
	for _, st := range s.statuses {
		if st.SHA == sha && strings.EqualFold(st.Context, name) {
			n++
		}
	}
	if n >= maxStatuses {
		return detail("base", "This SHA and context has reached the maximum number of statuses.")
	}
	return nil
}

// latestStatuses keeps the newest status of each context, newest first, and says what they add up to.
func (s *Server) latestStatuses(sha string) (combined string, latest []*Status) {
	seen := map[string]bool{}
	combined = "success"
	for _, st := range slices.Backward(s.statuses) {
		if st.SHA != sha || seen[strings.ToLower(st.Context)] {
			continue
		}
		seen[strings.ToLower(st.Context)] = true
		latest = append(latest, st)
		switch {
		case st.State == "failure" || st.State == "error":
			combined = "failure"
		case st.State == "pending" && combined == "success":
			combined = "pending"
		}
	}
	if len(latest) == 0 {
		combined = "pending"
	}
	return combined, latest
}
