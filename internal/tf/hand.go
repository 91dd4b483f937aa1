package tf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drbot/drbot/internal/wall"
)

// hand lets the user that Terraform runs as at what it may change in a phase, and takes the
// rest back where the bot is root. An ordinary bot cannot give a file away: it shares its
// folders by that user's group, which it has itself, and what is made in them is the group's.
func (m *module) hand(during phase) error {
	iso := m.job.Place.Wall
	if iso.User == 0 {
		return nil
	}
	give, giveState := own, own
	if iso.shared() {
		give, giveState = share, shareState
	}
	providers := 0
	if during == fetching {
		providers = iso.User
		for _, path := range []string{m.room.root, m.room.home, m.room.temp, m.room.saved} {
			if err := give(path, iso.User); err != nil {
				return fmt.Errorf("hand over a room: %w", err)
			}
		}
		for _, path := range m.state {
			if err := giveState(path, iso.states()); err != nil {
				return fmt.Errorf("hand over the folder of the state: %w", err)
			}
		}
		for _, path := range []string{m.root, m.room.temp, m.seat.path, m.job.Place.Terraform} {
			if err := passable(path, m.job.Place.WorkDir); err != nil {
				return fmt.Errorf("hand over a room: %w", err)
			}
		}
		if err := os.Chmod(m.room.config, 0o444); err != nil {
			return fmt.Errorf("hand over a room: %w", err)
		}
	}
	if during == working && iso.shared() {
		return nil // they are their maker's, whom Landlock keeps from changing them
	}
	if err := give(m.room.providers, providers); err != nil {
		return fmt.Errorf("hand over a room: %w", err)
	}
	return nil
}

// own gives a folder, with all that is in it, to a user, as root. Links are given, never
// followed: something of that user's may still run and put one there meanwhile.
func own(path string, user int) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return os.Lchown(path, user, user)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer root.Close()
	if is, err := root.Stat("."); err != nil || !os.SameFile(is, info) {
		return err // it has become a link meanwhile, which is given to nobody
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return root.Lchown(name, user, user)
	})
	if err == nil && user == 0 {
		err = root.Chmod(".", 0o755) // to be executed by whom it was taken from
	}
	return err
}

// share lets a group at a folder with all that is in it. The modes of files that everybody
// may read stay, since what packs a checkout hashes them; its folders may be changed.
func share(path string, group int) error {
	return shareWhere(path, group, func(mode fs.FileMode) bool { return mode.Perm()&0o007 == 0 })
}

// shareState is share for what is there to be changed.
func shareState(path string, group int) error {
	return shareWhere(path, group, func(fs.FileMode) bool { return true })
}

// shareWhere shares what is the bot's: what another user made there has the group already.
// Each is changed as what it was found to be, never by its name: something of that user's may
// still run and put a link there meanwhile.
func shareWhere(path string, group int, file func(fs.FileMode) bool) error {
	// The folder above may be one to pass through alone, as that of a state is.
	at, from := path, "."
	top, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !top.IsDir() {
		at, from = filepath.Dir(path), filepath.Base(path)
	}
	root, err := os.OpenRoot(at)
	if errors.Is(err, fs.ErrPermission) {
		return nil // it is that user's own
	}
	if err != nil {
		return err
	}
	defer root.Close()
	if is, err := root.Stat("."); err != nil || top.IsDir() && !os.SameFile(is, top) {
		return err // it has become a link meanwhile, which is nobody's to be shared
	}
	return fs.WalkDir(root.FS(), from, func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrPermission) {
			return nil // it is that user's own
		}
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil || ownerOf(info) != os.Geteuid() {
			return err
		}
		if mode := info.Mode(); !mode.IsDir() && !mode.IsRegular() {
			return root.Lchown(name, -1, group)
		}
		return shareOne(root, name, info, group, file)
	})
}

// shareOne shares what was found, where it is that still.
func shareOne(root *os.Root, name string, found fs.FileInfo, group int, file func(fs.FileMode) bool) error {
	f, err := root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if is, err := f.Stat(); err != nil || !os.SameFile(is, found) {
		return err
	}
	if err := f.Chown(-1, group); err != nil {
		return err
	}
	switch mode := found.Mode(); {
	case mode.IsDir():
		return f.Chmod(0o770 | fs.ModeSetgid)
	case file(mode):
		return f.Chmod(mode.Perm() | 0o060)
	}
	return nil
}

// passable lets others go through the folders between the work folder and what is theirs,
// without seeing what else is there.
func passable(path, work string) error {
	for dir := filepath.Dir(path); wall.Below(dir, work); dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if ownerOf(info) != os.Geteuid() && info.Mode().Perm()&0o011 == 0o011 {
			continue
		}
		if err := os.Chmod(dir, 0o711); err != nil {
			return err
		}
	}
	return nil
}

// ownerOf is the user that a file belongs to.
func ownerOf(info fs.FileInfo) int {
	if st, is := info.Sys().(*syscall.Stat_t); is {
		return int(st.Uid)
	}
	return -1
}

// takingBack is how long it may take to have folders opened to the bot.
const takingBack = time.Minute

// takeBack lets the bot at all that the other user left in folders, to be read and removed.
// What cannot be opened is told by who removes it.
func (i Isolation) takeBack(paths ...string) {
	there := slices.DeleteFunc(slices.Clone(paths), func(p string) bool {
		_, err := os.Lstat(p)
		return err != nil
	})
	if !i.shared() || len(there) == 0 {
		return
	}
	setting, err := wall.Wall{User: i.User, Open: there, Umask: maskGroup}.Setting()
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), takingBack)
	defer cancel()
	cmd := exec.CommandContext(ctx, i.starts())
	cmd.Env = []string{wall.Variable + "=" + setting}
	_ = cmd.Run()
}

// remove removes a folder in which other users may have left something.
func (i Isolation) remove(path string) error {
	err := os.RemoveAll(path)
	if err == nil || i.Switch == "" {
		return err
	}
	for _, user := range []int{i.User, i.ApplyUser} {
		i.User = user
		i.takeBack(path)
	}
	return os.RemoveAll(path)
}
