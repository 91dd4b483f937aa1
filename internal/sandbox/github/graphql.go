package github

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// graphqlPath is where an Enterprise host has its other API.
const graphqlPath = "/api/graphql"

// graphqlError is a refusal; the answer's status is 200 all the same.
type graphqlError struct {
	Type    string   `json:"type,omitempty"`
	Path    []string `json:"path,omitempty"`
	Message string   `json:"message"`
}

func (e *graphqlError) Error() string { return e.Message }

// serveGraphQL answers what drbot asks: a commit on a branch, whether a branch takes signed
// commits alone, and of merge queues and auto-merge. They are told by the field they name.
func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "unreadable request", http.StatusBadRequest)
		return
	}
	defer s.lock()()
	user := s.authenticate(r)
	if user == nil {
		writeError(w, refuse(http.StatusUnauthorized, "Bad credentials"))
		return
	}
	s.used.count(w.Header(), user.Login, s.clock())
	if s.isApp(user) && !s.app.suspendedAt.IsZero() {
		writeError(w, refuse(http.StatusForbidden, msgSuspended))
		return
	}
	data, err := s.query(&request{Request: r, user: user, body: body})
	answer := map[string]any{"data": data}
	var refused *graphqlError
	switch {
	case errors.As(err, &refused):
		answer["errors"] = []*graphqlError{refused}
	case err != nil:
		writeError(w, s.refusal(r, err))
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer) // a caller who is gone has lost the answer
}

func (s *Server) query(r *request) (any, error) {
	var in struct {
		Query     string `json:"query"`
		Variables struct {
			Input struct {
				commitInput
				pullInput
			} `json:"input"`
			Number int `json:"number"`
		} `json:"variables"`
	}
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	switch {
	case strings.Contains(in.Query, "createCommitOnBranch("):
		made, err := s.createCommitOnBranch(r, in.Variables.Input.commitInput, in.Variables.Input.Expected)
		return map[string]any{"createCommitOnBranch": made}, err
	case strings.Contains(in.Query, "mergeQueueEntry"):
		return s.queuePayload(in.Variables.Number)
	case strings.Contains(in.Query, "RENAMED_TITLE_EVENT"):
		return s.editorsPayload(in.Variables.Number)
	case strings.Contains(in.Query, "refUpdateRule"):
		return map[string]any{"repository": map[string]any{"ref": map[string]any{"refUpdateRule": map[string]any{"requiresSignatures": s.demands[DefaultBranch].Signatures}}}}, nil
	}
	for name := range pullMutations {
		if strings.Contains(in.Query, name+"(") {
			made, err := s.mutatePull(r, name, in.Variables.Input.pullInput)
			return map[string]any{name: made}, err
		}
	}
	return nil, &graphqlError{Message: "the local GitHub knows no such query"}
}

type commitInput struct {
	Branch struct {
		Repository string `json:"repositoryNameWithOwner"`
		Name       string `json:"branchName"`
	} `json:"branch"`
	Message struct {
		Headline string `json:"headline"`
		Body     string `json:"body"`
	} `json:"message"`
	Changes struct {
		Additions []struct {
			Path     string `json:"path"`
			Contents string `json:"contents"`
		} `json:"additions"`
	} `json:"fileChanges"`
}

// createCommitOnBranch commits upon the expected head and signs it. Files become plain
// ones: it knows no modes.
func (s *Server) createCommitOnBranch(r *request, in commitInput, expected string) (any, error) {
	refused := func(kind, format string, args ...any) error {
		return &graphqlError{kind, []string{"createCommitOnBranch"}, fmt.Sprintf(format, args...)}
	}
	switch {
	case !strings.EqualFold(in.Branch.Repository, s.owner+"/"+s.repo) || !r.user.canRead() || s.isApp(r.user) && (s.app.elsewhere || s.app.gone):
		return nil, refused("NOT_FOUND", "Could not resolve to a Repository with the name '%s'.", in.Branch.Repository)
	case !r.user.canWrite() || s.isApp(r.user) && !s.appMay(r, "contents", "write"):
		return nil, refused("FORBIDDEN", msgMayNot)
	}
	ctx := r.Context()
	tip, err := s.git.branch(ctx, in.Branch.Name)
	switch {
	case errors.Is(err, errNoObject):
		return nil, refused("NOT_FOUND", "No ref named %q exists.", in.Branch.Name)
	case err != nil:
		return nil, err
	case tip != expected:
		return nil, refused("STALE_DATA", "Expected branch to point to %q but it did not. Pull and try again.", expected)
	}
	entries := make([]treeEntry, 0, len(in.Changes.Additions))
	for _, a := range in.Changes.Additions {
		content, err := base64.StdEncoding.DecodeString(a.Contents)
		if err != nil || !validPath(a.Path) {
			return nil, refused("UNPROCESSABLE", "A file change is not valid: %s", a.Path)
		}
		sha, err := s.git.writeBlob(ctx, content)
		if err != nil {
			return nil, err
		}
		entries = append(entries, treeEntry{Path: a.Path, Mode: modeFile, SHA: sha})
	}
	tree, err := s.git.writeTree(ctx, tip, entries)
	if err != nil {
		return nil, err
	}
	message := in.Message.Headline
	if in.Message.Body != "" {
		message += "\n\n" + in.Message.Body
	}
	sha, err := s.git.writeCommit(ctx, newCommit{
		Tree: tree, Parents: []string{tip}, Author: s.signature(r.user), Committer: s.signature(s.accounts[webFlow]), Message: message,
	})
	if err != nil {
		return nil, err
	}
	s.signed[sha] = true
	if err := s.moveBranch(ctx, r.user, in.Branch.Name, tip, sha); err != nil {
		return nil, err
	}
	return map[string]any{"commit": map[string]any{"oid": sha}}, nil
}

// verification is what GitHub says of a commit's signature.
func (s *Server) verification(sha string) verificationJSON {
	if !s.signed[sha] {
		return verificationJSON{Reason: "unsigned"}
	}
	signature, payload := "-----BEGIN PGP SIGNATURE-----\n\nby the local GitHub\n-----END PGP SIGNATURE-----", "commit "+sha
	return verificationJSON{Verified: true, Reason: "valid", Signature: &signature, Payload: &payload}
}

// IsSigned tells whether GitHub has signed a commit.
func (s *Server) IsSigned(sha string) bool {
	defer s.lock()()
	return s.signed[sha]
}
