package main

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/github"
	"github.com/drbot/drbot/internal/store"
	"github.com/drbot/drbot/workflows"
)

// lookLeft is how long the start may wait for GitHub to tell what an earlier bot left.
const lookLeft = 5 * time.Second

// openChanges lists the open pull requests from branches whose name begins so.
type openChanges interface {
	OpenChanges(ctx context.Context, repo dr.Repository, branches string) ([]dr.Change, error)
}

// greet says at the start what the database is. Where it is empty and a bot has run
// before, the pull requests which that bot left open show it.
func greet(ctx context.Context, st *store.Store, forge openChanges, services map[string]dr.Service, log *slog.Logger) error {
	if st.Fresh() {
		log.WarnContext(ctx, "THE DATABASE IS EMPTY: right for a new bot. Where a bot has run before, end this one: it is another database, or a copy without its -wal file")
		tellLeft(ctx, forge, services, log)
	}
	head, err := st.AuditHead(ctx)
	if dr.CodeOf(err) == dr.Conflict {
		return nil // Open has said it
	} else if err != nil {
		return err
	}
	log.InfoContext(ctx, "the audit log goes on", "seq", head.Seq, "hash", head.Hash)
	return nil
}

// tellLeft names the bot's own pull requests that are open although it knows of no run.
func tellLeft(ctx context.Context, forge openChanges, services map[string]dr.Service, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, lookLeft)
	defer cancel()
	for _, repo := range repositories(services) {
		name := repo.Owner + "/" + repo.Name
		left, err := forge.OpenChanges(ctx, repo, workflows.Branches)
		if err != nil {
			log.WarnContext(ctx, "it is not known whether an earlier bot left a pull request open", "repository", name, "error", err)
		}
		for _, ch := range left {
			log.ErrorContext(ctx, "A PULL REQUEST OF A BOT IS OPEN, AND THE DATABASE KNOWS NO RUN: a bot has run before; end this one, or close it if that bot is gone for good",
				"repository", name, "number", ch.Number, "url", ch.URL, "branch", ch.Branch)
		}
	}
}

// standing tells in what the live installation of a GitHub App is not as it must be.
type standing interface {
	Standing(ctx context.Context, repo dr.Repository) ([]github.Difference, error)
}

// tellStanding says what is wrong with the App, and what to change. The start goes on: what
// runs waits for it, and what was promoted must be seen to its end.
func tellStanding(ctx context.Context, forge standing, services map[string]dr.Service, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, lookLeft)
	defer cancel()
	for _, repo := range repositories(services) {
		name := repo.Owner + "/" + repo.Name
		apart, err := forge.Standing(ctx, repo)
		if err != nil {
			log.WarnContext(ctx, "it is not known what the GitHub App may do", "repository", name, "error", err)
		}
		for _, d := range apart {
			at := slog.LevelWarn
			if d.Level == dr.Fail {
				at = slog.LevelError
			}
			log.Log(ctx, at, "the GitHub App is not as docs/github-app.json has it", "repository", name, "apart", d.What, "mend", d.Next)
		}
	}
}

// repositories lists those of the services, each once.
func repositories(services map[string]dr.Service) []dr.Repository {
	var out []dr.Repository
	for _, s := range services {
		if !slices.ContainsFunc(out, func(r dr.Repository) bool { return r.Owner == s.Repository.Owner && r.Name == s.Repository.Name }) {
			out = append(out, s.Repository)
		}
	}
	slices.SortFunc(out, func(a, b dr.Repository) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Name, b.Name))
	})
	return out
}
