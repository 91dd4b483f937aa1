package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Demands is what a branch asks of whatever is merged into it. What is not enforced at the merge is told alone, and says so.
type Demands struct {
	// Protection asks by the branch's protection, which an admin alone may read; else a
	// ruleset asks, which everybody may read who reads the repository.
	Protection bool

	Checks     []string // contexts of statuses that have to be success at the head
	Strict     bool     // the head has the base in it; asks nothing where no check is required
	Signatures bool     // those that the site makes have them, an App's among them
	Linear     bool
	Queue      bool // of a ruleset alone
	Locked     bool // of the protection alone
	Reviews    int  // approvals by people who may write
	Methods    []string

	Owners, Conversations bool     // told alone
	Deployments           []string // environments; of a ruleset alone, told alone
	Pushers               []string // logins that alone may push and merge; of the protection alone, told alone
	Others                []string // types of other rules of a ruleset; told alone
	Bypass                []string // logins of whom a ruleset asks nothing
	AdminsFree            bool     // the protection asks nothing of admins
}

// Demand says what a branch asks from now on.
func (s *Server) Demand(branch string, d Demands) {
	defer s.lock()()
	s.demands[branch] = d
	if d.Queue && s.accounts[QueueLogin] == nil {
		_ = s.addAccount(Persona{Login: QueueLogin, Type: "Bot", Permission: "write"}) // only a login that is taken fails
	}
	s.watch.bump()
}

// AllowAutoMerge says whether a pull request may be set to merge by itself.
func (s *Server) AllowAutoMerge(allowed bool) {
	defer s.lock()()
	s.autoMerge = allowed
}

// SetScopes says what the classic token of a login may do; of another kind of token GitHub
// tells nothing.
func (s *Server) SetScopes(login string, scopes ...string) {
	defer s.lock()()
	s.scopes[strings.ToLower(login)] = strings.Join(scopes, ", ")
}

func (s *Server) checkDemands(ctx context.Context, by *account, p *pull, method string) error {
	return s.meets(ctx, by, p, s.demands[p.BaseRef], method)
}

// meets refuses what does not meet demands.
func (s *Server) meets(ctx context.Context, by *account, p *pull, d Demands, method string) error {
	if d.Protection && d.AdminsFree && by.Permission == "admin" || !d.Protection && listed(d.Bypass, by.Login) {
		return nil
	}
	no := func(format string, args ...any) error {
		if !d.Protection {
			format = "Repository rule violations found\n\n" + format + "\n\n"
		}
		return refuse(http.StatusMethodNotAllowed, format, args...)
	}
	switch {
	case d.Queue:
		return no("Changes must be made through the merge queue")
	case d.Locked:
		return no("Cannot change this locked branch")
	case d.Signatures && !s.signed[p.HeadSHA]:
		return no("Commits must have verified signatures.")
	case d.Linear && method == "merge":
		return no("This branch must not contain merge commits.")
	case len(d.Methods) > 0 && !slices.Contains(d.Methods, method):
		return no("%s", strings.Replace(notAllowed[method], " on this repository", "", 1))
	case s.approvals(p) < d.Reviews:
		return no("At least %d approving review%s required by reviewers with write access.", d.Reviews, map[bool]string{true: " is", false: "s are"}[d.Reviews == 1])
	}
	missing := s.missing(p.HeadSHA, d.Checks)
	if d.Strict && len(d.Checks) > 0 {
		inside, err := s.git.isAncestor(ctx, p.BaseTip, p.HeadSHA)
		if err != nil {
			return err
		}
		if !inside { // GitHub does not count the checks of a head that is behind
			missing = d.Checks
		}
	}
	switch n := len(missing); n {
	case 0:
		return nil
	case 1:
		return no("Required status check %q is expected.", missing[0])
	default:
		return no("%d of %d required status checks are expected.", n, len(d.Checks))
	}
}

// missing are the contexts that are not success at a commit.
func (s *Server) missing(sha string, contexts []string) []string {
	_, latest := s.latestStatuses(sha)
	return slices.DeleteFunc(slices.Clone(contexts), func(c string) bool {
		return slices.ContainsFunc(latest, func(st *Status) bool { return strings.EqualFold(st.Context, c) && st.State == "success" })
	})
}

