package github

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// signed is a change under way whose commit GitHub makes and signs for an App.
type signed struct {
	place
	req dr.ChangeRequest
}

// ensure makes the branch and then, by createCommitOnBranch, the commit on it, or
// finds them. GitHub signs that commit, and makes it only upon the base it names. A
// branch that is still at the base is one that an earlier try made.
func (c signed) ensure(ctx context.Context) (head string, err error) {
	req := c.req
	if content, _, err := c.client.contentAt(ctx, req.Repository, req.BaseSHA); err != nil {
		return "", err
	} else if content == req.Content {
		return "", &dr.Error{Code: dr.Conflict, What: dr.T("github.change.nothing", "file", req.Repository.File)}
	}
	head, err = c.branchAtBase(ctx)
	if err != nil || head != req.BaseSHA {
		return head, err
	}
	sha, err := c.commit(ctx)
	if err != nil {
		// Its answer may have been lost, or somebody was faster. A branch that has moved
		// is ours, or nobody's to take up.
		now, found, lookErr := c.client.branch(ctx, req.Repository, req.Branch)
		if lookErr != nil || !found || now == req.BaseSHA {
			return "", err
		}
		return now, opening{c.client, req}.checkOurs(ctx, now)
	}
	return sha, c.client.checkNamed(ctx, req.Repository, sha)
}

// branchAtBase finds the branch, or makes it at the base. Where it is elsewhere, the
// commit there is the one of this request.
func (c signed) branchAtBase(ctx context.Context) (head string, err error) {
	req := c.req
	look := func() (string, bool, error) {
		head, found, err := c.client.branch(ctx, req.Repository, req.Branch)
		if err == nil && found && head != req.BaseSHA {
			err = opening{c.client, req}.checkOurs(ctx, head)
		}
		return head, found, err
	}
	if head, found, err := look(); found || err != nil {
		return head, err
	}
	ref := &gh.Reference{Ref: gh.String("refs/heads/" + req.Branch), Object: &gh.GitObject{SHA: &req.BaseSHA}}
	_, _, err = c.client.api.Git.CreateRef(ctx, req.Repository.Owner, req.Repository.Name, ref)
	if err == nil {
		return req.BaseSHA, nil
	}
	if status(err) == http.StatusUnprocessableEntity || lost(err) {
		if head, found, lookErr := look(); found || lookErr != nil {
			return head, lookErr
		}
	}
	return "", explain(err, dr.T("github.doing.make-branch", "branch", req.Branch))
}

const commitQuery = `mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}`

func (c signed) commit(ctx context.Context) (sha string, err error) {
	req, repo, doing := c.req, c.repo, dr.T("github.doing.write-commit")
	headline, body, _ := strings.Cut(req.Message, "\n")
	input := map[string]any{
		"branch":          map[string]any{"repositoryNameWithOwner": repo.Owner + "/" + repo.Name, "branchName": req.Branch},
		"message":         map[string]any{"headline": headline, "body": strings.TrimLeft(body, "\n")},
		"expectedHeadOid": req.BaseSHA,
		"fileChanges": map[string]any{"additions": []any{map[string]any{
			"path": repo.File, "contents": base64.StdEncoding.EncodeToString([]byte(req.Content)),
		}}},
	}
	var data struct {
		Made struct {
			Commit struct {
				OID string `json:"oid"`
			} `json:"commit"`
		} `json:"createCommitOnBranch"`
	}
	if _, err := c.graphql(ctx, doing, commitQuery, map[string]any{"input": input}, &data); err != nil {
		return "", err
	}
	if sha = data.Made.Commit.OID; !isSHA(sha) {
		return "", explain(errors.New("the answer has no commit"), doing)
	}
	return sha, nil
}

// unsigned refuses a commit that GitHub would not sign where the base takes signed ones
// alone, before people are woken for a merge that cannot be.
func (c place) unsigned(ctx context.Context) error {
	repo := c.repo
	required, err := c.signaturesRequired(ctx)
	if err != nil {
		c.client.log.WarnContext(ctx, "it is not known whether the base takes signed commits alone", "repository", repo.Owner+"/"+repo.Name, "error", err)
		return nil
	}
	if !required {
		return nil
	}
	return &dr.Error{Code: dr.Conflict, What: executableUnsigned(repo), Next: executableNext(repo)}
}

func executableUnsigned(repo dr.Repository) dr.Text {
	return dr.T("github.executable", "file", repo.File, "base", repo.Base)
}

func executableNext(repo dr.Repository) dr.Text {
	return dr.T("github.executable.next", "command", dr.Foreign("git update-index --chmod=-x "+repo.File), "base", repo.Base)
}

const signaturesQuery = `query($owner: String!, $name: String!, $ref: String!) {
  repository(owner: $owner, name: $name) { ref(qualifiedName: $ref) { refUpdateRule { requiresSignatures } } }
}`

// signaturesRequired tells whether the base takes signed commits alone, by its protection
// or by a ruleset; both are shown to whoever may read.
func (c place) signaturesRequired(ctx context.Context) (bool, error) {
	repo := c.repo
	doing := dr.T("github.doing.read-rules", "branch", repo.Base)
	var data struct {
		Repository struct {
			Ref struct {
				Rule struct {
					Signatures bool `json:"requiresSignatures"`
				} `json:"refUpdateRule"`
			} `json:"ref"`
		} `json:"repository"`
	}
	vars := map[string]any{"owner": repo.Owner, "name": repo.Name, "ref": "refs/heads/" + repo.Base}
	_, err := c.graphql(ctx, doing, signaturesQuery, vars, &data)
	if err == nil && data.Repository.Ref.Rule.Signatures {
		return true, nil
	}
	req, reqErr := c.client.api.NewRequest(http.MethodGet, "repos/"+repo.Owner+"/"+repo.Name+"/rules/branches/"+escaped(repo.Base), nil)
	if reqErr != nil {
		return false, explain(reqErr, doing)
	}
	var rules []struct {
		Type string `json:"type"`
	}
	if _, rulesErr := c.client.api.Do(ctx, req, &rules); rulesErr != nil && !notFound(rulesErr) {
		return false, explain(rulesErr, doing)
	}
	for _, r := range rules {
		if r.Type == "required_signatures" {
			return true, nil
		}
	}
	return false, err
}
