package wall

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// switcher is the name of the small program that may switch users, and installedFor ends that
// of the file beside it which says for whom.
const (
	switcher     = "drbot-switch"
	installedFor = ".conf"
)

// Installation is what the installation of the program that may switch users says. It is
// root's to say, never the caller's.
type Installation struct {
	Program string // empty where it is not installed
	Caller  int    // the one user that may call it
	Users   []User // those that may be switched to: for plans, and for applies where that is another
}

// User is one that may be switched to, with the groups that it has beside its own.
type User struct {
	ID     int
	Groups []int
}

// User gives one of the users.
func (i Installation) User(id int) (User, bool) {
	at := slices.IndexFunc(i.Users, func(u User) bool { return u.ID == id })
	if at < 0 {
		return User{}, false
	}
	return i.Users[at], true
}

// parseInstallation reads lines of "caller UID" and "user UID [GID...]".
func parseInstallation(text string) (i Installation, err error) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		var ids []int
		for _, word := range f[1:] {
			id, err := strconv.Atoi(word)
			if err != nil || id <= 0 || id > 1<<31-1 {
				return i, &Fault{Why: BadID, Other: word}
			}
			ids = append(ids, id)
		}
		switch {
		case f[0] == "caller" && len(ids) == 1 && i.Caller == 0:
			i.Caller = ids[0]
		case f[0] == "user" && len(ids) > 0:
			i.Users = append(i.Users, User{ID: ids[0], Groups: ids[1:]})
		default:
			return i, &Fault{Why: BadLine, Other: strings.TrimSpace(line)}
		}
	}
	if i.Caller == 0 || len(i.Users) == 0 {
		return i, &Fault{Why: NoUsers}
	}
	for _, u := range i.Users {
		if u.ID == i.Caller || slices.Contains(u.Groups, i.Caller) {
			return i, &Fault{Why: CallerAsOne}
		}
	}
	return i, nil
}

// beside is a program of ours in the folder of this one.
func beside(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", caused(Fault{Why: NoSelf}, err)
	}
	return filepath.Join(filepath.Dir(resolved(self)), name), nil
}
