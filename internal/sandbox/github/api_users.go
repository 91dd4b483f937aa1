package github

import (
	"net/http"
)

func userRoutes() []route {
	return []route{
		{"GET", "/user", anyone, (*Server).getMe},
		{"GET", repoPath, reader, (*Server).getRepo},
		{"GET", repoPath + "/collaborators/{login}/permission", reader, (*Server).getPermission},
	}
}

func (s *Server) getMe(r *request) (int, any, error) {
	return http.StatusOK, s.fullUser(r.user), nil
}

func (s *Server) fullUser(a *account) *userJSON {
	u := s.userPayload(a)
	u.Name, u.Email, u.since = a.Name, a.Email, s.started
	return u
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

// lookup finds the account a permission question is about.
func (s *Server) lookup(r *request) (*account, error) {
	if s.lies.PermissionsFail {
		return nil, refuse(http.StatusInternalServerError, "Server Error")
	}
	a := s.account(r.PathValue("login"))
	if a == nil || listed(s.lies.Strangers, a.Login) {
		return nil, notFound()
	}
	return a, nil
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
