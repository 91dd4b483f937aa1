package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/store"
	"github.com/drbot/drbot/internal/tf"
	"github.com/drbot/drbot/workflows"
)

// How long is kept what grows; docs/operate.md lists it.
const (
	keepHistory = 90 * 24 * time.Hour // the engine's steps of ended runs
	keepFolders = 30 * 24 * time.Hour // checkouts and folders of applies
	tidyEvery   = 24 * time.Hour
	tidyFirst   = 5 * time.Minute // after the start, when the runs have been taken up
)

// janitor removes what nobody will ask for again. Runs, the audit log and intents stay.
type janitor struct {
	store     *store.Store
	books     *workflows.Runbooks
	terraform *tf.Terraform
	services  map[string]dr.Service
	log       *slog.Logger
}

func (j janitor) run(ctx context.Context) {
	t := time.NewTimer(tidyFirst)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		j.tidy(ctx)
		t.Reset(tidyEvery)
	}
}

// tidy does each part for itself: one that fails is told and tried again tomorrow.
func (j janitor) tidy(ctx context.Context) {
	now := time.Now()
	if gone, err := j.store.Prune(ctx, now, store.Retention{}); err != nil {
		j.log.WarnContext(ctx, "old readings and notes were not removed", "error", err)
	} else {
		j.log.InfoContext(ctx, "old readings and notes removed", "what", gone)
	}
	if n, err := j.books.Prune(ctx, now.Add(-keepHistory)); err != nil {
		j.log.WarnContext(ctx, "the history of old runs was not removed", "error", err)
	} else {
		j.log.InfoContext(ctx, "the history of old runs removed", "runs", n)
	}
	if err := j.folders(ctx, now.Add(-keepFolders)); err != nil {
		j.log.WarnContext(ctx, "old folders were not removed", "error", err)
	}
}

// folders removes what past runs left on the disk, but nothing that an open run may
// still follow.
func (j janitor) folders(ctx context.Context, before time.Time) error {
	open, err := j.store.OpenRuns(ctx)
	if err != nil {
		return err
	}
	under := map[string]bool{}
	for _, run := range open {
		under[run.Run] = true
	}
	var repos []dr.Repository
	for _, s := range j.services {
		repos = append(repos, s.Repository)
	}
	gone, err := j.terraform.Prune(ctx, tf.Retention{Before: before, Open: func(run string) bool { return under[run] }, Repositories: repos})
	j.log.InfoContext(ctx, "old folders removed", "applies", gone.Applies, "mirrors", gone.Mirrors)
	return err
}
