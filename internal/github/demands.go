package github

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// asked is what the protection and the rulesets of a branch ask of a merge.
type asked struct {
	queue, signatures, linear, strict    bool
	owners, conversations, locked        bool
	checks, deployments, methods, others []string
	reviews                              int
	restricted                           bool     // not everybody who may write may push
	pushers                              []string // logins that may
	groups                               bool     // and teams or Apps
}

// demands reads both places that ask something of a merge, and who reports what they ask.
func (l finding) demands(ctx context.Context) {
	l.f.protectionErr = l.protection(ctx)
	l.f.rulesErr = l.rules(ctx)
	if l.f.asked.upToDate() {
		l.f.busy, l.f.busyErr = l.lately(ctx)
	}
	wanted := slices.DeleteFunc(slices.Clone(l.f.asked.checks), func(c string) bool { return contains(l.own, c) })
	if len(wanted) == 0 {
		return
	}
	l.f.unseen, l.f.seenErr = l.seen(ctx, wanted)
}

// get reads a route that go-github does not know, or not well enough.
func (l finding) get(ctx context.Context, into any, path string) (*gh.Response, error) {
	repo := l.repo()
	req, err := l.client.api.NewRequest(http.MethodGet, "repos/"+url.PathEscape(repo.Owner)+"/"+url.PathEscape(repo.Name)+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	return l.client.api.Do(ctx, req, into)
}

type flag struct {
	Enabled bool `json:"enabled"`
}

// protection is the older of the two. That there is none everybody may read; what it asks,
// an administrator.
func (l finding) protection(ctx context.Context) error {
	base := escaped(l.repo().Base)
	doing := dr.T("github.doing.read-protection", "branch", l.repo().Base)
	var branch struct {
		Protected  bool  `json:"protected"`
		Protection *flag `json:"protection"`
	}
	if _, err := l.get(ctx, &branch, "branches/"+base); err != nil {
		return explain(err, doing)
	}
	if !branch.Protected || branch.Protection != nil && !branch.Protection.Enabled {
		return nil
	}
	var p struct {
		Checks *struct {
			Strict   bool     `json:"strict"`
			Contexts []string `json:"contexts"`
			Checks   []struct {
				Context string `json:"context"`
			} `json:"checks"`
		} `json:"required_status_checks"`
		Reviews *struct {
			Owners bool `json:"require_code_owner_reviews"`
			Count  int  `json:"required_approving_review_count"`
		} `json:"required_pull_request_reviews"`
		Restrictions *struct {
			Users []struct {
				Login string `json:"login"`
			} `json:"users"`
			Teams []any `json:"teams"`
			Apps  []any `json:"apps"`
		} `json:"restrictions"`
		Signatures    flag `json:"required_signatures"`
		Linear        flag `json:"required_linear_history"`
		Conversations flag `json:"required_conversation_resolution"`
		Locked        flag `json:"lock_branch"`
		Admins        flag `json:"enforce_admins"`
	}
	if _, err := l.get(ctx, &p, "branches/"+base+"/protection"); err != nil {
		var answer *gh.ErrorResponse
		if notFound(err) && errors.As(err, &answer) && answer.Message == "Branch not protected" {
			return nil
		}
		return explain(err, doing)
	}
	if !p.Admins.Enabled && l.f.repository.GetPermissions()["admin"] {
		return nil // nothing of it is asked of an administrator
	}
	a := &l.f.asked
	a.signatures, a.linear, a.conversations, a.locked = p.Signatures.Enabled, p.Linear.Enabled, p.Conversations.Enabled, p.Locked.Enabled
	if p.Checks != nil {
		a.strict, a.checks = p.Checks.Strict, p.Checks.Contexts
		for _, c := range p.Checks.Checks {
			a.checks = joined(a.checks, c.Context)
		}
	}
	if p.Reviews != nil {
		a.owners, a.reviews = p.Reviews.Owners, p.Reviews.Count
	}
	if r := p.Restrictions; r != nil {
		a.restricted, a.groups = true, len(r.Teams)+len(r.Apps) > 0
		for _, u := range r.Users {
			a.pushers = append(a.pushers, u.Login)
		}
	}
	return nil
}

// ruleOf is a rule of a ruleset, with what is read of its parameters.
type ruleOf struct {
	Type       string `json:"type"`
	Ruleset    int64  `json:"ruleset_id"`
	Parameters struct {
		Checks []struct {
			Context string `json:"context"`
		} `json:"required_status_checks"`
		Strict        bool     `json:"strict_required_status_checks_policy"`
		Reviews       int      `json:"required_approving_review_count"`
		Owners        bool     `json:"require_code_owner_review"`
		Conversations bool     `json:"required_review_thread_resolution"`
		Methods       []string `json:"allowed_merge_methods"`
		Environments  []string `json:"required_deployment_environments"`
	} `json:"parameters"`
}

// harmless are the rules that ask nothing of a merge.
var harmless = []string{"creation", "deletion", "non_fast_forward"}

func (l finding) rules(ctx context.Context) error {
	list, err := pages(func(o gh.ListOptions) ([]ruleOf, *gh.Response, error) {
		var page []ruleOf
		q := url.Values{"per_page": {"100"}, "page": {strconv.Itoa(o.Page)}}
		resp, err := l.get(ctx, &page, "rules/branches/"+escaped(l.repo().Base)+"?"+q.Encode())
		return page, resp, err
	})
	if err != nil {
		return explain(err, dr.T("github.doing.read-rules", "branch", l.repo().Base))
	}
	bypassed := map[int64]bool{}
	for _, r := range list {
		if slices.Contains(harmless, r.Type) {
			continue
		}
		free, known := bypassed[r.Ruleset]
		if !known {
			free = l.bypassed(ctx, r.Ruleset)
			bypassed[r.Ruleset] = free
		}
		if !free {
			l.f.asked.take(r)
		}
	}
	return nil
}

// bypassed tells whether a ruleset asks nothing of the bot. Where GitHub does not tell, it
// asks: the rules of a branch are listed whoever reads them.
func (l finding) bypassed(ctx context.Context, id int64) bool {
	var set struct {
		Bypass string `json:"current_user_can_bypass"`
	}
	_, err := l.get(ctx, &set, "rulesets/"+strconv.FormatInt(id, 10))
	return err == nil && slices.Contains([]string{"always", "pull_requests_only", "exempt"}, set.Bypass)
}

// take adds what a rule asks to what is asked already: the stricter counts.
func (a *asked) take(r ruleOf) {
	p := r.Parameters
	switch r.Type {
	case "merge_queue":
		a.queue = true
	case "required_signatures":
		a.signatures = true
	case "required_linear_history":
		a.linear = true
	case "required_deployments":
		for _, e := range p.Environments {
			a.deployments = joined(a.deployments, e)
		}
	case "required_status_checks":
		a.strict = a.strict || p.Strict
		for _, c := range p.Checks {
			a.checks = joined(a.checks, c.Context)
		}
	case "pull_request":
		a.reviews, a.owners, a.conversations = max(a.reviews, p.Reviews), a.owners || p.Owners, a.conversations || p.Conversations
		switch {
		case p.Methods == nil:
		case a.methods == nil:
			a.methods = p.Methods
		default:
			a.methods = slices.DeleteFunc(slices.Clone(a.methods), func(m string) bool { return !slices.Contains(p.Methods, m) })
		}
	default:
		a.others = joined(a.others, r.Type)
	}
}

// upToDate tells whether a head must have all of its base: that asks nothing where no check
// is required.
func (a asked) upToDate() bool { return a.strict && len(a.checks) > 0 }

// lately counts the commits that the base got in the last hour, up to a busy one's.
func (l finding) lately(ctx context.Context) (int, error) {
	repo, since := l.repo(), l.client.now().Add(-time.Hour)
	commits, _, err := l.client.api.Repositories.ListCommits(ctx, repo.Owner, repo.Name, &gh.CommitsListOptions{SHA: repo.Base, Since: since, ListOptions: gh.ListOptions{PerPage: 100}})
	if err != nil {
		return 0, explain(err, dr.T("github.doing.read-checks", "branch", repo.Base))
	}
	n := 0
	for _, c := range commits {
		if c.GetCommit().GetCommitter().GetDate().After(since) {
			n++
		}
	}
	return n, nil
}

// How far back it is looked for who reports a check.
const (
	lookCommits = 5
	lookPulls   = 3
)

// seen gives those of the wanted checks that nobody reported: on the last commits of the
// base, nor on the heads of the last pull requests that were closed.
func (l finding) seen(ctx context.Context, wanted []string) ([]string, error) {
	repo, api := l.repo(), l.client.api
	var heads []string
	doing := dr.T("github.doing.read-checks", "branch", repo.Base)
	commits, _, err := api.Repositories.ListCommits(ctx, repo.Owner, repo.Name, &gh.CommitsListOptions{SHA: repo.Base, ListOptions: gh.ListOptions{PerPage: lookCommits}})
	if err != nil {
		return wanted, explain(err, doing)
	}
	for _, c := range commits {
		heads = append(heads, c.GetSHA())
	}
	pulls, _, err := api.PullRequests.List(ctx, repo.Owner, repo.Name, &gh.PullRequestListOptions{
		State: "closed", Base: repo.Base, Sort: "updated", Direction: "desc", ListOptions: gh.ListOptions{PerPage: lookPulls},
	})
	if err != nil {
		return wanted, explain(err, doing)
	}
	for _, p := range pulls {
		heads = append(heads, p.GetHead().GetSHA())
	}
	for _, sha := range heads {
		reported, failed := l.reported(ctx, sha)
		wanted = slices.DeleteFunc(wanted, func(c string) bool { return contains(reported, c) })
		if err = cmp.Or(err, explain(failed, doing)); len(wanted) == 0 {
			return nil, nil
		}
	}
	return wanted, err
}

// reported lists the statuses and checks of a commit.
func (l finding) reported(ctx context.Context, sha string) ([]string, error) {
	repo, api := l.repo(), l.client.api
	var out []string
	combined, _, err := api.Repositories.GetCombinedStatus(ctx, repo.Owner, repo.Name, sha, &gh.ListOptions{PerPage: 100})
	if err != nil {
		return nil, err
	}
	for _, st := range combined.Statuses {
		out = append(out, st.GetContext())
	}
	runs, _, err := api.Checks.ListCheckRunsForRef(ctx, repo.Owner, repo.Name, sha, &gh.ListCheckRunsOptions{ListOptions: gh.ListOptions{PerPage: 100}})
	if err != nil {
		return out, err
	}
	for _, r := range runs.CheckRuns {
		out = append(out, r.GetName())
	}
	return out, nil
}

func contains(list []string, s string) bool {
	return slices.ContainsFunc(list, func(o string) bool { return strings.EqualFold(o, s) })
}

func joined(list []string, s string) []string {
	if s == "" || contains(list, s) {
		return list
	}
	return append(slices.Clone(list), s)
}

// escaped is a branch in a path, whose slashes stay.
func escaped(branch string) string {
	parts := strings.Split(branch, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}
