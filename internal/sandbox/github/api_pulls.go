package github

import (
	"net/http"
	"slices"
	"strings"
)

const pullPath = repoPath + "/pulls/{number}"

func pullRoutes() []route {
	return []route{
		{"GET", repoPath + "/pulls", reader, (*Server).listPulls},
		{"POST", repoPath + "/pulls", reader, (*Server).postPull},
		{"GET", pullPath, reader, onPull((*Server).getPull)},
		{"PATCH", pullPath, reader, onPull((*Server).patchPull)},
		{"GET", pullPath + "/files", reader, onPull((*Server).listFiles)},
		{"GET", pullPath + "/commits", reader, onPull((*Server).listPullCommits)},
		{"PUT", pullPath + "/merge", writer, onPull((*Server).putMerge)},
		{"GET", pullPath + "/reviews", reader, onPull((*Server).listReviews)},
		{"POST", pullPath + "/reviews", reader, onPull((*Server).postReview)},
		{"POST", pullPath + "/reviews/{review}/events", reader, onReview((*Server).postReviewEvent)},
		{"PUT", pullPath + "/reviews/{review}/dismissals", writer, onReview((*Server).putDismissal)},
	}
}

func onPull(do func(*Server, *request, *pull) (int, any, error)) endpoint {
	return func(s *Server, r *request) (int, any, error) {
		n, err := r.number("number")
		if err != nil {
			return 0, nil, err
		}
		p, err := s.pull(int(n))
		if err != nil {
			return 0, nil, err
		}
		return do(s, r, p)
	}
}

func onReview(do func(*Server, *request, *pull, *Review) (int, any, error)) endpoint {
	return onPull(func(s *Server, r *request, p *pull) (int, any, error) {
		id, err := r.number("review")
		if err != nil {
			return 0, nil, err
		}
		rv, err := p.review(id, r.user)
		if err != nil {
			return 0, nil, err
		}
		return do(s, r, p, rv)
	})
}

func (s *Server) listPulls(r *request) (int, any, error) {
	state, head, base := r.FormValue("state"), r.FormValue("head"), r.FormValue("base")
	if state == "" {
		state = "open"
	}
	if state != "open" && state != "closed" && state != "all" {
		return 0, nil, pullDetail("invalid", "state", "")
	}
	var list []*pull
	for _, p := range s.pulls {
		owner, branch, ok := strings.Cut(head, ":")
		switch {
		case state != "all" && p.State != state:
		case base != "" && p.BaseRef != base:
		case ok && (!strings.EqualFold(owner, s.owner) || branch != p.HeadRef): // without an owner GitHub ignores it
		default:
			list = append(list, p)
		}
	}
	if r.FormValue("sort") == "updated" {
		slices.SortStableFunc(list, func(a, b *pull) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	}
	ascending := r.FormValue("direction") == "asc" || r.FormValue("direction") == "" && r.FormValue("sort") == "updated"
	if !ascending {
		slices.Reverse(list)
	}
	out := make([]pullJSON, 0, len(list))
	for _, p := range list {
		out = append(out, s.pullPayload(p, false))
	}
	return http.StatusOK, paged(r, out), nil
}

func (s *Server) postPull(r *request) (int, any, error) {
	var in openInput
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	p, err := s.openPull(r.Context(), r.user, in)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, s.pullPayload(p, true), nil
}

func (s *Server) getPull(_ *request, p *pull) (int, any, error) {
	payload := s.pullPayload(p, true)
	p.pending = false
	return http.StatusOK, payload, nil
}

func (s *Server) patchPull(r *request, p *pull) (int, any, error) {
	var in editInput
	if err := firstError(r.decode(&in), s.mayEdit(r.user, p)); err != nil {
		return 0, nil, err
	}
	if err := s.editPull(r.Context(), r.user, p, in); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.pullPayload(p, true), nil
}

func (s *Server) listFiles(r *request, p *pull) (int, any, error) {
	files, err := s.git.diff(r.Context(), p.MergeBaseCommit, p.HeadSHA)
	return http.StatusOK, paged(r, s.filePayloads(files, p.HeadSHA)), err
}

func (s *Server) listPullCommits(r *request, p *pull) (int, any, error) {
	commits, err := s.git.log(r.Context(), "--reverse", p.BaseTip+".."+p.HeadSHA)
	return http.StatusOK, paged(r, s.commitPayloads(commits)), err
}

func (s *Server) putMerge(r *request, p *pull) (int, any, error) {
	var in mergeInput
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	sha, err := s.mergePull(r.Context(), r.user, p, in)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{
		"sha": sha, "merged": true, "message": "Pull Request successfully merged",
	}, nil
}

func (s *Server) listReviews(r *request, p *pull) (int, any, error) {
	out := make([]reviewJSON, 0, len(p.Reviews))
	for i := range p.Reviews {
		rv := &p.Reviews[i]
		if rv.State == Pending && !strings.EqualFold(rv.User, r.user.Login) {
			continue // its author alone sees it
		}
		out = append(out, s.reviewPayload(p, rv))
	}
	return http.StatusOK, paged(r, out), nil
}

func (s *Server) postReview(r *request, p *pull) (int, any, error) {
	var in reviewInput
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	rv, err := s.addReview(r.Context(), r.user, p, in)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.reviewPayload(p, rv), nil
}

func (s *Server) postReviewEvent(r *request, p *pull, rv *Review) (int, any, error) {
	var in reviewInput
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	if err := s.submitReview(r.user, p, rv, in); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.reviewPayload(p, rv), nil
}

func (s *Server) putDismissal(r *request, p *pull, rv *Review) (int, any, error) {
	var in struct {
		Message string `json:"message"`
	}
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	if err := s.dismissReview(r.user, p, rv, in.Message); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.reviewPayload(p, rv), nil
}
