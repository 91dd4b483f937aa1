package github

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// findings is what was read of a repository. An error beside a value says that it is not
// known.
type findings struct {
	service dr.Service
	self    string // the bot's login; empty when it is not known

	repository    *gh.Repository
	repositoryErr error
	apart         []Difference // of an App's installation from what it must be
	apartErr      error
	app           bool
	classic       bool // the token is one of those that have scopes
	scopes        []string

	entry      *gh.TreeEntry // what stands at the file's path
	fileErr    error
	literalErr error // what is wrong with its content

	mayWrite      map[string]dr.Level // approvers, by name: ok, fail or unknown
	permissionErr error

	commit    *gh.RepositoryCommit // the last of the bot's; nil when there is none
	commitErr error

	asked         asked
	protectionErr error
	rulesErr      error

	busy    int // commits of the last hour on a base that takes only heads up to date with it
	busyErr error

	unseen  []string // required checks that nobody was seen to report
	seenErr error
}

// find reads all, most of it at the same time.
func (r *Rules) find(ctx context.Context, s dr.Service) findings {
	f := findings{service: s, mayWrite: map[string]dr.Level{}}
	l := finding{Rules: r, f: &f}
	f.self, _ = r.client.Self(ctx)
	if f.app = r.client.app != nil; f.app {
		f.apart, f.apartErr = r.client.Standing(ctx, s.Repository)
	}
	l.settings(ctx) // what the bot may do here decides what is asked of it
	together(ctx, l.file, l.permissions, l.lastCommit, l.demands)
	return f
}

// together reads at the same time. A panic in one of them goes on in the caller.
func together(ctx context.Context, reads ...func(context.Context)) {
	panics := make([]any, len(reads))
	var all sync.WaitGroup
	for i, read := range reads {
		all.Go(func() {
			defer func() { panics[i] = recover() }()
			read(ctx)
		})
	}
	all.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
}

// finding is one reading under way. Each read writes its own values alone.
type finding struct {
	*Rules
	f *findings
}

func (l finding) repo() dr.Repository { return l.f.service.Repository }

func (l finding) settings(ctx context.Context) {
	repo := l.repo()
	r, resp, err := l.client.api.Repositories.Get(ctx, repo.Owner, repo.Name)
	l.f.repository, l.f.repositoryErr = r, explain(err, dr.T("github.doing.read-repository", "owner", repo.Owner, "repository", repo.Name))
	if err != nil {
		return
	}
	var told []string
	if told, l.f.classic = resp.Header[http.CanonicalHeaderKey("X-OAuth-Scopes")]; l.f.classic {
		for s := range strings.SplitSeq(strings.Join(told, ","), ",") {
			if s = strings.TrimSpace(s); s != "" {
				l.f.scopes = append(l.f.scopes, s)
			}
		}
	}
}

func (l finding) file(ctx context.Context) {
	repo := l.repo()
	commit, err := l.client.resolve(ctx, repo, repo.Base)
	if err == nil {
		l.f.entry, err = l.client.entryAt(ctx, repo, commit)
	}
	if l.f.fileErr = err; err != nil || l.f.entry.GetType() != "blob" || l.f.entry.GetMode() == modeLink {
		return
	}
	content, _, err := l.client.File(ctx, repo, commit)
	if l.f.fileErr = err; err == nil {
		l.f.literalErr = l.literal(content)
	}
}

func (l finding) permissions(ctx context.Context) {
	repo := l.repo()
	for _, name := range l.f.service.Approvers {
		person, _ := l.people.ByName(name)
		best := dr.Fail
		for _, login := range person.GitHubLogins {
			level, _, err := l.client.api.Repositories.GetPermissionLevel(ctx, repo.Owner, repo.Name, login)
			switch {
			case notFound(err): // nobody of this name, or no collaborator
			case err != nil:
				l.f.permissionErr = explain(err, dr.T("github.doing.read-permission", "login", login))
				best = better(best, dr.Unknown)
			case slices.Contains([]string{"admin", "maintain", "write"}, level.GetPermission()):
				best = dr.OK
			}
		}
		l.f.mayWrite[name] = best
	}
}

func better(a, b dr.Level) dr.Level {
	if a.Worse(b) {
		return b
	}
	return a
}

// lastCommit finds the commit that the bot made last, by the pull request it made for it.
func (l finding) lastCommit(ctx context.Context) {
	repo, api := l.repo(), l.client.api
	if l.f.self == "" {
		l.f.commitErr = &dr.Error{Code: dr.Denied, What: dr.T("rule.self-untold")}
		return
	}
	pulls, _, err := api.PullRequests.List(ctx, repo.Owner, repo.Name, &gh.PullRequestListOptions{
		State: "all", Sort: "created", Direction: "desc", ListOptions: gh.ListOptions{PerPage: 100},
	})
	if err != nil {
		l.f.commitErr = explain(err, dr.T("github.doing.list-left"))
		return
	}
	for _, p := range pulls {
		if !strings.EqualFold(p.GetUser().GetLogin(), l.f.self) {
			continue
		}
		commits, _, err := api.PullRequests.ListCommits(ctx, repo.Owner, repo.Name, p.GetNumber(), &gh.ListOptions{PerPage: 1})
		if err != nil {
			l.f.commitErr = explain(err, dr.T("github.doing.list-commits", "number", p.GetNumber()))
			return
		}
		if len(commits) > 0 {
			l.f.commit = commits[0]
			return
		}
	}
}
