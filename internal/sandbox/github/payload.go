package github

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The types below are what goes over the wire. They are written out here rather than taken from a client library,
// because a client's types leave out what is null, and null is what the bot must survive.

type userJSON struct {
	Login     string `json:"login"`
	ID        int64  `json:"id"`
	NodeID    string `json:"node_id"`
	AvatarURL string `json:"avatar_url"`
	URL       string `json:"url"`
	HTMLURL   string `json:"html_url"`
	Type      string `json:"type"`
	SiteAdmin bool   `json:"site_admin"`
	Name      string `json:"name,omitempty"`
	Email     string `json:"email,omitempty"`

	Permissions map[string]bool `json:"permissions,omitempty"`
	RoleName    string          `json:"role_name,omitempty"`

	since time.Time // of a whole profile
}

type repoJSON struct {
	ID            int64     `json:"id"`
	NodeID        string    `json:"node_id"`
	Name          string    `json:"name"`
	FullName      string    `json:"full_name"`
	Private       bool      `json:"private"`
	Owner         *userJSON `json:"owner"`
	HTMLURL       string    `json:"html_url"`
	Description   *string   `json:"description"`
	Fork          bool      `json:"fork"`
	URL           string    `json:"url"`
	CloneURL      string    `json:"clone_url"`
	GitURL        string    `json:"git_url"`
	DefaultBranch string    `json:"default_branch"`
	CreatedAt     any       `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
	PushedAt      any       `json:"pushed_at"`
	Archived      bool      `json:"archived"`
	Visibility    string    `json:"visibility"`

	AllowMergeCommit *bool           `json:"allow_merge_commit,omitempty"` // told to those alone who may write
	AllowSquashMerge *bool           `json:"allow_squash_merge,omitempty"`
	AllowRebaseMerge *bool           `json:"allow_rebase_merge,omitempty"`
	AllowAutoMerge   *bool           `json:"allow_auto_merge,omitempty"`
	Permissions      map[string]bool `json:"permissions,omitempty"`
}

func (s *Server) apiURL(format string, args ...any) string {
	return s.baseURL + apiPrefix + fmt.Sprintf(format, args...)
}

// repoURL is an API address below the repository.
func (s *Server) repoURL(format string, args ...any) string {
	return s.apiURL("/repos/%s/%s", s.owner, s.repo) + fmt.Sprintf(format, args...)
}

// htmlURL is an address people open.
func (s *Server) htmlURL(format string, args ...any) string {
	return s.baseURL + "/" + s.owner + "/" + s.repo + fmt.Sprintf(format, args...)
}

func (s *Server) pullURL(n int) string { return s.htmlURL("/pull/%d", n) }

func nodeID(kind string, id int64) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d", kind, id))
}

func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// userPayload is nil, null on the wire, for nobody.
func (s *Server) userPayload(a *account) *userJSON {
	if a == nil || a.deleted {
		return nil
	}
	login := url.PathEscape(a.Login)
	return &userJSON{
		Login: a.Login, ID: a.id, NodeID: nodeID("User", a.id), Type: a.Type,
		URL: s.apiURL("/users/%s", login), HTMLURL: s.baseURL + "/" + login,
		AvatarURL: s.baseURL + "/assets/avatar.svg",
	}
}

func (s *Server) user(login string) *userJSON { return s.userPayload(s.account(login)) }

func (s *Server) ownerPayload() *userJSON {
	return &userJSON{
		Login: s.owner, ID: firstID, NodeID: nodeID("Organization", firstID), Type: "Organization",
		URL: s.apiURL("/users/%s", s.owner), HTMLURL: s.baseURL + "/" + s.owner,
		AvatarURL: s.baseURL + "/assets/avatar.svg",
	}
}

func (s *Server) organization() map[string]any {
	out := map[string]any{
		"login": s.owner, "id": int64(firstID), "node_id": nodeID("Organization", firstID),
		"url": s.apiURL("/orgs/%s", s.owner), "description": "", "avatar_url": s.baseURL + "/assets/avatar.svg",
	}
	maps.Copy(out, below(s.apiURL("/orgs/%s", s.owner), map[string]string{
		"repos_url": "/repos", "events_url": "/events", "hooks_url": "/hooks", "issues_url": "/issues",
		"members_url": "/members{/member}", "public_members_url": "/public_members{/member}",
	}))
	return out
}

func (s *Server) repository() *repoJSON {
	out := &repoJSON{
		ID: firstID - 1, NodeID: nodeID("Repository", firstID-1), Name: s.repo, FullName: s.owner + "/" + s.repo,
		Private: true, Visibility: "private", Owner: s.ownerPayload(), HTMLURL: s.htmlURL(""), URL: s.repoURL(""),
		CloneURL: s.htmlURL(".git"), GitURL: s.htmlURL(".git"), DefaultBranch: DefaultBranch,
		CreatedAt: s.started, UpdatedAt: s.pushedAt, PushedAt: s.pushedAt,
	}
	if !s.lies.MethodsHidden {
		for method, flag := range map[string]**bool{"merge": &out.AllowMergeCommit, "squash": &out.AllowSquashMerge, "rebase": &out.AllowRebaseMerge} {
			allowed := slices.Contains(s.methods, method)
			*flag = &allowed
		}
		auto := s.autoMerge
		out.AllowAutoMerge = &auto
	}
	return out
}

// association is what GitHub calls the relation of an author to the repository.
func (s *Server) association(login string) string {
	a := s.account(login)
	switch {
	case a == nil:
		return "NONE"
	case a.canWrite():
		return "COLLABORATOR"
	}
	return "NONE"
}

type personJSON struct {
	Name     string     `json:"name"`
	Email    string     `json:"email"`
	Date     *time.Time `json:"date,omitempty"`
	Username string     `json:"username,omitempty"`
}

func person(s Signature) personJSON {
	return personJSON{Name: s.Name, Email: s.Email, Date: &s.When}
}

type shaJSON struct {
	SHA     string `json:"sha"`
	URL     string `json:"url"`
	HTMLURL string `json:"html_url,omitempty"`
}

type verificationJSON struct {
	Verified  bool    `json:"verified"`
	Reason    string  `json:"reason"`
	Signature *string `json:"signature"`
	Payload   *string `json:"payload"`

	VerifiedAt *time.Time `json:"verified_at"`
}

type gitCommitJSON struct {
	SHA          string           `json:"sha,omitempty"`
	NodeID       string           `json:"node_id,omitempty"`
	URL          string           `json:"url"`
	HTMLURL      string           `json:"html_url,omitempty"`
	Author       personJSON       `json:"author"`
	Committer    personJSON       `json:"committer"`
	Message      string           `json:"message"`
	Tree         shaJSON          `json:"tree"`
	Parents      []shaJSON        `json:"parents,omitzero"`
	Verification verificationJSON `json:"verification"`
	CommentCount int              `json:"comment_count"`
}

func (s *Server) gitCommitPayload(c Commit, full bool) gitCommitJSON {
	out := gitCommitJSON{
		URL: s.repoURL("/git/commits/%s", c.SHA), Author: person(c.Author), Committer: person(c.Committer),
		Message: c.Message, Tree: shaJSON{SHA: c.Tree, URL: s.repoURL("/git/trees/%s", c.Tree)},
		Verification: s.verification(c.SHA),
	}
	if out.Verification.Verified {
		out.Verification.VerifiedAt = &c.Committer.When
	}
	if full {
		out.SHA, out.NodeID, out.HTMLURL = c.SHA, c.SHA, s.htmlURL("/commit/%s", c.SHA)
		out.Parents = s.parents(c)
	}
	return out
}

func (s *Server) parents(c Commit) []shaJSON {
	out := make([]shaJSON, 0, len(c.Parents))
	for _, p := range c.Parents {
		out = append(out, shaJSON{SHA: p, URL: s.repoURL("/commits/%s", p), HTMLURL: s.htmlURL("/commit/%s", p)})
	}
	return out
}

type commitJSON struct {
	SHA         string         `json:"sha"`
	NodeID      string         `json:"node_id"`
	Commit      gitCommitJSON  `json:"commit"`
	URL         string         `json:"url"`
	HTMLURL     string         `json:"html_url"`
	CommentsURL string         `json:"comments_url"`
	Author      *userJSON      `json:"author"`
	Committer   *userJSON      `json:"committer"`
	Parents     []shaJSON      `json:"parents"`
	Stats       map[string]int `json:"stats,omitempty"`
	Files       []fileJSON     `json:"files,omitempty"`
}

func (s *Server) commitPayload(c Commit) commitJSON {
	return commitJSON{
		SHA: c.SHA, NodeID: c.SHA, Commit: s.gitCommitPayload(c, false), URL: s.repoURL("/commits/%s", c.SHA),
		HTMLURL: s.htmlURL("/commit/%s", c.SHA), CommentsURL: s.repoURL("/commits/%s/comments", c.SHA),
		Author: s.userPayload(s.accountByEmail(c.Author.Email)), Parents: s.parents(c),
		Committer: s.userPayload(s.accountByEmail(c.Committer.Email)),
	}
}

func (s *Server) commitPayloads(list []Commit) []commitJSON {
	out := make([]commitJSON, 0, len(list))
	for _, c := range list {
		out = append(out, s.commitPayload(c))
	}
	return out
}

type fileJSON struct {
	SHA              string `json:"sha"`
	Filename         string `json:"filename"`
	Status           string `json:"status"`
	Additions        int    `json:"additions"`
	Deletions        int    `json:"deletions"`
	Changes          int    `json:"changes"`
	BlobURL          string `json:"blob_url"`
	RawURL           string `json:"raw_url"`
	ContentsURL      string `json:"contents_url"`
	Patch            string `json:"patch,omitempty"`
	PreviousFilename string `json:"previous_filename,omitempty"`
}

func (s *Server) filePayloads(files []File, sha string) []fileJSON {
	out := make([]fileJSON, 0, len(files))
	for _, f := range files {
		p := escapePath(f.Path)
		out = append(out, fileJSON{
			SHA: f.SHA, Filename: f.Path, Status: f.Status, Additions: f.Additions, Deletions: f.Deletions,
			Changes: f.Additions + f.Deletions, Patch: f.Patch, PreviousFilename: f.Previous,
			BlobURL: s.htmlURL("/blob/%s/%s", sha, p), RawURL: s.htmlURL("/raw/%s/%s", sha, p),
			ContentsURL: s.repoURL("/contents/%s?ref=%s", p, sha),
		})
	}
	return out
}
