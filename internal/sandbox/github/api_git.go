package github

import (
	"encoding/base64"
	"net/http"
	"path"
	"strings"
	"time"
)

func gitRoutes() []route {
	return []route{
		{"GET", repoPath + "/git/ref/{ref...}", reader, (*Server).getRef},
		{"POST", repoPath + "/git/refs", writer, (*Server).postRef},
		{"PATCH", repoPath + "/git/refs/{ref...}", writer, (*Server).patchRef},
		{"DELETE", repoPath + "/git/refs/{ref...}", writer, (*Server).deleteRef},
		{"GET", repoPath + "/git/commits/{sha}", reader, (*Server).getGitCommit},
		{"POST", repoPath + "/git/commits", writer, (*Server).postGitCommit},
		{"POST", repoPath + "/git/blobs", writer, (*Server).postBlob},
		{"GET", repoPath + "/git/trees/{sha...}", reader, (*Server).getTree},
		{"POST", repoPath + "/git/trees", writer, (*Server).postTree},
	}
}

func (s *Server) refPayload(ref gitRef) map[string]any {
	kind := ref.Type
	return map[string]any{
		"ref": ref.Name, "node_id": ref.Name, "url": s.repoURL("/git/%s", ref.Name),
		"object": map[string]any{"type": kind, "sha": ref.SHA, "url": s.repoURL("/git/%ss/%s", kind, ref.SHA)},
	}
}

func (s *Server) getRef(r *request) (int, any, error) {
	name := "refs/" + r.PathValue("ref")
	if !validRef(name) {
		return 0, nil, notFound()
	}
	refs, err := s.git.refs(r.Context(), name)
	if err != nil {
		return 0, nil, err
	}
	for _, ref := range refs {
		if ref.Name == name {
			return http.StatusOK, s.refPayload(ref), nil
		}
	}
	return 0, nil, notFound()
}

type refInput struct {
	Ref   string `json:"ref"`
	SHA   string `json:"sha"`
	Force bool   `json:"force"`
}

func (s *Server) postRef(r *request) (int, any, error) {
	var in refInput
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	if err := s.createRef(r.Context(), r.user, in.Ref, in.SHA); err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, s.refPayload(gitRef{in.Ref, in.SHA, "commit"}), nil
}

func (s *Server) patchRef(r *request) (int, any, error) {
	var in refInput
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	branch, ok := strings.CutPrefix(r.PathValue("ref"), "heads/")
	if !ok {
		return 0, nil, refuse(http.StatusUnprocessableEntity, "Reference update failed")
	}
	if err := s.updateRef(r.Context(), r.user, branch, in.SHA, in.Force); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.refPayload(gitRef{"refs/heads/" + branch, in.SHA, "commit"}), nil
}

