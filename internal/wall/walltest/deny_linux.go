package walltest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Denied is what a kernel, or whoever started a program on it, does not let it do.
type Denied struct {
	Landlock bool // as a kernel without it
	Switch   bool // to another user, as under Kubernetes' allowPrivilegeEscalation: false
	// NoNew is no_new_privs, and Most the capabilities that it and what it starts may ever have
	// (a unit's CapabilityBoundingSet, by name); all where it is empty.
	NoNew bool
	Most  string
}

// The variables by which Enter is told.
const (
	denyVariable = "DRBOT_TEST_DENY"
	asVariable   = "DRBOT_TEST_AS"
)

// Deny has a command, yet to be started, run where something is denied, as an ordinary user
// where that is not 0. The test's program is started for it, whose TestMain calls Enter.
func (d Denied) Deny(cmd *exec.Cmd, user int) {
	cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%t %t %t %s %s", denyVariable, d.Landlock, d.Switch, d.NoNew, cmp.Or(strings.ReplaceAll(d.Most, " ", ","), "all"), cmd.Path), fmt.Sprintf("%s=%d", asVariable, user))
	cmd.Path = os.Args[0]
}

// Enter becomes the program that a test started by Deny; else it does nothing.
func Enter() {
	told, asked := os.LookupEnv(denyVariable)
	if !asked {
		return
	}
	fmt.Fprintln(os.Stderr, "deny:", enter(strings.SplitN(told, " ", 5)))
	os.Exit(1)
}

func enter(told []string) error {
	runtime.LockOSThread()
	user, err := strconv.Atoi(os.Getenv(asVariable))
	if err != nil {
		return err
	}
	landlock, users := told[0] == "true", told[1] == "true"
	if err := keepBounding(told[3]); err != nil {
		return err
	}
	become := func() error {
		if user == 0 {
			return nil
		}
		if err := syscall.Setgroups([]int{Plan, Apply}); err != nil {
			return err
		}
		if err := syscall.Setresgid(user, user, user); err != nil {
			return err
		}
		return syscall.Setresuid(user, user, user)
	}
	if users { // what is refused then is needed for it
		if err := become(); err != nil {
			return err
		}
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
	}
	if landlock || users {
		if err := refuse(landlock, users); err != nil {
			return err
		}
	}
	if !users {
		if err := become(); err != nil {
			return err
		}
	}
	if told[2] == "true" {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
	}
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, denyVariable+"=") && !strings.HasPrefix(e, asVariable+"=") {
			env = append(env, e)
		}
	}
	return syscall.Exec(told[4], os.Args, env)
}

// named are the capabilities of a bounding set that tests know.
var named = map[string]uintptr{"CAP_SETUID": unix.CAP_SETUID, "CAP_SETGID": unix.CAP_SETGID, "CAP_KILL": unix.CAP_KILL}

// keepBounding drops every capability but some from the bounding set.
func keepBounding(names string) error {
	if names == "all" {
		return nil
	}
	keep := map[uintptr]bool{}
	for name := range strings.SplitSeq(names, ",") {
		c, known := named[name]
		if !known {
			return fmt.Errorf("%s is not known", name)
		}
		keep[c] = true
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if keep[c] {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
	return nil
}

// refuse has the kernel refuse calls as it does where it has not what they are for.
func refuse(landlock, users bool) error {
	answers := map[uint32]syscall.Errno{}
	if landlock {
		answers[unix.SYS_LANDLOCK_CREATE_RULESET], answers[unix.SYS_LANDLOCK_ADD_RULE], answers[unix.SYS_LANDLOCK_RESTRICT_SELF] = unix.ENOSYS, unix.ENOSYS, unix.ENOSYS
	}
	if users {
		for _, call := range []uint32{unix.SYS_SETUID, unix.SYS_SETGID, unix.SYS_SETREUID, unix.SYS_SETREGID, unix.SYS_SETRESUID, unix.SYS_SETRESGID, unix.SYS_SETGROUPS} {
			answers[call] = unix.EPERM
		}
	}
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}}
	for call, no := range answers {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: call}, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(no)})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
}
