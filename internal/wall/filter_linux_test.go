package wall

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// filtered are the acts that the filter refuses, each by its call.
var filtered = map[string]func(string) error{
	"mptcp": func(string) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
		if err == nil {
			err = unix.Close(fd)
		}
		return err
	},
	"tcp": func(string) error {
		l, err := net.Listen("tcp4", "127.0.0.1:0") // which Go makes a socket of MPTCP where it can
		if err == nil {
			err = l.Close()
		}
		return err
	},
	"uring":       call(unix.SYS_IO_URING_SETUP, 1, 0),
	"shared":      call(unix.SYS_SHMGET, unix.IPC_PRIVATE, 4096, 0o600),
	"message":     call(unix.SYS_MSGGET, unix.IPC_PRIVATE, 0o600),
	"semaphore":   call(unix.SYS_SEMGET, unix.IPC_PRIVATE, 1, 0o600),
	"keys":        call(unix.SYS_KEYCTL, 0, 0, 0), // KEYCTL_GET_KEYRING_ID
	"bpf":         call(unix.SYS_BPF, 0, 0, 0),
	"unshare":     call(unix.SYS_UNSHARE, unix.CLONE_FS), // as every kernel and user may
	"clone3":      call(unix.SYS_CLONE3, 0, 0),
	"compare":     call(unix.SYS_KCMP, 0, 0),
	"their-files": call(unix.SYS_PIDFD_GETFD, 0, 0),
	"namespace": func(string) error {
		cmd := exec.Command("/proc/self/exe", "-test.run=^$")
		cmd.Env = append(os.Environ(), "ACTS=nothing")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
		return cmd.Run()
	},
	"memory-file":  call(unix.SYS_MEMFD_CREATE, 0, 0),
	"execute-file": call(unix.SYS_EXECVEAT, ^uintptr(0), 0, 0),
	"attribute":    call(unix.SYS_SETXATTR, 0, 0, 0),
	"attribute-at": call(unix.SYS_SETXATTRAT, 0, 0, 0),
	"nothing":      func(string) error { return nil },
}

func call(number uintptr, args ...uintptr) func(string) error {
	return func(string) error {
		a := [3]uintptr{}
		copy(a[:], args)
		if _, _, no := unix.Syscall(number, a[0], a[1], a[2]); no != 0 {
			return no
		}
		return nil
	}
}

// TestFilter tries every call that is refused, behind the filter alone; a kernel that refuses
// one by itself proves nothing by it.
func TestFilter(t *testing.T) {
	if !Look().Filter {
		t.Skip("not proved here: this kernel takes no filter of system calls")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for name := range filtered {
		all = append(all, name)
	}
	said := behind(t, Wall{Program: self, Limits: true, Filter: true}, all)
	for _, act := range all {
		switch want := filteredBy(act); {
		case want == nil && said[act] != "":
			t.Errorf("%s: %s", act, said[act])
		case want != nil && !errorSays(want, said[act]):
			t.Errorf("%s: %q, not %v", act, said[act], want)
		}
	}
	open := behind(t, Wall{Program: self, Limits: true}, all)
	for _, act := range all {
		if want := filteredBy(act); want != nil && errorSays(want, open[act]) {
			t.Logf("%-12s is refused without the filter as well: proved by nothing", act)
		}
	}
}

func filteredBy(act string) error {
	switch act {
	case "tcp", "nothing":
		return nil
	case "mptcp":
		return unix.EPROTONOSUPPORT
	case "attribute":
		return unix.EOPNOTSUPP
	case "uring", "clone3", "keys", "memory-file", "execute-file", "attribute-at":
		return unix.ENOSYS
	case "namespace":
		return errors.New("fork/exec /proc/self/exe: " + unix.EPERM.Error())
	default:
		return unix.EPERM
	}
}

func errorSays(want error, said string) bool { return said == want.Error() }

// TestModesStayClosed opens files to others by every call that does, behind a wall that keeps
// them closed; a mode for their user alone is given as before.
func TestModesStayClosed(t *testing.T) {
	if !Look().Filter {
		t.Skip("not proved here: this kernel takes no filter of system calls")
	}
	modes := map[string]os.FileMode{"0700": 0o700, "0640": 0o640, "0604": 0o604, "4700": 0o700 | os.ModeSetuid, "2700": 0o700 | os.ModeSetgid}
	for _, by := range []string{"chmod", "fchmod", "fchmodat", "fchmodat2"} {
		for told, mode := range modes {
			for _, closed := range []bool{true, false} {
				file := filepath.Join(t.TempDir(), "file")
				if err := os.WriteFile(file, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				act := by + " " + told + ">" + file
				said := behind(t, Wall{Program: os.Args[0], Limits: true, Filter: true, Closed: closed}, []string{act})[act]
				if by == "fchmodat2" && !closed && said != "" {
					continue // older kernels do not know it
				}
				want := mode
				if closed && told != "0700" {
					want = 0o600
				}
				const all = os.ModePerm | os.ModeSetuid | os.ModeSetgid
				if info, err := os.Stat(file); err != nil || info.Mode()&all != want || said != "" {
					t.Errorf("%s, closed: %t, left %v, %v, and said %q", by+" "+told, closed, info.Mode(), err, said)
				}
			}
		}
	}
}

func init() {
	for name, by := range map[string]func(file string, mode uint32) error{
		"chmod": func(file string, mode uint32) error { return syscall.Chmod(file, mode) },
		"fchmod": func(file string, mode uint32) error {
			fd, err := unix.Open(file, unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Fchmod(fd, mode)
		},
		"fchmodat": func(file string, mode uint32) error { return unix.Fchmodat(unix.AT_FDCWD, file, mode, 0) },
		"fchmodat2": func(file string, mode uint32) error {
			return unix.Fchmodat(unix.AT_FDCWD, file, mode, unix.AT_SYMLINK_NOFOLLOW)
		},
	} {
		acts[name] = func(arg string) error {
			mode, file, _ := strings.Cut(arg, ">")
			n, err := strconv.ParseUint(mode, 8, 32)
			if err != nil {
				return err
			}
			return by(file, uint32(n))
		}
	}
}
