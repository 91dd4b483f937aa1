package main

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/tf"
	"github.com/drbot/drbot/internal/wall"
)

// isolation is the wall that Terraform and git are to run behind. It is an error where none
// can be raised and the configuration does not say that there is to be none.
func isolation(cfg *config.Config, can wall.Standing) (tf.Isolation, error) {
	if !cfg.Terraform.Walled {
		return tf.Isolation{}, nil
	}
	user := cfg.Terraform.User
	if me := os.Geteuid(); user != 0 && me != 0 {
		return tf.Isolation{}, &dr.Error{Code: dr.Invalid, What: dr.T("cli.wall.user", "user", user, "own", me), Next: dr.T("cli.wall.user.next")}
	}
	if !can.Any() && user == 0 {
		return tf.Isolation{}, &dr.Error{Code: dr.Invalid, What: dr.T("cli.wall.none"), Next: dr.T("cli.wall.none.next")}
	}
	if err := keepOwn(cfg); err != nil {
		return tf.Isolation{}, err
	}
	launcher, err := wall.Launcher()
	return tf.Isolation{Launcher: launcher, Landlock: can.Landlock, User: user, Paths: tf.Paths(cfg.Terraform.Paths)}, err
}

// keepOwn refuses to grant what holds the bot's own: its database, its socket, and the
// folders in which every plan and apply has its place.
func keepOwn(cfg *config.Config) error {
	own := []string{cfg.WorkDir, cfg.Socket}
	if file, is := strings.CutPrefix(cfg.Database, "sqlite:"); is {
		own = append(own, file)
	}
	granted := slices.Concat(cfg.Terraform.Paths.Read, cfg.Terraform.Paths.Run, cfg.Terraform.Paths.Write)
	for _, name := range slices.Sorted(maps.Keys(cfg.Services)) {
		for _, st := range cfg.Services[name].Stacks {
			granted = append(granted, tf.OnThisHost(st)...)
		}
	}
	for _, path := range granted {
		for _, mine := range own {
			mine, err := filepath.Abs(mine)
			if err != nil {
				return err
			}
			if wall.Below(mine, path) {
				return &dr.Error{Code: dr.Invalid, What: dr.T("cli.wall.holds", "path", path, "own", mine), Next: dr.T("cli.wall.holds.next")}
			}
		}
	}
	return nil
}

// tellWalls says at the start what stands between the repositories' code and the bot.
func tellWalls(ctx context.Context, iso tf.Isolation, can wall.Standing, log *slog.Logger) {
	if iso.Launcher == "" {
		log.WarnContext(ctx, "NO WALL STANDS AROUND TERRAFORM, as terraform.isolation says: whoever merges a line of it can read every secret of drbot and act as it")
		return
	}
	log.InfoContext(ctx, "Terraform and git run behind a wall", "landlock", can.Landlock, "user", iso.User, "launcher", iso.Launcher)
	if !can.Signals() && iso.User == 0 {
		log.WarnContext(ctx, "this kernel's Landlock does not keep Terraform from ending other processes of drbot's user; Linux 6.12 does", "landlock", can.Landlock)
	}
}
