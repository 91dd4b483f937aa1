package wall

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// Installed is the installation beside this program; nothing where there is none.
func Installed() (Installation, error) {
	program, err := beside(switcher)
	if err != nil || !executable(program) {
		return Installation{}, err
	}
	i, err := installation(program)
	i.Program = program
	return i, err
}

// installation reads for whom a program is installed. Only root may have written it.
func installation(program string) (Installation, error) {
	name := program + installedFor
	for _, path := range []string{filepath.Dir(name), name} {
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return Installation{}, caused(Fault{Why: Unread, Path: path}, err)
		}
		if st.Uid != 0 || st.Mode&0o022 != 0 || st.Mode&unix.S_IFMT == unix.S_IFLNK {
			return Installation{}, &Fault{Why: NotRoots, Path: path}
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return Installation{}, caused(Fault{Why: Unread, Path: name}, err)
	}
	i, err := parseInstallation(string(text))
	if err != nil {
		return i, in(name, err)
	}
	return i, nil
}

// Switch is the life of the program that may switch users: it checks who calls, starts the
// program that raises the wall as the user that was asked for, and stays as its parent, to
// pass signals on and to end with whoever called. It gives the exit status.
//
// It never runs anything else as another user, and what that one then runs has no right that
// the user does not have.
func Switch() int {
	// The kernel ends the child with this thread, and this process with the thread that
	// called.
	runtime.LockOSThread()
	status, err := switched()
	if err != nil {
		fmt.Fprintln(os.Stderr, Refusal, caused(Fault{Why: Refused}, err))
		return refused
	}
	return status
}

func switched() (int, error) {
	w, err := told(os.Getenv(Variable))
	if err != nil {
		return 0, err
	}
	program, err := beside(switcher)
	if err != nil {
		return 0, err
	}
	i, err := installation(program)
	if err != nil {
		return 0, err
	}
	user, allowed := i.User(w.User)
	switch {
	case os.Getuid() != i.Caller:
		return 0, &Fault{Why: NotCaller, User: os.Getuid()}
	case !allowed:
		return 0, &Fault{Why: NotListed, User: w.User}
	}
	if w.Bound != 0 {
		if err := endWith(w.Bound); err != nil {
			return 0, err
		}
	}
	cmd, err := w.as(user)
	if err != nil {
		return 0, err
	}
	// Before there is anybody to pass them to, so that none is lost.
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	if err := cmd.Start(); err != nil {
		return 0, caused(Fault{Why: NotBecome, User: user.ID}, err)
	}
	if err := keepOnly(unix.CAP_KILL); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		return 0, err
	}
	// The pipes are the child's: who reads them must be told when it closes its own.
	for _, f := range []io.Closer{os.Stdin, os.Stdout} {
		_ = f.Close()
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s) // it may have ended
		}
	}()
	return ended(cmd.Wait(), cmd.ProcessState)
}

// as is the program that raises the wall, as another user.
func (w Wall) as(user User) (*exec.Cmd, error) {
	if w.Bound != 0 {
		w.Bound = os.Getpid()
	}
	setting, err := w.Setting()
	if err != nil {
		return nil, err
	}
	raise, err := beside(launcher)
	if err != nil {
		return nil, err
	}
	groups := make([]uint32, len(user.Groups)) // not nil: root's, or the caller's, would stay
	for n, g := range user.Groups {
		groups[n] = uint32(g)
	}
	cmd := exec.Command(raise, os.Args[1:]...)
	cmd.Env = append(without(os.Environ(), Variable), Variable+"="+setting)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: uint32(user.ID), Gid: uint32(user.ID), Groups: groups},
	}
	return cmd, nil
}

// keepOnly gives up every capability but one, on all threads.
func keepOnly(capability int) error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	keep := [2]unix.CapUserData{{Effective: 1 << capability, Permitted: 1 << capability}}
	if _, _, no := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&keep[0])), 0); no != 0 {
		return caused(Fault{Why: Refused, Other: "capset"}, no)
	}
	return nil
}

// ended ends as the child did: with its status, or as shells say that a signal ended it.
func ended(err error, state *os.ProcessState) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if ws, is := state.Sys().(syscall.WaitStatus); is && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return state.ExitCode(), nil
}
