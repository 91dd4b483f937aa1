package github

import (
	"encoding/json"
	"maps"
	"strings"
)

// What GitHub tells beside the facts that a payload is about: addresses that follow from its own, and counts and
// settings that are the same all the time here. The bot reads none of it; it is there because GitHub describes it.

// also writes an object with more fields after its own.
func also(v any, more map[string]any) ([]byte, error) {
	doc, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	rest, err := json.Marshal(more)
	return append(append(doc[:len(doc)-1], ','), rest[1:]...), err
}

// below makes addresses below one out of names and paths.
func below(base string, paths map[string]string) map[string]any {
	out := make(map[string]any, len(paths))
	for name, path := range paths {
		out[name] = base + path
	}
	return out
}

func href(at string) map[string]any { return map[string]any{"href": at} }

// MarshalJSON implements json.Marshaler.
func (u *userJSON) MarshalJSON() ([]byte, error) {
	more := below(u.URL, map[string]string{
		"events_url": "/events{/privacy}", "followers_url": "/followers", "following_url": "/following{/other_user}",
		"gists_url": "/gists{/gist_id}", "organizations_url": "/orgs", "received_events_url": "/received_events",
		"repos_url": "/repos", "starred_url": "/starred{/owner}{/repo}", "subscriptions_url": "/subscriptions",
	})
	more["gravatar_id"], more["user_view_type"] = "", "public"
	if !u.since.IsZero() {
		maps.Copy(more, map[string]any{
			"bio": nil, "blog": "", "company": nil, "followers": 0, "following": 0, "hireable": nil, "location": nil,
			"public_gists": 0, "public_repos": 0, "created_at": u.since, "updated_at": u.since,
		})
	}
	type plain userJSON
	return also((*plain)(u), more)
}

// MarshalJSON implements json.Marshaler.
func (r *repoJSON) MarshalJSON() ([]byte, error) {
	more := below(r.URL, map[string]string{
		"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
		"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}", "comments_url": "/comments{/number}",
		"commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}", "contents_url": "/contents/{+path}",
		"contributors_url": "/contributors", "deployments_url": "/deployments", "downloads_url": "/downloads", "events_url": "/events",
		"forks_url": "/forks", "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
		"hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
		"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}", "languages_url": "/languages",
		"merges_url": "/merges", "milestones_url": "/milestones{/number}", "notifications_url": "/notifications{?since,all,participating}",
		"pulls_url": "/pulls{/number}", "releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
		"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams", "trees_url": "/git/trees{/sha}",
	})
	maps.Copy(more, map[string]any{
		"forks": 0, "forks_count": 0, "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "network_count": 0, "subscribers_count": 0,
		"open_issues": 0, "open_issues_count": 0, "size": 0, "has_issues": true, "has_projects": false, "has_wiki": false, "has_pages": false,
		"has_downloads": false, "has_discussions": false, "homepage": nil, "language": nil, "license": nil, "mirror_url": nil, "disabled": false,
		"is_template": false, "web_commit_signoff_required": false, "allow_forking": false, "topics": []string{},
		"svn_url": r.HTMLURL, "ssh_url": strings.Replace(r.CloneURL, "http", "ssh", 1),
	})
	type plain repoJSON
	return also((*plain)(r), more)
}

// MarshalJSON implements json.Marshaler.
func (p pullJSON) MarshalJSON() ([]byte, error) {
	more := below(p.URL, map[string]string{
		"commits_url": "/commits", "review_comments_url": "/comments", "review_comment_url": "/comments{/number}",
	})
	more["patch_url"], more["assignee"], more["milestone"], more["requested_teams"], more["active_lock_reason"] = p.HTMLURL+".patch", nil, nil, []any{}, nil
	more["_links"] = map[string]any{
		"self": href(p.URL), "html": href(p.HTMLURL), "issue": href(p.IssueURL), "comments": href(p.CommentsURL), "statuses": href(p.StatusesURL),
		"commits": href(p.URL + "/commits"), "review_comments": href(p.URL + "/comments"), "review_comment": href(p.URL + "/comments{/number}"),
	}
	type plain pullJSON
	return also(plain(p), more)
}

// MarshalJSON implements json.Marshaler.
func (r reviewJSON) MarshalJSON() ([]byte, error) {
	type plain reviewJSON
	return also(plain(r), map[string]any{"_links": map[string]any{"html": href(r.HTMLURL), "pull_request": href(r.PullRequestURL)}})
}

// reactions are none.
func reactions(at string) map[string]any {
	out := map[string]any{"url": at, "total_count": 0}
	for _, kind := range []string{"+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"} {
		out[kind] = 0
	}
	return out
}
