package github

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"path"
	"strings"
)

func contentRoutes() []route {
	return []route{
		{"GET", repoPath + "/contents/{path...}", reader, (*Server).getContents},
		{"PUT", repoPath + "/contents/{path...}", writer, (*Server).putContents},
	}
}

func (s *Server) contentPayload(e treeEntry, full, ref string) map[string]any {
	p := escapePath(full)
	kind := map[string]string{"tree": "dir", "commit": "submodule"}[e.Type]
	if kind == "" {
		kind = "file"
	}
	if e.Mode == modeLink {
		kind = "symlink"
	}
	self := s.repoURL("/contents/%s?ref=%s", p, ref)
	html, git := s.htmlURL("/blob/%s/%s", ref, p), s.repoURL("/git/%ss/%s", e.Type, e.SHA)
	var download any
	if e.Type == "blob" {
		download = s.htmlURL("/raw/%s/%s", ref, p)
	}
	return map[string]any{
		"type": kind, "name": path.Base(full), "path": full, "sha": e.SHA, "size": e.Size, "url": self,
		"html_url": html, "git_url": git, "download_url": download,
		"_links": map[string]any{"self": self, "html": html, "git": git},
	}
}

func (s *Server) getContents(r *request) (int, any, error) {
	ref := r.FormValue("ref")
	if ref == "" {
		ref = DefaultBranch
	}
	commit, err := s.git.resolve(r.Context(), ref)
	if errors.Is(err, errNoObject) {
		return 0, nil, refuse(http.StatusNotFound, "No commit found for the ref %s", ref)
	}
	if err != nil {
		return 0, nil, err
	}
	name := strings.Trim(r.PathValue("path"), "/")
	if name == "" {
		return s.listContents(r, commit, "", ref)
	}
	e, ok, err := s.git.entry(r.Context(), commit, name)
	if err != nil || !ok {
		return 0, nil, firstError(err, notFound())
	}
	if e.Type == "tree" {
		return s.listContents(r, commit, name, ref)
	}
	payload, err := s.fileContents(r.Context(), commit, e, name, ref)
	return http.StatusOK, payload, err
}

func (s *Server) listContents(r *request, commit, dir, ref string) (int, any, error) {
	lookIn := ""
	if dir != "" {
		lookIn = dir + "/"
	}
	entries, err := s.git.tree(r.Context(), commit, lookIn, false)
	out := make([]map[string]any, 0, len(entries))
	for _, e := range entries {
		out = append(out, s.contentPayload(e, e.Path, ref))
	}
	return http.StatusOK, out, err
}

// fileContents follows a link to a file of the repository, as GitHub does, and describes any other link.
func (s *Server) fileContents(ctx context.Context, commit string, e treeEntry, name, ref string) (map[string]any, error) {
	content, err := s.git.readBlob(ctx, e.SHA)
	if err != nil {
		return nil, err
	}
	out := s.contentPayload(e, name, ref)
	if e.Mode == modeLink {
		target := path.Join(path.Dir(name), string(content))
		var to treeEntry
		ok := validPath(target) // one that leads out of the repository leads nowhere
		if ok {
			if to, ok, err = s.git.entry(ctx, commit, target); err != nil {
				return nil, err
			}
		}
		if !ok || to.Type != "blob" || to.Mode == modeLink {
			out["target"] = string(content)
			return out, nil
		}
		if content, err = s.git.readBlob(ctx, to.SHA); err != nil {
			return nil, err
		}
		out["type"], out["size"] = "file", len(content)
	}
	out["content"], out["encoding"] = wrapped(content), "base64"
	return out, nil
}

type contentInput struct {
	Message   string       `json:"message"`
	Content   *string      `json:"content"`
	SHA       string       `json:"sha"`
	Branch    string       `json:"branch"`
	Author    *personInput `json:"author"`
	Committer *personInput `json:"committer"`
}

// contentChange checks what PUT and DELETE have in common: the branch, and that nobody changed the file meanwhile.
func (s *Server) contentChange(r *request, in *contentInput) (tip string, old treeEntry, exists bool, err error) {
	name := r.PathValue("path")
	if err := r.decode(in); err != nil {
		return "", old, false, err
	}
	if !validPath(name) {
		return "", old, false, refuse(http.StatusUnprocessableEntity, "path contains a malformed path component")
	}
	if in.Branch == "" {
		in.Branch = DefaultBranch
	}
	tip, err = s.git.branch(r.Context(), in.Branch)
	if errors.Is(err, errNoObject) {
		return "", old, false, refuse(http.StatusNotFound, "Branch %s not found", in.Branch)
	}
	if err != nil {
		return "", old, false, err
	}
	old, exists, err = s.git.entry(r.Context(), tip, name)
	if err != nil {
		return "", old, false, err
	}
	switch {
	case exists && in.SHA == "":
		err = refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n\"sha\" wasn't supplied.")
	case in.SHA != "" && (!exists || in.SHA != old.SHA):
		err = refuse(http.StatusConflict, "%s does not match %s", name, in.SHA)
	}
	return tip, old, exists, err
}

func (s *Server) contentCommit(r *request, in contentInput) newCommit {
	me := s.signature(r.user)
	c := newCommit{Author: in.Author.or(in.Committer.or(me)), Committer: in.Committer.or(me), Message: in.Message}
	if c.Message == "" {
		c.Message = map[string]string{"PUT": "Update ", "DELETE": "Delete "}[r.Method] + path.Base(r.PathValue("path"))
	}
	return c
}

func (s *Server) putContents(r *request) (int, any, error) {
	var in contentInput
	tip, _, exists, err := s.contentChange(r, &in)
	if err != nil {
		return 0, nil, err
	}
	if in.Content == nil {
		return 0, nil, refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n\"content\" wasn't supplied.")
	}
	content, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(*in.Content, "\n", ""))
	if err != nil {
		return 0, nil, refuse(http.StatusUnprocessableEntity, "content is not valid Base64")
	}
	name := r.PathValue("path")
	sha, err := s.commitFile(r.Context(), tip, treeEntry{Path: name}, content, s.contentCommit(r, in))
	if err != nil {
		return 0, nil, err
	}
	if err := s.moveBranch(r.Context(), r.user, in.Branch, tip, sha); err != nil {
		return 0, nil, err
	}
	e, _, err := s.git.entry(r.Context(), sha, name)
	if err != nil {
		return 0, nil, err
	}
	status := http.StatusCreated
	if exists {
		status = http.StatusOK
	}
	return s.contentAnswer(r, status, s.contentPayload(e, name, in.Branch), sha)
}

func (s *Server) contentAnswer(r *request, status int, content any, sha string) (int, any, error) {
	c, err := s.git.commit(r.Context(), sha)
	return status, map[string]any{"content": content, "commit": s.gitCommitPayload(c, true)}, err
}
