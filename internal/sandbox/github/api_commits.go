package github

import (
	"errors"
	"net/http"
	"strings"
)

func commitRoutes() []route {
	return []route{
		{"GET", repoPath + "/branches/{branch...}", reader, (*Server).getBranch},
		{"GET", repoPath + "/rules/branches/{branch...}", reader, (*Server).getRules},
		{"GET", repoPath + "/rulesets/{id}", reader, (*Server).getRuleset},
		{"GET", repoPath + "/commits", reader, (*Server).listCommits},
		{"GET", repoPath + "/commits/{rest...}", reader, (*Server).getCommitPath},
		{"POST", repoPath + "/statuses/{sha}", writer, (*Server).postStatus},
		{"GET", repoPath + "/compare/{basehead...}", reader, (*Server).compare},
	}
}

func (s *Server) getBranch(r *request) (int, any, error) {
	name := r.PathValue("branch")
	if of, ok := strings.CutSuffix(name, "/protection"); ok {
		return s.getProtection(r, of)
	}
	sha, err := s.git.branch(r.Context(), name)
	if errors.Is(err, errNoObject) {
		err = refuse(http.StatusNotFound, "Branch not found")
	}
	if err != nil {
		return 0, nil, err
	}
	c, err := s.git.commit(r.Context(), sha)
	return http.StatusOK, s.branchPayload(name, c), err
}

// getCommitPath answers for a commit and what hangs below it; a ref may hold slashes, so the end decides.
func (s *Server) getCommitPath(r *request) (int, any, error) {
	rest := r.PathValue("rest")
	for suffix, do := range map[string]func(*request, string) (int, any, error){
		"/status": s.combinedStatus, "/statuses": s.statusList, "/check-runs": s.checkRuns,
	} {
		if ref, ok := strings.CutSuffix(rest, suffix); ok {
			return do(r, ref)
		}
	}
	sha, err := s.commitOf(r, rest)
	if err != nil {
		return 0, nil, err
	}
	c, err := s.git.commit(r.Context(), sha)
	if err != nil {
		return 0, nil, err
	}
	out := s.commitPayload(c)
	out.Stats = map[string]int{"additions": 0, "deletions": 0, "total": 0}
	if len(c.Parents) == 0 {
		return http.StatusOK, out, nil
	}
	files, err := s.git.diff(r.Context(), c.Parents[0], sha)
	for _, f := range files {
		out.Stats["additions"] += f.Additions
		out.Stats["deletions"] += f.Deletions
		out.Stats["total"] += f.Additions + f.Deletions
	}
	out.Files = paged(r, s.filePayloads(files, sha))
	return http.StatusOK, out, err
}

func (s *Server) commitOf(r *request, ref string) (string, error) {
	sha, err := s.git.resolve(r.Context(), ref)
	if errors.Is(err, errNoObject) {
		return "", refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", ref)
	}
	return sha, err
}

func (s *Server) combinedStatus(r *request, ref string) (int, any, error) {
	sha, err := s.commitOf(r, ref)
	if err != nil {
		return 0, nil, err
	}
	state, latest := s.latestStatuses(sha)
	return http.StatusOK, map[string]any{
		"state": state, "sha": sha, "total_count": len(latest), "statuses": paged(r, s.statusPayloads(latest)),
		"repository": s.repository(), "commit_url": s.repoURL("/commits/%s", sha),
		"url": s.repoURL("/commits/%s/status", sha),
	}, nil
}

func (s *Server) statusList(r *request, ref string) (int, any, error) {
	sha, err := s.commitOf(r, ref)
	if err != nil {
		return 0, nil, err
	}
	var list []*Status
	for _, st := range s.statuses {
		if st.SHA == sha {
			list = append(list, st)
		}
	}
	return http.StatusOK, paged(r, s.statusPayloads(newestFirst(list))), nil
}

func (s *Server) postStatus(r *request) (int, any, error) {
	var in statusInput
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	st, err := s.addStatus(r.Context(), r.user, r.PathValue("sha"), in)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, s.statusPayload(st), nil
}

func (s *Server) compare(r *request) (int, any, error) {
	left, right, ok := strings.Cut(r.PathValue("basehead"), "...")
	if !ok {
		return 0, nil, notFound()
	}
	base, err := s.comparePoint(r, left)
	if err != nil {
		return 0, nil, err
	}
	head, err := s.comparePoint(r, right)
	if err != nil {
		return 0, nil, err
	}
	mb, err := s.git.mergeBase(r.Context(), base, head)
	if err != nil {
		return 0, nil, err
	}
	if mb == "" {
		return 0, nil, refuse(http.StatusNotFound, "No common ancestor between %s and %s.", left, right)
	}
	return s.comparison(r, base, head, mb)
}

// comparePoint accepts branch, SHA and owner:branch.
func (s *Server) comparePoint(r *request, name string) (string, error) {
	if owner, branch, ok := strings.Cut(name, ":"); ok && strings.EqualFold(owner, s.owner) {
		name = branch
	}
	return s.git.resolve(r.Context(), name)
}

func (s *Server) comparison(r *request, base, head, mb string) (int, any, error) {
	ctx := r.Context()
	commits, err := s.git.log(ctx, "--reverse", base+".."+head)
	if err != nil {
		return 0, nil, err
	}
	behind, err := s.git.count(ctx, head, base)
	if err != nil {
		return 0, nil, err
	}
	files, err := s.git.diff(ctx, mb, head)
	if err != nil {
		return 0, nil, err
	}
	baseCommit, err := s.git.commit(ctx, base)
	if err != nil {
		return 0, nil, err
	}
	mbCommit, err := s.git.commit(ctx, mb)
	if err != nil {
		return 0, nil, err
	}
	status := map[[2]bool]string{
		{true, true}: "diverged", {true, false}: "ahead", {false, true}: "behind", {false, false}: "identical",
	}[[2]bool{len(commits) > 0, behind > 0}]
	return http.StatusOK, map[string]any{
		"url": s.repoURL("/compare/%s...%s", base, head), "html_url": s.htmlURL("/compare/%s...%s", base, head),
		"permalink_url": s.htmlURL("/compare/%s...%s", base, head),
		"diff_url":      s.htmlURL("/compare/%s...%s.diff", base, head), "patch_url": s.htmlURL("/compare/%s...%s.patch", base, head),
		"base_commit": s.commitPayload(baseCommit), "merge_base_commit": s.commitPayload(mbCommit),
		"status": status, "ahead_by": len(commits), "behind_by": behind, "total_commits": len(commits),
		"commits": paged(r, s.commitPayloads(commits)), "files": s.filePayloads(files, head),
	}, nil
}
