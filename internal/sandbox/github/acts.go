package github

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// act runs f as a persona, under the lock, and never half: once started it does not stop with its caller.
func (s *Server) act(ctx context.Context, login string, f func(ctx context.Context, by *account) error) error {
	defer s.lock()()
	by, err := s.mustAccount(login)
	if err != nil {
		return err
	}
	return f(context.WithoutCancel(ctx), by)
}

func (s *Server) actOn(ctx context.Context, login string, n int, f func(ctx context.Context, by *account, p *pull) error) error {
	return s.act(ctx, login, func(ctx context.Context, by *account) error {
		p, err := s.pull(n)
		if err != nil {
			return err
		}
		return f(ctx, by, p)
	})
}

// Review submits a review as a persona: state is Approved, ChangesRequested or Commented; commitID "" means the head.
func (s *Server) Review(ctx context.Context, login string, n int, state, body, commitID string) (Review, error) {
	in := reviewInput{CommitID: commitID, Body: body}
	for event, st := range eventStates {
		if st == strings.ToUpper(state) {
			in.Event = event
		}
	}
	if in.Event == "" {
		return Review{}, fmt.Errorf("%q is not a state a review can be submitted with", state)
	}
	var out Review
	err := s.actOn(ctx, login, n, func(ctx context.Context, by *account, p *pull) error {
		r, err := s.addReview(ctx, by, p, in)
		if err == nil {
			out = *r
		}
		return err
	})
	return out, err
}

// Dismiss dismisses a review as a persona with write access.
func (s *Server) Dismiss(ctx context.Context, login string, n int, reviewID int64, message string) error {
	return s.actOn(ctx, login, n, func(_ context.Context, by *account, p *pull) error {
		if err := needWrite(by); err != nil {
			return err
		}
		r, err := p.review(reviewID, by)
		if err != nil {
			return err
		}
		return s.dismissReview(by, p, r, message)
	})
}

// Comment writes a comment as a persona.
func (s *Server) Comment(ctx context.Context, login string, n int, body string) (Comment, error) {
	var out Comment
	err := s.actOn(ctx, login, n, func(_ context.Context, by *account, p *pull) error {
		c, err := s.addComment(by, p, body)
		if err == nil {
			out = *c
		}
		return err
	})
	return out, err
}

// Push is a commit of one file, pushed by a persona.
type Push struct {
	By     string // the login that pushes, and the author
	Branch string
	Path   string
	// Content of the file; the commit is empty when it is the same as before.
	Content, Message string
	Committer        string // login of another committer, as after a cherry-pick
	// AuthorEmail replaces the author's address: one that nobody owns makes an unknown contributor.
	AuthorEmail string
	Mode        string // of the file: 100644, 100755 or 120000; the one it has when empty
}

// Push makes a real commit on a branch, which must exist, and returns its SHA.
func (s *Server) Push(ctx context.Context, in Push) (string, error) {
	var sha string
	err := s.act(ctx, in.By, func(ctx context.Context, by *account) (err error) {
		sha, err = s.push(ctx, by, in)
		return err
	})
	return sha, err
}

func (s *Server) push(ctx context.Context, by *account, in Push) (string, error) {
	tip, err := s.git.branch(ctx, in.Branch)
	if err != nil {
		return "", fmt.Errorf("branch %s: %w", in.Branch, err)
	}
	author, committer := s.signature(by), s.signature(by)
	if in.AuthorEmail != "" {
		author.Email = in.AuthorEmail
	}
	if in.Committer != "" {
		other, err := s.mustAccount(in.Committer)
		if err != nil {
			return "", err
		}
		committer = s.signature(other)
	}
	if in.Message == "" {
		in.Message = "Update " + in.Path
	}
	sha, err := s.commitFile(ctx, tip, treeEntry{Path: in.Path, Mode: in.Mode}, []byte(in.Content), newCommit{
		Author: author, Committer: committer, Message: in.Message,
	})
	if err != nil {
		return "", err
	}
	return sha, s.moveBranch(ctx, by, in.Branch, tip, sha)
}

// commitFile writes one file on top of a commit; c carries who and why. A file that is given no mode keeps its own.
func (s *Server) commitFile(ctx context.Context, tip string, file treeEntry, content []byte, c newCommit) (string, error) {
	if !validPath(file.Path) {
		return "", fmt.Errorf("%q is not a path in a repository", file.Path)
	}
	var err error
	if file.SHA, err = s.git.writeBlob(ctx, content); err != nil {
		return "", err
	}
	if file.Mode == "" {
		file.Mode = modeFile
		if old, ok, err := s.git.entry(ctx, tip, file.Path); err != nil {
			return "", err
		} else if ok && old.Mode == modeExec {
			file.Mode = modeExec
		}
	}
	return s.commitEntries(ctx, tip, []treeEntry{file}, c)
}

