package wall

import (
	"context"
	"os/exec"
	"time"
)

// Standing says which walls can be raised here.
type Standing struct {
	Landlock int  // the version that the kernel has; 0 for none
	Filter   bool // of system calls; by itself no wall
}

// Look asks the kernel.
func Look() Standing { return Standing{Landlock: version(), Filter: filters()} }

// Any tells whether there is a wall at all.
func (s Standing) Any() bool { return s.Landlock > 0 }

// tryFor bounds the trial of a wall, which takes milliseconds.
const tryFor = 30 * time.Second

// Stands raises a wall by a program that does, sees what w.Try and w.Reach say, and gives why
// it does not stand.
func Stands(ctx context.Context, by string, w Wall) error {
	setting, err := w.Setting()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	cmd := exec.CommandContext(ctx, by)
	cmd.Env = []string{Variable + "=" + setting}
	said, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if why, is := Said(string(said)); is {
		return why
	}
	return caused(Fault{Why: Unstarted, Path: by}, err)
}

// The versions of Landlock from which on it keeps more than files.
const (
	listens = 4 // nothing listens
	signals = 6 // nothing outside is signalled, nor reached by an abstract socket
)

// Signals tells whether a program behind the wall is kept from signalling others of its user.
func (s Standing) Signals() bool { return s.Landlock >= signals }
