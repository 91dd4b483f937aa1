package wall

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Hide has the kernel keep this process's memory, environment and descriptors from every
// other process of its user, and leave no core.
func Hide() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide this process: %w", err)
	}
	return nil
}

// Hidden tells whether this process is kept from others of its user.
func Hidden() bool {
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return err == nil && dumpable != 1
}

// handedOver is the variable that names the descriptor of the environment.
const handedOver = "DRBOT_ENVIRONMENT"

// plain tells whether a variable may stay where everybody of this user, and who has the
// right to read /proc, finds it: the runtime, the loader and the C library look there before
// any line of ours runs, and none of them is a secret.
func plain(name string) bool {
	switch name {
	case "PATH", "HOME", "TMPDIR", "TZ", "LANG", "USER", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "GOCOVERDIR", "LD_LIBRARY_PATH":
		return true
	}
	return strings.HasPrefix(name, "LC_")
}

// Unexpose starts this program anew without its environment, which it hands over in memory
// of its own: what a process was started with stays readable in /proc as long as it runs,
// whatever is unset afterwards. The second time it takes what it was handed and returns; for
// the rest of the program nothing has changed.
func Unexpose() error {
	if fd, again := os.LookupEnv(handedOver); again {
		return take(fd)
	}
	secret := false
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		secret = secret || !plain(name)
	}
	if !secret {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the own executable: %w", err)
	}
	fd, err := hand(os.Environ())
	if err != nil {
		return fmt.Errorf("hand over the environment: %w", err)
	}
	env := []string{handedOver + "=" + strconv.Itoa(fd)}
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); plain(name) {
			env = append(env, e)
		}
	}
	return fmt.Errorf("start anew: %w", syscall.Exec(self, os.Args, env))
}

// hand puts an environment into memory that is open across an exec.
func hand(env []string) (int, error) {
	fd, err := unix.MemfdCreate("environment", 0)
	if err != nil {
		return 0, err
	}
	doc := []byte(strings.Join(env, "\x00"))
	for len(doc) > 0 {
		n, err := unix.Write(fd, doc)
		if err != nil {
			return 0, err
		}
		doc = doc[n:]
	}
	_, err = unix.Seek(fd, 0, io.SeekStart)
	return fd, err
}

func take(given string) error {
	fd, err := strconv.Atoi(given)
	if err != nil {
		return fmt.Errorf("take over the environment: %w", err)
	}
	f := os.NewFile(uintptr(fd), "environment")
	doc, err := io.ReadAll(f)
	_ = f.Close() // it was only read
	if err != nil {
		return fmt.Errorf("take over the environment: %w", err)
	}
	for e := range strings.SplitSeq(string(doc), "\x00") {
		name, value, _ := strings.Cut(e, "=")
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("take over the environment: %w", err)
		}
	}
	return os.Unsetenv(handedOver)
}