func (s *Server) deleteRef(r *request) (int, any, error) {
	branch, ok := strings.CutPrefix(r.PathValue("ref"), "heads/")
	if !ok {
		return 0, nil, refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	return http.StatusNoContent, nil, s.deleteBranch(r.Context(), r.user, branch)
}

// wants reads an object's SHA out of the path and checks its type.
func (s *Server) wants(r *request, kind string) (string, error) {
	sha := r.PathValue("sha")
	t, err := s.git.objectType(r.Context(), sha)
	if err == nil && t != kind {
		err = notFound()
	}
	return sha, err
}

func (s *Server) getGitCommit(r *request) (int, any, error) {
	sha, err := s.wants(r, "commit")
	if err != nil {
		return 0, nil, err
	}
	c, err := s.git.commit(r.Context(), sha)
	if err == nil && s.lies.ParentBefore && len(c.Parents) == 2 {
		before, err := s.git.commit(r.Context(), c.Parents[0])
		if err != nil {
			return 0, nil, err
		}
		if len(before.Parents) > 0 { // the first commit has none before it
			c.Parents = []string{before.Parents[0], c.Parents[1]}
		}
	}
	return http.StatusOK, s.gitCommitPayload(c, true), err
}

type personInput struct {
	Name  string     `json:"name"`
	Email string     `json:"email"`
	Date  *time.Time `json:"date"`
}

// or fills what a request leaves out.
func (p *personInput) or(s Signature) Signature {
	if p == nil {
		return s
	}
	if p.Name != "" {
		s.Name = p.Name
	}
	if p.Email != "" {
		s.Email = p.Email
	}
	if p.Date != nil && !p.Date.IsZero() {
		s.When = *p.Date
	}
	return s
}

func (s *Server) postGitCommit(r *request) (int, any, error) {
	var in struct {
		Message   string       `json:"message"`
		Tree      string       `json:"tree"`
		Parents   []string     `json:"parents"`
		Author    *personInput `json:"author"`
		Committer *personInput `json:"committer"`
	}
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	if kind, err := s.git.objectType(r.Context(), in.Tree); err != nil || kind != "tree" {
		return 0, nil, firstError(err, refuse(http.StatusUnprocessableEntity, "Tree SHA does not exist"))
	}
	for _, p := range in.Parents {
		if kind, err := s.git.objectType(r.Context(), p); err != nil || kind != "commit" {
			msg := "Parent SHA does not exist or is not a commit object"
			return 0, nil, firstError(err, refuse(http.StatusUnprocessableEntity, "%s", msg))
		}
	}
	author := in.Author.or(s.signature(r.user))
	sha, err := s.git.writeCommit(r.Context(), newCommit{
		Tree: in.Tree, Parents: in.Parents, Message: in.Message, Author: author,
		Committer: in.Committer.or(author), // GitHub takes the author for a committer that is left out
	})
	if err != nil {
		return 0, nil, err
	}
	c, err := s.git.commit(r.Context(), sha)
	return http.StatusCreated, s.gitCommitPayload(c, true), err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// wrapped is base64 in lines of 60, as GitHub writes it.
func wrapped(content []byte) string {
	enc := base64.StdEncoding.EncodeToString(content)
	var b strings.Builder
	for ; len(enc) > 60; enc = enc[60:] {
		b.WriteString(enc[:60] + "\n")
	}
	if enc != "" {
		b.WriteString(enc + "\n")
	}
	return b.String()
}

func (s *Server) postBlob(r *request) (int, any, error) {
	var in struct {
		Content  string `json:"content"`
		Encoding string `json:"encoding"`
	}
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	content := []byte(in.Content)
	if in.Encoding == "base64" {
		var err error
		if content, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(in.Content, "\n", "")); err != nil {
			return 0, nil, refuse(http.StatusUnprocessableEntity, "content is not valid Base64")
		}
	}
	sha, err := s.git.writeBlob(r.Context(), content)
	return http.StatusCreated, shaJSON{SHA: sha, URL: s.repoURL("/git/blobs/%s", sha)}, err
}

type treeJSON struct {
	Path string `json:"path"`
	Mode string `json:"mode"`
	Type string `json:"type"`
	SHA  string `json:"sha"`
	Size *int   `json:"size,omitempty"`
	URL  string `json:"url"`
}

func (s *Server) treePayload(r *request, sha string, recursive bool) (map[string]any, error) {
	entries, err := s.git.tree(r.Context(), sha, "", recursive)
	if err != nil {
		return nil, err
	}
	out := make([]treeJSON, 0, len(entries))
	for _, e := range entries {
		t := treeJSON{Path: e.Path, Mode: e.Mode, Type: e.Type, SHA: e.SHA, URL: s.repoURL("/git/%ss/%s", e.Type, e.SHA)}
		if e.Type == "blob" {
			t.Size = &e.Size
		}
		out = append(out, t)
	}
	return map[string]any{"sha": sha, "url": s.repoURL("/git/trees/%s", sha), "tree": out, "truncated": false}, nil
}

func (s *Server) getTree(r *request) (int, any, error) {
	sha := r.PathValue("sha")
	kind, err := s.git.objectType(r.Context(), sha)
	if err != nil {
		return 0, nil, err
	}
	if kind != "tree" { // a branch, tag or commit will do
		commit, err := s.git.resolve(r.Context(), sha)
		if err != nil {
			return 0, nil, err
		}
		c, err := s.git.commit(r.Context(), commit)
		if err != nil {
			return 0, nil, err
		}
		sha = c.Tree
	}
	payload, err := s.treePayload(r, sha, r.FormValue("recursive") != "")
	return http.StatusOK, payload, err
}

type treeEntryInput struct {
	Path    string  `json:"path"`
	Mode    string  `json:"mode"`
	Type    string  `json:"type"`
	SHA     *string `json:"sha"`
	Content *string `json:"content"`
}

func (s *Server) postTree(r *request) (int, any, error) {
	var in struct {
		Base string           `json:"base_tree"`
		Tree []treeEntryInput `json:"tree"`
	}
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	if in.Base != "" {
		kind, err := s.git.objectType(r.Context(), in.Base)
		if err != nil || kind != "tree" && kind != "commit" {
			return 0, nil, firstError(err, refuse(http.StatusUnprocessableEntity, "base_tree is not a valid tree SHA"))
		}
	}
	entries := make([]treeEntry, 0, len(in.Tree))
	for _, e := range in.Tree {
		entry, err := s.treeEntry(r, e)
		if err != nil {
			return 0, nil, err
		}
		entries = append(entries, entry)
	}
	sha, err := s.git.writeTree(r.Context(), in.Base, entries)
	if err != nil {
		return 0, nil, err
	}
	payload, err := s.treePayload(r, sha, false)
	return http.StatusCreated, payload, err
}

func (s *Server) treeEntry(r *request, in treeEntryInput) (treeEntry, error) {
	bad := func(field string) error {
		return refuse(http.StatusUnprocessableEntity, "Invalid tree info: tree.%s is not valid", field)
	}
	e := treeEntry{Path: in.Path, Mode: in.Mode}
	if !validPath(in.Path) {
		return e, bad("path")
	}
	switch {
	case in.Content != nil:
		if in.Mode == modeTree {
			return e, bad("mode")
		}
		var err error
		e.SHA, err = s.git.writeBlob(r.Context(), []byte(*in.Content))
		if err != nil {
			return e, err
		}
	case in.SHA == nil:
		return e, nil // the path goes
	default:
		e.SHA = *in.SHA
		kind, err := s.git.objectType(r.Context(), e.SHA)
		if err != nil {
			return e, err
		}
		if kind != "blob" && kind != "tree" || (kind == "tree") != (in.Mode == modeTree) {
			return e, bad("sha")
		}
	}
	switch e.Mode {
	case modeFile, modeExec, modeLink, modeTree:
		return e, nil
	}
	return e, bad("mode")
}

// validPath accepts what can stand in a tree.
func validPath(p string) bool {
	return p != "" && p == path.Clean(p) && !path.IsAbs(p) && p != "." && p != ".." && !strings.HasPrefix(p, "../") &&
		!strings.ContainsAny(p, "\x00\n") && !strings.EqualFold(strings.SplitN(p, "/", 2)[0], ".git")
}
