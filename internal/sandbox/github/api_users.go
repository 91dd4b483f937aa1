package github

import (
	"net/http"
	"strings"
	"time"
)

func userRoutes() []route {
	return []route{
		{"GET", "/user", anyone, (*Server).getMe},
		{"GET", "/users/{login}", anyone, (*Server).getUser},
		{"GET", "/rate_limit", anyone, (*Server).getRateLimit},
		{"GET", "/orgs/{org}", anyone, (*Server).getOrg},
		{"GET", "/orgs/{org}/teams/{slug}/memberships/{login}", anyone, (*Server).getMembership},
		{"GET", "/orgs/{org}/teams/{slug}/members", anyone, (*Server).listMembers},
		{"GET", repoPath, reader, (*Server).getRepo},
		{"GET", repoPath + "/collaborators/{login}", reader, (*Server).isCollaborator},
		{"GET", repoPath + "/collaborators/{login}/permission", reader, (*Server).getPermission},
	}
}

func (s *Server) getMe(r *request) (int, any, error) {
	return http.StatusOK, s.fullUser(r.user), nil
}

func (s *Server) fullUser(a *account) *userJSON {
	u := s.userPayload(a)
	u.Name, u.Email = a.Name, a.Email
	return u
}

func (s *Server) getUser(r *request) (int, any, error) {
	login := r.PathValue("login")
	if strings.EqualFold(login, s.owner) {
		return http.StatusOK, s.ownerPayload(), nil
	}
	a := s.account(login)
	if a == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, s.fullUser(a), nil
}

func (s *Server) getRateLimit(r *request) (int, any, error) {
	used := min(s.used[r.user.Login], rateLimit-1)
	core := map[string]any{
		"limit": rateLimit, "used": used, "remaining": rateLimit - used, "reset": time.Now().Add(time.Hour).Unix(),
	}
	return http.StatusOK, map[string]any{"resources": map[string]any{"core": core}, "rate": core}, nil
}

func (s *Server) getOrg(r *request) (int, any, error) {
	if !strings.EqualFold(r.PathValue("org"), s.owner) {
		return 0, nil, notFound()
	}
	return http.StatusOK, s.organization(), nil
}

func (s *Server) getRepo(r *request) (int, any, error) {
	repo := s.repository()
	repo.Permissions = permissions(r.user)
	return http.StatusOK, repo, nil
}

// permissions is the same fact as role_name, as flags.
func permissions(a *account) map[string]bool {
	rank := map[string]int{"none": 0, "read": 1, "triage": 2, "write": 3, "maintain": 4, "admin": 5}
	out := map[string]bool{}
	for api, role := range map[string]string{
		"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin",
	} {
		out[api] = rank[a.Permission] >= rank[role]
	}
	return out
}

// lookup finds the account a permission or team question is about.
func (s *Server) lookup(r *request) (*account, error) {
	if s.lies.PermissionsFail {
		return nil, refuse(http.StatusInternalServerError, "Server Error")
	}
	a := s.account(r.PathValue("login"))
	if a == nil {
		return nil, notFound()
	}
	return a, nil
}

func (s *Server) isCollaborator(r *request) (int, any, error) {
	a, err := s.lookup(r)
	if err == nil && !a.canRead() {
		err = notFound()
	}
	return http.StatusNoContent, nil, err
}

func (s *Server) getPermission(r *request) (int, any, error) {
	a, err := s.lookup(r)
	if err != nil {
		return 0, nil, err
	}
	u := s.userPayload(a)
	u.Permissions, u.RoleName = permissions(a), a.Permission
	return http.StatusOK, map[string]any{
		"permission": roles[a.Permission], "role_name": a.Permission, "user": u,
	}, nil
}

// team checks that a team exists: somebody is or was invited to it.
func (s *Server) team(r *request) (string, error) {
	slug := strings.ToLower(r.PathValue("slug"))
	if strings.EqualFold(r.PathValue("org"), s.owner) {
		for _, a := range s.order {
			if _, ok := a.teams[slug]; ok {
				return slug, nil
			}
		}
	}
	return "", notFound()
}

func (s *Server) getMembership(r *request) (int, any, error) {
	a, err := s.lookup(r)
	if err != nil {
		return 0, nil, err
	}
	slug, err := s.team(r)
	if err != nil {
		return 0, nil, err
	}
	state, ok := a.teams[slug]
	if !ok {
		return 0, nil, notFound()
	}
	return http.StatusOK, map[string]any{
		"url":  s.apiURL("/orgs/%s/teams/%s/memberships/%s", s.owner, slug, a.Login),
		"role": "member", "state": state,
	}, nil
}

func (s *Server) listMembers(r *request) (int, any, error) {
	if s.lies.PermissionsFail {
		return 0, nil, refuse(http.StatusInternalServerError, "Server Error")
	}
	slug, err := s.team(r)
	if err != nil {
		return 0, nil, err
	}
	var members []*userJSON
	for _, a := range s.order {
		if a.teams[slug] == "active" && !a.deleted {
			members = append(members, s.userPayload(a))
		}
	}
	return http.StatusOK, paged(r, members), nil
}
