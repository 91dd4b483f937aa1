package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

// ground is what walls are raised with here.
type ground struct {
	can       wall.Standing
	me        int
	groups    []int
	installed wall.Installation
	faulty    error // of the installation
	stands    func(by string, w wall.Wall) error
}

// thisHost looks.
func thisHost(ctx context.Context) ground {
	h := ground{can: wall.Look(), me: os.Geteuid(), stands: func(by string, w wall.Wall) error { return wall.Stands(ctx, by, w) }}
	h.groups, h.faulty = os.Getgroups()
	installed, err := wall.Installed()
	h.installed, h.faulty = installed, errors.Join(h.faulty, err)
	return h
}

// walls are those around Terraform, and why they are not more.
type walls struct {
	tf.Isolation
	short dr.Text // why no other user stands although the installation has one
}

// isolation is the wall that Terraform and git are to run behind. Each part of it was tried.
// It is an error where none can be raised and the configuration does not say that there is
// to be none, and where one that the configuration asks for cannot.
func isolation(cfg *config.Config, h ground) (walls, error) {
	if !cfg.Terraform.Walled {
		return walls{}, nil
	}
	if err := keepOwn(cfg); err != nil {
		return walls{}, err
	}
	launcher, err := wall.Launcher()
	if err != nil {
		return walls{}, err
	}
	w := walls{Isolation: tf.Isolation{Launcher: launcher, Landlock: h.can.Landlock, Filter: h.can.Filter, Paths: tf.Paths(cfg.Terraform.Paths)}}
	asked := cfg.Terraform.User != 0
	users, why := h.users(cfg)
	if why.Empty() && users.User != 0 {
		with := w.Isolation
		with.User, with.ApplyUser, with.Switch = users.User, users.ApplyUser, users.Switch
		if err := h.tried(cfg, with); err != nil {
			why = dr.T("cli.wall.because", "why", tf.WhyNoWall(err))
		} else {
			w.Isolation = with
			return w, nil
		}
	}
	switch {
	case asked:
		return walls{}, &dr.Error{Code: dr.Invalid, What: dr.T("cli.wall.user", "user", cfg.Terraform.User, "own", h.me, "why", why), Next: dr.T("cli.wall.user.next")}
	case h.can.Landlock == 0 && !why.Empty():
		return walls{}, &dr.Error{Code: dr.Invalid, What: dr.T("cli.wall.none.users", "why", why), Next: dr.T("cli.wall.none.next")}
	case h.can.Landlock == 0:
		return walls{}, &dr.Error{Code: dr.Invalid, What: dr.T("cli.wall.none"), Next: dr.T("cli.wall.none.next")}
	}
	if err := h.tried(cfg, w.Isolation); err != nil {
		return walls{}, &dr.Error{Code: dr.Invalid, What: dr.T("cli.wall.fallen", "why", tf.WhyNoWall(err)), Next: dr.T("cli.wall.fallen.next")}
	}
	w.short = why
	return w, nil
}

// users are those that Terraform is to run as: what the configuration names, else what is
// installed for this bot. There are none where nothing is installed; why says what keeps those
// there are from being had.
func (h ground) users(cfg *config.Config) (iso tf.Isolation, why dr.Text) {
	iso.User, iso.ApplyUser = cfg.Terraform.User, cfg.Terraform.ApplyUser
	if h.me == 0 {
		return iso, dr.Text{}
	}
	in := h.installed
	switch {
	case h.faulty != nil:
		return iso, dr.T("cli.wall.because", "why", tf.WhyNoWall(h.faulty))
	case in.Program == "" && iso.User == 0:
		return iso, dr.Text{}
	case in.Program == "":
		return iso, dr.T("cli.wall.not-installed")
	case in.Caller != h.me:
		return iso, dr.T("cli.wall.not-caller", "caller", in.Caller)
	}
	iso.Switch = in.Program
	if iso.User == 0 {
		iso.User, iso.ApplyUser = in.Users[0].ID, in.Users[min(1, len(in.Users)-1)].ID
	}
	iso.ApplyUser = cmp.Or(iso.ApplyUser, iso.User)
	for _, id := range []int{iso.User, iso.ApplyUser} {
		if _, listed := in.User(id); !listed {
			return iso, dr.T("cli.wall.not-listed", "user", id)
		}
		if !slices.Contains(h.groups, id) {
			return iso, dr.T("cli.wall.not-grouped", "group", id)
		}
	}
	if apply, _ := in.User(iso.ApplyUser); keepsState(cfg) && apply.ID != iso.User && !slices.Contains(apply.Groups, iso.User) {
		return iso, dr.T("cli.wall.states", "user", apply.ID, "group", iso.User)
	}
	return iso, dr.Text{}
}

