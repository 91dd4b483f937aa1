package github

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// File reads the active_region file on a ref and the commit it was read at. The
// ref is resolved first and the file read at that commit, so both agree even
// when the branch moves in between.
func (c *Client) File(ctx context.Context, repo dr.Repository, ref string) (content, commit string, err error) {
	if commit, err = c.resolve(ctx, repo, ref); err != nil {
		return "", "", err
	}
	content, found, err := c.contentAt(ctx, repo, commit)
	if err != nil {
		return "", "", err
	}
	if !found {
		return "", "", &dr.Error{
			Code: dr.NotFound,
			What: dr.T("github.file.missing", "file", repo.File, "owner", repo.Owner, "repository", repo.Name, "commit", short(commit)),
			Next: dr.T("github.file.next"),
		}
	}
	return content, commit, nil
}

// resolve finds the commit a branch is at. A full SHA is itself.
func (c *Client) resolve(ctx context.Context, repo dr.Repository, ref string) (string, error) {
	if isSHA(ref) {
		return ref, nil
	}
	sha, found, err := c.branch(ctx, repo, ref)
	if err == nil && !found {
		err = &dr.Error{
			Code: dr.NotFound,
			What: dr.T("github.no-branch", "owner", repo.Owner, "repository", repo.Name, "branch", ref),
			Next: dr.T("github.no-branch.next"),
		}
	}
	return sha, err
}

// branch finds the tip of a branch.
func (c *Client) branch(ctx context.Context, repo dr.Repository, name string) (sha string, found bool, err error) {
	ref, _, err := c.api.Git.GetRef(ctx, repo.Owner, repo.Name, "heads/"+name)
	if notFound(err) {
		return "", false, place{c, repo}.unseen(ctx)
	}
	if err != nil {
		return "", false, explain(err, doingBranch(name))
	}
	if sha = ref.GetObject().GetSHA(); !isSHA(sha) {
		return "", false, explain(errors.New("the answer has no commit"), doingBranch(name))
	}
	return sha, true, nil
}

func doingBranch(name string) dr.Text { return dr.T("github.doing.read-branch", "branch", name) }

// Parents are the commits a commit was made on, in its own order: none for a root, and
// the base first for a merge.
func (c *Client) Parents(ctx context.Context, repo dr.Repository, sha string) ([]string, error) {
	if !isSHA(sha) {
		return nil, &dr.Error{Code: dr.Invalid, What: dr.T("github.half-sha", "commit", sha)}
	}
	commit, _, err := c.api.Git.GetCommit(ctx, repo.Owner, repo.Name, sha)
	if err == nil && commit.GetSHA() != sha {
		err = errors.New("the answer is about another commit: " + commit.GetSHA())
	}
	if err != nil {
		return nil, explain(err, doingCommit(sha))
	}
	out := make([]string, 0, len(commit.Parents))
	for _, p := range commit.Parents {
		out = append(out, p.GetSHA())
	}
	return out, nil
}

// contentAt reads the active_region file at a commit.
func (c *Client) contentAt(ctx context.Context, repo dr.Repository, sha string) (content string, found bool, err error) {
	doing := dr.T("github.doing.read-file", "file", repo.File, "commit", short(sha))
	file, dir, _, err := c.api.Repositories.GetContents(ctx, repo.Owner, repo.Name, repo.File,
		&gh.RepositoryContentGetOptions{Ref: sha})
	switch {
	case notFound(err):
		return "", false, nil
	case err != nil:
		return "", false, explain(err, doing)
	case dir != nil || file.GetType() != "file":
		return "", false, &dr.Error{Code: dr.Invalid, What: dr.T("github.file.none", "file", repo.File), Next: dr.T("github.file.next")}
	case file.GetEncoding() == "none":
		return "", false, &dr.Error{Code: dr.Invalid, What: dr.T("github.file.large", "file", repo.File), Next: dr.T("github.file.next")}
	}
	content, err = file.GetContent()
	if err == nil && file.Size != nil && len(content) != *file.Size {
		err = fmt.Errorf("%d bytes came of %d", len(content), *file.Size)
	}
	if err != nil {
		return "", false, explain(err, doing)
	}
	return content, true, nil
}

// The modes of what stands in a tree.
const (
	modeFile       = "100644"
	modeExecutable = "100755"
	modeLink       = "120000"
)

// entryAt finds what stands at the file's path at a commit. Its content alone does not
// tell: GitHub follows a link and gives what it points at. Where a folder of the path is a
// link, that is what stands there.
func (c *Client) entryAt(ctx context.Context, repo dr.Repository, sha string) (*gh.TreeEntry, error) {
	tree := sha
	parts := strings.Split(repo.File, "/")
	for i, part := range parts {
		t, _, err := c.api.Git.GetTree(ctx, repo.Owner, repo.Name, tree, false)
		if err != nil {
			return nil, explain(err, dr.T("github.doing.read-file", "file", repo.File, "commit", short(sha)))
		}
		at := slices.IndexFunc(t.Entries, func(e *gh.TreeEntry) bool { return e.GetPath() == part })
		if at < 0 {
			break
		}
		e := t.Entries[at]
		if i == len(parts)-1 || e.GetType() != "tree" {
			return e, nil
		}
		tree = e.GetSHA()
	}
	return nil, &dr.Error{
		Code: dr.NotFound,
		What: dr.T("github.file.missing", "file", repo.File, "owner", repo.Owner, "repository", repo.Name, "commit", short(sha)),
		Next: dr.T("github.file.next"),
	}
}

func isSHA(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 40
}

// short is a commit as people say it.
func short(sha string) string { return sha[:min(len(sha), 7)] }