func (s *Server) approvals(p *pull) int {
	last := map[string]string{}
	for _, rv := range p.Reviews {
		if rv.State != Commented && rv.State != Pending {
			last[rv.User] = rv.State
		}
	}
	n := 0
	for login, state := range last {
		if a := s.account(login); a != nil && a.canWrite() && state == Approved {
			n++
		}
	}
	return n
}

// branchPayload is a branch as the API tells it to everybody.
func (s *Server) branchPayload(name string, c Commit) map[string]any {
	d, asked := s.demands[name]
	level, contexts := "off", []string{}
	if d.Protection && len(d.Checks) > 0 {
		level, contexts = "everyone", d.Checks
	}
	return map[string]any{
		"name": name, "commit": s.commitPayload(c), "protected": asked,
		"protection": map[string]any{
			"enabled":                d.Protection,
			"required_status_checks": map[string]any{"enforcement_level": level, "contexts": contexts, "checks": []any{}},
		},
		"protection_url": s.repoURL("/branches/%s/protection", escapePath(name)),
		"_links":         map[string]any{"self": s.repoURL("/branches/%s", escapePath(name)), "html": s.htmlURL("/tree/%s", escapePath(name))},
	}
}

func (s *Server) getProtection(r *request, name string) (int, any, error) {
	d := s.demands[name]
	switch {
	case r.user.Permission != "admin":
		return 0, nil, notFound()
	case !d.Protection:
		return 0, nil, refuse(http.StatusNotFound, "Branch not protected")
	}
	at := s.repoURL("/branches/%s/protection", escapePath(name))
	on := func(b bool) map[string]any { return map[string]any{"enabled": b} }
	out := map[string]any{
		"url":                 at,
		"required_signatures": map[string]any{"enabled": d.Signatures, "url": at + "/required_signatures"},
		"enforce_admins":      map[string]any{"enabled": !d.AdminsFree, "url": at + "/enforce_admins"}, "required_linear_history": on(d.Linear), "allow_force_pushes": on(false), "allow_deletions": on(false),
		"required_conversation_resolution": on(d.Conversations), "lock_branch": on(d.Locked), "allow_fork_syncing": on(false), "block_creations": on(false),
	}
	if len(d.Checks) > 0 {
		checks := []map[string]any{}
		for _, c := range d.Checks {
			checks = append(checks, map[string]any{"context": c, "app_id": nil})
		}
		out["required_status_checks"] = map[string]any{"strict": d.Strict, "contexts": d.Checks, "checks": checks}
	}
	if d.Reviews > 0 || d.Owners {
		out["required_pull_request_reviews"] = map[string]any{
			"required_approving_review_count": d.Reviews, "require_code_owner_reviews": d.Owners, "dismiss_stale_reviews": false, "require_last_push_approval": false,
		}
	}
	if d.Pushers != nil {
		users := []*userJSON{}
		for _, login := range d.Pushers {
			users = append(users, s.user(login))
		}
		out["restrictions"] = map[string]any{
			"url": at + "/restrictions", "users": users, "users_url": at + "/restrictions/users",
			"teams": []any{}, "teams_url": at + "/restrictions/teams", "apps": []any{}, "apps_url": at + "/restrictions/apps",
		}
	}
	return http.StatusOK, out, nil
}

// rulesetID is of the one ruleset there is.
const rulesetID = 4711

// getRuleset tells of the ruleset what one needs to know who is not its administrator.
func (s *Server) getRuleset(r *request) (int, any, error) {
	if r.PathValue("id") != itoa(rulesetID) {
		return 0, nil, notFound()
	}
	bypass := "never"
	for _, d := range s.demands {
		if listed(d.Bypass, r.user.Login) {
			bypass = "always"
		}
	}
	return http.StatusOK, map[string]any{
		"id": rulesetID, "name": "base", "target": "branch", "source_type": "Repository", "source": s.owner + "/" + s.repo,
		"enforcement": "active", "current_user_can_bypass": bypass,
	}, nil
}

