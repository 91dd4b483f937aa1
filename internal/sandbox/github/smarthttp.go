package github

import (
	"log/slog"
	"net/http"
	"net/http/cgi"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func (s *Server) gitPrefix() string { return "/" + s.owner + "/" + s.repo + ".git" }

func (s *Server) isGitPath(p string) bool {
	prefix := s.gitPrefix()
	return len(p) > len(prefix) && strings.EqualFold(p[:len(prefix)], prefix) && p[len(prefix)] == '/'
}

// serveGit answers fetches through Git's own CGI program. Pushes are refused: what changes the repository goes
// through the API or a persona, so that pull requests and webhooks follow.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request) {
	unlock := s.lock()
	a := s.authenticate(r)
	allowed := a != nil && a.canRead() && s.admitApp(route{method: http.MethodGet, path: repoPath + "/git/", need: reader}, &request{Request: r, user: a}) == nil
	unfetched := slices.ContainsFunc(s.pulls, func(p *pull) bool { return p.Merged && s.now().Sub(p.MergedAt) < s.lies.Unfetched })
	unlock()
	if unfetched {
		http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
		return
	}
	if a == nil {
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		http.Error(w, "Authentication failed.", http.StatusUnauthorized)
		return
	}
	rest := r.URL.Path[len(s.gitPrefix()):]
	service := r.URL.Query().Get("service")
	switch {
	case !allowed:
		http.Error(w, "Repository not found.", http.StatusNotFound)
		return
	case service == "git-receive-pack" || strings.HasSuffix(rest, "/git-receive-pack"):
		http.Error(w, "This repository is read-only over Git.", http.StatusForbidden)
		return
	case rest != "/info/refs" && rest != "/git-upload-pack" && rest != "/HEAD":
		http.Error(w, "Not Found", http.StatusNotFound)
		return
	}
	h := &cgi.Handler{
		Path: s.backend,
		Dir:  s.git.root,
		Env: []string{
			"GIT_PROJECT_ROOT=" + filepath.Dir(filepath.Dir(s.git.dir)), "GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "HOME=" + s.git.root,
			"REMOTE_USER=" + a.Login,
		},
		InheritEnv: []string{"PATH"},
		Logger:     slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	// The folder on disk has one spelling, the URL may have another.
	r2 := r.Clone(r.Context())
	r2.URL.Path = s.gitPrefix() + rest
	r2.Header.Del("Authorization")
	r2.Header.Del("Proxy")
	h.ServeHTTP(w, r2)
}