// keepsState tells whether a stack has its state on this host.
func keepsState(cfg *config.Config) bool {
	for _, svc := range cfg.Services {
		if slices.ContainsFunc(svc.Stacks, func(st dr.Stack) bool { return len(tf.OnThisHost(st)) > 0 }) {
			return true
		}
	}
	return false
}

// tried raises a wall for each user that Terraform has and sees that it keeps what is the
// bot's, and that there is a way to what Terraform needs.
func (h ground) tried(cfg *config.Config, iso tf.Isolation) error {
	if err := os.MkdirAll(cfg.WorkDir, 0o700); err != nil {
		return err
	}
	own, err := os.CreateTemp(cfg.WorkDir, "wall-")
	if err != nil {
		return err
	}
	defer os.Remove(own.Name())
	if err := own.Close(); err != nil {
		return err
	}
	reach := []string{cfg.WorkDir}
	for _, path := range []string{cfg.Terraform.Path, cfg.Terraform.PluginDir} {
		if _, err := os.Stat(path); err == nil && filepath.IsAbs(path) { // what is not there is told by who needs it
			reach = append(reach, path)
		}
	}
	users := []int{iso.User}
	if iso.ApplyUser != 0 && iso.ApplyUser != iso.User {
		users = append(users, iso.ApplyUser)
	}
	for _, user := range users {
		w := wall.Wall{Landlock: iso.Landlock, User: user, Filter: iso.Filter, Try: []string{own.Name(), fmt.Sprintf("/proc/%d/environ", os.Getpid())}, Reach: reach}
		by := iso.Launcher
		if user != 0 {
			by = cmp.Or(iso.Switch, iso.Launcher)
		}
		if err := h.stands(by, w); err != nil {
			return err
		}
	}
	return nil
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
func tellWalls(ctx context.Context, w walls, can wall.Standing, log *slog.Logger) {
	if w.Launcher == "" {
		log.WarnContext(ctx, "NO WALL STANDS AROUND TERRAFORM, as terraform.isolation says: whoever merges a line of it can read every secret of drbot and act as it")
		return
	}
	log.InfoContext(ctx, "Terraform and git run behind a wall", "plan_user", w.User, "apply_user", cmp.Or(w.ApplyUser, w.User), "landlock", w.Landlock, "seccomp", w.Filter, "hidden", wall.Hidden(),
		"launcher", w.Launcher, "switch", w.Switch)
	if !w.short.Empty() {
		log.WarnContext(ctx, "Terraform runs as drbot's own user, although another is installed", "why", w.short)
	}
	if !can.Signals() && w.User == 0 {
		log.WarnContext(ctx, "this kernel's Landlock does not keep Terraform from ending other processes of drbot's user; Linux 6.12 does", "landlock", can.Landlock)
	}
	if w.Landlock == 0 && cmp.Or(w.ApplyUser, w.User) == w.User {
		log.WarnContext(ctx, "this host has no Landlock, and plans and applies have one user: what a plan leaves running can reach an apply; name another by terraform.apply_user", "user", w.User)
	}
	if w.Landlock == 0 {
		log.WarnContext(ctx, "this host has no Landlock: Terraform runs as another user, who reads what every user may read; git runs as drbot's own")
	}
}