// getRules lists what rulesets ask of a branch.
func (s *Server) getRules(r *request) (int, any, error) {
	d, asked := s.demands[r.PathValue("branch")]
	out := []map[string]any{}
	if !asked || d.Protection {
		return http.StatusOK, out, nil
	}
	add := func(asked bool, kind string, parameters map[string]any) {
		if !asked {
			return
		}
		rule := map[string]any{"type": kind, "ruleset_source_type": "Repository", "ruleset_source": s.owner + "/" + s.repo, "ruleset_id": rulesetID}
		if parameters != nil {
			rule["parameters"] = parameters
		}
		out = append(out, rule)
	}
	add(d.Queue, "merge_queue", map[string]any{
		"merge_method": "MERGE", "grouping_strategy": "ALLGREEN", "check_response_timeout_minutes": 60, "max_entries_to_build": 5,
		"max_entries_to_merge": 5, "min_entries_to_merge": 1, "min_entries_to_merge_wait_minutes": 5,
	})
	add(d.Signatures, "required_signatures", nil)
	add(d.Linear, "required_linear_history", nil)
	checks := []map[string]any{}
	for _, c := range d.Checks {
		checks = append(checks, map[string]any{"context": c})
	}
	add(len(d.Checks) > 0, "required_status_checks", map[string]any{"required_status_checks": checks, "strict_required_status_checks_policy": d.Strict})
	methods := d.Methods
	if len(methods) == 0 {
		methods = mergeMethods()
	}
	add(d.Reviews > 0 || d.Owners || d.Conversations || len(d.Methods) > 0, "pull_request", map[string]any{
		"required_approving_review_count": d.Reviews, "require_code_owner_review": d.Owners, "required_review_thread_resolution": d.Conversations,
		"dismiss_stale_reviews_on_push": false, "require_last_push_approval": false, "allowed_merge_methods": methods,
	})
	add(len(d.Deployments) > 0, "required_deployments", map[string]any{"required_deployment_environments": d.Deployments})
	for _, kind := range d.Others {
		add(true, kind, nil)
	}
	return http.StatusOK, paged(r, out), nil
}

// listCommits lists those of a branch, newest first.
func (s *Server) listCommits(r *request) (int, any, error) {
	ref := r.FormValue("sha")
	if ref == "" {
		ref = DefaultBranch
	}
	sha, err := s.git.resolve(r.Context(), ref)
	if err != nil {
		return 0, nil, err
	}
	list, err := s.git.log(r.Context(), fmt.Sprintf("--max-count=%d", maxPerPage*2), "--end-of-options", sha)
	return http.StatusOK, paged(r, s.commitPayloads(list)), err
}

// checkRuns are none: only an App can make one, and none is installed here.
func (s *Server) checkRuns(*request, string) (int, any, error) {
	return http.StatusOK, map[string]any{"total_count": 0, "check_runs": []any{}}, nil
}

// SetStatus sets a status on a commit as a person, or somebody's CI, does.
func (s *Server) SetStatus(ctx context.Context, login, sha, name, state, description string) error {
	return s.act(ctx, login, func(ctx context.Context, by *account) error {
		_, err := s.addStatus(ctx, by, sha, statusInput{State: state, Description: description, Context: &name})
		return err
	})
}

// ModeAt is the mode of what stands at a path of a branch, tag or commit.
func (s *Server) ModeAt(ctx context.Context, ref, path string) (string, error) {
	sha, err := s.git.resolve(ctx, ref)
	if err != nil {
		return "", err
	}
	e, ok, err := s.git.entry(ctx, sha, path)
	if err == nil && !ok {
		err = errNoObject
	}
	return e.Mode, err
}

// behind tells whether a pull request lacks commits of a base that asks for all of them.
func (s *Server) behind(p *pull) bool {
	d := s.demands[p.BaseRef]
	if !d.Strict || len(d.Checks) == 0 || d.Queue {
		return false
	}
	return p.MergeBaseCommit != p.BaseTip
}
