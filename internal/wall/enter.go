package wall

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Refusal begins what is said of a program that was not started, since its wall could not be
// raised or it cannot be executed.
const Refusal = "drbot: nothing was started:"

// refused is the exit status of a program that was not started, as shells give it to one
// that may not be executed.
const refused = 126

// Enter is the first thing of a program that raises walls. Where it was started for that, it
// raises the wall and becomes the program behind it, or ends; else it does nothing.
func Enter() {
	setting, asked := os.LookupEnv(Variable)
	if !asked {
		return
	}
	fmt.Fprintln(os.Stderr, Refusal, caused(Fault{Why: Refused}, enter(setting)))
	os.Exit(refused)
}

// enter raises the wall and executes; it returns only when something is missing.
func enter(setting string) error {
	// What the kernel notes of a thread goes with the one that executes.
	runtime.LockOSThread()
	w, err := told(setting)
	if err != nil {
		return err
	}
	if err := w.raise(); err != nil {
		return err
	}
	if w.Program == "" {
		if err := w.act(); err != nil {
			return err
		}
		os.Exit(0)
	}
	args := append([]string{w.Program}, os.Args[1:]...)
	return caused(Fault{Why: Unexecuted, Path: w.Program}, syscall.Exec(w.Program, args, without(os.Environ(), Variable)))
}

// act does behind the wall what is asked for in the place of a program.
func (w Wall) act() error {
	for _, path := range w.Try {
		f, err := os.Open(path)
		if err == nil {
			_ = f.Close() // nothing was read
			return &Fault{Why: Unkept, Path: path}
		}
	}
	for _, path := range w.Reach {
		if _, err := os.Stat(path); err != nil {
			return caused(Fault{Why: NoWay}, err)
		}
	}
	for _, path := range w.Open {
		open(path)
	}
	return nil
}

// open lets the group at a folder and all that is in it. What is not this user's stays as it is, and
// so does what a link leads to.
func open(path string) {
	_ = filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // who removes it will say so
		}
		info, err := e.Info()
		switch {
		case err != nil:
		case e.IsDir():
			_ = os.Chmod(name, info.Mode().Perm()|0o770)
		case e.Type().IsRegular():
			_ = os.Chmod(name, info.Mode().Perm()|0o660)
		}
		return nil
	})
}

func without(env []string, name string) []string {
	var out []string
	for _, e := range env {
		if !strings.HasPrefix(e, name+"=") {
			out = append(out, e)
		}
	}
	return out
}
