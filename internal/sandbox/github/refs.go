package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// moveBranch points a branch at another commit (old "" makes it, sha "" deletes it) and lets every pull request
// that starts or ends there follow.
func (s *Server) moveBranch(ctx context.Context, by *account, branch, old, sha string) error {
	expect := old
	if old == "" {
		expect = zeroSHA
	}
	if err := s.git.setRef(ctx, "refs/heads/"+branch, sha, expect); err != nil {
		return err
	}
	s.pushedAt = s.now()
	forced := false
	if old != "" && sha != "" {
		forward, err := s.git.isAncestor(ctx, old, sha)
		if err != nil {
			return err
		}
		forced = !forward
	}
	if err := s.emitPush(ctx, by, branch, old, sha, forced); err != nil {
		return err
	}
	for _, p := range s.pulls {
		if p.State != "open" {
			continue
		}
		if err := s.follow(ctx, by, p, branch, old, sha); err != nil {
			return fmt.Errorf("update pull request %d: %w", p.Number, err)
		}
	}
	s.watch.bump()
	return nil
}

// follow brings one open pull request up to date after a branch moved.
func (s *Server) follow(ctx context.Context, by *account, p *pull, branch, old, sha string) error {
	switch branch {
	case p.HeadRef:
		if sha == "" {
			s.closePull(p, by)
			return nil
		}
		s.dequeue(p, by, "branch_modified")
		s.setHead(p, sha)
		p.UpdatedAt = s.now()
		tip, err := s.git.branch(ctx, p.BaseRef)
		if err != nil {
			return err
		}
		p.BaseSHA = tip
		if err := s.refresh(ctx, p); err != nil {
			return err
		}
		s.emitPull(p, by, "synchronize", func(e *pullEvent) { e.Before, e.After = old, sha })
	case p.BaseRef:
		if sha == "" {
			s.closePull(p, by)
			return nil
		}
		inside, err := s.git.isAncestor(ctx, p.HeadSHA, sha)
		if err != nil {
			return err
		}
		if inside { // somebody pushed the very commits to the base: GitHub calls that merged
			s.markMerged(p, by, p.HeadSHA)
			return nil
		}
		return s.refresh(ctx, p)
	}
	return nil
}

// refresh computes again what depends on both tips: commits, files, the test merge and the refs below refs/pull.
func (s *Server) refresh(ctx context.Context, p *pull) error {
	tip, err := s.git.branch(ctx, p.BaseRef)
	if err != nil {
		return err
	}
	p.BaseTip = tip
	if p.MergeBaseCommit, err = s.git.mergeBase(ctx, tip, p.HeadSHA); err != nil {
		return err
	}
	if p.MergeBaseCommit == "" {
		p.MergeBaseCommit = tip
	}
	if p.Commits, err = s.git.count(ctx, tip, p.HeadSHA); err != nil {
		return err
	}
	files, err := s.git.diff(ctx, p.MergeBaseCommit, p.HeadSHA)
	if err != nil {
		return err
	}
	p.ChangedFiles, p.Additions, p.Deletions = len(files), 0, 0
	for _, f := range files {
		p.Additions += f.Additions
		p.Deletions += f.Deletions
	}
	if err := s.git.setRef(ctx, pullRef(p.Number, "head"), p.HeadSHA, ""); err != nil {
		return err
	}
	p.pending = s.lazy
	return s.testMerge(ctx, p)
}

func pullRef(n int, name string) string { return fmt.Sprintf("refs/pull/%d/%s", n, name) }

// testMerge keeps refs/pull/N/merge, which says whether the pull request can be merged.
func (s *Server) testMerge(ctx context.Context, p *pull) error {
	tree, ok, err := s.git.mergeCommits(ctx, p.BaseTip, p.HeadSHA)
	if err != nil {
		return err
	}
	p.Mergeable, p.MergeCommitSHA = ok, ""
	if !ok {
		return s.dropRef(ctx, pullRef(p.Number, "merge"))
	}
	by := s.signature(s.accounts[webFlow])
	sha, err := s.git.writeCommit(ctx, newCommit{
		Tree: tree, Parents: []string{p.BaseTip, p.HeadSHA}, Author: by, Committer: by,
		Message: fmt.Sprintf("Merge %s into %s", p.HeadSHA, p.BaseTip),
	})
	if err != nil {
		return err
	}
	p.MergeCommitSHA = sha
	return s.git.setRef(ctx, pullRef(p.Number, "merge"), sha, "")
}

func (s *Server) dropRef(ctx context.Context, ref string) error {
	_, err := s.git.ref(ctx, ref)
	if errors.Is(err, errNoObject) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.git.setRef(ctx, ref, "", "")
}

// createRef makes a branch or tag, with the refusals of POST /git/refs.
func (s *Server) createRef(ctx context.Context, by *account, ref, sha string) error {
	if !strings.HasPrefix(ref, "refs/") || strings.Count(ref, "/") < 2 || !validRef(ref) {
		return refuse(http.StatusUnprocessableEntity, "Reference name must start with 'refs/' and have at least two slashes.")
	}
	kind, err := s.git.objectType(ctx, sha)
	if err != nil {
		return err
	}
	if kind != "commit" {
		return refuse(http.StatusUnprocessableEntity, "Object does not exist")
	}
	if _, err := s.git.ref(ctx, ref); !errors.Is(err, errNoObject) {
		if err != nil {
			return err
		}
		return refuse(http.StatusUnprocessableEntity, "Reference already exists")
	}
	branch, ok := strings.CutPrefix(ref, "refs/heads/")
	if ok {
		return s.moveBranch(ctx, by, branch, "", sha)
	}
	if !strings.HasPrefix(ref, "refs/tags/") {
		return refuse(http.StatusUnprocessableEntity, "Reference update failed")
	}
	return s.git.setRef(ctx, ref, sha, zeroSHA)
}

// updateRef moves a branch, forward only unless force is set.
func (s *Server) updateRef(ctx context.Context, by *account, branch, sha string, force bool) error {
	old, err := s.git.branch(ctx, branch)
	if errors.Is(err, errNoObject) {
		return refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if err != nil {
		return err
	}
	kind, err := s.git.objectType(ctx, sha)
	if err != nil {
		return err
	}
	if kind != "commit" {
		return refuse(http.StatusUnprocessableEntity, "Object does not exist")
	}
	forward, err := s.git.isAncestor(ctx, old, sha)
	if err != nil {
		return err
	}
	if !forward && !force {
		return refuse(http.StatusUnprocessableEntity, "Update is not a fast forward")
	}
	if old == sha {
		return nil
	}
	return s.moveBranch(ctx, by, branch, old, sha)
}

func (s *Server) deleteBranch(ctx context.Context, by *account, branch string) error {
	old, err := s.git.branch(ctx, branch)
	if errors.Is(err, errNoObject) {
		return refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if err != nil {
		return err
	}
	if branch == DefaultBranch {
		return refuse(http.StatusUnprocessableEntity, "Cannot delete the default branch")
	}
	return s.moveBranch(ctx, by, branch, old, "")
}
