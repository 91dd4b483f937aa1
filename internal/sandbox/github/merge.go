package github

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
)

type mergeInput struct {
	SHA     string `json:"sha"`
	Method  string `json:"merge_method"`
	Title   string `json:"commit_title"`
	Message string `json:"commit_message"`
}

const (
	msgHeadModified = "Head branch was modified. Review and try the merge again."
	msgBaseModified = "Base branch was modified. Review and try the merge again."
	msgNotMergeable = "Pull Request is not mergeable"
)

// mergePull merges under the rules of PUT /pulls/{n}/merge and returns the commit the base points at.
func (s *Server) mergePull(ctx context.Context, by *account, p *pull, in mergeInput) (string, error) {
	if err := s.checkMerge(ctx, by, p, in); err != nil {
		return "", err
	}
	if s.lies.MergeMovesNothing {
		return p.MergeCommitSHA, nil
	}
	tip, err := s.git.branch(ctx, p.BaseRef)
	if err != nil {
		return "", err
	}
	if tip != p.BaseTip { // moved behind this server's back
		return "", refuse(http.StatusMethodNotAllowed, msgBaseModified)
	}
	sha, err := s.mergeCommit(ctx, by, p, in)
	if err != nil {
		return "", err
	}
	if !s.lies.MergeOnPaper {
		p.State = "closed" // so that the move of its base does not touch it
		if err := s.moveBranch(ctx, by, p.BaseRef, tip, sha); err != nil {
			p.State = "open"
			return "", err
		}
	}
	s.markMerged(p, by, sha)
	s.watch.bump()
	return sha, nil
}

// notAllowed is the refusal of each method of merging.
var notAllowed = map[string]string{
	"merge":  "Merge commits are not allowed on this repository.",
	"squash": "Squash merges are not allowed on this repository.",
	"rebase": "Rebase merges are not allowed on this repository.",
}

// mergeMethods are all there are, in the order in which the button offers them.
func mergeMethods() []string { return []string{"merge", "squash", "rebase"} }

// AllowMerges says which methods of merging the repository allows from now on: of merge,
// squash and rebase at least one, as on GitHub.
func (s *Server) AllowMerges(methods ...string) error {
	defer s.lock()()
	allowed := slices.DeleteFunc(mergeMethods(), func(m string) bool { return !slices.Contains(methods, m) })
	if len(allowed) == 0 || len(allowed) != len(methods) {
		return fmt.Errorf("%q are no methods of merging", methods)
	}
	s.methods = allowed
	return nil
}

func (s *Server) checkMerge(ctx context.Context, by *account, p *pull, in mergeInput) error {
	switch {
	case p.State != "open":
		return refuse(http.StatusMethodNotAllowed, msgNotMergeable)
	case in.SHA != "" && in.SHA != p.HeadSHA:
		return refuse(http.StatusConflict, msgHeadModified)
	case p.Draft:
		return refuse(http.StatusMethodNotAllowed, "Pull Request is still a draft")
	case !p.Mergeable || p.Commits == 0:
		return refuse(http.StatusMethodNotAllowed, msgNotMergeable)
	}
	method := cmp.Or(in.Method, "merge")
	switch {
	case notAllowed[method] == "":
		return invalid(Detail{Resource: "PullRequest", Code: "invalid", Field: "merge_method"})
	case !slices.Contains(s.methods, method):
		return refuse(http.StatusMethodNotAllowed, "%s", notAllowed[method])
	}
	return s.checkDemands(ctx, by, p, method)
}

// mergeCommit writes the commit or commits a merge adds to the base.
func (s *Server) mergeCommit(ctx context.Context, by *account, p *pull, in mergeInput) (string, error) {
	committer := s.signature(s.accounts[webFlow])
	if in.Method == "rebase" {
		sha, ok, err := s.git.replay(ctx, p.BaseTip, p.HeadSHA, committer)
		if err == nil && !ok {
			err = refuse(http.StatusMethodNotAllowed, "This branch can't be rebased")
		}
		return sha, err
	}
	tree, ok, err := s.git.mergeCommits(ctx, p.BaseTip, p.HeadSHA)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", refuse(http.StatusMethodNotAllowed, msgNotMergeable)
	}
	title := fmt.Sprintf("Merge pull request #%d from %s/%s", p.Number, s.owner, p.HeadRef)
	message, parents := p.Title, []string{p.BaseTip, p.HeadSHA}
	if in.Method == "squash" {
		title, message, parents = fmt.Sprintf("%s (#%d)", p.Title, p.Number), "", parents[:1]
	}
	if in.Title != "" {
		title = in.Title
	}
	if in.Message != "" {
		message = in.Message
	}
	if message != "" {
		title += "\n\n" + message
	}
	return s.git.writeCommit(ctx, newCommit{
		Tree: tree, Parents: parents, Author: s.signature(by), Committer: committer, Message: title + "\n",
	})
}

// updateBranch merges the base into the head, as the "Update branch" button does.
func (s *Server) updateBranch(ctx context.Context, by *account, p *pull, expected string) error {
	if p.State != "open" {
		return refuse(http.StatusUnprocessableEntity, "Pull request is closed")
	}
	if expected != "" && expected != p.HeadSHA {
		return refuse(http.StatusUnprocessableEntity, "expected head sha didn't match current head ref.")
	}
	if inside, err := s.git.isAncestor(ctx, p.BaseTip, p.HeadSHA); err != nil {
		return err
	} else if inside {
		return refuse(http.StatusUnprocessableEntity, "There are no new commits on the base branch.")
	}
	tree, ok, err := s.git.mergeCommits(ctx, p.HeadSHA, p.BaseTip)
	if err != nil {
		return err
	}
	if !ok {
		return refuse(http.StatusUnprocessableEntity, "merge conflict between base and head")
	}
	sha, err := s.git.writeCommit(ctx, newCommit{
		Tree: tree, Parents: []string{p.HeadSHA, p.BaseTip}, Author: s.signature(by),
		Committer: s.signature(s.accounts[webFlow]),
		Message:   fmt.Sprintf("Merge branch '%s' into %s\n", p.BaseRef, p.HeadRef),
	})
	if err != nil {
		return err
	}
	return s.moveBranch(ctx, by, p.HeadRef, p.HeadSHA, sha)
}
