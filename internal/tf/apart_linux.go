package tf

import "syscall"

// startsApart starts a program in a group of its own, which ends with who started it.
func startsApart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