func (s *Server) commitEntries(ctx context.Context, tip string, entries []treeEntry, c newCommit) (string, error) {
	var err error
	if c.Tree, err = s.git.writeTree(ctx, tip, entries); err != nil {
		return "", err
	}
	c.Parents = []string{tip}
	return s.git.writeCommit(ctx, c)
}

// MoveBase commits a file straight to the default branch as a persona.
func (s *Server) MoveBase(ctx context.Context, login, path, content, message string) (string, error) {
	return s.Push(ctx, Push{By: login, Branch: DefaultBranch, Path: path, Content: content, Message: message})
}

// ForcePush points a branch at any commit the repository holds, forward or not.
func (s *Server) ForcePush(ctx context.Context, login, branch, sha string) error {
	return s.act(ctx, login, func(ctx context.Context, by *account) error {
		return s.updateRef(ctx, by, branch, sha, true)
	})
}

// CreateBranch makes a branch at a branch, tag or commit.
func (s *Server) CreateBranch(ctx context.Context, login, branch, from string) error {
	return s.act(ctx, login, func(ctx context.Context, by *account) error {
		sha, err := s.git.resolve(ctx, from)
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		return s.createRef(ctx, by, "refs/heads/"+branch, sha)
	})
}

// DeleteBranch deletes a branch; open pull requests from it are closed, as on GitHub.
func (s *Server) DeleteBranch(ctx context.Context, login, branch string) error {
	return s.act(ctx, login, func(ctx context.Context, by *account) error {
		return s.deleteBranch(ctx, by, branch)
	})
}

// Merge merges by hand, as the button does, by the first method the repository allows, and returns the merge commit.
func (s *Server) Merge(ctx context.Context, login string, n int) (string, error) {
	var sha string
	err := s.actOn(ctx, login, n, func(ctx context.Context, by *account, p *pull) (err error) {
		if err = needWrite(by); err == nil {
			sha, err = s.mergePull(ctx, by, p, mergeInput{Method: s.methods[0]})
		}
		return err
	})
	return sha, err
}

// UpdateBranch merges the base into the head of a pull request, as the "Update branch" button does.
func (s *Server) UpdateBranch(ctx context.Context, login string, n int) error {
	return s.actOn(ctx, login, n, func(ctx context.Context, by *account, p *pull) error {
		if err := needWrite(by); err != nil {
			return err
		}
		return s.updateBranch(ctx, by, p, "")
	})
}

// ClosePull closes a pull request without merging it. Its author may, and anyone with write access.
func (s *Server) ClosePull(ctx context.Context, login string, n int) error {
	closed := "closed"
	return s.edit(ctx, login, n, editInput{State: &closed})
}

// ReopenPull opens a closed pull request again.
func (s *Server) ReopenPull(ctx context.Context, login string, n int) error {
	open := "open"
	return s.edit(ctx, login, n, editInput{State: &open})
}

// Retarget changes the base branch of a pull request.
func (s *Server) Retarget(ctx context.Context, login string, n int, base string) error {
	return s.edit(ctx, login, n, editInput{Base: &base})
}

func (s *Server) edit(ctx context.Context, login string, n int, in editInput) error {
	return s.actOn(ctx, login, n, func(ctx context.Context, by *account, p *pull) error {
		if err := s.mayEdit(by, p); err != nil {
			return err
		}
		return s.editPull(ctx, by, p, in)
	})
}

func (s *Server) mayEdit(by *account, p *pull) error {
	if strings.EqualFold(by.Login, p.Author) {
		return nil
	}
	return needWrite(by)
}

// SetDraft turns a pull request into a draft or out of one.
func (s *Server) SetDraft(ctx context.Context, login string, n int, draft bool) error {
	return s.actOn(ctx, login, n, func(_ context.Context, by *account, p *pull) error {
		if p.State != "open" {
			return errors.New("the pull request is closed")
		}
		if p.Draft != draft {
			p.Draft = draft
			s.happened(p, by, Event{Kind: map[bool]string{true: "convert_to_draft", false: "ready_for_review"}[draft]})
			s.emitPull(p, by, map[bool]string{true: "converted_to_draft", false: "ready_for_review"}[draft], nil)
			s.watch.bump()
		}
		return nil
	})
}
