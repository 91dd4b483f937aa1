//go:build !linux

package tf

import "syscall"

// startsApart starts a program in a group of its own; only Linux ends it with who started it.
func startsApart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
