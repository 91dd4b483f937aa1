package github

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// Difference is one thing in which a live installation of the App is not as
// docs/github-app.json has it, and what to change.
type Difference struct {
	Level dr.Level // dr.Fail: runs cannot be made; dr.Warn: they can
	What  dr.Text
	Next  dr.Text
}

// Needed are the permissions that drbot uses, as docs/github-app.json has them: the
// branch and its commit, the pull request and its comments, the statuses, and the history
// that tells who dismissed a review.
func Needed() map[string]string {
	return map[string]string{
		"contents": "write", "issues": "read", "metadata": "read", "pull_requests": "write", "statuses": "write",
	}
}

// NeededEvents are the events that make drbot look at once.
func NeededEvents() []string {
	return []string{"pull_request", "pull_request_review", "push"}
}

var accessRank = map[string]int{"": 0, "read": 1, "write": 2, "admin": 3}

// Standing compares the live installation on a repository with what drbot needs. With a
// token there is no installation, and nothing differs. What makes the App unusable
// altogether (suspended, its key refused, not on the repository) is a difference of its
// own; an error is a GitHub that could not be asked.
func (c *Client) Standing(ctx context.Context, repo dr.Repository) ([]Difference, error) {
	if c.app == nil {
		return nil, nil
	}
	out, err := c.app.standing(ctx, repo)
	if err == nil && !slices.ContainsFunc(out, func(d Difference) bool { return d.Level == dr.Fail }) {
		var unsigned []Difference
		unsigned, err = place{c, repo}.executable(ctx)
		out = append(out, unsigned...)
	}
	if dr.CodeOf(err) != dr.Uncertain {
		return out, err
	}
	what, next := dr.Told(err)
	return append(out, Difference{dr.Fail, what, next}), nil
}

func (a *App) standing(ctx context.Context, repo dr.Repository) ([]Difference, error) {
	app, err := a.self(ctx)
	if err != nil {
		return nil, err
	}
	in, err := a.find(ctx, repo)
	if err != nil {
		return nil, err
	}
	if in.SuspendedAt != nil {
		return []Difference{{dr.Fail, dr.T("github.app.suspended", "owner", repo.Owner), dr.T("github.app.suspended.next", "owner", repo.Owner)}}, nil
	}
	return append(permissionsApart(app, in, repo), eventsApart(in)...), nil
}

// executable finds a file whose commit GitHub would not sign for an App on a base
// that takes signed ones alone.
func (c place) executable(ctx context.Context) ([]Difference, error) {
	repo := c.repo
	tip, err := c.client.resolve(ctx, repo, repo.Base)
	if err != nil {
		return nil, err
	}
	e, err := c.client.entryAt(ctx, repo, tip)
	if dr.CodeOf(err) == dr.NotFound || err == nil && e.GetMode() != modeExecutable {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	required, err := c.signaturesRequired(ctx)
	if err != nil || !required {
		return nil, err
	}
	return []Difference{{dr.Fail, executableUnsigned(repo), executableNext(repo)}}, nil
}

// permissionsApart are those that the installation lacks, and those it has beyond.
func permissionsApart(app *gh.App, in *gh.Installation, repo dr.Repository) []Difference {
	needed, asked, has := Needed(), permissionsOf(app.Permissions), permissionsOf(in.Permissions)
	for name := range has {
		if _, ok := needed[name]; !ok {
			needed[name] = ""
		}
	}
	var out []Difference
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		need, got := needed[name], has[name]
		args := []any{
			"permission", name, "has", level(got), "needs", level(need), "owner", repo.Owner, "url", dr.Foreign(in.GetHTMLURL()),
		}
		switch lacks := accessRank[got] < accessRank[need]; {
		case lacks && accessRank[asked[name]] >= accessRank[need]:
			out = append(out, Difference{dr.Fail, dr.T("github.app.permission.asked", args...), dr.T("github.app.permission.asked.next", args...)})
		case lacks:
			out = append(out, Difference{dr.Fail, dr.T("github.app.permission.missing", args...), dr.T("github.app.permission.missing.next", args...)})
		case accessRank[got] > accessRank[need]:
			out = append(out, Difference{dr.Warn, dr.T("github.app.permission.beyond", args...), dr.T("github.app.permission.beyond.next")})
		}
	}
	return out
}

func level(access string) any {
	if access == "" {
		return dr.T("github.app.no-access")
	}
	return access
}

// permissionsOf are the permissions by GitHub's names for them.
func permissionsOf(p *gh.InstallationPermissions) map[string]string {
	out := map[string]string{}
	doc, err := json.Marshal(cmp.Or(p, &gh.InstallationPermissions{}))
	if err != nil || json.Unmarshal(doc, &out) != nil {
		return map[string]string{} // strings alone: neither can fail
	}
	return out
}

func eventsApart(in *gh.Installation) []Difference {
	var out []Difference
	for _, e := range NeededEvents() {
		if !slices.Contains(in.Events, e) {
			out = append(out, Difference{dr.Warn, dr.T("github.app.event.missing", "event", dr.Foreign(e)), dr.T("github.app.event.missing.next", "event", dr.Foreign(e))})
		}
	}
	return out
}
