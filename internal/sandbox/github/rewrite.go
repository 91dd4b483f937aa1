package github

import (
	"context"
	"net/http"
	"slices"
)

// Retitle gives a pull request another title, as its page lets anybody with write access.
func (s *Server) Retitle(ctx context.Context, login string, n int, title string) error {
	return s.edit(ctx, login, n, editInput{Title: &title})
}

// Redescribe gives a pull request another description.
func (s *Server) Redescribe(ctx context.Context, login string, n int, body string) error {
	return s.edit(ctx, login, n, editInput{Body: &body})
}

// EditComment rewrites a comment, which need not be one's own.
func (s *Server) EditComment(ctx context.Context, login string, id int64, body string) error {
	return s.actOnComment(ctx, login, id, func(by *account, c *Comment) error { return s.editComment(by, c, body) })
}

// DeleteComment deletes a comment, which need not be one's own.
func (s *Server) DeleteComment(ctx context.Context, login string, id int64) error {
	return s.actOnComment(ctx, login, id, s.deleteComment)
}

func (s *Server) actOnComment(ctx context.Context, login string, id int64, do func(*account, *Comment) error) error {
	return s.act(ctx, login, func(_ context.Context, by *account) error {
		c, err := s.comment(id)
		if err != nil {
			return err
		}
		return do(by, c)
	})
}

func (s *Server) deleteComment(by *account, c *Comment) error {
	if err := s.ownComment(by, c); err != nil {
		return err
	}
	s.comments = slices.DeleteFunc(s.comments, func(o *Comment) bool { return o == c })
	p := s.pulls[c.Pull-1]
	s.happened(p, by, Event{Kind: "comment_deleted"})
	s.emitComment(p, c, by, "deleted", nil)
	s.watch.bump()
	return nil
}

func (s *Server) delComment(r *request, c *Comment) (int, any, error) {
	if err := s.deleteComment(r.user, c); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, nil
}

// editorsPayload tells who has last written what stands on a pull request, where that was not
// its author alone.
func (s *Server) editorsPayload(number int) (any, error) {
	p, err := s.pull(number)
	if err != nil {
		return nil, &graphqlError{Type: "NOT_FOUND", Message: "Could not resolve to a PullRequest."}
	}
	actor := func(login string) any {
		if login == "" {
			return nil
		}
		return map[string]any{"login": login}
	}
	nodes := []any{}
	for _, e := range p.events {
		if kind := map[string]string{"renamed": "RenamedTitleEvent", "comment_deleted": "CommentDeletedEvent"}[e.Kind]; kind != "" {
			nodes = append(nodes, map[string]any{"__typename": kind, "actor": actor(e.Actor)})
		}
	}
	comments := []any{}
	for _, c := range s.comments {
		if c.Pull == p.Number {
			comments = append(comments, map[string]any{"databaseId": c.ID, "editor": actor(c.Editor)})
		}
	}
	return map[string]any{"repository": map[string]any{"pullRequest": map[string]any{
		"editor":        actor(p.bodyBy),
		"timelineItems": map[string]any{"nodes": lastOf(nodes, 20)}, "comments": map[string]any{"nodes": lastOf(comments, 100)},
	}}}, nil
}

func lastOf(all []any, n int) []any { return all[max(0, len(all)-n):] }
